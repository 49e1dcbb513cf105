package edit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	resumeEvery = 500 * time.Millisecond
	// resumeAhead is how long before its end a pause is ended, so that a fire at that instant is sent: fires are
	// staged half a second ahead. Until then the job has none: the version is valid from the end on.
	resumeAhead   = 1_500  // ms
	resumePiece   = 500    // pauses that end at a time
	resumeWorkers = 16     // they share commits
	resumeWarns   = 60_000 // ms between warnings
)

// Resumer ends the pauses of jobs whose owner is in this process, each once: it resumes the version that was paused,
// and no later one. One that nobody has ended in time, because no process ran, is ended as soon as may be. What was
// not sent meanwhile is not made up for.
type Resumer struct {
	*Editor

	after store.PauseEnd // where the last look has ended

	mu     sync.Mutex
	warned int64 // Unix milliseconds
}

// NewResumer makes a resumer of an editor.
func NewResumer(e *Editor) *Resumer { return &Resumer{Editor: e} }

// Run ends pauses until the context ends.
func (r *Resumer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		again, err := r.runOnce(ctx)
		if err != nil {
			r.warn(ctx, "pauses that end could not be read; it is tried again", domain.JobID{}, err)
		}
		if !again && !clock.Wait(ctx, resumeEvery) {
			return
		}
	}
}

// runOnce ends the next pauses whose time has come. It reports whether there may be more.
func (r *Resumer) runOnce(ctx context.Context) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	found, err := r.jobs.Pauses(ctx, r.now()+resumeAhead, r.after, resumePiece)
	if err != nil {
		return false, err
	}
	r.after = store.PauseEnd{}
	full := len(found) == resumePiece
	if full { // those of other owners are not in the way
		r.after = found[len(found)-1]
	}
	outcomes := make([]pauseOutcome, len(found))
	var all sync.WaitGroup
	for w := range min(resumeWorkers, len(found)) {
		all.Go(func() {
			for i := w; i < len(found) && ctx.Err() == nil; i += resumeWorkers {
				outcomes[i] = r.resume(ctx, found[i])
			}
		})
	}
	all.Wait()
	for _, o := range outcomes {
		again = again || full && (o == pauseEnded || o == pauseForGood)
	}
	return again, nil
}

// pauseOutcome is what has become of a pause that was to end.
type pauseOutcome uint8

const (
	pauseStays   pauseOutcome = iota // it is not known, or not possible now: it is tried again
	pauseEnded                       // the job is active
	pauseChanged                     // the job is another one by now
	pauseNotHere                     // another process owns the job, or none
	pauseForGood                     // the job cannot be active, as one that never fires any more: its pause has no end
)

// decidePause says what an answer to a resume means.
func decidePause(err error) pauseOutcome {
	switch {
	case err == nil:
		return pauseEnded
	case store.StaleShards(err) != nil:
		return pauseNotHere
	}
	switch domain.ErrorCode(err) {
	case domain.CodeConflict, domain.CodeNotFound:
		return pauseChanged
	case domain.CodeInvalid:
		return pauseForGood
	case domain.CodeUnavailable, domain.CodeInternal:
	}
	return pauseStays
}

// resume ends a pause.
func (r *Resumer) resume(ctx context.Context, p store.PauseEnd) pauseOutcome {
	err := r.alter(ctx, p, "the pause has ended", func(doc *domain.SpecDoc) {
		doc.IsActive, doc.NotBefore = true, p.Until
	})
	outcome := decidePause(err)
	if outcome == pauseForGood {
		why := err
		err = r.alter(ctx, p, "the pause has no end any more, as the job cannot be active", func(doc *domain.SpecDoc) {
			doc.Pause.Until = 0
		})
		switch outcome = decidePause(err); outcome {
		case pauseEnded:
			r.warn(ctx, "a job cannot be active at the end of its pause: it stays paused", p.JobID, why)
			return pauseForGood
		case pauseForGood:
			outcome = pauseStays
		case pauseStays, pauseChanged, pauseNotHere:
		}
	}
	if outcome == pauseStays {
		r.warn(ctx, "a pause could not be ended; it is tried again", p.JobID, err)
	}
	return outcome
}

// alter changes a job whose pause ends, if its owner is here. The trail has the server as the author.
func (r *Resumer) alter(ctx context.Context, p store.PauseEnd, detail string, how func(*domain.SpecDoc)) error {
	ctx = store.WithChange(ctx, domain.Change{
		At: r.now(), Nonce: domain.NewNonce(), By: domain.Author{Key: domain.AuthorServer}, Detail: detail,
	})
	_, _, err := r.updateBy(ctx, p.JobID, p.Version, func(doc *domain.SpecDoc) error {
		how(doc)
		return nil
	}, true)
	return err
}

// warn logs a fault, once a minute at most: a look is made twice a second.
func (r *Resumer) warn(ctx context.Context, text string, id domain.JobID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if ctx.Err() != nil || r.warned != 0 && now-r.warned < resumeWarns {
		return
	}
	r.warned = now
	attrs := []slog.Attr{slog.Any(telemetry.KeyError, err)}
	if id != (domain.JobID{}) {
		attrs = append(attrs, slog.String(telemetry.KeyJobID, id.String()))
	}
	r.log.LogAttrs(ctx, slog.LevelWarn, text, attrs...)
}
