package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// shards implements store.Shards: one row, since one process owns all jobs.
// Its writes overtake all others: a node that cannot beat must stop sending.
type shards struct {
	db    *jobsDB
	guard *guard
	clock clock.Clock
}

const (
	selectShard = `SELECT epoch, token, horizon, watermark, revision, released FROM shard WHERE one = 1`
	updateShard = `UPDATE shard SET epoch = ?, token = ?, horizon = ?, watermark = ?, released = ? WHERE one = 1`
)

func readShard(c *conn) (sh store.Shard, err error) {
	err = c.query(selectShard, func(s *sqlite.Stmt) error {
		sh.Epoch, sh.Token = s.ColumnInt64(0), s.ColumnInt64(1)
		sh.Horizon, sh.Watermark = s.ColumnInt64(2), s.ColumnInt64(3)
		sh.Revision, sh.Clean = s.ColumnInt64(4), s.ColumnBool(5)
		return nil
	})
	return sh, err
}

func writeShard(c *conn, sh store.Shard) error {
	return c.exec(updateShard, sh.Epoch, sh.Token, sh.Horizon, sh.Watermark, sh.Clean)
}

// change reads the row, lets fn change it and writes it back. The answer is
// what fn made of it.
func (s shards) change(ctx context.Context, what string, fn func(sh *store.Shard) error) (store.Shard, error) {
	answer := make(chan store.Shard, 1)
	err := s.db.writer.doFirst(ctx, func(c *conn) error {
		if err := s.guard.check(); err != nil {
			return err
		}
		sh, err := readShard(c)
		if err != nil {
			return err
		}
		sh.Clock = clock.NowMs(s.clock)
		if err := fn(&sh); err != nil {
			return err
		}
		if err := writeShard(c, sh); err != nil {
			return err
		}
		answer <- sh
		return nil
	})
	if err != nil {
		return store.Shard{}, fault(what, err)
	}
	return <-answer, nil
}

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context) (store.Shard, error) {
	clean := false
	sh, err := s.change(ctx, "claim the shard", func(sh *store.Shard) error {
		clean = sh.Clean
		sh.Epoch++
		sh.Token = domain.NewNonce()
		sh.Clean = false
		return nil
	})
	if err != nil {
		return sh, err
	}
	sh.Clean = clean
	return sh, nil
}

// holds returns a conflict unless the lease is the shard's and not released.
func holds(sh *store.Shard, lease store.Lease) error {
	if sh.Lease != lease || sh.Clean {
		return domain.Conflict("the shard has been claimed by another owner (epoch %d, not %d)", sh.Epoch, lease.Epoch)
	}
	return nil
}

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, lease store.Lease, ahead, w int64) (store.Shard, error) {
	return s.change(ctx, "renew the lease", func(sh *store.Shard) error {
		if err := holds(sh, lease); err != nil {
			return err
		}
		sh.Horizon = max(sh.Horizon, sh.Clock+ahead)
		sh.Watermark = max(sh.Watermark, min(w, sh.Horizon))
		return nil
	})
}

// Release implements store.Shards.
func (s shards) Release(ctx context.Context, lease store.Lease, w int64) error {
	_, err := s.change(ctx, "release the shard", func(sh *store.Shard) error {
		if sh.Lease == lease && sh.Clean {
			return nil // a repeat
		}
		if err := holds(sh, lease); err != nil {
			return err
		}
		sh.Watermark = max(sh.Watermark, min(w, sh.Horizon))
		sh.Clean = true
		return nil
	})
	return err
}

// Peek implements store.Shards.
func (s shards) Peek(ctx context.Context) (sh store.Shard, err error) {
	err = s.db.read(ctx, func(c *conn) (err error) {
		sh, err = readShard(c)
		return err
	})
	sh.Clock = clock.NowMs(s.clock)
	return sh, fault("read the shard", err)
}

// ResetWatermark implements store.Shards.
func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	_, err := s.change(ctx, "reset the watermark", func(sh *store.Shard) error {
		sh.Horizon, sh.Watermark = at, at
		return nil
	})
	return err
}
