package host

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

func dialsOf(table *Table, url string) *Dials { return &table.Hold(target.Of(url)).Dials }

// 2,000 dials that want to begin at once are spread over most of a second; no number
// of them has one wait longer than the most; a line that has passed has no effect.
func TestNarrowingLine(t *testing.T) {
	t.Parallel()
	var l line
	now := time.Unix(1_000, 0)
	var last time.Duration
	for i := range 100_000 {
		wait := l.narrowing(now)
		switch {
		case i == 0 && wait != 0:
			t.Fatalf("the first one waits for %s", wait)
		case wait < last || wait > maxLine:
			t.Fatalf("dial %d waits for %s, the one before it for %s", i, wait, last)
		case i == 2_000 && (wait < 600*time.Millisecond || wait > 950*time.Millisecond):
			t.Errorf("2,000 dials are spread over %s", wait)
		}
		last = wait
	}
	later := now.Add(time.Minute)
	if first, second := l.narrowing(later), l.narrowing(later); first != 0 || second != SilentGap {
		t.Errorf("a minute later the first waits for %s, the second for %s", first, second)
	}
}

// Turns of an even line follow each other in the same step, up to the most.
func TestEvenLine(t *testing.T) {
	t.Parallel()
	var l line
	now := time.Unix(1_000, 0)
	for i := range 100_000 {
		if wait := l.even(now, maxLine); wait != min(time.Duration(i)*FailGap, maxLine) {
			t.Fatalf("dial %d waits for %s", i, wait)
		}
	}
}

// A host that refuses waits in its own line, however long; others that refuse wait for
// its dials only for a moment. A silent host is not in those lines.
func TestLinesOfHosts(t *testing.T) {
	t.Parallel()
	var table Table
	now := time.Unix(1_000, 0)
	one, other, silent := dialsOf(&table, "http://a"), dialsOf(&table, "http://b"), dialsOf(&table, "http://c")
	for range 20_000 {
		if wait := one.turn(Refusing, now, maxLine); wait > maxLine {
			t.Fatalf("a dial waits for %s", wait)
		}
	}
	if wait := other.turn(Refusing, now, maxLine); wait > maxSharedLine {
		t.Errorf("a dial to another host that refuses waits for %s", wait)
	}
	if wait := silent.turn(Silent, now, maxLine); wait != 0 {
		t.Errorf("a dial to a silent host waits for %s behind those that refuse", wait)
	}
	if wait := one.turn(Refusing, now, time.Second); wait != time.Second {
		t.Errorf("a dial waits for %s, at most a second is allowed", wait)
	}
}

// Dials wait from the one on that makes the host a silent one; an answer ends the
// waiting, and so does the end of the context.
func TestAwaitTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := dialsOf(new(Table), "http://a")
		for i := range FreeDials + 1 {
			if wait := d.Begin(); wait != (i == FreeDials) {
				t.Errorf("dial %d waits: %v", i+1, wait)
			}
		}
		var waiting atomic.Int64
		var all sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		now := time.Now()
		await := func(n int) {
			for range n {
				waiting.Add(1)
				all.Go(func() {
					d.AwaitTurn(ctx, now, maxLine)
					waiting.Add(-1)
				})
			}
			synctest.Wait()
		}
		await(200)
		if n := waiting.Load(); n != 199 {
			t.Errorf("%d dials wait, want all but the first", n)
		}
		time.Sleep(100*SilentGap + SilentGap/2) // of the bubble
		synctest.Wait()
		if n := waiting.Load(); n < 92 || n > 99 {
			t.Errorf("%d dials wait after the time of 100", n)
		}
		d.Answered()
		synctest.Wait()
		if n := waiting.Load(); n != 0 || d.State() != Answering {
			t.Errorf("%d dials wait after an answer; state %d", n, d.State())
		}
		if await(1); waiting.Load() != 0 {
			t.Error("a dial waits though the host has answered")
		}
		for range FreeDials + 1 {
			d.Begin()
		}
		if await(50); waiting.Load() == 0 {
			t.Error("no dial waits")
		}
		cancel()
		all.Wait()
	})
}

// So many dials are under way and no more; the others give up in time.
func TestEnter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := dialsOf(new(Table), "http://a")
		for range MaxDials {
			if !d.Enter(0) {
				t.Fatal("there is no room")
			}
		}
		if d.Enter(time.Second) {
			t.Error("one too many")
		}
		go func() {
			time.Sleep(time.Second) // of the bubble
			d.Leave()
		}()
		if !d.Enter(2 * time.Second) {
			t.Error("there is no room after one has left")
		}
	})
}
