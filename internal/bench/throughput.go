package bench

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Limits of the search.
const (
	lateLimitMs = 1_000 // p99: a second is not over when the next one is due
	searchSteps = 8
	bareTime    = 3 * time.Second
	resolution  = 0.03 // of the result
	ratePerBare = 0.7  // of the bare loop's, to begin with

	// A rate that was not sustained is tried once more, because one slow second of the
	// machine is not its limit. A rate that was sustained is not tried again.
	triesPerRate = 2
)

// Throughput is the largest number of every-second jobs that was sustained, together with
// the bare loop of the same run.
type Throughput struct {
	Sustained Burst   `json:"sustained"` // the largest that was
	Failed    Burst   `json:"failed"`    // the smallest that was not; zero: none was tried
	Steps     []Burst `json:"steps"`     // in the order in which they were tried
	Bares     []Bare  `json:"bares"`     // one before each of them, and one after the last
	Bare      Bare    `json:"bare"`      // median of them
	Recorded  Bare    `json:"recorded"`  // the bare loop with a durable row for each request
	Ratio     float64 `json:"ratio"`     // sustained / bare
	OfRecord  float64 `json:"ratioOfRecorded"`

	// A rate is sustained only if every second is in time, so the slowest second of the
	// machine decides; the rate of the bare loop is a mean. OfSlowest is the sustained
	// rate divided by that of the slowest second of any bare loop of the run.
	OfSlowest float64 `json:"ratioOfSlowestSecond"`
	Slowest   float64 `json:"slowestSecond"`
}

// sustained reports whether every second was complete and in time.
func (b Burst) sustained() bool { return b.Complete && b.Lateness.P99 < lateLimitMs }

// Search says how the throughput is searched for.
type Search struct {
	Seconds int // how long a rate must be sustained
	From    int // jobs each second to begin with; zero: seven tenths of the bare loop's rate
	Steps   int // rates that are tried at most; zero: 8
}

// Throughput searches for the largest rate that is sustained.
func (b *Bench) Throughput(ctx context.Context, how Search) (out Throughput, err error) {
	if how.Steps == 0 {
		how.Steps = searchSteps
	}
	run := throughputRun{b.env, &out}
	if out.Recorded, err = b.env.bare().recorded(ctx, filepath.Join(b.env.folder, "recorded"), bareTime); err != nil {
		return out, err
	}
	b.env.say("bare loop with a durable row each: %.0f a second, %.1f us CPU each", out.Recorded.PerSecond,
		out.Recorded.CPUMicros)
	if err := run.measureBare(ctx); err != nil {
		return out, err
	}
	if how.From == 0 {
		how.From = int(out.Bares[0].PerSecond * ratePerBare)
	}
	s := search{from: how.From, resolution: resolution, steps: how.Steps}
	if err := s.run(triesPerRate, func(n int) (bool, error) { return run.sustains(ctx, n, how.Seconds) }); err != nil {
		return out, err
	}
	if s.good == 0 {
		return out, fmt.Errorf("not even %d jobs each second were sustained", s.bad)
	}
	out.sumUp(s.good, s.bad)
	return out, nil
}

// throughputRun is a throughput under measurement.
type throughputRun struct {
	env *environment
	out *Throughput
}

// sustains tries a rate, and measures the bare loop after it, because the speed of the
// machine changes from one minute to the next.
func (r throughputRun) sustains(ctx context.Context, n, seconds int) (bool, error) {
	got, err := r.env.burst(ctx, burst{jobs: n, seconds: seconds, path: "/ok"})
	if err != nil {
		return false, err
	}
	r.env.say("%d jobs each second: p99 %.0f ms, %d missing, %.1f us CPU each and %.1f of the receiver",
		n, got.Lateness.P99, got.Missing, got.CPUMicros, got.ReceiverMicros)
	r.out.Steps = append(r.out.Steps, got)
	return got.sustained(), r.measureBare(ctx)
}

func (r throughputRun) measureBare(ctx context.Context) error {
	got, err := r.env.bare().run(ctx, bareTime, nil)
	if err != nil {
		return err
	}
	r.env.say("bare loop: %.0f requests a second, %.1f us CPU each and %.1f of the receiver",
		got.PerSecond, got.CPUMicros,
		got.ReceiverMicros)
	r.out.Bares = append(r.out.Bares, got)
	return nil
}

// sumUp compares the largest rate that was sustained with the bare loop.
func (t *Throughput) sumUp(good, bad int) {
	for _, step := range t.Steps {
		if step.Jobs == good {
			t.Sustained = step // the last try of it is the one that worked
		}
		if step.Jobs == bad {
			t.Failed = step
		}
	}
	bares := slices.SortedFunc(slices.Values(t.Bares),
		func(x, y Bare) int { return cmp.Compare(x.PerSecond, y.PerSecond) })
	t.Bare = bares[len(bares)/2]
	t.Ratio = float64(t.Sustained.Jobs) / t.Bare.PerSecond
	t.Slowest = bares[0].Slowest
	for _, b := range bares {
		t.Slowest = min(t.Slowest, b.Slowest)
	}
	t.OfSlowest = float64(t.Sustained.Jobs) / t.Slowest
	t.OfRecord = float64(t.Sustained.Jobs) / t.Recorded.PerSecond
}

// search finds the largest number that works, by bisection between the largest that
// worked and the smallest that did not. Until one has failed, it increases the number by
// a quarter.
type search struct {
	from       int
	resolution float64
	steps      int

	good, bad int // the largest that worked, the smallest that did not; zero: none
}

// run searches with a function that reports whether a number works. One that does not is
// tried so many times before it counts.
func (s *search) run(tries int, works func(n int) (bool, error)) (err error) {
	for n, more := s.next(); more; n, more = s.next() {
		worked := false
		for try := 0; !worked && try < tries; try++ {
			if worked, err = works(n); err != nil {
				return err
			}
		}
		s.tried(n, worked)
	}
	return nil
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
