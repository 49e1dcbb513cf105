package audit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Defaults of the auditor.
const (
	defaultEvery = time.Minute
	defaultSpan  = 5 * time.Minute

	// restFactor is how many times as long as a round took the auditor rests
	// at least: it takes some 2 % of a core at most.
	restFactor = 50

	// maxFound bounds the lost fires that one round takes on: some 5 MB.
	maxFound = 100_000
)

// Config is what an auditor is made of.
type Config struct {
	Store     store.Store
	Clock     clock.Clock
	Metrics   *telemetry.Metrics
	Log       *slog.Logger
	Retention time.Duration // of the history; zero: nothing is dropped
	Every     time.Duration // between rounds; zero: a minute
	Span      time.Duration // of history behind W that each round audits; zero: five minutes
}

func (c *Config) validate() error {
	if c.Store == nil || c.Clock == nil || c.Metrics == nil || c.Log == nil {
		return errors.New("audit: Store, Clock, Metrics and Log are required")
	}
	if c.Every < 0 || c.Span < 0 || c.Span > MaxWindow || c.Retention < 0 {
		return errors.New("audit: Every, Span and Retention must not be negative, nor Span over 31 days")
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	if c.Span == 0 {
		c.Span = defaultSpan
	}
	return nil
}

// Auditor audits the last minutes behind the watermark, again and again. Its
// windows overlap, so that a record that is lost a little later is missed too.
// What it finds is kept in the store, which makes an alert of it, and is reported
// once, whatever restarts come between.
type Auditor struct{ Config }

// New returns an auditor. The error is about the Config.
func New(c Config) (*Auditor, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &Auditor{Config: c}, nil
}

// Run audits until the context ends. The first round waits for its time too: a
// start has late fires to send and clients that come back, and with ten million
// jobs a round takes a third of a core from them.
func (a *Auditor) Run(ctx context.Context) {
	for rest := a.Every; clock.Wait(ctx, rest); {
		mark := a.Clock.Mark()
		if _, err := a.runOnce(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error("the record could not be audited; another attempt follows", telemetry.KeyError, err)
		}
		rest = max(a.Every, restFactor*a.Clock.Elapsed(mark))
	}
}

// runOnce audits the window once. It counts and logs the lost fires that were not known
// before.
func (a *Auditor) runOnce(ctx context.Context) (found []domain.Loss, err error) {
	shards, err := a.Store.Shards().Peek(ctx)
	if err != nil {
		return nil, err
	}
	watermark := store.LeastWatermark(shards)
	if watermark == 0 { // nothing has been fired yet
		return nil, nil
	}
	from := watermark - a.Span.Milliseconds()
	r, err := Run(ctx, a.Store, a.Clock, Window{From: from, To: watermark, Retention: a.Retention, lost: maxFound,
		background: true})
	if err != nil {
		return nil, err
	}
	found, err = a.Store.Alerts().AddLost(ctx, r.Lost, clock.NowMs(a.Clock))
	a.tell(found)
	return found, err
}

// tell counts losses, and logs one line for each job.
func (a *Auditor) tell(found []domain.Loss) {
	a.Metrics.LostFires.Add(float64(len(found)))
	count := make(map[domain.JobID]int)
	for _, l := range found {
		count[l.JobID]++
	}
	for _, l := range found {
		if n := count[l.JobID]; n > 0 {
			a.Log.Error("fires have no record", telemetry.KeyJobID, l.JobID.String(), telemetry.KeyCount, n,
				"first", time.UnixMilli(l.ScheduledAt).UTC(), telemetry.KeyExecutionID, l.Execution().String())
			delete(count, l.JobID)
		}
	}
}
