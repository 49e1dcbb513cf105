package edit

import (
	"context"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// noteTimeout bounds the wait for an entry that is written behind its trigger.
const noteTimeout = 5 * time.Second

// Trigger runs a job now, paused or not, beside whatever else of it runs. The
// execution is durable before Trigger returns it, PENDING; the call follows. ifVersion
// as in [Editor.Update].
func (e *Editor) Trigger(ctx context.Context, id domain.JobID, ifVersion int) (domain.Execution, error) {
	if _, comesAgain := store.IdempotencyOf(ctx); comesAgain {
		if err := e.admitUnclear(); err != nil {
			return domain.Execution{}, err
		}
	}
	if ifVersion != 0 {
		if _, err := e.current(ctx, id, ifVersion); err != nil {
			return domain.Execution{}, err
		}
	}
	var x domain.Execution
	var err error
	is, _ := ctx.Value(triggerKey{}).(named)
	if uncertainOf(ctx) != nil { // an open run of the same id stays as it is
		x, err = e.triggerAway(ctx, id, is.at, is.nonce)
	} else {
		x, err = e.TriggerAs(ctx, id, is.at, is.nonce)
	}
	if err != nil && !x.JobID.IsZero() {
		e.holdUntilKept(ctx)
	}
	if !x.JobID.IsZero() { // also one whose record was not waited for: it will run
		e.note(ctx, &x)
	}
	return x, err
}

// TriggerAs is [Editor.Trigger] of an execution whose id is known before: see [Owner]. The caller
// does not make it twice, and writes its entry into the audit trail.
func (e *Editor) TriggerAs(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error) {
	x, err := e.owner.Trigger(ctx, id, at, nonce)
	if e.without.instead(err) {
		return e.triggerAway(ctx, id, at, nonce)
	}
	return x, err
}

// triggerAway puts an execution on record for an owner that is not here, which carries it out
// once it has seen it: nobody does before. Its job may be deleted meanwhile, and then it is SKIPPED. Errors
// as Trigger of [Owner].
func (e *Editor) triggerAway(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error) {
	if err := e.admitUnclear(); err != nil {
		return domain.Execution{}, err
	}
	v, err := e.current(ctx, id, 0)
	if err != nil {
		return domain.Execution{}, err
	}
	if err := v.Unusable(); err != nil {
		return domain.Execution{}, domain.Conflict("the job cannot be run: %s. Change it, or delete it",
			domain.FaultText(err))
	}
	switch {
	case nonce == 0:
		nonce, at = domain.NewNonce(), max(e.now(), v.EffectiveFrom) // a pause before it does not stop it
	case !v.Active && at < v.EffectiveFrom:
		return domain.Execution{}, domain.Conflict("the job was paused or deleted since")
	}
	x := domain.Execution{FireKey: domain.FireKey{JobID: id, ScheduledAt: at, Nonce: nonce}, Version: v.Number,
		Status: domain.StatusPending}
	b := store.Batch{Open: []domain.OpenRun{{FireKey: x.FireKey, Version: v.Number, NextAt: at, CreatedAt: at}}}
	if kept, ok := store.TriggerRecord(ctx, &x); ok {
		b.Idempotency = []domain.IdempotencyRecord{kept}
	}
	record := func(ctx context.Context) error { return e.without.ledger.Record(ctx, b) }
	err = record(ctx)
	if err != nil && ctx.Err() == nil {
		err = record(ctx)
	}
	if err == nil {
		return x, nil
	}
	e.unclear.Add(1)
	e.background.start(func() {
		defer e.unclear.Add(-1)
		e.background.repeat(ctx, record)
	})
	return x, domain.Unavailable(err, "the trigger is not on record yet; it will run once it is")
}

// holdUntilKept keeps the Idempotency-Key of a trigger under way until it is on record: the
// same request must not run the job again before.
func (e *Editor) holdUntilKept(ctx context.Context) {
	if _, ok := store.IdempotencyOf(ctx); !ok {
		return
	}
	e.unclear.Add(1)
	release := e.once.hold(ctx)
	e.background.start(func() {
		defer e.unclear.Add(-1)
		defer release()
		e.background.repeat(ctx, e.once.isKept)
	})
}

// note writes the entry of a trigger into the audit trail, right behind it: the
// execution is on record by then, and is not undone for the entry's sake. When the
// store fails in between, the log has the entry.
func (e *Editor) note(ctx context.Context, x *domain.Execution) {
	entry, asked := store.ChangeOf(ctx)
	if !asked {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	entry.Action, entry.JobID, entry.Version, entry.Execution = domain.ActionTrigger, x.JobID, x.Version, x.ID()
	err := e.changes.Add(ctx, entry)
	if err == nil {
		return
	}
	by := entry.By
	e.metrics.StoreErrors.Inc()
	e.log.LogAttrs(ctx, slog.LevelError, "a trigger is not in the audit trail",
		slog.String("by", by.Key), slog.String("name", by.Name), slog.String(telemetry.KeyAddr, by.Address),
		slog.String(telemetry.KeyJobID, x.JobID.String()), slog.String(telemetry.KeyExecutionID, x.ID().String()),
		slog.Any(telemetry.KeyError, err))
}
