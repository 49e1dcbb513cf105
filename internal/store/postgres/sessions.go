package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	insertSession  = `INSERT INTO ended_session (id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	selectSessions = `SELECT id, expires_at FROM ended_session ORDER BY id`
	countSessions  = `SELECT count(*) FROM ended_session WHERE id <> $1`
	dropSessions   = `
DELETE FROM ended_session WHERE id IN (SELECT id FROM ended_session WHERE expires_at <= $1 ORDER BY id FOR UPDATE)`
)

func scanSession(r pgx.Rows) (e domain.EndedSession, err error) {
	var id []byte
	err = r.Scan(&id, &e.ExpiresAt)
	copy(e.ID[:], id)
	return e, err
}

func queueSessions(b *pgx.Batch, piece []domain.EndedSession) error {
	for i := range piece {
		b.Queue(insertSession, piece[i].ID[:], piece[i].ExpiresAt)
	}
	return nil
}

// EndSession implements store.Keys. Calls that count at the same time may exceed the limit by as many.
func (k *keys) EndSession(ctx context.Context, e domain.EndedSession, now int64) error {
	var others int64
	return fault("end the session", exchange(ctx, k.edit, func(b *pgx.Batch) error {
		b.Queue(dropSessions, now)
		b.Queue(countSessions, e.ID[:]).QueryRow(func(r pgx.Row) error { return r.Scan(&others) })
		return nil
	}, func(b *pgx.Batch) error {
		if others >= domain.MaxEndedSessions {
			return store.TooManyEnded()
		}
		return queueSessions(b, []domain.EndedSession{e})
	}))
}

// EndedSessions implements store.Keys.
func (k *keys) EndedSessions(ctx context.Context) (found []domain.EndedSession, err error) {
	err = each(ctx, k.read, func(r pgx.Rows) error {
		e, err := scanSession(r)
		found = append(found, e)
		return err
	}, selectSessions)
	return found, fault("list the ended sessions", err)
}
