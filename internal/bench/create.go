package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// Create is the rate at which jobs are created, each durable before its answer.
type Create struct {
	Clients   int     `json:"clients"` // zero: one import
	Jobs      int64   `json:"jobs"`
	PerSecond float64 `json:"perSecond"`
}

// Create measures single POST requests with each number of simultaneous clients, for a
// while each, and an import of so many jobs.
func (b *Bench) Create(ctx context.Context, clients []int, d time.Duration, imported int) (out []Create, err error) {
	for _, n := range clients {
		got, err := b.create(ctx, n, d)
		if err != nil {
			return out, err
		}
		b.env.say("%d clients: %.0f jobs created a second", n, got.PerSecond)
		out = append(out, got)
	}
	got, err := b.imported(ctx, imported)
	if err == nil {
		b.env.say("import: %.0f jobs a second", got.PerSecond)
		out = append(out, got)
	}
	return out, err
}

func (b *Bench) create(ctx context.Context, clients int, d time.Duration) (out Create, err error) {
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return w.create(ctx, clients, d)
}

func (w *world) create(ctx context.Context, clients int, d time.Duration) (out Create, err error) {
	e := w.env
	limited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var created atomic.Int64
	var fault atomic.Pointer[error]
	var all sync.WaitGroup
	mark := e.cfg.Clock.Mark()
	for range clients {
		all.Go(func() {
			for limited.Err() == nil {
				// An answer that is cut off by the end is not waited for.
				if _, err := w.api.Jobs.Create(limited, e.receiver.idle()); err == nil {
					created.Add(1)
				} else if limited.Err() == nil {
					fault.Store(&err)
					cancel()
				}
			}
		})
	}
	all.Wait()
	took := e.cfg.Clock.Elapsed(mark)
	if err := fault.Load(); err != nil {
		return out, *err
	}
	return Create{Clients: clients, Jobs: created.Load(), PerSecond: float64(created.Load()) / took.Seconds()}, nil
}

func (b *Bench) imported(ctx context.Context, n int) (out Create, err error) {
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	took, err := w.importEach(ctx, n, func(int) client.Spec { return b.env.receiver.idle() })
	return Create{Jobs: int64(n), PerSecond: float64(n) / took.Seconds()}, err
}
