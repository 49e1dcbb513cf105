package sqlite

import (
	"encoding/json"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	groupColumns   = `id, revision, doc`
	memberColumns  = `job_id, rule, group_id, opened_by, opened_nonce, failures, last_at, recovered_at, withdrawn`
	messageColumns = `id, channel, group_id, state, next_at, delivery, doc`

	insertGroup = `INSERT INTO alert_group (id, revision, closed, doc) VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING`
	updateGroup = `
UPDATE alert_group SET revision = revision + 1, closed = ?3, doc = ?4 WHERE id = ?1 AND revision = ?2`

	putMember = `INSERT OR REPLACE INTO alert_member (` + memberColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

	dropMembers = `DELETE FROM alert_member WHERE group_id = ?`

	insertMessage = `
INSERT INTO notification (` + messageColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	updateMessage = `UPDATE notification SET state = ?2, next_at = ?3, delivery = ?4 WHERE id = ?1`
)

func columnsGroup(s *sqlite.Stmt) (g domain.Group, err error) {
	if err = json.Unmarshal([]byte(s.ColumnText(2)), &g); err == nil {
		s.ColumnBytes(0, g.ID[:])
		g.Revision = s.ColumnInt64(1)
	}
	return g, err
}

func columnsMember(s *sqlite.Stmt) (m domain.Member) {
	m.JobID, m.Rule = columnJobID(s, 0), s.ColumnText(1)
	s.ColumnBytes(2, m.Group[:])
	m.OpenedAt, m.OpenedNonce, m.Count = s.ColumnInt64(3), s.ColumnInt64(4), s.ColumnInt64(5)
	m.LastAt, m.RecoveredAt, m.Withdrawn = s.ColumnInt64(6), s.ColumnInt64(7), s.ColumnBool(8)
	return m
}

func columnsMessage(s *sqlite.Stmt) (n domain.Notification, err error) {
	if err = json.Unmarshal([]byte(s.ColumnText(6)), &n); err != nil {
		return n, err
	}
	s.ColumnBytes(0, n.ID[:])
	n.Channel = s.ColumnText(1)
	s.ColumnBytes(2, n.Group[:])
	n.About.ID = n.Group
	n.State, n.NextAt = domain.NotificationState(s.ColumnText(3)), s.ColumnInt64(4)
	if text := s.ColumnText(5); text != "" {
		err = json.Unmarshal([]byte(text), &n.Delivery)
	}
	return n, err
}

// putGroup writes a group of a step.
func putGroup(c *conn, g *domain.Group) error {
	doc, err := jsonText(g)
	if err != nil {
		return err
	}
	closed := g.State == domain.GroupClosed
	if g.Revision == 0 {
		err = c.exec(insertGroup, g.ID[:], closed, doc)
	} else {
		err = c.exec(updateGroup, g.ID[:], g.Revision, closed, doc)
	}
	if err == nil && c.Changes() == 0 {
		err = store.GroupChanged(g.ID)
	}
	if err == nil && closed {
		err = c.exec(dropMembers, g.ID[:])
	}
	return err
}

func writeMember(c *conn, m *domain.Member) error {
	return c.exec(putMember, m.JobID, m.Rule, m.Group[:], m.OpenedAt, m.OpenedNonce, m.Count, m.LastAt, m.RecoveredAt,
		m.Withdrawn)
}

func writeMessage(c *conn, n *domain.Notification) error {
	about := *n
	about.Delivery = domain.Delivery{}
	doc, err := jsonText(&about)
	if err != nil {
		return err
	}
	delivery, err := jsonText(n.Delivery)
	if err != nil {
		return err
	}
	return c.exec(insertMessage, n.ID[:], n.Channel, n.Group[:], string(n.State), n.NextAt, delivery, doc)
}

// markMessage writes what has become of a message, if that alters it. It reports whether there is one.
func markMessage(c *conn, n *domain.Notification) (found bool, err error) {
	var is domain.Notification
	err = c.query(selectMessage, func(s *sqlite.Stmt) (err error) {
		found = true
		is, err = columnsMessage(s)
		return err
	}, n.ID[:])
	if err != nil || !found || !store.Alters(is.State, n) {
		return found, err
	}
	delivery, err := jsonText(n.Delivery)
	if err != nil {
		return true, err
	}
	return true, c.exec(updateMessage, n.ID[:], string(n.State), n.NextAt, delivery)
}

const (
	selectMessage = `SELECT ` + messageColumns + ` FROM notification WHERE id = ?`

	selectPendingOf = `
SELECT ` + messageColumns + ` FROM notification INDEXED BY notification_group
 WHERE group_id = ?1 AND state = 'PENDING' AND (?2 = '' OR channel = ?2)`
)

// supersede ends what is pending of a group for a channel, or for every channel, in favour of another message.
func supersede(c *conn, group domain.GroupID, channel string, by domain.NotificationID, now int64) error {
	var old []domain.Notification
	err := c.query(selectPendingOf, func(s *sqlite.Stmt) error {
		n, err := columnsMessage(s)
		old = append(old, n)
		return err
	}, group[:], channel)
	for i := range old {
		n := &old[i]
		if err != nil || n.ID == by {
			continue
		}
		n.State, n.Delivery.Via, n.Delivery.EndedAt = domain.NotificationSuperseded, by, now
		_, err = markMessage(c, n)
	}
	return err
}
