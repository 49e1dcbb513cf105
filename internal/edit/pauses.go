package edit

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	resumeEvery   = 500 * time.Millisecond
	resumePiece   = 500    // pauses that end at a time
	resumeWorkers = 16     // they share commits
	resumeAgain   = 60_000 // ms until a pause that could not be ended is tried again, and between warnings
	maxStuck      = 10_000 // pauses of which it is remembered
)

// Resumer notes that pauses have ended, of jobs whose owner is in this process: each once, by a version that is active
// and follows the one that was paused. No fire depends on it: a paused version with an end has fires from then on.
type Resumer struct {
	*Editor

	after store.PauseEnd         // where the last look has ended
	stuck map[domain.JobID]int64 // when a pause that could not be ended is tried again, Unix milliseconds

	mu     sync.Mutex
	warned int64 // Unix milliseconds
}

// NewResumer makes a resumer of an editor.
func NewResumer(e *Editor) *Resumer { return &Resumer{Editor: e, stuck: make(map[domain.JobID]int64)} }

// Run ends pauses until the context ends. While the clock of the wall is not to be trusted it ends none: what it
// makes would be valid only from a wrong time on.
func (r *Resumer) Run(ctx context.Context) {
	guard := clock.NewStepGuard(r.clock)
	for ctx.Err() == nil {
		again := false
		if guard.Check(r.clock) == 0 {
			var err error
			if again, err = r.runOnce(ctx); err != nil {
				r.warn(ctx, "pauses that end could not be read; it is tried again", domain.JobID{}, err)
			}
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
	found, err := r.jobs.Pauses(ctx, r.now(), r.after, resumePiece)
	if err != nil {
		return false, err
	}
	r.after = store.PauseEnd{}
	full := len(found) == resumePiece
	if full { // those that cannot be ended now are not in the way
		r.after = found[len(found)-1]
	}
	found = slices.DeleteFunc(found, func(p store.PauseEnd) bool { return r.stuck[p.JobID] > r.now() })
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
	for i, o := range outcomes {
		again = again || full && o == pauseEnded
		r.remember(found[i].JobID, o)
	}
	return again || full && len(found) == 0, nil
}

// remember has a pause that could not be ended wait: it is in the way of others otherwise.
func (r *Resumer) remember(id domain.JobID, o pauseOutcome) {
	if o != pauseStays {
		delete(r.stuck, id)
		return
	}
	if len(r.stuck) >= maxStuck {
		clear(r.stuck)
	}
	r.stuck[id] = r.now() + resumeAgain
}

// pauseOutcome is what has become of a pause that was to end.
type pauseOutcome uint8

const (
	pauseStays   pauseOutcome = iota // it is not known, or not possible now: it is tried again
	pauseEnded                       // the job is active
	pauseChanged                     // the job is another one by now
	pauseNotHere                     // another process owns the job, or none
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
	case domain.CodeInvalid, domain.CodeUnavailable, domain.CodeInternal:
	}
	return pauseStays
}

// resume ends a pause. The trail has the server as the author.
func (r *Resumer) resume(ctx context.Context, p store.PauseEnd) (outcome pauseOutcome) {
	defer func() {
		if f := recover(); f != nil { // nobody else would catch it here
			r.metrics.Panics.Inc()
			r.warn(ctx, "a pause could not be ended; it is tried again", p.JobID,
				fmt.Errorf("panic at the end of a pause: %v\n%s", f, debug.Stack()))
			outcome = pauseStays
		}
	}()
	ctx = store.WithChange(ctx, domain.Change{
		At: r.now(), Nonce: domain.NewNonce(), By: domain.Author{Key: domain.AuthorServer},
		Detail: "the pause has ended",
	})
	_, _, err := r.updateBy(ctx, p.JobID, p.Version, func(doc *domain.SpecDoc) error {
		doc.IsActive = true
		return nil
	}, true)
	if outcome = decidePause(err); outcome == pauseStays {
		r.warn(ctx, "a pause could not be ended; it is tried again", p.JobID, err)
	}
	return outcome
}

// warn logs a fault, once a minute at most: a look is made twice a second.
func (r *Resumer) warn(ctx context.Context, text string, id domain.JobID, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if ctx.Err() != nil || r.warned != 0 && now-r.warned < resumeAgain {
		return
	}
	r.warned = now
	attrs := []slog.Attr{slog.Any(telemetry.KeyError, err)}
	if id != (domain.JobID{}) {
		attrs = append(attrs, slog.String(telemetry.KeyJobID, id.String()))
	}
	r.log.LogAttrs(ctx, slog.LevelWarn, text, attrs...)
}
