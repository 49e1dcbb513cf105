package view

import (
	"context"
	"errors"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Live tells what the store does not know.
type Live interface {
	// Live returns an execution that has not ended.
	Live(id domain.ExecutionID) (domain.Execution, bool)
	// LiveByJob returns at most limit executions of a job that have not
	// ended, newest scheduled first.
	LiveByJob(id domain.JobID, limit int) []domain.Execution
	// LiveList returns a page of the executions of all jobs that have not ended and that the
	// query selects. It may end early, as List of [store.History] does.
	LiveList(q store.ExecutionQuery) store.ExecutionPage
	// NextFire returns the job's next fire in Unix milliseconds, or false.
	NextFire(id domain.JobID) (int64, bool)
	// NextFires returns the next fires of jobs of this node after one, in the order of
	// [domain.FireKey.Sooner], at most so many. A job that fires meanwhile may be there twice. The error
	// is that of the context.
	NextFires(ctx context.Context, after domain.FireKey, limit int) ([]domain.FireKey, error)
	// FiredAgo reports whether the current version of a job of this node has had a fire so long ago, or
	// longer.
	FiredAgo(id domain.JobID, ago time.Duration) bool
	// Health returns the view that whoever fires the jobs has of itself.
	Health() domain.Health
}

// Others are the other nodes of a cluster, which know what has not ended with them. missing is how
// many of them have not answered.
type Others interface {
	// Live looks for an execution that has not ended.
	Live(ctx context.Context, id domain.ExecutionID) (x domain.Execution, found bool, missing int)
	// LiveList returns a page of each node: see [Live].
	LiveList(ctx context.Context, q store.ExecutionQuery) (pages []store.ExecutionPage, missing int)
	// NextFires returns those of each node: see [Live].
	NextFires(ctx context.Context, after domain.FireKey, limit int) (fires [][]domain.FireKey, missing int)
	// Hosts returns the hosts that each node calls.
	Hosts(ctx context.Context) (hosts [][]Host, missing int)
}

// Config is what a view is made of.
type Config struct {
	Store  store.Store
	Live   Live
	Checks []func() domain.Check // of health, beside those of Live
	Hosts  Hosts                 // nil: none is known

	Others Others       // nil: Live knows all that has not ended
	Now    func() int64 // Unix milliseconds; required with Others
}

// View joins a store with what has not ended.
type View struct {
	jobs    store.Jobs
	history store.History
	series  store.Series
	alerts  store.Alerts
	live    Live
	checks  []func() domain.Check
	hosts   Hosts
	others  Others
	now     func() int64
	edits   store.Edits
}

type partialKey struct{}

// WithPartial returns a context with what is called when an answer lacks what another node knows.
func WithPartial(ctx context.Context, note func()) context.Context {
	return context.WithValue(ctx, partialKey{}, note)
}

// notePartial notes that an answer lacks what other nodes know.
func notePartial(ctx context.Context, missing int) {
	if note, ok := ctx.Value(partialKey{}).(func()); ok && missing > 0 {
		note()
	}
}

// New makes a view. The error is about the config.
func New(c Config) (*View, error) {
	if c.Store == nil || c.Live == nil {
		return nil, errors.New("view: Store and Live are required")
	}
	if c.Others != nil && c.Now == nil {
		return nil, errors.New("view: Now is required with Others")
	}
	return &View{jobs: c.Store.Jobs(), history: c.Store.History(), series: c.Store.Series(), alerts: c.Store.Alerts(),
		live: c.Live, checks: c.Checks,
		hosts: c.Hosts, others: c.Others, now: c.Now, edits: c.Store.Edits()}, nil
}
