package bench

import (
	"context"
	"time"
)

// Drift measures how late N jobs leave that are due at the same instant, and
// with their instants spread over the second.
func (b *Bench) Drift(ctx context.Context, jobs []int, seconds int) (out []Burst, err error) {
	for _, n := range jobs {
		for _, jitter := range []time.Duration{0, time.Second} {
			got, err := b.burst(ctx, burst{jobs: n, seconds: seconds, jitter: jitter, path: "/ok"})
			if err != nil {
				return out, err
			}
			spread := "at its edge"
			if jitter > 0 {
				spread = "spread over it"
			}
			b.say("%d jobs each second, %s: p50 %.1f, p99 %.1f, max %.1f ms", n, spread, got.Lateness.P50, got.Lateness.P99, got.Lateness.Max)
			out = append(out, got)
		}
	}
	return out, nil
}
