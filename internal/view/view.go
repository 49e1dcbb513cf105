package view

import (
	"errors"

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
	// Health returns the view that whoever fires the jobs has of itself.
	Health() domain.Health
}

// Config is what a view is made of.
type Config struct {
	Store  store.Store
	Live   Live
	Checks []func() domain.Check // of health, beside those of Live
	Hosts  Hosts                 // nil: none is known
}

// View joins a store with what has not ended.
type View struct {
	jobs    store.Jobs
	history store.History
	live    Live
	checks  []func() domain.Check
	hosts   Hosts
}

// New makes a view. The error is about the config.
func New(c Config) (*View, error) {
	if c.Store == nil || c.Live == nil {
		return nil, errors.New("view: Store and Live are required")
	}
	return &View{jobs: c.Store.Jobs(), history: c.Store.History(), live: c.Live, checks: c.Checks,
		hosts: c.Hosts}, nil
}
