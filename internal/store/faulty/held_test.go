package faulty_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

func TestHeldCallsGoOn(t *testing.T) {
	for _, c := range []struct {
		fault       faulty.Fault
		calls, ends int // while it is held, and when its context ends before
	}{{faulty.HoldBefore, 0, 0}, {faulty.HoldAfter, 1, 1}} {
		synctest.Test(t, func(t *testing.T) {
			real, until := new(recording), make(chan struct{})
			s := faulty.New(real, 1)
			s.Add(faulty.Rule{Method: "Shards.Beat", Fault: c.fault, Until: until})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := beat(ctx, s); !errors.Is(err, context.DeadlineExceeded) || len(real.calls) != c.ends {
				t.Fatalf("fault %d: error %v and %d calls when the context has ended", c.fault, err, len(real.calls))
			}
			real.calls = nil
			answered := make(chan error, 1)
			go func() { answered <- beat(t.Context(), s) }()
			synctest.Wait()
			if len(real.calls) != c.calls || len(answered) != 0 {
				t.Fatalf("fault %d: %d calls, %d answers while it is held", c.fault, len(real.calls), len(answered))
			}
			close(until)
			if err := <-answered; err != nil || len(real.calls) != 1 {
				t.Fatalf("fault %d: error %v and %d calls afterwards", c.fault, err, len(real.calls))
			}
		})
	}
}
