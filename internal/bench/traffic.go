package bench

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Traffic is the effect of API clients on the fires: the same jobs alone, and while
// clients read, import and export.
type Traffic struct {
	Alone      Burst   `json:"alone"`
	With       Burst   `json:"with"`
	Reads      int64   `json:"reads"` // GET /jobs/ID that were answered
	PerSec     float64 `json:"readsPerSecond"`
	Imported   int     `json:"imported"` // jobs
	Exports    int     `json:"exports"`  // of the whole history
	ExportedMB int64   `json:"exportedMb"`
	Factor     float64 `json:"p99Factor"`
}

// The traffic that a measurement makes.
const (
	readsPerSecond = 1_000
	readers        = 8
	exportEvery    = 5 * time.Second
)

// Traffic measures n jobs each second, spread over it, with and without.
func (b *Bench) Traffic(ctx context.Context, n, seconds, imported int) (out Traffic, err error) {
	m := burst{jobs: n, seconds: seconds, jitter: time.Second, path: "/ok"}
	if out.Alone, err = b.env.burst(ctx, m); err != nil {
		return out, err
	}
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	known, err := w.api.Jobs.Create(ctx, b.env.receiver.idle())
	if err != nil {
		return out, err
	}
	m.meanwhile = func(ctx context.Context) error { return w.traffic(ctx, &out, known.JobID, imported) }
	out.With, err = w.burst(ctx, m)
	if err != nil {
		return out, err
	}
	out.PerSec = float64(out.Reads) / float64(seconds)
	if out.Alone.Lateness.P99 > 0 {
		out.Factor = out.With.Lateness.P99 / out.Alone.Lateness.P99
	}
	b.env.say("API traffic: p99 %.1f ms with it, %.1f ms without", out.With.Lateness.P99, out.Alone.Lateness.P99)
	return out, nil
}

// traffic reads a job continuously, imports once, and exports the history now and then,
// until the context ends.
func (w *world) traffic(ctx context.Context, out *Traffic, id string, imported int) error {
	day := w.env.cfg.Clock.Now().UTC().Truncate(24 * time.Hour)
	today := client.TimeRange{From: day.Format(time.RFC3339), To: day.AddDate(0, 0, 2).Format(time.RFC3339)}
	var all sync.WaitGroup
	var reads atomic.Int64
	faults := make(chan error, readers+2)
	work := func(f func() error) {
		all.Go(func() {
			// What is cut off by the end is not an error.
			if err := f(); err != nil && ctx.Err() == nil {
				faults <- err
			}
		})
	}
	for i := range readers {
		work(func() error {
			if !clock.Wait(ctx, time.Duration(i)*time.Second/readsPerSecond) { // not all at the same instant
				return nil
			}
			tick := time.NewTicker(time.Second * readers / readsPerSecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
				}
				if _, err := w.api.Jobs.Get(ctx, id); err != nil {
					return err
				}
				reads.Add(1)
			}
		})
	}
	work(func() error {
		_, err := w.importEach(ctx, imported, func(int) client.Spec { return w.env.receiver.idle() })
		if err == nil {
			out.Imported = imported
		}
		return err
	})
	work(func() error {
		for clock.Wait(ctx, exportEvery) {
			n, err := w.api.Executions.Export(ctx, today, io.Discard)
			if err != nil {
				return err
			}
			out.Exports++
			out.ExportedMB += n >> 20
		}
		return nil
	})
	all.Wait()
	out.Reads = reads.Load()
	close(faults)
	return <-faults // nil when there was none
}
