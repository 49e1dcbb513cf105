package bulk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	stepJobs     = 512 // of a page, and of a step: some 50 ms of the store's time
	stepTriggers = 128 // a trigger is scheduled at the beginning of its step, and must not be late
	workers      = 16  // they share commits
	pageBytes    = 2 << 20

	storeTimeout = 15 * time.Second // of a write
	stopTimeout  = 2 * time.Second  // of one after the stop: what it does not write is looked up at the start
	retryEvery   = time.Second      // after a fault
	laterEvery   = 100 * time.Millisecond
)

// Editor changes jobs: an edit.Editor.
type Editor interface {
	// Update alters the document of a job. An error of alter ends it and is returned.
	Update(ctx context.Context, id domain.JobID, ifVersion int, alter func(*domain.SpecDoc) error) (
		domain.Version, error)
	// SetActive resumes or pauses a job, with what is said of the pause, and reports whether that changed it.
	SetActive(ctx context.Context, id domain.JobID, ifVersion int, active bool, pause *domain.Pause) (
		domain.Version, bool, error)
	// Delete ends a job.
	Delete(ctx context.Context, id domain.JobID, ifVersion int) (effectiveTo int64, err error)
	// TriggerAs runs a job now, under an id that is known before. It makes no entry of the trail.
	TriggerAs(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error)
}

// Executions finds what was triggered: a view.View.
type Executions interface {
	// Execution returns an execution that has ended or not, or CodeNotFound.
	Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error)
}

// Authors knows whose rights still hold: an access.Sessions.
type Authors interface {
	// MayGoOn reports whether the author of an operation may still do what it does.
	MayGoOn(o *domain.Operation) bool
}

// Config is what a runner is made of.
type Config struct {
	Store      store.Store
	Editor     Editor
	Executions Executions
	Authors    Authors
	Clock      clock.Clock
	Log        *slog.Logger
	Pace       *clock.Pace // may be nil
	// LookEvery is how often operations are looked for that other processes have begun; zero:
	// there are no other processes.
	LookEvery time.Duration
	// Pauses is as that of [edit.Config].
	Pauses func(ctx context.Context) error
}

// Runner carries out operations.
type Runner struct {
	Config

	operations store.Operations
	beginning  sync.Mutex    // one operation is admitted at a time
	begun      chan struct{} // something is to be done

	last  domain.OperationID // whose turn it was; under Run alone
	stops *stops
}

// New makes a runner. The error is about the config.
func New(c Config) (*Runner, error) {
	if c.Store == nil || c.Editor == nil || c.Executions == nil || c.Authors == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("bulk: Store, Editor, Executions, Authors, Clock and Log are required")
	}
	return &Runner{Config: c, operations: c.Store.Operations(), begun: make(chan struct{}, 1),
		stops: newStops(c.Store, c.Clock, c.Log)}, nil
}

func (r *Runner) now() int64 { return clock.NowMs(r.Clock) }

// wake tells Run that there is something to do.
func (r *Runner) wake() {
	select {
	case r.begun <- struct{}{}:
	default: // it is told already
	}
}

// write makes a call to the store that goes on when the caller gives up, for a bounded time.
func (r *Runner) write(ctx context.Context, call func(context.Context) error) error {
	most := storeTimeout
	if ctx.Err() != nil {
		most = stopTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	return call(ctx)
}

// mark writes the progress of an operation, and which jobs were dealt with.
func (r *Runner) mark(ctx context.Context, o *domain.Operation, jobs []domain.JobID) error {
	return r.write(ctx, func(ctx context.Context) error { return r.operations.Mark(ctx, *o, jobs) })
}

// tell raises the count of the operation's own entry in the trail.
func (r *Runner) tell(ctx context.Context, o *domain.Operation) error {
	return r.write(ctx, func(ctx context.Context) error { return r.Store.Changes().Add(ctx, o.Entry()) })
}

// end ends an operation by an event.
func (r *Runner) end(ctx context.Context, o *domain.Operation, e domain.OperationEvent, fault string) error {
	next, happens := o.State.Next(e)
	if !happens {
		return nil
	}
	o.State, o.Fault, o.EndedAt = next, fault, r.now()
	r.stops.drop(o.ID)
	if err := r.tell(ctx, o); err != nil {
		return err
	}
	if err := r.mark(ctx, o, nil); err != nil {
		return err
	}
	n := &o.Counts
	r.Log.LogAttrs(ctx, slog.LevelInfo, "an operation on many jobs has ended", slog.String("operation", o.ID.String()),
		slog.String("detail", o.Detail()), slog.String("state", string(o.State)), slog.Int64("matched", n.Matched),
		slog.Int64("done", n.Done), slog.Int64("unchanged", n.Unchanged), slog.Int64("skipped", n.Skipped),
		slog.Int64("failed", n.Failed), slog.String("by", o.By.Key), slog.String("name", o.By.Name),
		slog.String(telemetry.KeyReason, fault))
	return nil
}
