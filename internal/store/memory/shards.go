package memory

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Count implements store.Shards.
func (s shards) Count() int { return len(s.disk.shards) }

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context, numbers []int) (found []store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		for _, n := range numbers {
			sh := &d.shards[n]
			sh.Epoch++
			sh.Token = domain.NewNonce()
			sh.Clock = clock.NowMs(d.clock)
			found = append(found, *sh)
			sh.Clean = false
		}
		return nil
	})
	return found, err
}

// Peek implements store.Shards.
func (s shards) Peek(ctx context.Context) (found []store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		found = slices.Clone(d.shards)
		for i := range found {
			found[i].Clock = clock.NowMs(d.clock)
		}
		return nil
	})
	return found, err
}

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		for _, b := range beats {
			sh := &d.shards[b.Number]
			if sh.Lease != b.Lease || sh.Clean {
				continue
			}
			sh.Clock = clock.NowMs(d.clock)
			sh.Horizon = max(sh.Horizon, sh.Clock+ahead)
			sh.Watermark = max(sh.Watermark, min(b.Watermark, sh.Horizon))
			held = append(held, *sh)
		}
		return nil
	})
	return held, err
}

// Release implements store.Shards.
func (s shards) Release(ctx context.Context, beats []store.Beat) error {
	return s.do(ctx, func(d *Disk) error {
		for _, b := range beats {
			if sh := d.shards[b.Number]; sh.Lease != b.Lease {
				return domain.Conflict("shard %d has been claimed by another owner (epoch %d, not %d)",
					b.Number, sh.Epoch, b.Epoch)
			}
		}
		for _, b := range beats {
			if sh := &d.shards[b.Number]; !sh.Clean {
				sh.Watermark = max(sh.Watermark, min(b.Watermark, sh.Horizon))
				sh.Clean = true
			}
		}
		return nil
	})
}

// ResetWatermark implements store.Shards.
func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	return s.do(ctx, func(d *Disk) error {
		for i := range d.shards {
			d.shards[i].Horizon, d.shards[i].Watermark = at, at
		}
		return nil
	})
}
