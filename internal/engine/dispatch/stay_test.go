package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// swap ends a call that took so long and returns the next one.
func (b *bench) swap(r *run.Run, took time.Duration) *run.Run {
	b.t.Helper()
	next := b.d.Swap(r, nil, took, b.now)
	if next == nil {
		b.t.Fatal("no call begins although fires wait")
	}
	return next
}

func hostOf(r *run.Run) string { return r.Ver.Host.Endpoint().Name }

// The more hosts wait, the fewer calls one has in a turn.
func TestCallsInTurn(t *testing.T) {
	t.Parallel()
	for waiting, want := range map[int]int{
		0: mostInTurn, 1: mostInTurn, mostBeforeTurn / mostInTurn: mostInTurn, mostBeforeTurn / 4: 4,
		mostBeforeTurn/2 + 1: 1, mostBeforeTurn: 1, 1_000_000: 1,
	} {
		if got := callsInTurn(waiting); got != want {
			t.Errorf("%d hosts wait: %d calls, want %d", waiting, got, want)
		}
	}
}

// A quick host begins further calls in its turn as its calls end. A slow one does not, nor
// does one beside fires that are late: then the next host has its turn.
func TestQuickHostStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		hosts int
		took  time.Duration
		late  bool
		want  int // calls in a row of one host
	}{
		{"quick", 3, time.Millisecond / 4, false, mostInTurn},
		{"quick, and many hosts wait", mostBeforeTurn, time.Millisecond / 4, false, 1},
		{"slow", 3, time.Second, false, 1},
		{"late fires wait", 3, time.Millisecond / 4, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 1, 1)
			for i := range c.hosts {
				b.d.Push(b.fires(fmt.Sprint("h", i), 100, run.LaneLive))
			}
			r := b.take(2)[0]
			for range 2 * c.hosts { // each host is known
				r = b.swap(r, c.took)
			}
			if c.late {
				b.d.Push(b.fires("late", 100, run.LaneLate))
			}
			for from := hostOf(r); hostOf(r) == from; {
				r = b.swap(r, c.took)
			}
			from, row := hostOf(r), 0
			for ; hostOf(r) == from; row++ {
				r = b.swap(r, c.took)
			}
			if row != c.want {
				t.Errorf("%d calls in a row, want %d", row, c.want)
			}
		})
	}
}

// However many calls quick hosts have in a turn, no host waits for longer than mostBeforeTurn
// of them and one call of each host, and no queue is served more than another.
func TestNoHostWaitsForLong(t *testing.T) {
	t.Parallel()
	const inFlight = 8
	for _, hosts := range []int{2, 30, 100, 600} {
		b := newBench(t, inFlight, 1_000)
		last, served := make(map[string]int), make(map[string]int)
		for i := range hosts {
			name := fmt.Sprint("h", i)
			b.d.Push(b.fires(name, 40+mostInTurn, run.LaneLive))
			last[name] = 0
		}
		calls := b.take(inFlight)
		for n := range 40 * hosts {
			next := b.swap(calls[0], time.Millisecond/4)
			calls = append(calls[1:], next)
			h := hostOf(next)
			if gap := n - last[h]; gap > mostBeforeTurn+2*hosts+inFlight {
				t.Fatalf("%d hosts: one waited for %d calls", hosts, gap)
			}
			last[h], served[h] = n, served[h]+1
		}
		for h := range last {
			if n := served[h]; n < 40-2*mostInTurn || n > 40+2*mostInTurn {
				t.Errorf("%d hosts: %s had %d calls of 40 each", hosts, h, n)
			}
		}
	}
}
