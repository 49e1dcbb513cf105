package audit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// The background auditor takes a quarter of a core, and ends at once when it is
// to end.
func TestBackgroundAuditRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clk clock.Manual
		began := time.Now()
		b := &throttle{clock: &clk, mark: clk.Mark()}
		const rounds = 10
		for range rounds * throttleEvery {
			time.Sleep(time.Microsecond) // the work
			if err := b.step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := time.Since(began), 4*rounds*throttleEvery*time.Microsecond; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		time.Sleep(time.Hour)
		began = time.Now()
		b.n = throttleEvery - 1
		if err := b.step(ctx); !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("error %v after %v, want that of the context at once", err, time.Since(began))
		}
		time.Sleep(time.Hour)
		began, b.n = time.Now(), throttleEvery-1
		if err := b.step(t.Context()); err != nil || time.Since(began) != longestRest {
			t.Errorf("error %v, a rest of %v, want one of %v", err, time.Since(began), longestRest)
		}
	})
}
