package memory

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Count implements store.Shards.
func (s shards) Count() int { return len(s.disk.owners.shards) }

// Claim implements store.Shards.
func (s shards) Claim(ctx context.Context, node int64, claims []store.Claim) (found []store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		for _, c := range claims {
			sh := d.owners.shard(c.Number)
			if !sh.Grants(c) {
				continue
			}
			sh.Epoch++
			sh.Token, sh.Node = domain.NewNonce(), node
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
		for n := range d.owners.shards {
			found = append(found, *d.owners.shard(n))
		}
		return nil
	})
	return found, err
}

// Beat implements store.Shards.
func (s shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	err = s.do(ctx, func(d *Disk) error {
		for i := range beats {
			if sh := d.owners.shard(beats[i].Number); sh.Renew(&beats[i], ahead) {
				held = append(held, *sh)
			}
		}
		return nil
	})
	return held, err
}

// Release implements store.Shards.
func (s shards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	return s.do(ctx, func(d *Disk) error {
		for _, b := range beats {
			if sh := d.owners.shards[b.Number]; sh.Lease != b.Lease {
				return domain.Conflict("shard %d has been claimed by another owner (epoch %d, not %d)",
					b.Number, sh.Epoch, b.Epoch)
			}
		}
		for i := range beats {
			if sh := d.owners.shard(beats[i].Number); !sh.Clean {
				sh.Advance(&beats[i], ahead)
				sh.Clean = true
			}
		}
		return nil
	})
}

// ResetWatermark implements store.Shards.
func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	return s.do(ctx, func(d *Disk) error {
		for i := range d.owners.shards {
			d.owners.shards[i].Horizon, d.owners.shards[i].Watermark = at, at
		}
		return nil
	})
}
