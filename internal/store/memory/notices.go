package memory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Changed implements store.Notices.
func (n notices) Changed(ctx context.Context, limit int) (found []domain.AlertChange, err error) {
	err = n.do(ctx, func(d *Disk) error {
		for _, a := range d.alerts {
			if a.untold && len(found) < limit {
				c := domain.AlertChange{Alert: a.Alert, OpenedAt: a.openedAt, OpenedNonce: a.openedNonce}
				found = append(found, c)
			}
		}
		return nil
	})
	return found, err
}

// Members implements store.Notices.
func (n notices) Members(ctx context.Context, jobs []domain.JobID) ([]domain.Member, error) {
	return n.members(ctx, func(m *domain.Member) bool { return slices.Contains(jobs, m.JobID) })
}

// MembersOf implements store.Notices.
func (n notices) MembersOf(ctx context.Context, group domain.GroupID, after domain.JobID, limit int) (
	[]domain.Member, error) {
	found, err := n.members(ctx, func(m *domain.Member) bool {
		return m.Group == group && bytes.Compare(m.JobID[:], after[:]) > 0
	})
	return found[:min(len(found), limit)], err
}

func (n notices) members(ctx context.Context, want func(*domain.Member) bool) (found []domain.Member, err error) {
	err = n.do(ctx, func(d *Disk) error {
		for _, m := range d.members {
			if want(&m) {
				found = append(found, m)
			}
		}
		slices.SortFunc(found, func(a, b domain.Member) int {
			return cmp.Or(bytes.Compare(a.JobID[:], b.JobID[:]), cmp.Compare(a.Rule, b.Rule))
		})
		return nil
	})
	return found, err
}

// Groups implements store.Notices.
func (n notices) Groups(ctx context.Context, q store.GroupQuery) (found []domain.Group, err error) {
	err = n.do(ctx, func(d *Disk) error {
		for id, g := range d.groups {
			if (q.IDs == nil || slices.Contains(q.IDs, id)) && (!q.Open || g.State != domain.GroupClosed) &&
				(q.Before.IsZero() || bytes.Compare(id[:], q.Before[:]) < 0) {
				found = append(found, copyGroup(g))
			}
		}
		slices.SortFunc(found, func(a, b domain.Group) int { return bytes.Compare(b.ID[:], a.ID[:]) })
		found = found[:min(len(found), q.Limit)]
		return nil
	})
	return found, err
}

func copyGroup(g domain.Group) domain.Group {
	g.Samples = slices.Clone(g.Samples)
	return g
}

func copyMessage(n domain.Notification) domain.Notification {
	n.About = copyGroup(n.About)
	return n
}

// Advance implements store.Notices.
func (n notices) Advance(ctx context.Context, s store.NoticeStep) error {
	return n.do(ctx, func(d *Disk) error {
		if err := d.refusal(&s); err != nil {
			return err
		}
		for _, m := range s.Members {
			d.members[memberKey{m.JobID, m.Rule}] = m
		}
		for _, g := range s.Groups {
			d.putGroup(copyGroup(g))
		}
		for _, id := range s.Silent {
			d.supersede(id, "", domain.NotificationID{}, s.At)
		}
		for _, m := range s.Made {
			d.supersede(m.Group, m.Channel, m.ID, s.At)
			if _, ok := d.messages[m.ID]; !ok {
				d.messages[m.ID] = copyMessage(m)
			}
		}
		d.seen(s.Seen)
		enterOf(ctx, d)
		return nil
	})
}

// refusal is the error about a group of a step that is not as it was read, or that is new while another one is open.
func (d *alertState) refusal(s *store.NoticeStep) error {
	var open map[groupKey]bool
	closes := make(map[domain.GroupID]bool)
	for _, g := range s.InOrder() {
		is, ok := d.groups[g.ID]
		if ok != (g.Revision != 0) || is.Revision != g.Revision {
			return store.GroupChanged(g.ID)
		}
		switch key := (groupKey{g.Rule, g.Key}); {
		case g.State == domain.GroupClosed:
			closes[g.ID] = true
		case !ok && open == nil:
			open = d.openKeys(closes)
			fallthrough
		case !ok:
			if open[key] {
				return store.GroupChanged(g.ID)
			}
			open[key] = true
		}
	}
	return nil
}

// groupKey is what one open group has.
type groupKey struct{ rule, key string }

// openKeys are those of the groups that are open after some are closed.
func (d *alertState) openKeys(closed map[domain.GroupID]bool) map[groupKey]bool {
	open := make(map[groupKey]bool)
	for id, g := range d.groups {
		if g.State != domain.GroupClosed && !closed[id] {
			open[groupKey{g.Rule, g.Key}] = true
		}
	}
	return open
}

func (d *alertState) putGroup(g domain.Group) {
	g.Revision++
	d.groups[g.ID] = g
	if g.State == domain.GroupClosed {
		maps.DeleteFunc(d.members, func(_ memberKey, m domain.Member) bool { return m.Group == g.ID })
	}
}

// supersede ends what is pending of a group for a channel, or for every channel.
func (d *alertState) supersede(group domain.GroupID, channel string, by domain.NotificationID, now int64) {
	for id, is := range d.messages {
		if is.Group != group || channel != "" && is.Channel != channel || id == by || is.State.Ended() {
			continue
		}
		is.State, is.Delivery.Via, is.Delivery.EndedAt = domain.NotificationSuperseded, by, now
		d.messages[id] = is
	}
}

// seen takes away the marks of alerts that are as they were read.
func (d *alertState) seen(changes []domain.AlertChange) {
	for _, c := range changes {
		for _, a := range d.alerts {
			if a.JobID == c.JobID && a.openedAt == c.OpenedAt && a.openedNonce == c.OpenedNonce &&
				a.Count == c.Count && a.RecoveredAt == c.RecoveredAt {
				a.untold = false
			}
		}
	}
}

// Messages implements store.Notices.
func (n notices) Messages(ctx context.Context, q store.MessageQuery) (found []domain.Notification, err error) {
	err = n.do(ctx, func(d *Disk) error {
		for id, m := range d.messages {
			if (q.IDs == nil || slices.Contains(q.IDs, id)) && (!q.Pending || !m.State.Ended()) &&
				(q.Channel == "" || q.Channel == m.Channel) && (q.Group.IsZero() || q.Group == m.Group) &&
				(q.Pending || q.Before.IsZero() || bytes.Compare(id[:], q.Before[:]) < 0) {
				found = append(found, copyMessage(m))
			}
		}
		slices.SortFunc(found, func(a, b domain.Notification) int {
			switch {
			case q.Pending && q.ByDue:
				return cmp.Or(cmp.Compare(a.NextAt, b.NextAt), bytes.Compare(a.ID[:], b.ID[:]))
			case q.Pending:
				return bytes.Compare(a.ID[:], b.ID[:])
			}
			return bytes.Compare(b.ID[:], a.ID[:])
		})
		if q.IDs == nil {
			found = found[:min(len(found), q.Limit)]
		}
		return nil
	})
	return found, err
}

// Mark implements store.Notices.
func (n notices) Mark(ctx context.Context, m domain.Notification) error {
	return n.do(ctx, func(d *Disk) error {
		is, ok := d.messages[m.ID]
		if !ok {
			return store.NoMessage(m.ID)
		}
		if store.Alters(is.State, &m) {
			is.State, is.NextAt, is.Delivery = m.State, m.NextAt, m.Delivery
			d.messages[m.ID] = is
			enterOf(ctx, d)
		}
		return nil
	})
}

// ExpireNotices implements store.Notices.
func (n notices) ExpireNotices(ctx context.Context, before int64) (gone int, err error) {
	made := func(id [16]byte) int64 { return int64(binary.BigEndian.Uint64(id[:8]) >> 16) }
	err = n.do(ctx, func(d *Disk) error {
		for id, is := range d.messages {
			if is.State.Ended() && made(id) < before {
				delete(d.messages, id)
				gone++
			}
		}
		maps.DeleteFunc(d.groups, func(id domain.GroupID, g domain.Group) bool {
			return g.State == domain.GroupClosed && made(id) < before
		})
		return nil
	})
	return gone, err
}
