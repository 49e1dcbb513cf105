package api

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// trail makes the entries of the audit trail: what a caller asks for, and when.
type trail struct {
	clock clock.Clock
	order atomic.Uint32 // of changes; see changeBy
}

// under returns a context under which the store writes an entry of the trail
// together with the change: see [store.WithChange].
func (tr *trail) under(ctx context.Context, action domain.Action) context.Context {
	return store.WithChange(ctx, tr.changeBy(ctx, action))
}

// changeBy returns a change that the caller asks for now. Nonces grow, so that
// changes of one millisecond are listed in the order in which they were asked
// for; half of each is random, as another process may write to the same trail.
func (tr *trail) changeBy(ctx context.Context, action domain.Action) domain.Change {
	if is, decided := identityOf(ctx); decided {
		return domain.Change{At: is.At, Nonce: is.Nonce, By: visitorOf(ctx).author, Action: action,
			RequestID: telemetry.RequestID(ctx)}
	}
	order := int64(tr.order.Add(1) & math.MaxInt32) // so that no nonce is negative
	return domain.Change{
		At: clock.NowMs(tr.clock), Nonce: order<<32 | domain.NewNonce()&(1<<32-1), By: visitorOf(ctx).author,
		Action: action, RequestID: telemetry.RequestID(ctx),
	}
}
