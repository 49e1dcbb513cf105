package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func take(t *testing.T, b *Budget, caller string, amount int64) *Share {
	t.Helper()
	s, err := b.Take(t.Context(), caller, amount)
	if err != nil {
		t.Fatalf("%d for %s: %v", amount, caller, err)
	}
	return s
}

func TestShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Total: 10, PerCaller: 7, Line: 2, Wait: time.Second})
		a := take(t, b, "a", 7)
		for _, row := range []struct {
			caller string
			amount int64
			after  time.Duration
		}{{"a", 1, time.Second}, {"b", 4, time.Second}, {"b", 8, 0}} {
			began := time.Now()
			if _, err := b.Take(t.Context(), row.caller, row.amount); !errors.Is(err, ErrFull) ||
				time.Since(began) != row.after {
				t.Errorf("%+v: %v after %v", row, err, time.Since(began))
			}
		}
		other := take(t, b, "b", 3)
		a.Shrink(2)
		a.Shrink(5) // no more than it has
		take(t, b, "a", 5).Release()
		a.Release()
		a.Release()
		other.Release()
		(*Share)(nil).Release()
		if b.Free() != 10 || b.waiting.Load() != 0 {
			t.Errorf("%d free, %d wait", b.Free(), b.waiting.Load())
		}
	})
}

// The line is bounded, a caller that goes away leaves it, and who waits is served when a share
// comes back.
func TestLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Total: 1, Line: 2, Wait: time.Minute})
		first := take(t, b, "a", 1)
		gone, leave := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { _, err := b.Take(gone, "a", 1); results <- err }()
		go func() { _, err := b.Take(t.Context(), "b", 1); results <- err }()
		synctest.Wait()
		if _, err := b.Take(t.Context(), "c", 1); !errors.Is(err, ErrFull) {
			t.Errorf("a third in line: %v", err)
		}
		leave()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("it went away: %v", err)
		}
		first.Release()
		if err := <-results; err != nil {
			t.Errorf("it waited: %v", err)
		}
		if b.Free() != 0 || b.waiting.Load() != 0 {
			t.Errorf("%d free, %d wait", b.Free(), b.waiting.Load())
		}
	})
}

// A caller that has its part, and as many requests in line as it may, keeps nobody else out.
func TestOneCallerDoesNotFillTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Total: 4, PerCaller: 3, Line: 8, Wait: time.Minute})
		held := take(t, b, "many", 3)
		results := make(chan error, 20)
		for range 20 {
			go func() {
				s, err := b.Take(t.Context(), "many", 1)
				s.Release()
				results <- err
			}()
		}
		synctest.Wait()
		take(t, b, "few", 1).Release()
		held.Release()
		refused := 0
		for range 20 {
			if <-results != nil {
				refused++
			}
		}
		if refused != 16 || b.Free() != 4 || b.waiting.Load() != 0 {
			t.Errorf("%d were refused, %d free, %d wait", refused, b.Free(), b.waiting.Load())
		}
	})
}

// A caller with many requests in line delays another one by one request.
func TestCallersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Total: 1, Line: 100, Wait: time.Hour})
		held := take(t, b, "many", 1)
		var served []string
		var all sync.WaitGroup
		ask := func(caller string) {
			all.Go(func() {
				s, err := b.Take(t.Context(), caller, 1)
				if err != nil {
					t.Error(err)
					return
				}
				served = append(served, caller)
				time.Sleep(time.Second)
				s.Release()
			})
			synctest.Wait()
		}
		for range 20 {
			ask("many")
		}
		ask("few")
		ask("few")
		held.Release()
		all.Wait()
		for i, caller := range served {
			if caller == "few" && i > 4 {
				t.Errorf("served in the order %v", served)
				break
			}
		}
	})
}

// A large share is not overtaken permanently by small ones.
func TestLargeSharesGetTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Total: 4, Line: 100, Wait: time.Hour})
		done := make(chan struct{})
		var small sync.WaitGroup
		for i := range 8 {
			small.Go(func() {
				for {
					s := take(t, b, fmt.Sprint(i), 1)
					time.Sleep(time.Second)
					s.Release()
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		time.Sleep(1500 * time.Millisecond)
		began := time.Now()
		take(t, b, "large", 4).Release()
		if waited := time.Since(began); waited > 5*time.Second {
			t.Errorf("it waited %v", waited)
		}
		close(done)
		small.Wait()
	})
}

// Whatever callers do, no more is lent than there is, and all of it comes back.
func TestNoMoreThanTheTotal(t *testing.T) {
	t.Parallel()
	b := New(Config{Total: 100, PerCaller: 60, Line: 20, Wait: 5 * time.Millisecond})
	var lent atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			caller := fmt.Sprint(i % 5)
			for range 300 {
				n := rand.Int64N(60) + 1
				s, err := b.Take(t.Context(), caller, n)
				if err != nil {
					continue
				}
				if lent.Add(n) > 100 {
					t.Errorf("%d are lent", lent.Load())
				}
				lent.Add(-n / 2)
				s.Shrink(n - n/2)
				lent.Add(n/2 - n)
				s.Release()
			}
		})
	}
	all.Wait()
	if b.Free() != 100 || b.waiting.Load() != 0 {
		t.Errorf("%d free, %d wait", b.Free(), b.waiting.Load())
	}
	for i := range b.held {
		if n := b.held[i].Load(); n != 0 {
			t.Errorf("caller %d has %d", i, n)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	budget := New(Config{Total: 1 << 30, Line: 1, Wait: time.Second})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s, err := budget.Take(context.Background(), "a", 1<<10)
			if err != nil {
				b.Fatal(err)
			}
			s.Release()
		}
	})
}
