package postgres

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// factChunk is how many facts are read in one go.
const factChunk = 10_000

// pageOfFacts reads facts of a day, in both kinds of tables, between keys; oldest first.
func pageOfFacts(d day, filter, filterOther string) string {
	return `
SELECT * FROM (
       (SELECT ` + factColumns + ` FROM ` + d.table() + ` e
         WHERE (e.scheduled_at, e.job_id) >= ($1, $2) AND ((e.scheduled_at, e.job_id) > ($1, $2) OR 0 > $3::bigint)
           AND e.scheduled_at <= $4` + filter + ` ORDER BY e.scheduled_at, e.job_id LIMIT $5)
        UNION ALL
       (SELECT ` + otherColumns + ` FROM ` + d.other() + ` e
         WHERE (e.scheduled_at, e.job_id, e.nonce) > ($1, $2, $3) AND e.scheduled_at <= $4` + filterOther + `
         ORDER BY e.scheduled_at, e.job_id, e.nonce LIMIT $5)) e
 ORDER BY 1, 2, 3 LIMIT $5`
}

// Facts implements store.Ledger.
func (l *ledger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	return l.streamFacts(ctx, of, "", "", after, until, fn)
}

// Ranges implements store.Ledger.
func (l *ledger) Ranges(ctx context.Context, of store.ShardSet, after int64, fn func(store.FactRange) error) error {
	return l.streamFacts(ctx, of, " AND (e.status = 4 OR e.status >= 16) AND e.status >= 16", " AND e.status >= 16",
		after, domain.Forever, fn)
}

func (l *ledger) streamFacts(ctx context.Context, of store.ShardSet, filter, filterOther string, after, until int64,
	fn func(store.FactRange) error) error {
	var more []any
	if !of.Every() {
		filter += " AND " + ofShards("e.job_id", 6)
		filterOther += " AND " + ofShards("e.job_id", 6)
		more = append(more, shardNumbers(of.Numbers()))
	}
	from := after
	if from < math.MaxInt64 {
		from++
	}
	all, err := l.days.all(ctx, from, until)
	if err != nil {
		return fault("read the facts", err)
	}
	for _, d := range all {
		query := pageOfFacts(d, filter, filterOther)
		last := domain.FireKey{ScheduledAt: from, Nonce: math.MinInt64}
		for rest := true; rest; {
			var chunk []store.FactRange
			err := each(ctx, l.read, func(r pgx.Rows) error {
				e, err := scanFact(r)
				chunk = append(chunk, rangeOf(&e))
				return err
			}, query, append([]any{last.ScheduledAt, [16]byte(last.JobID), last.Nonce, until, factChunk}, more...)...)
			if err != nil && !isCode(err, undefinedTable) { // the day was just dropped
				return fault("read the facts", err)
			}
			for _, r := range chunk {
				if err := fn(r); err != nil {
					return err
				}
			}
			if rest = len(chunk) == factChunk; rest {
				last = chunk[len(chunk)-1].Key
			}
		}
	}
	return nil
}

// rangeOf converts a fact to the form that the audit and the recovery read.
func rangeOf(e *domain.Execution) store.FactRange {
	r := store.FactRange{
		Key: e.FireKey, From: e.ScheduledAt, Count: e.Fires(),
		Version: e.Version, Status: e.Status, StartedAt: e.StartedAt,
	}
	if e.Missed != nil {
		r.From = e.Missed.From
	}
	return r
}

// OpenRuns implements store.Ledger.
func (l *ledger) OpenRuns(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return l.openRuns(ctx, of, "true", fn)
}

// openRuns streams the open runs of shards that meet a condition.
func (l *ledger) openRuns(ctx context.Context, of store.ShardSet, condition string,
	fn func(domain.OpenRun) error) error {
	refused := false
	err := l.runs.each(ctx, of, condition, func(chunk []domain.OpenRun) error {
		dead, err := l.facts(ctx, chunk)
		if err != nil {
			return err
		}
		var ended keyArrays
		for _, r := range chunk {
			if dead[r.FireKey] {
				ended.add(r.FireKey)
				continue
			}
			if err := fn(r); err != nil {
				refused = true
				return err
			}
		}
		if len(ended.at) == 0 {
			return nil
		}
		return pipeline(ctx, l.record, func(b *pgx.Batch) { queueEnded(b, ended) })
	})
	if refused {
		return err
	}
	return fault("read the open runs", err)
}

// RunsOf implements store.Ledger.
func (l *ledger) RunsOf(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error) {
	found, err := l.runs.of(ctx, keys)
	var dead map[domain.FireKey]bool
	if err == nil && len(found) > 0 {
		dead, err = l.facts(ctx, found)
	}
	if err != nil {
		return nil, fault("read open runs", err)
	}
	return slices.DeleteFunc(found, func(r domain.OpenRun) bool { return dead[r.FireKey] }), nil
}

// facts returns which open runs have facts.
func (l *ledger) facts(ctx context.Context, chunk []domain.OpenRun) (dead map[domain.FireKey]bool, err error) {
	dead = make(map[domain.FireKey]bool)
	of := make(map[table]*keyArrays)
	for i := range chunk {
		t := tableOf(chunk[i].FireKey)
		if of[t] == nil {
			of[t] = new(keyArrays)
		}
		of[t].add(chunk[i].FireKey)
	}
	for t, keys := range of {
		name, nonce := t.day.table(), "0"
		if t.other {
			name, nonce = t.day.other(), "e.nonce"
		}
		err := each(ctx, l.read, func(r pgx.Rows) error {
			var k domain.FireKey
			err := r.Scan(&k.ScheduledAt, (*[16]byte)(&k.JobID), &k.Nonce)
			dead[k] = true
			return err
		}, `SELECT n.* FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) n (scheduled_at, job_id, nonce)
  JOIN `+name+` e ON e.scheduled_at = n.scheduled_at AND e.job_id = n.job_id AND `+nonce+` = n.nonce`,
			keys.at, keys.ids, keys.nonces)
		if err != nil && !isCode(err, undefinedTable) {
			return nil, err
		}
	}
	return dead, nil
}
