package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Big has the cost of a server with many jobs. Each job has its own URL and fires once a
// year, except those of the burst.
type Big struct {
	Jobs            int     `json:"jobs"`
	ImportPerSecond float64 `json:"importPerSecond"`
	MemoryMB        int64   `json:"memoryMb"` // of the server, after a start
	BytesPerJob     int64   `json:"bytesPerJob"`
	DiskPerJob      int64   `json:"diskBytesPerJob"`
	StartMs         int64   `json:"startMs"`               // from exec to the first request that the receiver got
	CreateBefore    float64 `json:"createBeforePerSecond"` // single POSTs, 8 clients, with no other job
	CreateAfter     float64 `json:"createAfterPerSecond"`  // the same with all of them
	Burst           Burst   `json:"burst"`                 // jobs due at the same instant, beside all the others
}

// createFor is how long single POSTs are measured before and after.
const createFor = 5 * time.Second

// Big measures a server for each number of jobs, one after the other.
func (b *Bench) Big(ctx context.Context, jobs []int, burst, seconds int) (out []Big, err error) {
	for _, n := range jobs {
		got, err := b.big(ctx, n, burst, seconds)
		if err != nil {
			return out, fmt.Errorf("%d jobs: %w", n, err)
		}
		b.env.say("%d jobs: %d bytes each, first fire %d ms after the start, p99 %.0f ms of %d at a time",
			n, got.BytesPerJob, got.StartMs, got.Burst.Lateness.P99, got.Burst.Jobs)
		out = append(out, got)
	}
	return out, nil
}

func (b *Bench) big(ctx context.Context, n, due, seconds int) (out Big, err error) {
	out.Jobs = n
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	empty := w.usage().rss
	before, err := w.create(ctx, 8, createFor)
	if err != nil {
		return out, err
	}
	out.CreateBefore = before.PerSecond
	rest := max(1, n-int(before.Jobs)) // with those there are n
	took, err := w.importEach(ctx, rest, func(i int) client.Spec {
		spec := b.env.receiver.idle()
		spec.API = fmt.Sprintf("%s/ok?customer=%d&job=%d", b.env.receiver.url, i%5_000, i)
		return spec
	})
	if err != nil {
		return out, err
	}
	out.ImportPerSecond = float64(rest) / took.Seconds()
	b.env.say("%d jobs: imported at %.0f a second", n, out.ImportPerSecond)
	first, err := w.api.Jobs.Create(ctx, client.Spec{Schedule: "* * * * * *", API: b.env.receiver.url + "/ok",
		Type: "ATLEAST_ONCE"})
	if err != nil {
		return out, err
	}
	if out.StartMs, err = w.restart(ctx); err != nil {
		return out, err
	}
	if _, err := w.api.Jobs.Delete(ctx, first.JobID, 0); err != nil {
		return out, err
	}
	rss, err := w.restingMemory(ctx)
	if err != nil {
		return out, err
	}
	out.MemoryMB = rss >> 20
	out.BytesPerJob = (rss - empty) / int64(n)
	if out.DiskPerJob, err = sizeOf(w.folder); err != nil {
		return out, err
	}
	out.DiskPerJob /= int64(n)
	if out.Burst, err = w.burst(ctx, burst{jobs: due, seconds: seconds, path: "/ok"}); err != nil {
		return out, err
	}
	after, err := w.create(ctx, 8, createFor)
	out.CreateAfter = after.PerSecond
	return out, err
}

// restingMemory returns the resident bytes of the server after it has returned the memory
// that it needed to start: at ten million jobs that takes some seconds.
func (w *world) restingMemory(ctx context.Context) (int64, error) {
	last := w.usage().rss
	for range 30 {
		if !clock.Wait(ctx, 2*time.Second) {
			return 0, ctx.Err()
		}
		now := w.usage().rss
		if d := now - last; d < last/100 && -d < last/100 {
			return now, nil
		}
		last = now
	}
	return last, nil
}

// restart stops the server gracefully, starts it again on its data and returns the number
// of milliseconds until its first request arrived.
func (w *world) restart(ctx context.Context) (ms int64, err error) {
	if err := w.server.stop(); err != nil {
		return 0, err
	}
	w.api.Close()
	if err := w.env.receiver.reset(ctx); err != nil {
		return 0, err
	}
	mark := w.env.cfg.Clock.Mark()
	if err := w.start(ctx); err != nil {
		return 0, err
	}
	for {
		got, err := w.env.receiver.received(ctx)
		if err != nil || got.Requests > 0 {
			return w.env.cfg.Clock.Elapsed(mark).Milliseconds(), err
		}
		if w.env.cfg.Clock.Elapsed(mark) > startTimeout {
			return 0, errors.New("nothing fires after the start")
		}
		if !clock.Wait(ctx, 5*time.Millisecond) {
			return 0, ctx.Err()
		}
	}
}
