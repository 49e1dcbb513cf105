package sqlite

import (
	"context"

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
	lease *heldLease
	lock  *recordLock
}

// Fires begin with the database, not with its first owner: there may be jobs before that.
const startShard = `UPDATE shard SET horizon = ?1, watermark = ?1 WHERE watermark = 0`

// start gives the shard of a new database its first H and W.
func (s shards) start(ctx context.Context) error {
	sh, err := s.Peek(ctx)
	if err != nil || sh[0].Watermark > 0 {
		return err
	}
	return s.db.writer.doFirst(ctx, func(c *conn) error { return c.exec(startShard, clock.NowMs(s.clock)) })
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

// changeLease is change of who has the lease. Nothing is recorded meanwhile.
func (s shards) changeLease(ctx context.Context, what string, fn func(sh *store.Shard) error) (sh store.Shard,
	err error) {
	if err := s.lock.enter(ctx); err != nil {
		return sh, err
	}
	defer s.lock.leave()
	s.lease.known.Store(nil)
	if sh, err = s.change(ctx, what, fn); err == nil {
		s.lease.known.Store(&sh)
	}
	return sh, err
}

// Count implements store.Shards: one process owns all jobs.
func (s shards) Count() int { return 1 }

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context, node int64, claims []store.Claim) ([]store.Shard, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	clean, granted := false, false
	sh, err := s.changeLease(ctx, "claim the shard", func(sh *store.Shard) error {
		if granted = sh.Grants(claims[0]); !granted {
			return nil
		}
		clean = sh.Clean
		sh.Epoch++
		sh.Token, sh.Node = domain.NewNonce(), node
		sh.Clean = false
		return nil
	})
	if err != nil || !granted {
		return nil, err
	}
	sh.Clean = clean
	return []store.Shard{sh}, nil
}

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	for i := range beats {
		lost := false
		sh, err := s.change(ctx, "renew the lease", func(sh *store.Shard) error {
			lost = !sh.Renew(&beats[i], ahead)
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
func (s shards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	for i := range beats {
		b := &beats[i]
		_, err := s.changeLease(ctx, "release the shard", func(sh *store.Shard) error {
			if sh.Lease == b.Lease && sh.Clean {
				return nil // a repeat
			}
			if !sh.Holds(b.Lease) {
				return domain.Conflict("the shard has been claimed by another owner (epoch %d, not %d)",
					sh.Epoch, b.Epoch)
			}
			sh.Advance(b, ahead)
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
