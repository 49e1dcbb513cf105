package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// Limits of the search.
const (
	lateLimitMs = 1_000 // p99: a second is not over when the next one is due
	searchSteps = 8
	bareTime    = 3 * time.Second
	resolution  = 0.03 // of the result
)

// Throughput is the largest number of every-second jobs that were sustained,
// beside the bare loop of the same run.
type Throughput struct {
	Sustained Burst   `json:"sustained"` // the largest that was
	Failed    Burst   `json:"failed"`    // the smallest that was not; zero: none was tried
	Steps     []Burst `json:"steps"`     // in the order in which they were tried
	Bare      Bare    `json:"bare"`      // median of those before, between and after
	Recorded  Bare    `json:"recorded"`  // the bare loop with a durable row for each request
	Ratio     float64 `json:"ratio"`     // sustained / bare
	OfRecord  float64 `json:"ratioOfRecorded"`
}

// sustained reports whether every second was complete and in time.
func (b Burst) sustained() bool { return b.Complete && b.Lateness.P99 < lateLimitMs }

// Search says how the throughput is searched for.
type Search struct {
	Seconds int // how long a rate must be sustained
	From    int // jobs each second to begin with; zero: half of the bare loop's rate
	Steps   int // rates that are tried at most; zero: 8
}

// Throughput searches for the largest rate that is sustained.
func (b *Bench) Throughput(ctx context.Context, how Search) (out Throughput, err error) {
	if how.Steps == 0 {
		how.Steps = searchSteps
	}
	var bares []Bare
	measureBare := func() (float64, error) {
		got, err := b.bare(ctx, bareTime)
		bares = append(bares, got)
		b.say("bare loop: %.0f requests a second, %.1f us CPU each", got.PerSecond, got.CPUMicros)
		return got.PerSecond, err
	}
	limit, err := measureBare()
	if err != nil {
		return out, err
	}
	if out.Recorded, err = b.recorded(ctx, bareTime); err != nil {
		return out, err
	}
	b.say("bare loop with a durable row each: %.0f a second, %.1f us CPU each", out.Recorded.PerSecond, out.Recorded.CPUMicros)
	if how.From == 0 {
		how.From = int(limit / 2)
	}
	s := search{from: how.From, resolution: resolution, steps: how.Steps}
	for n, ok := s.next(); ok; n, ok = s.next() {
		got, err := b.burst(ctx, burst{jobs: n, seconds: how.Seconds, path: "/ok"})
		if err != nil {
			return out, err
		}
		b.say("%d jobs each second: p99 %.0f ms, %d missing, %.1f us CPU each", n, got.Lateness.P99, got.Missing, got.CPUMicros)
		out.Steps = append(out.Steps, got)
		s.tried(n, got.sustained())
		if len(out.Steps) == how.Steps/2 {
			if _, err := measureBare(); err != nil {
				return out, err
			}
		}
	}
	if _, err := measureBare(); err != nil {
		return out, err
	}
	for _, step := range out.Steps {
		if step.Jobs == s.good {
			out.Sustained = step
		}
		if step.Jobs == s.bad {
			out.Failed = step
		}
	}
	if s.good == 0 {
		return out, fmt.Errorf("not even %d jobs each second were sustained", s.bad)
	}
	slices.SortFunc(bares, func(x, y Bare) int { return int(x.PerSecond - y.PerSecond) })
	out.Bare = bares[len(bares)/2]
	out.Ratio = float64(out.Sustained.Jobs) / out.Bare.PerSecond
	out.OfRecord = float64(out.Sustained.Jobs) / out.Recorded.PerSecond
	return out, nil
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration { return used(os.Getpid()).cpu }

// search finds the largest number that works by halving the interval between
// what did and what did not. Until something failed it grows by a quarter.
type search struct {
	from       int
	resolution float64
	steps      int

	good, bad int // the largest that worked, the smallest that did not; zero: none
}

// next returns the number to try, or false when the answer is close enough.
func (s *search) next() (n int, more bool) {
	if s.steps == 0 {
		return 0, false
	}
	s.steps--
	switch {
	case s.good == 0 && s.bad == 0:
		n = s.from
	case s.bad == 0:
		n = s.good + max(1, s.good/4)
	case s.good == 0:
		n = s.bad / 2
	case float64(s.bad-s.good) <= s.resolution*float64(s.bad):
		return 0, false
	default:
		n = (s.good + s.bad) / 2
	}
	return n, n > 0 && n != s.good && n != s.bad
}

func (s *search) tried(n int, worked bool) {
	if worked {
		s.good = max(s.good, n)
	} else if s.bad == 0 || n < s.bad {
		s.bad = n
	}
}
