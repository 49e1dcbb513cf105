package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// keepEvery is how often old history is looked for. A look that finds nothing
// costs a few indexed reads, and a disk that fills up should not wait for an hour.
const keepEvery = time.Minute

// keeper keeps the history from eating the disk: it drops what is older than
// the retention, a day at a time. Records of Idempotency-Keys go with it when
// their time is over, and operations on many jobs with the history. It writes the counts of
// entries of the trail that count requests.
type keeper struct {
	history   store.History
	records   store.Idempotency
	bulk      store.Operations
	notices   store.Notices
	clock     clock.Clock
	log       *slog.Logger
	retention time.Duration
	repeats   *api.Repeats // nil: there are none
	deletes   func() bool  // whether this server deletes what is old: of several on a database one does
}

func newKeeper(s store.Store, clk clock.Clock, log *slog.Logger, retention time.Duration, deletes func() bool) *keeper {
	return &keeper{history: s.History(), records: s.Idempotency(), bulk: s.Operations(), notices: s.Notices(),
		clock: clk, log: log,
		retention: retention, deletes: deletes}
}

// flush writes what has been counted.
func (k *keeper) flush(ctx context.Context) {
	if k.repeats != nil {
		k.repeats.Flush(ctx)
	}
}

func (k *keeper) run(ctx context.Context) {
	for {
		if err := k.runOnce(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("old history could not be deleted; the next attempt is in a minute", telemetry.KeyError, err)
		}
		if !clock.Wait(ctx, keepEvery) {
			return
		}
	}
}

func (k *keeper) runOnce(ctx context.Context) error {
	k.flush(ctx)
	if !k.deletes() {
		return nil
	}
	_, expired := k.records.Expire(ctx, k.clock.Now().Add(-domain.IdempotencyAge).UnixMilli())
	dropped, err := k.history.Expire(ctx, k.clock.Now().Add(-k.retention).UnixMilli())
	if dropped > 0 {
		k.log.Info("old history was deleted", "days", dropped, "retention", k.retention)
	}
	_, ended := k.bulk.Expire(ctx, k.clock.Now().Add(-k.retention).UnixMilli())
	_, told := k.notices.ExpireNotices(ctx, k.clock.Now().Add(-k.retention).UnixMilli())
	return errors.Join(err, expired, ended, told)
}
