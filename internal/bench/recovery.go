package bench

import (
	"context"
	"errors"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Recovery is how a server recovers after it was killed.
type Recovery struct {
	Jobs       int     `json:"jobs"`       // due each second
	DownMs     int64   `json:"downMs"`     // from the kill to the start
	FirstMs    int64   `json:"firstMs"`    // from the start to the first request
	CaughtUpMs int64   `json:"caughtUpMs"` // from the start until every late fire had arrived
	Late       int64   `json:"lateFires"`
	PerSecond  float64 `json:"perSecond"`
	Doubled    int64   `json:"doubled"` // requests of the same attempt as one before the kill
}

// Recovery kills a server under n jobs each second and starts it again.
func (b *Bench) Recovery(ctx context.Context, jobs []int, down time.Duration) (out []Recovery, err error) {
	for _, n := range jobs {
		got, err := b.recovery(ctx, n, down)
		if err != nil {
			return out, err
		}
		b.env.say("%d jobs each second, down for %.1f s: first request after %d ms, %d late fires within %d ms", n,
			float64(got.DownMs)/1000, got.FirstMs, got.Late, got.CaughtUpMs)
		out = append(out, got)
	}
	return out, nil
}

func (b *Bench) recovery(ctx context.Context, n int, down time.Duration) (out Recovery, err error) {
	out.Jobs = n
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.importJobs(ctx, n, client.Spec{Schedule: "* * * * * *", API: b.env.receiver.url + "/ok",
		Type: "ATLEAST_ONCE"}); err != nil {
		return out, err
	}
	if err := b.env.receiver.reset(ctx); err != nil {
		return out, err
	}
	if !clock.Wait(ctx, 3*time.Second) {
		return out, ctx.Err()
	}
	before, err := b.env.receiver.received(ctx)
	if err != nil {
		return out, err
	}
	killed := b.env.cfg.Clock.Mark()
	w.server.kill()
	if !clock.Wait(ctx, down) {
		return out, ctx.Err()
	}
	out.DownMs = b.env.cfg.Clock.Elapsed(killed).Milliseconds()
	mark := b.env.cfg.Clock.Mark()
	// The receiver is not reset, because it detects duplicates by what it has received
	// before.
	w.api.Close()
	if err := w.start(ctx); err != nil {
		return out, err
	}
	err = w.catchUp(ctx, &out, before.Executions, mark)
	return out, err
}

// catchUp waits until as many executions have arrived as there were instants in the
// calendar since the receiver began to count.
func (w *world) catchUp(ctx context.Context, out *Recovery, had int64, mark clock.Mark) error {
	clk := w.env.cfg.Clock
	for {
		got, err := w.env.receiver.received(ctx)
		if err != nil {
			return err
		}
		since := clk.Elapsed(mark)
		if out.FirstMs == 0 && got.Executions > had {
			out.FirstMs = since.Milliseconds()
		}
		// Of the second that is under way nothing may have arrived yet.
		due := had + int64(out.Jobs)*int64((time.Duration(out.DownMs)*time.Millisecond+since)/time.Second)
		if out.FirstMs != 0 && got.Executions >= due {
			out.CaughtUpMs = since.Milliseconds()
			out.Late = int64(out.Jobs) * (out.DownMs / 1000)
			out.PerSecond = float64(got.Executions-had) / since.Seconds()
			out.Doubled = got.Duplicates
			return nil
		}
		if since > startTimeout {
			return errors.New("the server does not catch up")
		}
		if !clock.Wait(ctx, 10*time.Millisecond) {
			return ctx.Err()
		}
	}
}
