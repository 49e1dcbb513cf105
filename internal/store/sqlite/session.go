package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	insertEnded = `INSERT INTO ended_session (id, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING`
	selectEnded = `SELECT id, expires_at FROM ended_session ORDER BY id`
	countEnded  = `SELECT count(*) FROM ended_session WHERE id <> ?`
	dropEnded   = `DELETE FROM ended_session WHERE expires_at <= ?`
)

func columnsEnded(s *sqlite.Stmt) (e domain.EndedSession) {
	s.ColumnBytes(0, e.ID[:])
	e.ExpiresAt = s.ColumnInt64(1)
	return e
}

func writeEnded(c *conn, e *domain.EndedSession) error {
	return c.exec(insertEnded, e.ID[:], e.ExpiresAt)
}

// EndSession implements store.Keys.
func (k keys) EndSession(ctx context.Context, e domain.EndedSession, now int64) error {
	return fault("end the session", k.db.write(ctx, 2, func(c *conn) (tally, error) {
		if err := c.exec(dropEnded, now); err != nil {
			return tally{}, err
		}
		others := int64(0)
		err := c.query(countEnded, func(s *sqlite.Stmt) error {
			others = s.ColumnInt64(0)
			return nil
		}, e.ID[:])
		if err == nil && others >= domain.MaxEndedSessions {
			err = store.TooManyEnded()
		}
		if err != nil {
			return tally{}, err
		}
		return tally{}, writeEnded(c, &e)
	}))
}

// EndedSessions implements store.Keys.
func (k keys) EndedSessions(ctx context.Context) (found []domain.EndedSession, err error) {
	err = k.db.read(ctx, func(c *conn) error {
		return c.query(selectEnded, func(s *sqlite.Stmt) error {
			found = append(found, columnsEnded(s))
			return nil
		})
	})
	return found, fault("list the ended sessions", err)
}
