package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	insertAside  = `INSERT INTO aside (job_id, version, since, certain) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`
	deleteAside  = `DELETE FROM aside WHERE job_id = ? AND version = ?`
	selectAsides = `SELECT job_id, version, since, certain FROM aside ORDER BY job_id, version`
)

// SetAside implements store.Ledger.
func (l *ledger) SetAside(ctx context.Context, asides []store.Aside) error {
	return fault("set versions aside", l.db.write(ctx, len(asides), func(c *conn) (tally, error) {
		for _, a := range asides {
			if err := c.exec(insertAside, a.JobID, a.Version, a.Since, a.Certain); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	}))
}

// Asides implements store.Ledger.
func (l *ledger) Asides(ctx context.Context) (found []store.Aside, err error) {
	err = l.db.read(ctx, func(c *conn) error {
		return c.query(selectAsides, func(s *sqlite.Stmt) error {
			found = append(found, store.Aside{
				JobID: columnJobID(s, 0), Version: s.ColumnInt(1), Since: s.ColumnInt64(2), Certain: s.ColumnInt64(3),
			})
			return nil
		})
	})
	return found, fault("read the versions that are set aside", err)
}

// EndAside implements store.Ledger.
func (l *ledger) EndAside(ctx context.Context, asides []store.Aside) error {
	return fault("end what was set aside", l.db.write(ctx, len(asides), func(c *conn) (tally, error) {
		for _, a := range asides {
			if err := c.exec(deleteAside, a.JobID, a.Version); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	}))
}
