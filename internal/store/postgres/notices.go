package postgres

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// notices implements store.Notices.
type notices struct{ read, edit *pgxpool.Pool }

const (
	selectUntold = `SELECT ` + alertColumns + ` FROM alert WHERE untold LIMIT $1`

	// A row that the recorder holds has just changed: its mark stays, and nobody waits. The order is that of the
	// recorder.
	clearUntold = `
UPDATE alert SET untold = false WHERE (job_id, opened_at, opened_nonce) IN (
       SELECT a.job_id, a.opened_at, a.opened_nonce FROM alert a
         JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
              n (job_id, opened_at, opened_nonce, failures, recovered_at)
           ON a.job_id = n.job_id AND a.opened_at = n.opened_at AND a.opened_nonce = n.opened_nonce
        WHERE a.failures = n.failures AND coalesce(a.recovered_at, 0) = n.recovered_at
        ORDER BY a.job_id FOR UPDATE OF a SKIP LOCKED)`
)

// Changed implements store.Notices.
func (p *notices) Changed(ctx context.Context, limit int) (found []domain.AlertChange, err error) {
	err = each(ctx, p.read, func(r pgx.Rows) error {
		a, err := scanAlert(r)
		found = append(found, domain.AlertChange{Alert: a.Alert, OpenedAt: a.openedAt, OpenedNonce: a.openedNonce})
		return err
	}, selectUntold, limit)
	return found, fault("read the alerts that have changed", err)
}

// Members implements store.Notices.
func (p *notices) Members(ctx context.Context, jobs []domain.JobID) ([]domain.Member, error) {
	return p.members(ctx, `SELECT `+memberColumns+` FROM alert_member WHERE job_id = ANY($1::uuid[])`, bareIDs(jobs))
}

// MembersOf implements store.Notices.
func (p *notices) MembersOf(ctx context.Context, group domain.GroupID, after domain.JobID, limit int) (
	[]domain.Member, error) {
	return p.members(ctx, `
SELECT `+memberColumns+` FROM alert_member WHERE group_id = $1 AND job_id > $2 ORDER BY job_id LIMIT $3`,
		[16]byte(group), [16]byte(after), limit)
}

func (p *notices) members(ctx context.Context, query string, args ...any) (found []domain.Member, err error) {
	err = each(ctx, p.read, func(r pgx.Rows) error {
		m, err := scanMember(r)
		found = append(found, m)
		return err
	}, query, args...)
	return found, fault("read the members of groups", err)
}

// bare are ids without their type.
func bare[ID ~[16]byte](ids []ID) [][16]byte {
	out := make([][16]byte, len(ids))
	for i := range ids {
		out[i] = ids[i]
	}
	return out
}

// Zero is above every id.
const selectGroups = `
SELECT id, revision, doc FROM alert_group
 WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND (NOT $2 OR NOT closed)
   AND (id < $3 OR $3 = '00000000-0000-0000-0000-000000000000') ORDER BY id DESC LIMIT $4`

// Groups implements store.Notices.
func (p *notices) Groups(ctx context.Context, q store.GroupQuery) (found []domain.Group, err error) {
	var ids [][16]byte
	if q.IDs != nil {
		ids = bare(q.IDs)
	}
	err = each(ctx, p.read, func(r pgx.Rows) error {
		g, err := scanGroup(r)
		found = append(found, g)
		return err
	}, selectGroups, ids, q.Open, [16]byte(q.Before), q.Limit)
	return found, fault("read the groups of alerts", err)
}

const (
	lockGroups = `SELECT id, revision, doc FROM alert_group WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE`

	// The pending messages that a step supersedes: of a group, for a channel or for all.
	lockPending = `
SELECT ` + messageColumns + ` FROM notification WHERE state = 'PENDING' AND group_id = ANY($1::uuid[])
 ORDER BY id FOR UPDATE`
)

// Advance implements store.Notices.
func (p *notices) Advance(ctx context.Context, s store.NoticeStep) error {
	return fault("keep what is told of alerts", transact(ctx, p.edit, func(tx pgx.Tx) error {
		revisions := make(map[domain.GroupID]int64)
		if len(s.Groups) > 0 {
			ids := make([]domain.GroupID, len(s.Groups))
			for i := range s.Groups {
				ids[i] = s.Groups[i].ID
			}
			err := each(ctx, tx, func(r pgx.Rows) error {
				g, err := scanGroup(r)
				revisions[g.ID] = g.Revision
				return err
			}, lockGroups, bare(ids))
			if err != nil {
				return err
			}
		}
		for i := range s.Groups {
			if g := &s.Groups[i]; revisions[g.ID] != g.Revision {
				return store.GroupChanged(g.ID)
			}
		}
		pending, err := p.pending(ctx, tx, &s)
		if err != nil {
			return err
		}
		b := new(pgx.Batch)
		if err := queueStep(b, &s, pending); err != nil {
			return err
		}
		queueEntryOf(ctx, b)
		return send(ctx, tx, b)
	}))
}

// pending returns what is pending of the groups of a step.
func (p *notices) pending(ctx context.Context, tx pgx.Tx, s *store.NoticeStep) (
	found []domain.Notification, err error) {
	ids := slices.Clone(s.Silent)
	for i := range s.Made {
		ids = append(ids, s.Made[i].Group)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	err = each(ctx, tx, func(r pgx.Rows) error {
		n, err := scanMessage(r)
		found = append(found, n)
		return err
	}, lockPending, bare(ids))
	return found, err
}

func queueStep(b *pgx.Batch, s *store.NoticeStep, pending []domain.Notification) error {
	for i := range s.Members {
		queueMember(b, &s.Members[i])
	}
	for _, g := range s.InOrder() { // after the members: those of groups that are closed go
		doc, err := jsonOrNull(g)
		if err != nil {
			return err
		}
		closed := g.State == domain.GroupClosed
		if g.Revision == 0 {
			b.Queue(insertGroup, [16]byte(g.ID), closed, cleanOrNull(doc)).Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() == 0 { // another node was faster
					return store.GroupChanged(g.ID)
				}
				return nil
			})
		} else {
			b.Queue(updateGroup, [16]byte(g.ID), closed, cleanOrNull(doc), g.Revision)
		}
		if closed {
			b.Queue(dropMembers, [16]byte(g.ID))
		}
	}
	for i := range pending {
		if err := queueSuperseded(b, s, &pending[i]); err != nil {
			return err
		}
	}
	for i := range s.Made {
		if err := queueMessage(b, &s.Made[i]); err != nil {
			return err
		}
	}
	queueSeen(b, s.Seen)
	return nil
}

// queueSuperseded ends a message that is pending if a step supersedes it.
func queueSuperseded(b *pgx.Batch, s *store.NoticeStep, n *domain.Notification) error {
	var by *domain.Notification
	for i := range s.Made {
		if m := &s.Made[i]; m.Group == n.Group && m.Channel == n.Channel {
			by = m
		}
	}
	switch {
	case by != nil && by.ID == n.ID, by == nil && !slices.Contains(s.Silent, n.Group):
		return nil
	case by != nil:
		n.Delivery.Via = by.ID
	}
	n.State, n.Delivery.EndedAt = domain.NotificationSuperseded, s.At
	return queueMark(b, n)
}

func queueSeen(b *pgx.Batch, seen []domain.AlertChange) {
	if len(seen) == 0 {
		return
	}
	var ids [][16]byte
	var at, nonces, failures, recovered []int64
	for i := range seen {
		c := &seen[i]
		ids, at, nonces = append(ids, c.JobID), append(at, c.OpenedAt), append(nonces, c.OpenedNonce)
		failures, recovered = append(failures, c.Count), append(recovered, c.RecoveredAt)
	}
	b.Queue(clearUntold, ids, at, nonces, failures, recovered)
}

// Of one query the plan depends on what is asked for; each is used now and then.
const (
	selectMessages = `
SELECT ` + messageColumns + ` FROM notification
 WHERE ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2 = '' OR channel = $2)
   AND ($3 = '00000000-0000-0000-0000-000000000000'::uuid OR group_id = $3)
   AND ($4 = '00000000-0000-0000-0000-000000000000'::uuid OR id < $4) ORDER BY id DESC LIMIT $5`
	selectPendingMessages = `
SELECT ` + messageColumns + ` FROM notification
 WHERE state = 'PENDING' AND ($1 = '' OR channel = $1) ORDER BY id LIMIT $2`
	selectDueMessages = `
SELECT ` + messageColumns + ` FROM notification
 WHERE state = 'PENDING' AND channel = $1 ORDER BY next_at, id LIMIT $2`
)

// Messages implements store.Notices.
func (p *notices) Messages(ctx context.Context, q store.MessageQuery) (found []domain.Notification, err error) {
	query, args := selectPendingMessages, []any{q.Channel, q.Limit}
	switch {
	case q.Pending && q.ByDue:
		query = selectDueMessages
	case !q.Pending:
		var ids [][16]byte
		if q.IDs != nil {
			ids, q.Limit = bare(q.IDs), len(q.IDs)
		}
		query, args = selectMessages, []any{ids, q.Channel, [16]byte(q.Group), [16]byte(q.Before), q.Limit}
	}
	err = each(ctx, p.read, func(r pgx.Rows) error {
		n, err := scanMessage(r)
		found = append(found, n)
		return err
	}, query, args...)
	return found, fault("read the notifications", err)
}

// Mark implements store.Notices.
func (p *notices) Mark(ctx context.Context, n domain.Notification) error {
	return fault("keep what has become of a notification", transact(ctx, p.edit, func(tx pgx.Tx) error {
		var is *domain.Notification
		err := each(ctx, tx, func(r pgx.Rows) error {
			found, err := scanMessage(r)
			is = &found
			return err
		}, `SELECT `+messageColumns+` FROM notification WHERE id = $1 FOR UPDATE`, [16]byte(n.ID))
		switch {
		case err != nil:
			return err
		case is == nil:
			return store.NoMessage(n.ID)
		case !store.Alters(is.State, &n):
			return nil
		}
		b := new(pgx.Batch)
		if err := queueMark(b, &n); err != nil {
			return err
		}
		queueEntryOf(ctx, b)
		return send(ctx, tx, b)
	}))
}

const (
	expireMessages = `
DELETE FROM notification WHERE id IN (SELECT id FROM notification WHERE id < $2 AND state <> 'PENDING' LIMIT $1)`
	expireGroups = `
DELETE FROM alert_group WHERE id IN (SELECT id FROM alert_group WHERE id < $2 AND closed LIMIT $1)`
)

// ExpireNotices implements store.Notices.
func (p *notices) ExpireNotices(ctx context.Context, before int64) (gone int, err error) {
	var from [16]byte                                               // the first id of the instant
	binary.BigEndian.PutUint64(from[:], uint64(max(0, before))<<16) //nolint:gosec // it is not negative
	if gone, err = deleteAll(ctx, p.edit, expireMessages, from); err == nil {
		_, err = deleteAll(ctx, p.edit, expireGroups, from)
	}
	return gone, fault("expire notifications", err)
}
