package postgres

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	memberColumns  = `job_id, rule, group_id, opened_at, opened_nonce, failures, last_at, recovered_at, withdrawn`
	messageColumns = `id, channel, group_id, state, next_at, delivery, doc`

	insertGroup = `INSERT INTO alert_group (id, revision, closed, doc) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING`
	updateGroup = `
UPDATE alert_group SET revision = revision + 1, closed = $2, doc = $3 WHERE id = $1 AND revision = $4`

	putMember = `
INSERT INTO alert_member (` + memberColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (job_id, rule) DO UPDATE SET group_id = excluded.group_id, opened_at = excluded.opened_at,
       opened_nonce = excluded.opened_nonce, failures = excluded.failures, last_at = excluded.last_at,
       recovered_at = excluded.recovered_at, withdrawn = excluded.withdrawn`

	dropMembers = `DELETE FROM alert_member WHERE group_id = $1`

	insertMessage = `
INSERT INTO notification (` + messageColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`
	updateMessage = `UPDATE notification SET state = $2, next_at = $3, delivery = $4 WHERE id = $1`
)

func scanGroup(r pgx.Rows) (g domain.Group, err error) {
	var doc string
	var id [16]byte
	var revision int64
	if err = r.Scan(&id, &revision, &doc); err == nil {
		err = json.Unmarshal([]byte(doc), &g)
	}
	g.ID, g.Revision = id, revision
	return g, err
}

func scanMember(r pgx.Rows) (m domain.Member, err error) {
	err = r.Scan((*[16]byte)(&m.JobID), &m.Rule, (*[16]byte)(&m.Group), &m.OpenedAt, &m.OpenedNonce, &m.Count,
		&m.LastAt, &m.RecoveredAt, &m.Withdrawn)
	return m, err
}

func scanMessage(r pgx.Rows) (n domain.Notification, err error) {
	var id, group [16]byte
	var channel, state, doc string
	var next int64
	var delivery *string
	if err = r.Scan(&id, &channel, &group, &state, &next, &delivery, &doc); err != nil {
		return n, err
	}
	if err = json.Unmarshal([]byte(doc), &n); err == nil && delivery != nil {
		err = json.Unmarshal([]byte(*delivery), &n.Delivery)
	}
	n.ID, n.Channel, n.Group, n.State, n.NextAt = id, channel, group, domain.NotificationState(state), next
	n.About.ID = n.Group
	return n, err
}

func queueMember(b *pgx.Batch, m *domain.Member) {
	b.Queue(putMember, [16]byte(m.JobID), m.Rule, [16]byte(m.Group), m.OpenedAt, m.OpenedNonce, m.Count, m.LastAt,
		m.RecoveredAt, m.Withdrawn)
}

func queueMessage(b *pgx.Batch, n *domain.Notification) error {
	about := *n
	about.Delivery = domain.Delivery{}
	doc, err := jsonOrNull(&about)
	if err != nil {
		return err
	}
	delivery, err := jsonOrNull(n.Delivery)
	b.Queue(insertMessage, [16]byte(n.ID), n.Channel, [16]byte(n.Group), string(n.State), n.NextAt,
		cleanOrNull(delivery), cleanOrNull(doc))
	return err
}

func queueMark(b *pgx.Batch, n *domain.Notification) error {
	delivery, err := jsonOrNull(n.Delivery)
	b.Queue(updateMessage, [16]byte(n.ID), string(n.State), n.NextAt, cleanOrNull(delivery))
	return err
}

// cleanOrNull is clean for a text that may be NULL.
func cleanOrNull(text *string) *string {
	if text == nil {
		return nil
	}
	return orNull(clean(*text))
}
