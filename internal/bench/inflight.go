package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// InFlight is the cost of calls that wait for a slow target.
type InFlight struct {
	DelayMs      int64   `json:"delayMs"` // of the target's answers
	InFlight     int     `json:"inFlight"`
	Burst        Burst   `json:"burst"`
	BytesPerCall int64   `json:"bytesPerCall"` // of the server's memory
	BareBytes    int64   `json:"bareBytesPerCall"`
	PerSecond    float64 `json:"perSecond"` // calls that were answered
}

// DeadHost is the effect of a target that does not answer on the jobs of a healthy one.
type DeadHost struct {
	Alone Burst `json:"alone"` // the healthy host's jobs, alone
	Dead  int   `json:"deadJobs"`
	With  Burst `json:"with"` // the same jobs beside the dead host's
	Down  Burst `json:"down"` // the same beside as many of a host that refuses connections
}

// warmUp is how many seconds a measurement of slow calls runs before its memory is
// measured, because the limit of simultaneous calls rises first.
const warmUp = 4

// InFlight measures slow calls, for each delay and each number of calls in flight. The
// instants are spread over the second, so that calls end at the rate at which they begin.
func (b *Bench) InFlight(ctx context.Context, delays []time.Duration, calls []int,
	seconds int) (out []InFlight, err error) {
	for _, d := range delays {
		for _, n := range calls {
			rate := int(float64(n) / d.Seconds())
			if rate < 1 || rate > maxSlowRate {
				continue // more than a small machine sends at all
			}
			got, err := b.inFlight(ctx, d, n, rate, seconds)
			if err != nil {
				return out, fmt.Errorf("%d calls of %s: %w", n, d, err)
			}
			b.env.say("%d calls of %s in flight: %.0f answered a second, %d bytes each", n, d, got.PerSecond,
				got.BytesPerCall)
			out = append(out, got)
		}
	}
	return out, nil
}

const maxSlowRate = 20_000

func (b *Bench) inFlight(ctx context.Context, d time.Duration, n, rate, seconds int) (out InFlight, err error) {
	w, err := b.env.world(ctx, worldConfig{env: []string{"BELFRY_MAX_IN_FLIGHT_PER_HOST=20000"}})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	seconds += warmUp + int(2*d/time.Second)
	m := burst{jobs: rate, seconds: seconds, jitter: time.Second, path: fmt.Sprintf("/slow?ms=%d", d.Milliseconds()),
		drainTime: d}
	got, err := w.burst(ctx, m)
	if err != nil {
		return out, err
	}
	return InFlight{
		DelayMs: d.Milliseconds(), InFlight: n, Burst: got,
		BytesPerCall: (got.peak - got.atRest) / int64(n),
		PerSecond:    float64(got.Jobs) * float64(got.Seconds) / got.took.Seconds(),
	}, nil
}

// DeadHost measures n jobs each second three times: alone, together with dead jobs each
// second of a host that accepts connections and never answers, and together with as many
// of a host that is down.
func (b *Bench) DeadHost(ctx context.Context, n, dead, seconds int) (out DeadHost, err error) {
	out.Dead = dead
	hole, err := startReceiver(ctx, b.env.cfg.Binary, "--dead")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, hole.stop()) }()
	m := burst{jobs: n, seconds: seconds, jitter: time.Second, path: "/ok"}
	if out.Alone, err = b.env.burst(ctx, m); err != nil {
		return out, err
	}
	if out.With, err = b.env.besideHost(ctx, m, dead, hole.url); err != nil {
		return out, err
	}
	b.env.say("dead host: p99 of the healthy one %.1f ms, alone %.1f ms", out.With.Lateness.P99, out.Alone.Lateness.P99)
	if err := hole.stop(); err != nil {
		return out, err
	}
	if out.Down, err = b.env.besideHost(ctx, m, dead, hole.url); err == nil { // nobody listens there any more
		b.env.say("host that is down: p99 of the healthy one %.1f ms", out.Down.Lateness.P99)
	}
	return out, err
}

// besideHost measures a burst together with jobs of another host; others of these are due
// each second.
func (e *environment) besideHost(ctx context.Context, m burst, others int, url string) (out Burst, err error) {
	w, err := e.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	err = w.importJobs(ctx, others, client.Spec{
		Schedule: "* * * * * *", API: url + "/", Type: "ATLEAST_ONCE", TimeoutMs: 30_000,
	})
	if err != nil {
		return out, err
	}
	return w.burst(ctx, m)
}
