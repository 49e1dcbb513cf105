package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// shards implements store.Shards.
type shards struct{ read, edit, beat *pgxpool.Pool }

// nowMs is the database's clock, which goes on during a transaction.
const nowMs = `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

const (
	shardColumns = `number, epoch, token, node, horizon, watermark, revision, applied, clean, ` + nowMs

	selectShards = `SELECT ` + shardColumns + ` FROM shard ORDER BY number`

	// The rows are locked in one order, so that those of two processes do not lock each other.
	takeShards = `
SELECT ` + shardColumns + ` FROM shard WHERE number = ANY($1::smallint[]) ORDER BY number FOR UPDATE`

	// A session of a person that has locked one row must not keep the others from being renewed.
	beatWait = `SET LOCAL lock_timeout = 500` // milliseconds

	writeShards = `
UPDATE shard s SET epoch = n.epoch, token = n.token, node = n.node, horizon = n.horizon, watermark = n.watermark,
       applied = n.applied, clean = n.clean
  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::boolean[])
       n (number, epoch, token, node, horizon, watermark, applied, clean) WHERE s.number = n.number`
)

func scanShard(r pgx.Rows) (sh store.Shard, err error) {
	err = r.Scan(&sh.Number, &sh.Epoch, &sh.Token, &sh.Node, &sh.Horizon, &sh.Watermark, &sh.Revision, &sh.Applied,
		&sh.Clean, &sh.Clock)
	return sh, err
}

// readShards locks shards and returns their rows.
func readShards(ctx context.Context, q querier, numbers []int16) (map[int]*store.Shard, error) {
	known := make(map[int]*store.Shard, len(numbers))
	return known, each(ctx, q, func(r pgx.Rows) error {
		sh, err := scanShard(r)
		known[sh.Number] = &sh
		return err
	}, takeShards, numbers)
}

// Count implements store.Shards.
func (s *shards) Count() int { return shardCount }

// change reads shards, lets fn change them and writes back those that it returns. Where others hold rows for
// long, it does so for the rest, and returns a BusyError; such a shard is not known to fn.
func (s *shards) change(ctx context.Context, numbers []int,
	fn func(known map[int]*store.Shard) (changed []*store.Shard, err error)) error {
	for _, n := range numbers {
		if n < 0 || n >= shardCount {
			return fmt.Errorf("there is no shard %d", n)
		}
	}
	err := s.attempt(ctx, takeShards, numbers, fn)
	if !isCode(err, lockTimeout) {
		return err
	}
	var busy []int
	err = s.attempt(ctx, takeShards+" SKIP LOCKED", numbers, func(known map[int]*store.Shard) ([]*store.Shard, error) {
		busy = nil
		for _, n := range numbers {
			if known[n] == nil {
				busy = append(busy, n)
			}
		}
		return fn(known)
	})
	if err == nil && len(busy) > 0 {
		return &store.BusyError{Shards: busy}
	}
	return err
}

func (s *shards) attempt(ctx context.Context, take string, numbers []int,
	fn func(known map[int]*store.Shard) (changed []*store.Shard, err error)) error {
	wanted := shardNumbers(numbers)
	var known map[int]*store.Shard
	return exchange(ctx, s.beat, func(b *pgx.Batch) error {
		known = make(map[int]*store.Shard, len(wanted))
		b.Queue(beatWait)
		b.Queue(take, wanted).Query(func(r pgx.Rows) error {
			for r.Next() {
				sh, err := scanShard(r)
				if err != nil {
					return err
				}
				known[sh.Number] = &sh
			}
			return r.Err()
		})
		return nil
	}, func(b *pgx.Batch) error {
		changed, err := fn(known)
		if err != nil || len(changed) == 0 {
			return err
		}
		var numbers []int16
		var epoch, token, node, horizon, watermark, applied []int64
		var clean []bool
		for _, sh := range changed {
			numbers = append(numbers, int16(sh.Number)) //nolint:gosec // it is below 64
			epoch, token = append(epoch, sh.Epoch), append(token, sh.Token)
			node, applied = append(node, sh.Node), append(applied, sh.Applied)
			horizon, watermark = append(horizon, sh.Horizon), append(watermark, sh.Watermark)
			clean = append(clean, sh.Clean)
		}
		b.Queue(writeShards, numbers, epoch, token, node, horizon, watermark, applied, clean)
		return nil
	})
}

// Claim implements store.Shards.
func (s *shards) Claim(ctx context.Context, node int64, claims []store.Claim) (found []store.Shard, err error) {
	var numbers []int
	for _, c := range claims {
		numbers = append(numbers, c.Number)
	}
	err = s.change(ctx, numbers, func(known map[int]*store.Shard) (changed []*store.Shard, err error) {
		found = found[:0]
		for _, c := range claims {
			sh := known[c.Number]
			if sh == nil || !sh.Grants(c) {
				continue
			}
			sh.Epoch++
			sh.Token, sh.Node = domain.NewNonce(), node
			found = append(found, *sh)
			sh.Clean = false
			changed = append(changed, sh)
		}
		return changed, nil
	})
	if err != nil && store.BusyShards(err) == nil { // such a shard was not taken
		return nil, fault("claim shards", err)
	}
	return found, nil
}

func numbersOf(beats []store.Beat) (numbers []int) {
	for _, b := range beats {
		numbers = append(numbers, b.Number)
	}
	return numbers
}

// Beat implements store.Shards.
func (s *shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	err = s.change(ctx, numbersOf(beats), func(known map[int]*store.Shard) (changed []*store.Shard, err error) {
		held = held[:0]
		for i := range beats {
			if sh := known[beats[i].Number]; sh != nil && sh.Renew(&beats[i], ahead) {
				held, changed = append(held, *sh), append(changed, sh)
			}
		}
		return changed, nil
	})
	if err != nil && store.BusyShards(err) == nil {
		held = nil
	}
	return held, fault("renew the leases", err)
}

// errBusy is the cause where a release has not got all rows. The caller repeats it.
var errBusy = errors.New("another session of the database has locked the row of a shard")

// Release implements store.Shards.
func (s *shards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	return fault("release shards", s.change(ctx, numbersOf(beats),
		func(known map[int]*store.Shard) (changed []*store.Shard, err error) {
			if len(known) < len(beats) {
				return nil, errBusy
			}
			for i := range beats {
				b, sh := &beats[i], known[beats[i].Number]
				if sh.Lease != b.Lease {
					return nil, domain.Conflict("shard %d has been claimed by another owner (epoch %d, not %d)",
						b.Number, sh.Epoch, b.Epoch)
				}
				if sh.Clean {
					continue
				}
				sh.Advance(b, ahead)
				sh.Clean = true
				changed = append(changed, sh)
			}
			return changed, nil
		}))
}

// Peek implements store.Shards.
func (s *shards) Peek(ctx context.Context) (found []store.Shard, err error) {
	err = each(ctx, s.read, func(r pgx.Rows) error {
		sh, err := scanShard(r)
		found = append(found, sh)
		return err
	}, selectShards)
	return found, fault("read the shards", err)
}

// ResetWatermark implements store.Shards.
func (s *shards) ResetWatermark(ctx context.Context, at int64) error {
	return fault("reset the watermark", pipeline(ctx, s.edit, func(b *pgx.Batch) {
		b.Queue(`UPDATE shard SET horizon = $1, watermark = $1`, at)
	}))
}
