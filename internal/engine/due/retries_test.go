package due

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

func TestRetrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clk := &clock.Manual{}
		type pushed struct {
			at int64
			f  *run.Run
		}
		var got []pushed
		rs := NewRetries(clk, func(fires []*run.Run) {
			for _, r := range fires {
				got = append(got, pushed{clock.NowMs(clk), r})
			}
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			rs.Run(ctx)
		}()
		start := clock.NowMs(clk)
		var fires []*run.Run
		for _, delay := range []int64{5000, 100, 3000, 100, 1, 0, 7000} {
			r := &run.Run{RetryAt: start + delay, At: delay}
			fires = append(fires, r)
			rs.Add(r)
		}
		taken := rs.Take(func(r *run.Run) bool { return r.At == 3000 })
		if len(taken) != 1 || rs.Find(func(r *run.Run) bool { return r.At == 3000 }) != nil ||
			rs.Find(func(r *run.Run) bool { return r == fires[0] }) == nil {
			t.Errorf("%d taken", len(taken))
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		if len(got) != 5 || rs.Len() != 1 {
			t.Fatalf("%d pushed, %d wait", len(got), rs.Len())
		}
		for _, p := range got {
			if p.at != p.f.RetryAt {
				t.Errorf("a retry of %d ms came after %d", p.f.RetryAt-start, p.at-start)
			}
		}
		clk.Step(time.Hour) // noticed within a second
		<-time.After(time.Second)
		synctest.Wait()
		if rs.Len() != 0 {
			t.Error("a step of the clock was not noticed")
		}
		cancel()
		<-ended
	})
}
