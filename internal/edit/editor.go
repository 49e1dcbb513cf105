package edit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Config is what an editor is made of.
type Config struct {
	Owner   Owner
	Store   store.Store
	Clock   clock.Clock
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Pace    *clock.Pace // of large creations; may be nil

	// Ahead is how far H of a shard is moved ahead: other processes have the database, too, and
	// jobs that they own are changed straight in the store. Zero: no other process has it.
	Ahead time.Duration

	// Pauses returns why a pause may have no reason and no end now: another process on the database would lose them;
	// nil: there is none.
	Pauses func(ctx context.Context) error

	// NewIDs returns ids of so many new jobs, for an instant in Unix milliseconds; nil:
	// [domain.NewJobIDs]. A simulation has ids that can be repeated.
	NewIDs func(ms int64, n int) []domain.JobID
}

// Editor changes jobs. Its errors are *[domain.Error] where the caller can do
// something about them; the rest are faults. Changes of one job come one after the
// other. The context of a call may carry who makes the change, [store.WithChange], and the
// record of its Idempotency-Key, [store.WithIdempotency].
type Editor struct {
	owner   Owner
	jobs    store.Jobs
	changes store.Changes
	clock   clock.Clock
	metrics *telemetry.Metrics
	log     *slog.Logger
	pace    *clock.Pace
	newIDs  func(ms int64, n int) []domain.JobID
	pauses  pauseGate

	without    without
	once       *Once
	locks      locks
	unclear    atomic.Int64 // see maxUnclear
	background *background
}

// New makes an editor. The error is about the config.
func New(c Config) (*Editor, error) {
	if c.Owner == nil || c.Store == nil || c.Clock == nil || c.Metrics == nil || c.Log == nil {
		return nil, errors.New("edit: Owner, Store, Clock, Metrics and Log are required")
	}
	if c.NewIDs == nil {
		c.NewIDs = domain.NewJobIDs
	}
	return &Editor{
		owner: c.Owner, jobs: c.Store.Jobs(), changes: c.Store.Changes(), clock: c.Clock, metrics: c.Metrics,
		log: c.Log, pace: c.Pace, newIDs: c.NewIDs, pauses: c.Pauses,
		without: without{c.Store.Edits(), c.Store.Shards(), c.Store.Ledger(), c.Ahead.Milliseconds(), c.Clock},
		once:    newOnce(c.Store.Idempotency(), c.Clock), background: newBackground(),
	}, nil
}

// Stop ends what goes on in the background, and waits for that until the context ends.
// It comes before the stop of the owner.
func (e *Editor) Stop(ctx context.Context) { e.background.stop(ctx) }

// Once returns what lets requests with an Idempotency-Key be carried out once.
func (e *Editor) Once() *Once { return e.once }

func (e *Editor) now() int64 { return clock.NowMs(e.clock) }

// pauseGate is Pauses of [Config].
type pauseGate func(context.Context) error

// check returns why this cannot be said of a pause now, or nil.
func (g pauseGate) check(ctx context.Context, said domain.Pause) error {
	if g == nil || said == (domain.Pause{}) {
		return nil
	}
	return store.Coded(g(ctx))
}

// lock waits for the job's other edits.
func (e *Editor) lock(ctx context.Context, id domain.JobID) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if unlock, err = e.locks.lock(ctx, id); err != nil {
		return nil, domain.Unavailable(e.owner.StoreFault(), "another change of this job is still under way")
	}
	return unlock, nil
}

// current returns the version of a job that a change is made of. ifVersion zero takes
// any; another number is refused with CodeConflict unless it is the current one.
func (e *Editor) current(ctx context.Context, id domain.JobID, ifVersion int) (domain.Version, error) {
	job, err := e.jobs.Get(ctx, id)
	if err != nil {
		return domain.Version{}, store.Coded(err)
	}
	if number := job.Current.Number; ifVersion != 0 && ifVersion != number {
		return job.Current, domain.Conflict("the job is at version %d, not %d: read it again", number, ifVersion)
	}
	return job.Current, nil
}
