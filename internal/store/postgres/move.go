package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

const (
	selectMove = `SELECT state, copy, peer, stamp, at FROM move`
	insertMove = `
INSERT INTO move (one, state, copy, peer, stamp, at) VALUES (true, $1, $2, $3, $4, $5)
    ON CONFLICT (one) DO UPDATE SET state = excluded.state, copy = excluded.copy, peer = excluded.peer,
       stamp = excluded.stamp, at = excluded.at`
	deleteMove = `DELETE FROM move`
)

// readMove returns what a copy has made of the database.
func readMove(ctx context.Context, q querier) (m transfer.Mark, err error) {
	err = each(ctx, q, func(r pgx.Rows) error {
		return r.Scan((*string)(&m.State), &m.Copy, &m.Peer, &m.Stamp, &m.At)
	}, selectMove)
	return m, err
}

func writeMove(ctx context.Context, q querier, m *transfer.Mark) error {
	_, err := q.Exec(ctx, insertMove, string(m.State), m.Copy, clean(m.Peer), m.Stamp, m.At)
	return err
}
