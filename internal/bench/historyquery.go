package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// queriedJobs is how many jobs of a kind are queried in turn.
const queriedJobs = 20

// Query is how long one kind of query takes. Every query has been executed once before,
// so that the data that it needs are in memory.
type Query struct {
	Name  string  `json:"name"`
	Count int     `json:"count"`
	Found float64 `json:"found"` // executions, on average
	P50Ms float64 `json:"p50Ms"`
	P99Ms float64 `json:"p99Ms"`
	MaxMs float64 `json:"maxMs"`
}

// question is a kind of query: ask number i of it.
type question struct {
	name string
	want int // executions that an answer must have; zero: any number
	ask  func(ctx context.Context, i int) ([]domain.Execution, error)
}

func (r *historyRun) questions() []question {
	h, c := r.store.History(), r.crowd
	minutely, hourly := c.secondly, c.secondly+c.minutely
	monthly := hourly + c.hourly
	job := func(first, end, i int) domain.JobID {
		return c.versions[first+(i%queriedJobs)*(end-first)/queriedJobs].JobID
	}
	lastOf := func(name string, first, end, want int) question {
		return question{"last 20 of a job, " + name, want,
			func(ctx context.Context, i int) ([]domain.Execution, error) {
				return h.ByJob(ctx, job(first, end, i), store.Page{Limit: 20})
			}}
	}
	all := store.Page{Limit: 50}
	return []question{
		lastOf("every second", 0, minutely, 20),
		lastOf("every minute", minutely, hourly, 0),
		lastOf("every hour", hourly, monthly, 0),
		lastOf("every month", monthly, len(c.versions), 0),
		{"last 50 failed", 50, func(ctx context.Context, _ int) ([]domain.Execution, error) {
			return store.Failed(ctx, h, domain.JobID{}, all)
		}},
		{"last 50 failed of a job", 0, func(ctx context.Context, i int) ([]domain.Execution, error) {
			return store.Failed(ctx, h, job(minutely, hourly, i), all)
		}},
		{"last 50 of all", 50, func(ctx context.Context, _ int) ([]domain.Execution,
			error) {
			return store.Recent(ctx, h, all)
		}},
	}
}

func (r *historyRun) queries(ctx context.Context) error {
	for _, q := range r.questions() {
		got, err := r.query(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		r.say("%s: p50 %.2f, p99 %.2f ms", q.name, got.P50Ms, got.P99Ms)
		r.out.Queries = append(r.out.Queries, got)
	}
	return nil
}

func (r *historyRun) query(ctx context.Context, q question) (out Query, err error) {
	var took []time.Duration
	found := 0
	for i := range queriedJobs + r.size.Queries {
		mark := r.cfg.Clock.Mark()
		got, err := q.ask(ctx, i)
		elapsed := r.cfg.Clock.Elapsed(mark)
		if err != nil {
			return out, err
		}
		if err := checkAnswer(q, got); err != nil {
			return out, err
		}
		if i >= queriedJobs {
			took, found = append(took, elapsed), found+len(got)
		}
	}
	slices.Sort(took)
	n := len(took)
	return Query{
		Name: q.name, Count: n, Found: float64(found) / float64(n),
		P50Ms: millis(took[n/2]), P99Ms: millis(took[(n*99-1)/100]), MaxMs: millis(took[n-1]),
	}, nil
}

// checkAnswer returns an error if an answer is wrong: a wrong answer may be fast.
func checkAnswer(q question, got []domain.Execution) error {
	if q.want > 0 && len(got) != q.want {
		return fmt.Errorf("%d executions, want %d", len(got), q.want)
	}
	for i := 1; i < len(got); i++ {
		if got[i].ScheduledAt > got[i-1].ScheduledAt || got[i].FireKey == got[i-1].FireKey {
			return fmt.Errorf("execution %d is not older than the one before", i)
		}
	}
	return nil
}
