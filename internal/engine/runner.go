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
	shards   *shard.Set
	stopping *atomic.Bool

	dispatcher *dispatch.Dispatcher
	recorder   *record.Recorder
	retries    *due.Retries
	away       *away
	calls      sync.Pool // *attempt
}

// newRunner makes a runner. onStore is called after each attempt to record, with its
// error or nil.
func newRunner(cfg *Config, shards *shard.Set, stopping *atomic.Bool, onStore func(error)) *runner {
	rn := &runner{
		clock: cfg.Clock, exec: cfg.Executor, log: cfg.Log, metrics: cfg.Metrics, shards: shards, stopping: stopping,
		away: newAway(),
	}
	rn.calls.New = func() any { return new(attempt) }
	rn.dispatcher = dispatch.New(dispatch.Config{
		MaxCalls: cfg.MaxInFlight, MaxPerHost: cfg.MaxInFlightPerHost, Hosts: cfg.Hosts,
		Work: rn.work, FromSpan: rn.fromSpan, Trim: rn.trim, Now: rn.now,
	})
	rn.recorder = record.NewRecorder(cfg.Store.Ledger(), cfg.Clock, shards.Node, rn.committed, onStore)
	rn.retries = due.NewRetries(cfg.Clock, func(runs []*run.Run) { rn.dispatch(runs) })
	return rn
}

// placesOf returns where a fire may be, in the order in which it moves. Each lets go of it only when
// the next one has it, so that none is missed on its way. One may be found twice.
func placesOf(rn *runner) []func(match func(*run.Run) bool) *run.Run {
	return []func(func(*run.Run) bool) *run.Run{
		rn.away.find, rn.dispatcher.Find, rn.recorder.Find, rn.retries.Find, rn.dispatcher.Find, rn.recorder.Find,
	}
}
