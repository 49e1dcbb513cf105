package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
)

// overload is a host that makes 40 calls a second, of which 80 are due for 30 s, and 20 in
// the 20 s after that.
type overload struct {
	w   *world
	end int64 // of the overload, Unix milliseconds
}

const (
	sustained       = 40 // 8 slots, calls of 200 ms
	overloadSeconds = 30
	afterSeconds    = 20
)

// newOverload lets the time of the overload pass.
func newOverload(w *world) *overload {
	w.edge(300 * time.Millisecond)
	o := &overload{w: w, end: w.now()/1000*1000 + (1+overloadSeconds)*1000}
	var docs []domain.SpecDoc
	for i := range 2 * sustained {
		docs = append(docs, spec("", func(d *domain.SpecDoc) {
			d.API, d.JitterMs = "http://slow.test/?delay=200", 1000
			d.StartAt, d.EndAt = o.end-overloadSeconds*1000, o.end
			if i < sustained/2 {
				d.EndAt += afterSeconds * 1000
			}
		}))
	}
	w.create(docs...)
	w.pass(time.Duration(o.end-w.now()) * time.Millisecond)
	return o
}

// each calls fn for each request: when its fire was due and when it was sent, both after the
// end of the overload.
func (o *overload) each(fn func(due, sent time.Duration)) {
	o.w.targets.mu.Lock()
	defer o.w.targets.mu.Unlock()
	for _, s := range o.w.targets.calls {
		fn(time.Duration(s.Key.ScheduledAt-o.end)*time.Millisecond, time.Duration(s.wall-o.end)*time.Millisecond)
	}
}

// latest returns how late the fires are at most that are due from a time after the overload
// until 20 s after it, and how many they are.
func (o *overload) latest(from time.Duration) (most time.Duration, n int) {
	o.each(func(due, sent time.Duration) {
		if due >= from && due < afterSeconds*time.Second {
			most, n = max(most, sent-due), n+1
		}
	})
	return most, n
}

// sent returns how many requests there were in a time after the overload.
func (o *overload) sent(from, to time.Duration) (n int) {
	o.each(func(_, sent time.Duration) {
		if sent >= from && sent < to {
			n++
		}
	})
	return n
}

// New fires are on time 5 s after an overload, and the fires that waited are sent beside
// them: with a quarter of the slots while live fires use the others, and with all of them
// when there are no live ones any more. Each is sent once.
func TestNewFiresAreOnTimeAfterAnOverload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		queue    int // runs that wait one by one; the rest is ranges
		backlogs int
	}{{"runs", 50_000, 8}, {"ranges", 50, 8}, {"mutant that lets fires wait in line", 50_000, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bubbleWith(t, Config{MaxInFlight: 100, MaxInFlightPerHost: 8}, func(t *testing.T, w *world) {
				w.eng.runner.dispatcher.LimitHostQueue(c.queue)
				dispatch.LimitBacklogs(w.eng.runner.dispatcher, c.backlogs)
				o := newOverload(w)
				w.pass(2 * time.Minute)
				late, n := o.latest(5 * time.Second)
				if n != 15*sustained/2 {
					t.Errorf("%d fires were sent that are due from 5 s to 20 s after the overload", n)
				}
				if c.backlogs == 0 {
					if late < 5*time.Second {
						t.Errorf("without the rule they are late by %v: this test does not test it", late)
					}
					return
				}
				if late > 200*time.Millisecond {
					t.Errorf("fires that are due 5 s after the overload and later are late by up to %v", late)
				}
				if n := o.sent(0, 20*time.Second); n < 20*sustained*3/4*9/10 {
					t.Errorf("%d were sent in 20 s, of which half is on time and a quarter overdue", n)
				}
				if n := o.sent(30*time.Second, 35*time.Second); n < 5*sustained*9/10 {
					t.Errorf("%d were sent in 5 s in which there were only overdue ones", n)
				}
				if all, want := o.sent(-time.Hour, time.Hour),
					sustained*(2*overloadSeconds+afterSeconds/2); all != want {
					t.Errorf("%d requests for %d fires", all, want)
				}
				w.check(w.now())
			})
		})
	}
}
