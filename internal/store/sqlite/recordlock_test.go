package sqlite

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// copyFunc is a fileCopy for tests.
type copyFunc func(context.Context) error

func (f copyFunc) load(ctx context.Context) error { return f(ctx) }

// After a commit whose outcome is unknown, the marked days are erased and every copy is
// loaded, once, before anything else is done under the lock.
func TestRecordLockLoadsWhatIsStale(t *testing.T) {
	var done []string
	failing := errors.New("the disk fails")
	var fault error // of the second copy
	step := func(name string) error { done = append(done, name); return nil }
	l := newRecordLock(func(context.Context) error { return step("erase") })
	l.copies = []fileCopy{
		copyFunc(func(context.Context) error { return step("first") }),
		copyFunc(func(context.Context) error { return errors.Join(step("second"), fault) }),
	}
	use := func() error { return l.with(t.Context(), func() error { return step("use") }) }
	for _, tc := range []struct {
		what  string
		stale bool
		fault error
		want  []string
	}{
		{"nothing is stale", false, nil, []string{"use"}},
		{"a commit is unknown", true, nil, []string{"erase", "first", "second", "use"}},
		{"once is enough", false, nil, []string{"use"}},
		{"a copy cannot be loaded", true, failing, []string{"erase", "first", "second"}},
		{"it is tried again", false, nil, []string{"erase", "first", "second", "use"}},
	} {
		done, fault = nil, tc.fault
		if tc.stale {
			l.stale.Store(true)
		}
		if err := use(); !errors.Is(err, tc.fault) {
			t.Errorf("%s: error %v, want %v", tc.what, err, tc.fault)
		}
		if !slices.Equal(done, tc.want) {
			t.Errorf("%s: done %v, want %v", tc.what, done, tc.want)
		}
	}
	if len(l.gate) != 0 {
		t.Error("the lock is still held")
	}
}

// A read waits for the lock only when something is stale.
func TestRecordLockFreshForRead(t *testing.T) {
	loads := 0
	l := newRecordLock(func(context.Context) error { return nil })
	l.copies = []fileCopy{copyFunc(func(context.Context) error { loads++; return nil })}
	l.enterAtLast()
	if err := l.freshForRead(t.Context()); err != nil || loads != 0 {
		t.Errorf("nothing is stale: %d loads, error %v", loads, err)
	}
	l.stale.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.freshForRead(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("somebody else has the lock: error %v", err)
	}
	l.leave()
	if err := l.freshForRead(t.Context()); err != nil || loads != 1 || l.stale.Load() {
		t.Errorf("%d loads, stale %t, error %v", loads, l.stale.Load(), err)
	}
}

// Commits count as late from when their day is watched.
func TestRecordLockCountsLateCommits(t *testing.T) {
	l := newRecordLock(func(context.Context) error { return nil })
	l.noteCommit(3)
	for _, tc := range []struct {
		watch   day
		commits []day
		late    int64 // before the commits
	}{{5, []day{6, 7}, 0}, {5, []day{5, 2, 6}, 0}, {4, []day{5}, 2}, {7, []day{7}, 3}, {0, nil, 4}} {
		late, err := l.watchLate(t.Context(), tc.watch)
		if err != nil || late != tc.late {
			t.Errorf("watching %d: %d late commits, error %v; want %d", tc.watch, late, err, tc.late)
		}
		for _, d := range tc.commits {
			l.noteCommit(d)
		}
	}
}

// The wait for a gate ends with the context.
func TestGateWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		entered := make(chan error, 1)
		go func() { entered <- g.enter(t.Context()) }()
		synctest.Wait()
		g.leave()
		if err := <-entered; err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// A stop ends the work in the background and waits for it.
func TestBackgroundStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ended := newBackground(t.Context()), false
		b.start(func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
		})
		b.stop()
		if !ended {
			t.Error("the work goes on")
		}
	})
}
