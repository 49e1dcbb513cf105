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
// what fn made of it; nothing was written where fn refuses.
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

// Count implements store.Shards: one process owns all jobs.
func (s shards) Count() int { return 1 }

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context, numbers []int) ([]store.Shard, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	clean := false
	sh, err := s.change(ctx, "claim the shard", func(sh *store.Shard) error {
		clean = sh.Clean
		sh.Epoch++
		sh.Token = domain.NewNonce()
		sh.Clean = false
		return nil
	})
	if err != nil {
		return nil, err
	}
	sh.Clean = clean
	return []store.Shard{sh}, nil
}

// leaseHolds reports whether the lease is the shard's and was not released.
func leaseHolds(sh *store.Shard, lease store.Lease) bool { return sh.Lease == lease && !sh.Clean }

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	for _, b := range beats {
		lost := false
		sh, err := s.change(ctx, "renew the lease", func(sh *store.Shard) error {
			if lost = !leaseHolds(sh, b.Lease); lost {
				return nil
			}
			sh.Horizon = max(sh.Horizon, sh.Clock+ahead)
			sh.Watermark = max(sh.Watermark, min(b.Watermark, sh.Horizon))
			return nil
		})
		if err != nil {
			return nil, err
		}
		if !lost {
			held = append(held, sh)
		}
	}
	return held, nil
}

// Release implements store.Shards.
func (s shards) Release(ctx context.Context, beats []store.Beat) error {
	for _, b := range beats {
		_, err := s.change(ctx, "release the shard", func(sh *store.Shard) error {
			if sh.Lease == b.Lease && sh.Clean {
				return nil // a repeat
			}
			if !leaseHolds(sh, b.Lease) {
				return domain.Conflict("the shard has been claimed by another owner (epoch %d, not %d)",
					sh.Epoch, b.Epoch)
			}
			sh.Watermark = max(sh.Watermark, min(b.Watermark, sh.Horizon))
			sh.Clean = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Peek implements store.Shards.
func (s shards) Peek(ctx context.Context) ([]store.Shard, error) {
	var sh store.Shard
	err := s.db.read(ctx, func(c *conn) (err error) {
		sh, err = readShard(c)
		return err
	})
	if err != nil {
		return nil, fault("read the shard", err)
	}
	sh.Clock = clock.NowMs(s.clock)
	return []store.Shard{sh}, nil
}

// ResetWatermark implements store.Shards.
func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	_, err := s.change(ctx, "reset the watermark", func(sh *store.Shard) error {
		sh.Horizon, sh.Watermark = at, at
		return nil
	})
	return err
}
