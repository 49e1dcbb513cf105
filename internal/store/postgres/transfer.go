package postgres

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// OpenTransfer opens a database for a copy. Its tables are made if there are none.
func OpenTransfer(ctx context.Context, cfg Config) (*transfer.Database, error) {
	base, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	cfg.purpose = copying
	s, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	c := base.ConnConfig
	name := fmt.Sprintf("postgres://%s/%s", net.JoinHostPort(c.Host, fmt.Sprint(c.Port)), c.Database)
	t := &moving{s}
	return &transfer.Database{Control: t, Name: name, Store: s, Box: s.box, Tables: t.tables()}, nil
}

// moving is a store that is copied, or copied into. It implements transfer.Control.
type moving struct{ *Store }

// Mark implements transfer.Control.
func (t *moving) Mark(ctx context.Context) (transfer.Mark, error) {
	m, err := readMove(ctx, t.edit)
	return m, fault("read whether the database was copied", err)
}

// selectSeen finds a node that has written its row of late, as each does once a second.
const selectSeen = `SELECT name FROM node WHERE seen > ` + nowMs + ` - 10000 ORDER BY seen DESC LIMIT 1`

// Idle implements transfer.Control.
func (t *moving) Idle(ctx context.Context, gone time.Duration) error {
	if err := noNodes(ctx, t.edit); err != nil {
		return fault("look for servers", err)
	}
	before, err := t.shards.Peek(ctx)
	if err != nil || allClean(before) {
		return err
	}
	if !clock.Wait(ctx, gone) {
		return ctx.Err()
	}
	after, err := t.shards.Peek(ctx)
	if err == nil && transfer.StampOf(before) != transfer.StampOf(after) {
		err = domain.Conflict("a server runs on it: stop it first")
	}
	return err
}

func allClean(shards []store.Shard) bool {
	for i := range shards {
		if !shards[i].Clean {
			return false
		}
	}
	return true
}

// noNodes returns an error if a node was there a moment ago.
func noNodes(ctx context.Context, q querier) error {
	name := ""
	err := each(ctx, q, func(r pgx.Rows) error { return r.Scan(&name) }, selectSeen)
	if err == nil && name != "" {
		err = domain.Conflict("node %s runs on it, or did some seconds ago: stop every server first", name)
	}
	return err
}

// lockAll locks the rows of all shards and returns them, in order.
func lockAll(ctx context.Context, q querier) ([]store.Shard, error) {
	numbers := make([]int16, shardCount)
	for i := range numbers {
		numbers[i] = int16(i) //nolint:gosec // it is below 64
	}
	known, err := readShards(ctx, q, numbers)
	if err != nil || len(known) != shardCount {
		return nil, err
	}
	all := make([]store.Shard, shardCount)
	for i := range all {
		all[i] = *known[i]
	}
	return all, nil
}

// Begin implements transfer.Control.
func (t *moving) Begin(ctx context.Context, m transfer.Mark) error {
	return fault("begin the copy", transact(ctx, t.edit, func(tx pgx.Tx) error {
		shards, err := lockAll(ctx, tx)
		if err == nil && !allClean(shards) {
			err = domain.Conflict("a server has run on the target and was not stopped properly: use another database")
		}
		if err == nil {
			err = noNodes(ctx, tx)
		}
		if err == nil {
			err = writeMove(ctx, tx, &m)
		}
		return err
	}))
}

// Leave implements transfer.Control. With another token no lease holds any more, even if its owner was only
// frozen.
func (t *moving) Leave(ctx context.Context, m transfer.Mark) error {
	return fault("end the copy", transact(ctx, t.edit, func(tx pgx.Tx) error {
		shards, err := lockAll(ctx, tx)
		if err == nil && transfer.StampOf(shards) != m.Stamp {
			err = transfer.ErrChanged
		}
		if err == nil {
			err = noNodes(ctx, tx)
		}
		if err == nil {
			err = writeMove(ctx, tx, &m)
		}
		if err == nil {
			_, err = tx.Exec(ctx, `UPDATE shard SET token = $1`, domain.NewNonce())
		}
		return err
	}))
}

// Free implements transfer.Control.
func (t *moving) Free(ctx context.Context) error {
	return fault("end the copy", pipeline(ctx, t.edit, func(b *pgx.Batch) { b.Queue(deleteMove) }))
}

const finishShard = `
UPDATE shard SET epoch = $2, token = 0, node = 0, horizon = $3, watermark = $4, revision = 0, applied = 0, clean = $5
 WHERE number = $1`

// Connections plan each statement once: the first server must not do so before PostgreSQL knows what there is.
const analyze = `
ANALYZE version, execution, execution_other, irregular, change, idempotency, counter, alert, open_run, operation_job`

// Finish implements transfer.Control.
func (t *moving) Finish(ctx context.Context, shards []store.Shard, kept int64) error {
	if _, err := t.edit.Exec(ctx, analyze); err != nil {
		return fault("analyze the tables", err)
	}
	return fault("end the copy", transact(ctx, t.edit, func(tx pgx.Tx) error {
		b := new(pgx.Batch)
		for i := range shards {
			sh := &shards[i]
			b.Queue(finishShard, sh.Number, sh.Epoch, sh.Horizon, sh.Watermark, sh.Clean)
		}
		b.Queue(`UPDATE cluster SET kept_since = $1`, kept)
		return send(ctx, tx, b)
	}))
}
