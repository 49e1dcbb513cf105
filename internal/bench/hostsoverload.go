package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// Overload is a server under more load than it can sustain, and the time afterwards. The
// fires are spread over the second.
type Overload struct {
	Busy      bool `json:"busy"`      // half of the processor was taken by another process
	Sustained int  `json:"sustained"` // a second, otherwise
	Rate      int  `json:"rate"`      // due each second during the overload
	After     int  `json:"after"`     // and after it
	Seconds   int  `json:"seconds"`

	Share   float64 `json:"share"`         // of the processor that was not taken
	Goodput float64 `json:"goodput"`       // executions that arrived a second, without the first second
	Slowest float64 `json:"slowestSecond"` // of them
	Fastest float64 `json:"fastestSecond"`
	OfBest  float64 `json:"ofBest"`  // goodput / what is sustained with that share of the processor
	Late    int64   `json:"late"`    // fires that had not arrived when the rate fell
	LeastMs int64   `json:"leastMs"` // that these take at least, at the sustained rate
	// from then until everything was on time; -1: not in the time that was measured
	OnTimeMs  int64 `json:"onTimeMs"`
	NewFireMs int64 `json:"newFireMs"` // until new fires were on time, beside late ones that were still sent
	MeasureMs int64 `json:"measureMs"` // how long was measured from then on
	// executions that arrived a second from then until everything was on time, or to the end
	AfterGoodput float64 `json:"afterGoodput"`

	Connections receiver.Connections `json:"connections"`
	Series      []OverloadSecond     `json:"series"`
}

// OverloadSecond is about one second of it, by when the requests arrived.
type OverloadSecond struct {
	AtMs        int64   `json:"atMs"` // its end, from the first instant
	PerSecond   float64 `json:"perSecond"`
	P50Ms       float64 `json:"p50Ms"`
	P99Ms       float64 `json:"p99Ms"`
	OnTime      float64 `json:"onTimePerSecond"` // of them, at most 100 ms late
	Connections int64   `json:"connections"`
	Handshakes  float64 `json:"handshakesPerSecond"`
}

const (
	onTimeLimit = 50 * time.Millisecond  // of 99 %
	onTimeFor   = 3                      // seconds in a row
	onTimeShare = 0.95                   // of the fires that are due must arrive in such a second
	newLimit    = 100 * time.Millisecond // of new fires, while late ones are sent beside them
	newShare    = 0.98                   // of those that are due: the seconds of the queries are not exact
)

// overloadAfter is how long the time after an overload is measured: the late fires need
// twice its duration, at half of the sustained rate.
func overloadAfter(seconds int) int { return 5*seconds/2 + 20 }

// overloadLimit is how long all of it may take, with the start and the import.
func overloadLimit(seconds int) time.Duration {
	return time.Duration(seconds+overloadAfter(seconds))*time.Second + 2*time.Minute
}

// overload measures twice the rate that is sustained.
func (r *hostsRun) overload(ctx context.Context) error {
	n := r.sustained()
	return r.overloaded(ctx, &Overload{Sustained: n, Rate: 2 * n, Seconds: r.cfg.OverloadSeconds, Share: 1})
}

// busy measures the rate that is sustained while another process takes half of the
// processor.
func (r *hostsRun) busy(ctx context.Context) error {
	n := r.sustained()
	return r.overloaded(ctx, &Overload{Sustained: n, Rate: n, Seconds: r.cfg.BusySeconds, Busy: true})
}

func (r *hostsRun) overloaded(ctx context.Context, o *Overload) (err error) {
	o.After = max(1, o.Sustained/2)
	w, err := r.world(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.discard()) }()
	first, err := w.importOverload(ctx, r.targets, o)
	if err != nil {
		return err
	}
	if err := r.env.receiver.reset(ctx); err != nil {
		return err
	}
	if err := until(ctx, r.env.cfg.Clock, first); err != nil {
		return err
	}
	end := func() float64 { return 1 }
	if o.Busy {
		end = r.env.occupy(ctx, max(1, runtime.NumCPU()/2))
	}
	err = r.follow(ctx, o, first, end)
	o.sumUp()
	r.say("%d a second instead of %d for %d s: goodput %.0f (%.2f of the best), %d late; new fires on time after "+
		"%d ms, all after %d ms (-1: never), goodput %.0f meanwhile",
		o.Rate, o.Sustained, o.Seconds, o.Goodput, o.OfBest, o.Late, o.NewFireMs, o.OnTimeMs, o.AfterGoodput)
	r.out.Overload = append(r.out.Overload, *o)
	return err
}

// importOverload creates the jobs and returns the first instant.
func (w *world) importOverload(ctx context.Context, targets []string, o *Overload) (first int64, err error) {
	clk := w.env.cfg.Clock
	first = clock.NowMs(clk) + (hostsLead + time.Duration(o.Rate)*100*time.Microsecond).Milliseconds()
	first = (first/1000 + 1) * 1000
	m := burst{path: "/ok", targets: targets}
	for _, part := range []struct{ jobs, seconds int }{
		{o.After, o.Seconds + overloadAfter(o.Seconds)}, {o.Rate - o.After, o.Seconds},
	} {
		if _, err := w.importEach(ctx, part.jobs, m.over(client.Spec{
			Schedule: "* * * * * *", Type: "ATLEAST_ONCE", JitterMs: 1000,
			StartAt: first, EndAt: first + int64(part.seconds)*1000,
		})); err != nil {
			return 0, err
		}
	}
	if late := clock.NowMs(clk) - first; late >= 0 {
		return 0, fmt.Errorf("the import of %d jobs took %d ms too long", o.Rate, late)
	}
	return first, nil
}

// follow queries the receiver each second, until everything is on time again or the time
// is over. It ends the other process after the overload; end returns the share of the
// processor that it did not take.
func (r *hostsRun) follow(ctx context.Context, o *Overload, first int64, end func() float64) error {
	defer end()
	clk := r.env.cfg.Clock
	fall, before := int64(o.Seconds)*1000, receiver.Stats{}
	var was, at int64 // the last answer, the last query
	for next := int64(1000); ; next = (at/1000 + 1) * 1000 {
		if err := until(ctx, clk, first+next); err != nil {
			return err
		}
		if next >= fall {
			o.Share = end()
		}
		now, err := r.env.receiver.histogram(ctx)
		over := func() bool {
			o.MeasureMs = clock.NowMs(clk) - first - fall
			return o.MeasureMs >= int64(overloadAfter(o.Seconds))*1000
		}
		if err != nil { // a receiver that is too busy may answer later
			if ctx.Err() != nil || over() {
				return err
			}
			r.say("the receiver does not answer: %v", err)
			at = clock.NowMs(clk) - first
			continue
		}
		s := secondOf(before, now, was, clock.NowMs(clk)-first)
		before, was, at = now, s.AtMs, s.AtMs
		r.say("%.1f s: %.0f a second, p50 %.0f, p99 %.0f ms, %.0f on time, %d connections, %.0f handshakes a second",
			float64(at)/1000, s.PerSecond, s.P50Ms, s.P99Ms, s.OnTime, s.Connections, s.Handshakes)
		o.Series, o.Connections = append(o.Series, s), now.Connections
		if over() || o.recovered(o.onTime) >= 0 {
			return nil
		}
	}
}

// secondOf returns what arrived between two queries.
func secondOf(before, now receiver.Stats, was, at int64) OverloadSecond {
	seconds := float64(max(1, at-was)) / 1000
	diff := subtract(now.Buckets, before.Buckets)
	late := receiver.Summarize(diff)
	return OverloadSecond{
		AtMs: at, PerSecond: float64(now.Executions-before.Executions) / seconds, P50Ms: late.P50, P99Ms: late.P99,
		OnTime:      float64(receiver.Within(diff, newLimit)) / seconds,
		Connections: now.Connections.Open,
		Handshakes:  float64(now.Handshakes.Begun-before.Handshakes.Begun) / seconds,
	}
}

// onTime reports whether all that arrived in a second was on time, and nothing is missing.
func (o *Overload) onTime(s OverloadSecond) bool {
	return s.P99Ms < float64(onTimeLimit.Milliseconds()) && s.PerSecond >= onTimeShare*float64(o.After)
}

// newOnTime reports whether as many fires were on time as are due each second.
func (o *Overload) newOnTime(s OverloadSecond) bool { return s.OnTime >= newShare*float64(o.After) }

// recovered returns how long after the overload the first of several seconds in a row
// that are good began; -1: none did.
func (o *Overload) recovered(good func(OverloadSecond) bool) int64 {
	begin, row, fall := int64(0), 0, int64(o.Seconds)*1000
	for i, s := range o.Series {
		begun := int64(0)
		if i > 0 {
			begun = o.Series[i-1].AtMs
		}
		switch {
		case begun < fall || !good(s):
			row = 0
			continue
		case row == 0:
			begin = begun - fall
		}
		if row++; row == onTimeFor {
			return begin
		}
	}
	return -1
}

// sumUp derives the figures from the series.
func (o *Overload) sumUp() {
	var arrived, sum, took, was float64
	o.Slowest = math.Inf(1)
	for i, s := range o.Series {
		if was >= float64(o.Seconds) {
			break
		}
		length := float64(s.AtMs)/1000 - was
		was += length
		arrived += s.PerSecond * length
		if i == 0 {
			continue
		}
		sum, took = sum+s.PerSecond*length, took+length
		o.Slowest, o.Fastest = min(o.Slowest, s.PerSecond), max(o.Fastest, s.PerSecond)
	}
	if took == 0 {
		o.Slowest = 0
	} else {
		o.Goodput = sum / took
	}
	if o.Share == 0 {
		o.Share = 1
	}
	o.OfBest = o.Goodput / (o.Share * float64(o.Sustained))
	o.Late = max(0, int64(o.Rate)*int64(o.Seconds)-int64(arrived))
	o.LeastMs = o.Late * 1000 / int64(max(1, o.Sustained-o.After))
	o.OnTimeMs, o.NewFireMs = o.recovered(o.onTime), o.recovered(o.newOnTime)
	o.AfterGoodput = o.after()
}

// after returns how many executions arrived a second from the end of the overload until
// everything was on time, or to the end.
func (o *Overload) after() float64 {
	var sum, took float64
	for i, s := range o.Series {
		var was int64
		if i > 0 {
			was = o.Series[i-1].AtMs
		}
		fall := int64(o.Seconds) * 1000
		if was < fall || o.OnTimeMs >= 0 && was >= fall+o.OnTimeMs {
			continue
		}
		length := float64(s.AtMs-was) / 1000
		sum, took = sum+s.PerSecond*length, took+length
	}
	return sum / max(took, 1e-3)
}

// occupy takes processors until end is called, in this process, which is neither the
// server nor the receiver. end returns the share of all processors that was not taken.
func (e *environment) occupy(ctx context.Context, threads int) (end func() float64) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	mark, before := e.cfg.Clock.Mark(), ownCPU()
	for range threads {
		all.Go(func() {
			for n := 0; ctx.Err() == nil; {
				for range 1 << 16 {
					n++
				}
			}
		})
	}
	return sync.OnceValue(func() float64 {
		cancel()
		all.Wait()
		took := e.cfg.Clock.Elapsed(mark).Seconds() * float64(runtime.NumCPU())
		return 1 - min(1, (ownCPU()-before).Seconds()/took)
	})
}
