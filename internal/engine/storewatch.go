package engine

import (
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// storeWatch knows whether results can be recorded.
type storeWatch struct {
	log        *slog.Logger
	metrics    *telemetry.Metrics
	shards     *shard.Set
	dispatcher *dispatch.Dispatcher

	mu  lock.Leaf
	err error // of the last try to record; nil: it works
}

// note takes the outcome of a try to record.
func (w *storeWatch) note(err error) {
	w.mu.Lock()
	first := err != nil && w.err == nil
	w.err = err
	w.mu.Unlock()
	if err != nil {
		w.metrics.StoreErrors.Inc()
		w.stopIfGone(err)
	}
	if first {
		w.log.Error("results cannot be recorded; they wait in memory and are committed again later", "error", err)
	}
}

// recordError returns the error of the last try to record, or nil.
func (w *storeWatch) recordError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// cause returns why the store does not work, as far as that is known.
func (w *storeWatch) cause() error {
	if err := w.recordError(); err != nil {
		return err
	}
	_, err := w.shards.LastBeat()
	return err
}

// stopIfGone ends the sending at once when files of the store are gone: what
// is recorded now could not be found again. Only a beat that finds all of them
// resumes it.
func (w *storeWatch) stopIfGone(err error) {
	if store.IsGone(err) {
		w.shards.StopSending()
		w.dispatcher.Suspend(true)
	}
}
