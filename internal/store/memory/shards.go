package memory

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context) (found store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		d.shard.Epoch++
		d.shard.Token = domain.NewNonce()
		d.shard.Clock = clock.NowMs(d.clock)
		found = d.shard
		d.shard.Clean = false
		return nil
	})
	return found, err
}

// Peek implements store.Shards.
func (s shards) Peek(ctx context.Context) (found store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		found = d.shard
		found.Clock = clock.NowMs(d.clock)
		return nil
	})
	return found, err
}

// owned runs fn when the lease is the shard's and not released.
func (s shards) owned(ctx context.Context, lease store.Lease, fn func(sh *store.Shard)) error {
	return s.do(ctx, func(d *Disk) error {
		if d.shard.Lease != lease || d.shard.Clean {
			return domain.Conflict("the shard has been claimed by another owner (epoch %d, not %d)",
				d.shard.Epoch, lease.Epoch)
		}
		d.shard.Clock = clock.NowMs(d.clock)
		fn(&d.shard)
		return nil
	})
}

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, lease store.Lease, ahead, w int64) (found store.Shard, err error) {
	err = s.owned(ctx, lease, func(sh *store.Shard) {
		sh.Horizon = max(sh.Horizon, sh.Clock+ahead)
		sh.Watermark = max(sh.Watermark, min(w, sh.Horizon))
		found = *sh
	})
	return found, err
}

// Release implements store.Shards.
func (s shards) Release(ctx context.Context, lease store.Lease, w int64) error {
	repeat := false
	err := s.do(ctx, func(d *Disk) error {
		repeat = d.shard.Lease == lease && d.shard.Clean
		return nil
	})
	if err != nil || repeat {
		return err
	}
	return s.owned(ctx, lease, func(sh *store.Shard) {
		sh.Watermark = max(sh.Watermark, min(w, sh.Horizon))
		sh.Clean = true
	})
}

// ResetWatermark implements store.Shards.
func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	return s.do(ctx, func(d *Disk) error {
		d.shard.Horizon, d.shard.Watermark = at, at
		return nil
	})
}
