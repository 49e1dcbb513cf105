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
type shards struct {
	read, edit, beat *pgxpool.Pool
	ring             *ring // without which W does not move
}

// nowMs is the database's clock, which goes on during a transaction.
const nowMs = `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

const (
	shardColumns = `number, epoch, token, node, horizon, watermark, revision, applied, clean, ` + nowMs

	selectShards = `SELECT ` + shardColumns + ` FROM shard ORDER BY number`

	// The rows are locked in one order, so that those of two processes do not lock each other.
	takeShards = `
SELECT ` + shardColumns + ` FROM shard WHERE number = ANY($1::smallint[]) ORDER BY number FOR UPDATE`

	// A session of a person that has locked one row must not keep the others from being renewed. It waits for some
	// milliseconds.
	beginBeat = `SELECT set_config('lock_timeout', '500', true), (` + selectServer + `)`

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
	fn changing) error {
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
	err = s.attempt(ctx, takeShards+" SKIP LOCKED", numbers, func(known rowsOfShards) ([]*store.Shard, error) {
		busy = nil
		for _, n := range numbers {
			if known.shards[n] == nil {
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

// rowsOfShards are the rows that a transaction has locked.
type rowsOfShards struct {
	shards map[int]*store.Shard // by number
	server int64                // in which the transaction is
}

// changing changes rows, and returns those that are to be written back.
type changing func(known rowsOfShards) (changed []*store.Shard, err error)

func (s *shards) attempt(ctx context.Context, take string, numbers []int, fn changing) error {
	wanted := shardNumbers(numbers)
	var known rowsOfShards
	return exchange(ctx, s.beat, func(b *pgx.Batch) error {
		known.shards = make(map[int]*store.Shard, len(wanted))
		b.Queue(beginBeat).QueryRow(func(r pgx.Row) error { return r.Scan(nil, &known.server) })
		b.Queue(take, wanted).Query(func(r pgx.Rows) error {
			for r.Next() {
				sh, err := scanShard(r)
				if err != nil {
					return err
				}
				known.shards[sh.Number] = &sh
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

// errIncomplete is the cause where the server may not have what was recorded last.
var errIncomplete = errors.New("the database may have lost commits that it had acknowledged")

// changeComplete is change in a server that has everything that this process has recorded last: it is stored there
// again if that is not known.
func (s *shards) changeComplete(ctx context.Context, numbers []int, fn changing) (err error) {
	for range attempts {
		err = s.change(ctx, numbers, func(known rowsOfShards) ([]*store.Shard, error) {
			if !s.ring.complete(known.server) {
				return nil, errIncomplete
			}
			return fn(known)
		})
		if !errors.Is(err, errIncomplete) {
			return err
		}
		if err := s.ring.restore(ctx); err != nil {
			return err
		}
	}
	return err
}

// Claim implements store.Shards.
func (s *shards) Claim(ctx context.Context, node int64, claims []store.Claim) (found []store.Shard, err error) {
	var numbers []int
	for _, c := range claims {
		numbers = append(numbers, c.Number)
	}
	err = s.changeComplete(ctx, numbers, func(known rowsOfShards) (changed []*store.Shard, err error) {
		found = found[:0]
		for _, c := range claims {
			sh := known.shards[c.Number]
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
	complete := true
	err = s.change(ctx, numbersOf(beats), func(known rowsOfShards) (changed []*store.Shard, err error) {
		held, complete = held[:0], s.ring.complete(known.server)
		for i := range beats {
			b := beats[i]
			if !complete {
				b.Watermark = 0 // it stays where it is
			}
			if sh := known.shards[b.Number]; sh != nil && sh.Renew(&b, ahead) {
				held, changed = append(held, *sh), append(changed, sh)
			}
		}
		return changed, nil
	})
	if !complete {
		s.ring.begin()
	}
	if err != nil && store.BusyShards(err) == nil {
		held = nil
	}
	return held, fault("renew the leases", err)
}

// errBusy is the cause where a release has not got all rows. The caller repeats it.
var errBusy = errors.New("another session of the database has locked the row of a shard")

// Release implements store.Shards.
func (s *shards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	return fault("release shards", s.changeComplete(ctx, numbersOf(beats),
		func(known rowsOfShards) (changed []*store.Shard, err error) {
			if len(known.shards) < len(beats) {
				return nil, errBusy
			}
			for i := range beats {
				b, sh := &beats[i], known.shards[beats[i].Number]
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
