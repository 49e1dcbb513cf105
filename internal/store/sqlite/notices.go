package sqlite

import (
	"context"
	"encoding/binary"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// alerting implements store.Alerting.
type alerting struct {
	alerts   *alerts
	notices  *notices
	settings *alertSettings
}

// Alerts implements store.Alerting.
func (a *alerting) Alerts() store.Alerts { return a.alerts }

// Notices implements store.Alerting.
func (a *alerting) Notices() store.Notices { return a.notices }

// AlertSettings implements store.Alerting.
func (a *alerting) AlertSettings() store.AlertSettings { return a.settings }

// notices implements store.Notices. Marks of alerts are in the files of the history, all else in the jobs database.
type notices struct {
	db     *jobsDB
	alerts *alerts
}

// Changed implements store.Notices.
func (p *notices) Changed(ctx context.Context, limit int) ([]domain.AlertChange, error) {
	found, err := p.alerts.changed(ctx, limit)
	return found, fault("read the alerts that have changed", err)
}

const (
	selectMembers = `SELECT ` + memberColumns + ` FROM alert_member WHERE job_id = ?`

	selectMembersOf = `
SELECT ` + memberColumns + ` FROM alert_member INDEXED BY alert_member_group
 WHERE group_id = ? AND job_id > ? ORDER BY job_id LIMIT 0 + ?`
)

// Members implements store.Notices.
func (p *notices) Members(ctx context.Context, jobs []domain.JobID) (found []domain.Member, err error) {
	err = p.db.read(ctx, func(c *conn) error {
		for _, id := range jobs {
			err := c.query(selectMembers, func(s *sqlite.Stmt) error {
				found = append(found, columnsMember(s))
				return nil
			}, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, fault("read the members of groups", err)
}

// MembersOf implements store.Notices.
func (p *notices) MembersOf(ctx context.Context, group domain.GroupID, after domain.JobID, limit int) (
	found []domain.Member, err error) {
	err = p.db.read(ctx, func(c *conn) error {
		return c.query(selectMembersOf, func(s *sqlite.Stmt) error {
			found = append(found, columnsMember(s))
			return nil
		}, group[:], after, limit)
	})
	return found, fault("read the members of a group", err)
}

const (
	// Above every id.
	lastNotice = `x'ffffffffffffffffffffffffffffffffff'`

	selectGroup      = `SELECT ` + groupColumns + ` FROM alert_group WHERE id = ?`
	selectGroups     = `SELECT ` + groupColumns + ` FROM alert_group WHERE` + beforeNotice
	selectOpenGroups = `
SELECT ` + groupColumns + ` FROM alert_group INDEXED BY alert_group_open WHERE closed = 0 AND` + beforeNotice

	beforeNotice = ` id < coalesce(?1, ` + lastNotice + `) ORDER BY id DESC LIMIT 0 + ?2`
)

// Groups implements store.Notices.
func (p *notices) Groups(ctx context.Context, q store.GroupQuery) (found []domain.Group, err error) {
	add := func(s *sqlite.Stmt) error {
		g, err := columnsGroup(s)
		if err == nil && len(found) < q.Limit && (!q.Open || g.State != domain.GroupClosed) {
			found = append(found, g)
		}
		return err
	}
	err = p.db.read(ctx, func(c *conn) error {
		if q.IDs != nil {
			for i := range q.IDs {
				if err := c.query(selectGroup, add, q.IDs[i][:]); err != nil {
					return err
				}
			}
			return nil
		}
		query := selectGroups
		if q.Open {
			query = selectOpenGroups
		}
		return c.query(query, add, idOrNull(q.Before), q.Limit)
	})
	return found, fault("read the groups of alerts", err)
}

// idOrNull is NULL for an id that is unset.
func idOrNull[ID ~[16]byte](id ID) any {
	var zero ID
	if id == zero {
		return nil
	}
	return id[:]
}

// Advance implements store.Notices. The marks go last, in the files of the history: after a crash before that the
// changes are read again, and the members say that they are known.
func (p *notices) Advance(ctx context.Context, s store.NoticeStep) error {
	rows := len(s.Groups) + len(s.Members) + 2*len(s.Made) + len(s.Silent)
	if rows > 0 {
		err := p.db.write(ctx, rows, func(c *conn) (tally, error) {
			if err := advance(c, &s); err != nil {
				return tally{}, err
			}
			return tally{}, insertEntryOf(ctx, c)
		})
		if err != nil {
			return fault("keep what is told of alerts", err)
		}
	}
	return fault("keep what is told of alerts", p.alerts.seen(ctx, s.Seen))
}

func advance(c *conn, s *store.NoticeStep) error {
	for i := range s.Members {
		if err := writeMember(c, &s.Members[i]); err != nil {
			return err
		}
	}
	for _, g := range s.InOrder() { // after the members: those of groups that are closed go
		if err := putGroup(c, g); err != nil {
			return err
		}
	}
	for i := range s.Silent {
		if err := supersede(c, s.Silent[i], "", domain.NotificationID{}, s.At); err != nil {
			return err
		}
	}
	for i := range s.Made {
		n := &s.Made[i]
		if err := supersede(c, n.Group, n.Channel, n.ID, s.At); err != nil {
			return err
		}
		if err := writeMessage(c, n); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectMessages = `
SELECT ` + messageColumns + ` FROM notification
 WHERE id < coalesce(?1, ` + lastNotice + `) AND ?3 = '' ORDER BY id DESC LIMIT 0 + ?2`
	selectMessagesOf = `
SELECT ` + messageColumns + ` FROM notification INDEXED BY notification_group
 WHERE group_id = ?4 AND id < coalesce(?1, ` + lastNotice + `) AND (?3 = '' OR channel = ?3)
 ORDER BY id DESC LIMIT 0 + ?2`
	selectPendingMessages = `
SELECT ` + messageColumns + ` FROM notification INDEXED BY notification_pending
 WHERE state = 'PENDING' AND (?1 = '' OR channel = ?1) ORDER BY id LIMIT 0 + ?2`
	selectDueMessages = `
SELECT ` + messageColumns + ` FROM notification INDEXED BY notification_due
 WHERE state = 'PENDING' AND channel = ?1 ORDER BY next_at, id LIMIT 0 + ?2`
	selectMessagesTo = `
SELECT ` + messageColumns + ` FROM notification INDEXED BY notification_channel
 WHERE channel = ?3 AND id < coalesce(?1, ` + lastNotice + `) ORDER BY id DESC LIMIT 0 + ?2`
)

// Messages implements store.Notices.
func (p *notices) Messages(ctx context.Context, q store.MessageQuery) (found []domain.Notification, err error) {
	add := func(s *sqlite.Stmt) error {
		n, err := columnsMessage(s)
		found = append(found, n)
		return err
	}
	err = p.db.read(ctx, func(c *conn) error {
		switch {
		case q.IDs != nil:
			for i := range q.IDs {
				if err := c.query(selectMessage, add, q.IDs[i][:]); err != nil {
					return err
				}
			}
			return nil
		case q.Pending && q.ByDue:
			return c.query(selectDueMessages, add, q.Channel, q.Limit)
		case q.Pending:
			return c.query(selectPendingMessages, add, q.Channel, q.Limit)
		case !q.Group.IsZero():
			return c.query(selectMessagesOf, add, idOrNull(q.Before), q.Limit, q.Channel, q.Group[:])
		}
		query := selectMessages
		if q.Channel != "" {
			query = selectMessagesTo
		}
		return c.query(query, add, idOrNull(q.Before), q.Limit, q.Channel)
	})
	return found, fault("read the notifications", err)
}

// Mark implements store.Notices.
func (p *notices) Mark(ctx context.Context, n domain.Notification) error {
	return fault("keep what has become of a notification", p.db.write(ctx, 1, func(c *conn) (tally, error) {
		found, err := markMessage(c, &n)
		switch {
		case err != nil:
			return tally{}, err
		case !found:
			return tally{}, store.NoMessage(n.ID)
		}
		return tally{}, insertEntryOf(ctx, c)
	}))
}

const (
	expireMessages = `
DELETE FROM notification WHERE id IN (
       SELECT id FROM notification WHERE id < ?1 AND state <> 'PENDING' LIMIT 0 + ?2)`
	expireGroups = `
DELETE FROM alert_group WHERE id IN (SELECT id FROM alert_group WHERE id < ?1 AND closed = 1 LIMIT 0 + ?2)`
)

// ExpireNotices implements store.Notices.
func (p *notices) ExpireNotices(ctx context.Context, before int64) (gone int, err error) {
	var from [16]byte // the first id of the instant
	binary.BigEndian.PutUint64(from[:], uint64(max(0, before))<<16)
	gone, err = pruneAll(ctx, p.db, expireMessages, from[:])
	if err == nil {
		_, err = pruneAll(ctx, p.db, expireGroups, from[:])
	}
	return gone, fault("expire notifications", err)
}
