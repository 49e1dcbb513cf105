package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ledger implements store.Ledger. This file has Record; facts.go and openrun.go have the rest.
type ledger struct {
	read, record *pgxpool.Pool
	days         *days
	runs         *openRuns
	ring         *ring
	additions    *additions
}

// Record implements store.Ledger.
//
// Facts are inserted as if none of them was there, which costs half. Where one is, or where alerts, leases
// and records have to be read first, a second transaction inserts what is not there, and counts that.
func (l *ledger) Record(ctx context.Context, b store.Batch) error {
	if err := b.Unfenced(shardCount); err != nil {
		return err
	}
	p, err := prepare(b)
	if err != nil {
		return err
	}
	if err = l.commit(ctx, p); err == nil {
		l.ring.add(&recorded{server: p.server, facts: p.facts, decisions: p.counted, fences: b.Fences, open: b.Open,
			runner: b.Runner})
	}
	return fault("record", err)
}

// recordAgain records what a ring has kept: it may be there, or lost.
func (l *ledger) recordAgain(ctx context.Context, again *piece) (added int, server int64, err error) {
	p, err := prepare(store.Batch{
		Facts: again.facts, Decisions: again.decisions, Fences: again.fences, Open: again.open, Runner: again.runner,
	})
	if err != nil {
		return 0, 0, err
	}
	p.quick, p.again = false, true
	err = l.commit(ctx, p)
	return len(p.inserted), p.server, err
}

func (l *ledger) commit(ctx context.Context, p *batch) error {
	l.runs.expectMine(p.Open)
	err := l.recordPrepared(ctx, p)
	for range attempts {
		if !isCode(err, undefinedTable) {
			break
		}
		if err = l.days.make(ctx, p.days, true); err == nil { // also one that was just dropped
			err = l.recordPrepared(ctx, p)
		}
	}
	if err == nil {
		l.runs.committed(p)
		l.days.marked(p.days)
		l.additions.added()
	}
	return err
}

func (l *ledger) recordPrepared(ctx context.Context, p *batch) (err error) {
	if p.quick {
		if err = l.quickly(ctx, p); !isCode(err, uniqueViolation) {
			return err
		}
	}
	for range attempts { // another process may open the same alert, or use the same key
		if err = l.thoroughly(ctx, p); !isCode(err, uniqueViolation) {
			return err
		}
	}
	return err
}

// quickly records a batch in one round trip.
func (l *ledger) quickly(ctx context.Context, p *batch) error {
	sums, err := sumsOf(p.facts)
	if err != nil {
		return err
	}
	ids, completed, at := arrayOf(pgtype.UUIDOID, len(p.facts), 16), arrayOf(pgtype.Int8OID, len(p.facts), 8),
		arrayOf(pgtype.Int4OID, len(p.facts), 4)
	for _, e := range p.facts {
		if e.Status == domain.StatusSuccess {
			ids.uuid(e.JobID)
			completed.int64(e.CompletedAt)
			at.int32(int32(dayOf(e.ScheduledAt))) //nolint:gosec // days of instants that have tables
		}
	}
	ended := l.runs.ended(p.facts)
	return pipeline(ctx, l.record, func(b *pgx.Batch) {
		for i := range p.parts {
			statement, args := p.parts[i].insertion()
			b.Queue(statement, args...)
		}
		if ids.elements > 0 {
			b.Queue(endAlerts, &ids, &completed, &at)
		}
		l.days.queueUsed(b, p.days)
		p.irregular.queue(b)
		queueEnded(b, ended)
		queueOpen(b, p.Open, false)
		sums.queue(b, &p.server)
	})
}

// thoroughly records what is new of a batch.
func (l *ledger) thoroughly(ctx context.Context, p *batch) error {
	var is known
	steps := []func(b *pgx.Batch) error{
		func(b *pgx.Batch) error { return is.look(b, p) },
		func(b *pgx.Batch) error { return is.decide(b, p) },
		func(b *pgx.Batch) error { return l.conclude(b, p, &is) },
	}
	if len(p.Fences) == 0 && len(p.Decisions) == 0 {
		steps = []func(b *pgx.Batch) error{steps[0], steps[2]}
	}
	return exchange(ctx, l.record, steps...)
}

// known is what a transaction has read, and done so far.
type known struct {
	inserted []*domain.Execution
	counted  []*store.Decision // that may end the open runs of their fires
	shards   map[int]*store.Shard
	runners  map[domain.FireKey]int64 // of the open runs of fires that are decided about
	open     map[domain.JobID]*alertRow
	records  map[domain.IdempotencyKey]*domain.IdempotencyRecord
}

const (
	// The leases hold until the transaction ends: who claims one waits.
	shareShards = `
SELECT ` + shardColumns + ` FROM shard WHERE number = ANY($1::smallint[]) ORDER BY number FOR SHARE`

	selectRunners = `
SELECT o.scheduled_at, o.job_id, o.nonce, o.runner FROM open_run o
  JOIN unnest($1::bigint[], $2::uuid[], $3::bigint[]) n (scheduled_at, job_id, nonce)
    ON o.scheduled_at = n.scheduled_at AND o.job_id = n.job_id AND o.nonce = n.nonce
 ORDER BY 1, 2, 3 FOR UPDATE OF o`
)

// look queues the insertion of the facts that are not there, and what the rest of the transaction depends on.
func (k *known) look(b *pgx.Batch, p *batch) error {
	*k = known{
		shards: make(map[int]*store.Shard), runners: make(map[domain.FireKey]int64),
		open:    make(map[domain.JobID]*alertRow),
		records: make(map[domain.IdempotencyKey]*domain.IdempotencyRecord),
	}
	if len(p.Fences) > 0 {
		var numbers []int16
		for _, f := range p.Fences {
			numbers = append(numbers, int16(f.Number)) //nolint:gosec // it is below 64
		}
		b.Queue(shareShards, numbers).Query(func(r pgx.Rows) error {
			for r.Next() {
				sh, err := scanShard(r)
				if err != nil {
					return err
				}
				k.shards[sh.Number] = &sh
			}
			return r.Err()
		})
	}
	if len(p.Decisions) > 0 {
		var keys keyArrays
		for i := range p.Decisions {
			keys.add(p.Decisions[i].FireKey)
		}
		b.Queue(selectRunners, keys.at, keys.ids, keys.nonces).Query(func(r pgx.Rows) error {
			var key domain.FireKey
			var runner int64
			_, err := pgx.ForEachRow(r, []any{&key.ScheduledAt, (*[16]byte)(&key.JobID), &key.Nonce, &runner},
				func() error { k.runners[key] = runner; return nil })
			return err
		})
	}
	k.insert(b, p.parts)
	k.lookFurther(b, p)
	return nil
}

// lookFurther queues the reading of alerts and records.
func (k *known) lookFurther(b *pgx.Batch, p *batch) {
	if ids := p.relevant(); len(ids) > 0 {
		b.Queue(selectOpenAlerts, ids).Query(func(r pgx.Rows) error {
			for r.Next() {
				a, err := scanAlert(r)
				if err != nil {
					return err
				}
				k.open[a.JobID] = &a
			}
			return r.Err()
		})
	}
	if len(p.Idempotency) == 0 {
		return
	}
	keys := make([][]byte, len(p.Idempotency))
	for i := range p.Idempotency {
		keys[i] = p.Idempotency[i].Key[:]
	}
	b.Queue(selectRecords, keys).Query(func(r pgx.Rows) error {
		for r.Next() {
			is, err := scanRecord(r)
			if err != nil {
				return err
			}
			k.records[is.Key] = is
		}
		return r.Err()
	})
}

// insert queues the insertion of the facts of parts that are not there.
func (k *known) insert(b *pgx.Batch, parts []part) {
	for i := range parts {
		part := &parts[i]
		statement, args := part.insertion()
		b.Queue(statement+part.unlessThere(), args...).Query(func(r pgx.Rows) error {
			inserted, err := part.inserted(r)
			k.inserted = append(k.inserted, inserted...)
			return err
		})
	}
}

// decide checks the leases, and queues the insertion of decisions that are not there.
func (k *known) decide(b *pgx.Batch, p *batch) error {
	if err := checkLeases(p.Fences, k.shards); err != nil {
		return err
	}
	var facts []*domain.Execution
	for i := range p.Decisions {
		d := &p.Decisions[i]
		if runner, open := k.runners[d.FireKey]; !open || d.MayEnd(p.Runner, runner) {
			facts, k.counted = append(facts, &d.Execution), append(k.counted, d)
		}
	}
	parts, err := partsOf(facts)
	if err == nil {
		k.insert(b, parts)
	}
	return err
}

// conclude queues what follows from the facts that were inserted, and the rest of the batch.
func (l *ledger) conclude(b *pgx.Batch, p *batch, is *known) error {
	sums, err := sumsOf(is.inserted)
	if err != nil {
		return err
	}
	for _, a := range planAlerts(is.open, is.inserted) {
		a.queue(b)
	}
	l.days.queueUsed(b, p.days)
	p.irregular.queue(b)
	queueEnded(b, l.runs.ended(append(append([]*domain.Execution(nil), p.facts...), is.inserted...)))
	queueOpen(b, p.Open, p.again)
	p.inserted, p.counted = is.inserted, is.counted
	sums.queue(b, &p.server)
	for i := range p.Idempotency {
		r := &p.Idempotency[i]
		old := is.records[r.Key]
		if old != nil {
			if replaces, err := r.Replaces(old); err != nil || !replaces {
				continue // another record of the key stays
			}
		}
		queueRecord(b, r, old)
		is.records[r.Key] = r
	}
	return nil
}
