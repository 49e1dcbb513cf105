package engine

import (
	"errors"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Executor makes one HTTP attempt. It blocks at most call.Timeout, a thousandth more, and out.Held, and may be
// called from any number of goroutines.
type Executor interface {
	Do(call *domain.Call, out *domain.Outcome)
}

// Defaults and laws of time.
const (
	DefaultMaxInFlight = 20_000

	// Horizon is how far ahead of now H of a shard is moved.
	Horizon = shard.Horizon

	horizon   = Horizon
	beatEvery = time.Second
	// A beat is left out while nothing has been recorded for longer: H was moved at
	// most so long after the recorder stopped, and the horizon follows. A commit of a
	// slow disk that ends within the horizon delays nothing: the beat after it comes
	// before H.
	recordLimit = time.Second
	longCall    = 35 * time.Second // a call that runs longer gets an open run: not one that ends at the usual timeout
	futureW     = 3 * time.Hour    // a watermark further ahead of the clock is refused
)

// Config is what an Engine is made of.
type Config struct {
	Store    store.Store
	Executor Executor
	Clock    clock.Clock
	Metrics  *telemetry.Metrics
	Log      *slog.Logger

	// The engine reports to Pace whether fires are sent, and imports slow down for them.
	// nil: there is no Pace.
	Pace *clock.Pace

	Hosts *host.Table // is shared with the executor; nil: the engine has its own

	// Prepare is told of calls that are due soon, half a second before, from the goroutine
	// that releases fires: it must return within microseconds. nil: nothing is prepared.
	Prepare func(calls *domain.Upcoming)

	MaxInFlight        int // calls at a time; zero: DefaultMaxInFlight
	MaxInFlightPerHost int // zero: 90 % of MaxInFlight

	// SleepFine waits for the last fineLead before a fire is due, on a clock
	// that is finer than a timer. nil: the timer has to do.
	SleepFine func(time.Duration)

	// Shared says that other processes may own shards of the store. The engine starts with
	// none of them, takes those that it is given by Own, and goes on without those that it
	// loses. Otherwise it owns all, and ends when it loses one.
	Shared bool
	// Alive reports whether another process, by its random number, may still carry out an open run;
	// nil: none may. It is not asked unless Shared. It answers false only for a process that has ended,
	// or has not been seen for as long as its shards would be taken from it: what it has in flight is
	// sent again then, and counts as interrupted by a crash. A process that is stopping is there until
	// it has ended. It is asked often, and with locks held: it must return at once, and not call the
	// engine.
	Alive func(runner int64) bool

	// Node is the number of this process, which no other one may have; zero: a random one. A
	// simulation has numbers that can be repeated.
	Node int64

	// ResetWatermark accepts a clock far behind the watermark: the fires in
	// between are given up and firing starts at the clock's now.
	ResetWatermark bool
}

func (c *Config) validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New("engine: "+what))
		}
	}
	need(c.Store != nil, "a store is needed")
	need(c.Executor != nil, "an executor is needed")
	need(c.Metrics != nil, "metrics are needed")
	need(c.MaxInFlight >= 0, "MaxInFlight must not be negative")
	need(c.MaxInFlightPerHost >= 0, "MaxInFlightPerHost must not be negative")
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Hosts == nil {
		c.Hosts = new(host.Table)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Node == 0 {
		c.Node = domain.NewNonce()
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	if c.MaxInFlightPerHost == 0 {
		c.MaxInFlightPerHost = host.MostSlots(c.MaxInFlight)
	}
	c.MaxInFlightPerHost = min(c.MaxInFlightPerHost, c.MaxInFlight)
	return errors.Join(errs...)
}
