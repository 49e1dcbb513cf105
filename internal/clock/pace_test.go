package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Work rests while fires are about, and only then.
func TestPaceRestsForFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := func(p *clock.Pace) time.Duration {
			start := time.Now()
			for i := range 1_000 {
				p.Step(i)
			}
			return time.Since(start)
		}
		var p clock.Pace
		if d := took(&p); d != 0 {
			t.Errorf("%s without fires", d)
		}
		if d := took(nil); d != 0 {
			t.Errorf("%s without a pace", d)
		}
		p.Fires(true)
		if d := took(&p); d < time.Millisecond || d > 10*time.Millisecond {
			t.Errorf("1,000 items rested for %s", d)
		}
		p.Fires(false)
		if d := took(&p); d != 0 {
			t.Errorf("%s after the fires", d)
		}
	})
}
