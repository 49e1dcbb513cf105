package engine

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
	"github.com/belfry-scheduler/belfry/internal/engine/due"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// runner sees every run through, from the instant at which it is due to its record:
//
//	release ─► admit ─► dispatch ─► work ─► send ─► conclude ─► committed
//	due        overlap  queue of    the     the     fact or     W may pass
//	                    the host    rule    call    retry
//
// A run belongs to one goroutine at a time; who has it last gives it to the recorder.
type runner struct {
	clock    clock.Clock
	exec     Executor
	log      *slog.Logger
	metrics  *telemetry.Metrics
	shard    *shard.State
	stopping *atomic.Bool

	dispatcher *dispatch.Dispatcher
	recorder   *record.Recorder
	retries    *due.Retries
	calls      sync.Pool // *attempt
}

// newRunner makes a runner. onStore is told the error of each try to record, or nil
// where it was taken.
func newRunner(cfg *Config, state *shard.State, stopping *atomic.Bool, onStore func(error)) *runner {
	r := &runner{
		clock: cfg.Clock, exec: cfg.Executor, log: cfg.Log, metrics: cfg.Metrics, shard: state, stopping: stopping,
	}
	r.calls.New = func() any { return new(attempt) }
	r.dispatcher = dispatch.New(dispatch.Config{
		MaxCalls: cfg.MaxInFlight, MaxPerHost: cfg.MaxInFlightPerHost,
		Work: r.work, FromSpan: r.fromSpan, Trim: r.trim, Now: r.now,
	})
	r.recorder = record.NewRecorder(cfg.Store.Ledger(), cfg.Clock, r.committed, onStore)
	r.retries = due.NewRetries(cfg.Clock, func(runs []*run.Run) { r.dispatch(runs) })
	return r
}

func (r *runner) now() int64 { return clock.NowMs(r.clock) }
