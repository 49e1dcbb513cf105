package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

const (
	selectMove = `SELECT state, copy, peer, stamp, at FROM move`
	insertMove = `
INSERT INTO move (one, state, copy, peer, stamp, at) VALUES (1, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET state = excluded.state, copy = excluded.copy, peer = excluded.peer,
       stamp = excluded.stamp, at = excluded.at`
	deleteMove = `DELETE FROM move`
)

// move returns what a copy has made of the database.
func (db *jobsDB) move(ctx context.Context) (m transfer.Mark, err error) {
	err = db.read(ctx, func(c *conn) error {
		return c.query(selectMove, func(s *sqlite.Stmt) error {
			m = transfer.Mark{State: transfer.State(s.ColumnText(0)), Copy: s.ColumnText(1), Peer: s.ColumnText(2),
				Stamp: s.ColumnText(3), At: s.ColumnInt64(4)}
			return nil
		})
	})
	return m, fault("read whether the database was copied", err)
}

func writeMove(c *conn, m *transfer.Mark) error {
	return c.exec(insertMove, string(m.State), m.Copy, m.Peer, m.Stamp, m.At)
}
