package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// hasEnded reports whether an execution is on record. Of two that are entered under one key, one
// finds the other among those that have not ended, or its record.
func hasEnded(ctx context.Context, s store.Store, key domain.FireKey) (bool, error) {
	_, err := s.History().Execution(ctx, key.ID())
	if err != nil && domain.ErrorCode(err) == domain.CodeNotFound {
		return false, nil
	}
	return err == nil, store.Coded(err)
}

// trigger runs a job now, paused or not, beside whatever else of it runs. The
// execution is durable before Trigger returns it, PENDING; the call follows. A record of
// an Idempotency-Key in the context is part of the same commit: [store.WithIdempotency].
//
// Without a nonce it gets a new one, and is scheduled now.
func (e *editor) trigger(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error) {
	j, err := e.lookup(id)
	if err != nil {
		return domain.Execution{}, err
	}
	if e.stopping.Load() {
		return domain.Execution{}, domain.Unavailable(nil, "the server is stopping")
	}
	if e.runner.recorder.Backlog() >= record.MaxUnrecorded {
		// A trigger does not wait for room, as results do: callers that give up
		// and try again would pile up more than any memory holds.
		return domain.Execution{}, domain.Unavailable(e.watch.cause(), "too much waits to be recorded")
	}
	e.registry.mu.Lock()
	ver, err := j.Current, e.registry.unusableError(id)
	e.registry.mu.Unlock()
	if err != nil {
		return domain.Execution{}, err
	}
	r := &run.Run{Job: j, Ver: ver, At: at, Nonce: nonce, Marked: true}
	stopped := j.StoppedUntil()
	switch {
	case nonce == 0:
		r.Nonce = domain.NewNonce()
		r.At = max(e.now(), stopped) // a pause that was answered before does not stop it
	case at < stopped:
		return domain.Execution{}, domain.Conflict("the job was paused or deleted since")
	}
	j.Mu.Lock()
	answer := r.Result(domain.StatusPending, 0, "")
	if nonce != 0 && j.Has(r.Key()) {
		j.Mu.Unlock()
		return answer, nil
	}
	j.Enter(r)
	open := r.OpenRun(r.At, true, r.At)
	j.Mu.Unlock()
	if nonce != 0 && e.shared { // another process may have put it on record: see pickup
		if ended, err := hasEnded(ctx, e.store, r.Key()); err != nil || ended {
			withdraw(e.runner, r)
			return answer, err
		}
	}

	stored := make(chan struct{})
	entry := record.Entry{Open: &open, Run: r, Done: func() {
		e.begin(r) // who gets the answer may ask for the execution at once
		close(stored)
	}}
	if kept, ok := store.TriggerRecord(ctx, &answer); ok {
		entry.Idempotency = &kept
	}
	e.runner.recorder.AddNow(entry)
	select {
	case <-stored:
		return answer, nil
	case <-ctx.Done():
		return answer, domain.Unavailable(e.watch.cause(), "the trigger is not on record yet; it will run once it is")
	}
}

// begin sends an execution that was triggered. One whose job was paused from some instant on, without
// its owner, is scheduled after that instant, and waits for it.
func (e *editor) begin(r *run.Run) {
	if r.At <= e.now() {
		e.runner.dispatch([]*run.Run{r})
		return
	}
	r.Job.Mu.Lock()
	r.SetState(run.StateAwaitRetry)
	r.RetryAt = r.At
	r.Job.Mu.Unlock()
	awaitRetry(e.runner, r)
}
