package bench

import (
	"context"
	"time"
)

// Drift measures how late the fires of N jobs are sent: first with all jobs due at the
// same instant, then with their instants spread over the second. For the first case it
// also measures the bare loop: the time that N requests need at least.
func (b *Bench) Drift(ctx context.Context, jobs []int, seconds int) (out []Burst, err error) {
	for _, n := range jobs {
		for _, jitter := range []time.Duration{0, time.Second} {
			var loop Bare
			spread := "spread over it"
			if jitter == 0 {
				spread = "at its edge"
				if loop, err = b.env.bare().run(ctx, bareTime, nil); err != nil {
					return out, err
				}
			}
			got, err := b.env.burst(ctx, burst{jobs: n, seconds: seconds, jitter: jitter, path: "/ok"})
			if err != nil {
				return out, err
			}
			got.BarePerSecond = loop.PerSecond
			b.env.say("%d jobs each second, %s: p50 %.1f, p99 %.1f, max %.1f ms", n, spread, got.Lateness.P50,
				got.Lateness.P99, got.Lateness.Max)
			out = append(out, got)
		}
	}
	return out, nil
}
