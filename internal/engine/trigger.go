package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Trigger runs a job now, paused or not, beside whatever else of it runs. The
// execution is durable before Trigger returns it, PENDING; the call follows.
func (e *Engine) Trigger(ctx context.Context, id domain.JobID) (domain.Execution, error) {
	j, err := e.lookup(id)
	if err != nil {
		return domain.Execution{}, err
	}
	if e.stopping.Load() {
		return domain.Execution{}, domain.Unavailable(nil, "the server is stopping")
	}
	if e.recorder.backlog() >= maxUnrecorded {
		// A trigger does not wait for room, as results do: callers that give up
		// and try again would pile up more than any memory holds.
		return domain.Execution{}, domain.Unavailable(e.storeError(), "too much waits to be recorded")
	}
	e.mu.Lock()
	ver, err := j.current, e.asideError(id)
	e.mu.Unlock()
	if err != nil {
		return domain.Execution{}, err
	}
	f := &fire{job: j, ver: ver, at: e.now(), nonce: domain.NewNonce(), doubt: true}
	if s := j.stop.Load(); s != nil {
		f.at = max(f.at, s.before) // a pause that was answered before does not stop it
	}
	j.mu.Lock()
	j.enter(f)
	run := f.openRun(f.at, true, f.at)
	answer := f.result(domain.StatusPending, 0, "")
	j.mu.Unlock()

	stored := make(chan struct{})
	e.recorder.addNow(entry{open: &run, fire: f, done: func() {
		// Not on the recorder's goroutine: the queue may be waiting for it. Who gets
		// the answer may ask for the execution at once.
		go func() {
			e.dispatch([]*fire{f})
			close(stored)
		}()
	}})
	select {
	case <-stored:
		return answer, nil
	case <-ctx.Done():
		return answer, domain.Unavailable(e.storeError(), "the trigger is not on record yet; it will run once it is")
	}
}
