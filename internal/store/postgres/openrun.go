package postgres

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const runColumns = `scheduled_at, job_id, nonce, version, next_at, crashes, in_flight, created_at, attempts,
       runner, run_until`

const (
	// A run whose fact exists is not inserted: the first %s is the table that would have it, and the second
	// its nonce. What it replaces says store.Replaces.
	upsertOpenRun = `
INSERT INTO open_run AS o (` + runColumns + `)
SELECT n.scheduled_at, n.job_id, n.nonce, n.version, n.next_at, n.crashes, n.in_flight, n.created_at, n.attempts,
       $10::bigint, $11::bigint
  FROM (SELECT $1::bigint AS scheduled_at, $2::uuid AS job_id, $3::bigint AS nonce, $4::int AS version,
               $5::bigint AS next_at, $6::int AS crashes, $7::boolean AS in_flight, $8::bigint AS created_at,
               $9::text AS attempts) n
 WHERE NOT EXISTS (SELECT 1 FROM %s e
                    WHERE e.scheduled_at = n.scheduled_at AND e.job_id = n.job_id AND %s = n.nonce)
    ON CONFLICT (scheduled_at, job_id, nonce) `

	orReplace = `DO UPDATE SET version = excluded.version, next_at = excluded.next_at,
       crashes = excluded.crashes, in_flight = excluded.in_flight, created_at = excluded.created_at,
       attempts = excluded.attempts, runner = excluded.runner, run_until = excluded.run_until
 WHERE o.runner = $12::bigint OR excluded.runner <> 0 AND o.runner = excluded.runner`

	orNothing = `DO NOTHING`

	deleteOpenRuns = `
DELETE FROM open_run o USING unnest($1::bigint[], $2::uuid[], $3::bigint[]) n (scheduled_at, job_id, nonce)
 WHERE o.scheduled_at = n.scheduled_at AND o.job_id = n.job_id AND o.nonce = n.nonce`

	selectOpenRuns = `
SELECT ` + runColumns + ` FROM open_run WHERE (scheduled_at, job_id, nonce) > ($1, $2, $3) AND %s
 ORDER BY scheduled_at, job_id, nonce LIMIT $4`

	selectRunsOf = `
SELECT ` + runColumns + ` FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) n (scheduled_at, job_id, nonce)
  JOIN open_run USING (scheduled_at, job_id, nonce)`
)

// keyArrays are keys as the parameters of one statement.
type keyArrays struct {
	at     []int64
	ids    [][16]byte
	nonces []int64
}

func (a *keyArrays) add(k domain.FireKey) {
	a.at, a.ids, a.nonces = append(a.at, k.ScheduledAt), append(a.ids, k.JobID), append(a.nonces, k.Nonce)
}

func queueEnded(b *pgx.Batch, ended keyArrays) {
	if len(ended.at) > 0 {
		b.Queue(deleteOpenRuns, ended.at, ended.ids, ended.nonces)
	}
}

// queueOpen queues open runs, which replace what store.Replaces says; those of a ring replace none.
func queueOpen(b *pgx.Batch, open []domain.OpenRun, again bool) {
	for i := range open {
		r := &open[i]
		attempts, err := rows.EncodeAttempts(r.Attempts)
		if err != nil { // they are numbers and texts
			attempts = "[]"
		}
		table, nonce := dayOf(r.ScheduledAt).table(), "0"
		if r.Nonce != 0 {
			table, nonce = dayOf(r.ScheduledAt).other(), "e.nonce"
		}
		args := []any{r.ScheduledAt, [16]byte(r.JobID), r.Nonce, r.Version, r.NextAt, r.Crashes, r.InFlight,
			r.CreatedAt, orNull(attempts), r.Runner, r.RunUntil, r.TakenFrom}
		statement := fmt.Sprintf(upsertOpenRun, table, nonce)
		if again {
			statement, args = statement+orNothing, args[:len(args)-1]
		} else {
			statement += orReplace
		}
		b.Queue(statement, args...)
	}
}

// openRuns knows which open runs this process has seen, so that a fact without one costs nothing. Those
// of other processes end when they are read: see OpenRuns.
type openRuns struct {
	read *pgxpool.Pool

	mu   sync.Mutex
	keys map[domain.FireKey]struct{}
}

// ended returns the keys of facts that may have an open run.
func (o *openRuns) ended(facts []*domain.Execution) (keys keyArrays) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.keys) == 0 {
		return keys
	}
	for _, e := range facts {
		if _, open := o.keys[e.FireKey]; open {
			keys.add(e.FireKey)
		}
	}
	return keys
}

// expect notes open runs before they are committed: one too many costs a look that finds nothing.
func (o *openRuns) expect(open []domain.OpenRun) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range open {
		o.keys[open[i].FireKey] = struct{}{}
	}
}

// expectMine is expect for open runs that this process records. A trigger that nobody carries out is left to
// who will: this process does not see its end.
func (o *openRuns) expectMine(open []domain.OpenRun) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range open {
		if r := &open[i]; r.Runner != 0 || r.Nonce == 0 || len(r.Attempts) > 0 {
			o.keys[open[i].FireKey] = struct{}{}
		}
	}
}

// committed forgets the runs that facts have ended.
func (o *openRuns) committed(p *batch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range p.facts { // those of decisions stay: they may have ended nothing
		delete(o.keys, e.FireKey)
	}
}

// openRunChunk is how many open runs are read in one go.
const openRunChunk = 1_000

// each reads all open runs of shards that meet a condition, in the order of their keys, and hands them over in
// chunks.
func (o *openRuns) each(ctx context.Context, of store.ShardSet, condition string,
	fn func([]domain.OpenRun) error) error {
	var more []any
	if !of.Every() {
		condition += " AND " + ofShards("job_id", 5)
		more = append(more, shardNumbers(of.Numbers()))
	}
	query := fmt.Sprintf(selectOpenRuns, condition)
	after := domain.FireKey{ScheduledAt: math.MinInt64}
	for {
		chunk, err := o.query(ctx, query,
			append([]any{after.ScheduledAt, [16]byte(after.JobID), after.Nonce, openRunChunk}, more...)...)
		if err != nil || len(chunk) == 0 {
			return err
		}
		after = chunk[len(chunk)-1].FireKey
		if err := fn(chunk); err != nil {
			return err
		}
	}
}

// query returns the open runs that a statement finds, whose facts are expected from then on.
func (o *openRuns) query(ctx context.Context, sql string, args ...any) (found []domain.OpenRun, err error) {
	err = each(ctx, o.read, func(r pgx.Rows) error {
		var run domain.OpenRun
		var attempts *string
		err := r.Scan(&run.ScheduledAt, (*[16]byte)(&run.JobID), &run.Nonce, &run.Version, &run.NextAt,
			&run.Crashes, &run.InFlight, &run.CreatedAt, &attempts, &run.Runner, &run.RunUntil)
		run.Attempts = rows.DecodeAttempts(string(textOf(attempts)))
		found = append(found, run)
		return err
	}, sql, args...)
	if err == nil {
		o.expect(found)
	}
	return found, err
}

// of returns the open runs that there are of the keys.
func (o *openRuns) of(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error) {
	var wanted keyArrays
	for _, k := range keys {
		wanted.add(k)
	}
	return o.query(ctx, selectRunsOf, wanted.at, wanted.ids, wanted.nonces)
}

// load notes the open runs that are there.
func (o *openRuns) load(ctx context.Context) error {
	return o.each(ctx, store.ShardSet{}, "true", func([]domain.OpenRun) error { return nil })
}
