package bulk

import (
	"bytes"
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Run carries out operations until the context ends, those too that a process before has begun.
func (r *Runner) Run(ctx context.Context) {
	for ctx.Err() == nil {
		worked, err := r.runOnce(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			r.Log.Warn("an operation on many jobs waits for the store", telemetry.KeyError, err)
			clock.Wait(ctx, retryEvery)
		case !worked:
			await(ctx, r.begun, r.LookEvery)
		}
	}
}

// await waits until there may be something to do, or the context ends. lookEvery is that of the
// Config.
func await(ctx context.Context, begun <-chan struct{}, lookEvery time.Duration) {
	var look <-chan time.Time
	if lookEvery > 0 {
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		look = timer.C
	}
	select {
	case <-begun:
	case <-look:
	case <-ctx.Done():
	}
}

// runOnce does a step of the operation whose turn it is. It returns false when there is none.
func (r *Runner) runOnce(ctx context.Context) (worked bool, err error) {
	open, err := r.operations.List(ctx, store.OperationQuery{Open: true, Limit: domain.MaxOpenOperations})
	if err != nil || len(open) == 0 {
		return false, err
	}
	o := nextTurn(open, r.last)
	r.last = o.ID
	return true, r.step(ctx, o)
}

// nextTurn returns the operation after the last one that had its turn, in the order of their
// ids. The list is newest first.
func nextTurn(open []domain.Operation, last domain.OperationID) *domain.Operation {
	for i := len(open) - 1; i >= 0; i-- {
		if bytes.Compare(open[i].ID[:], last[:]) > 0 {
			return &open[i]
		}
	}
	return &open[len(open)-1]
}

// rightsEnded is why an operation fails whose author may not go on.
const rightsEnded = "the rights of its author have ended: the key was revoked or has expired, or a session as " +
	"long as allowed would have ended, or the grants are others"

func (r *Runner) step(ctx context.Context, o *domain.Operation) error {
	switch decideTask(o, r.Authors.MayGoOn(o)) {
	case taskAccount:
		return r.account(ctx, o)
	case taskCancel:
		return r.end(ctx, o, domain.CancelRequested, "")
	case taskRefuse:
		return r.end(ctx, o, domain.CannotGoOn, rightsEnded)
	case taskMatch:
		return r.match(ctx, o)
	case taskApply:
	}
	return r.apply(ctx, o)
}
