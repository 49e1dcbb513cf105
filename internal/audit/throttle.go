package audit

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Reading the timelines of ten million jobs takes a core for about ten seconds, and
// fires and the API need that core too. Nobody waits for the background auditor, so
// it sleeps for three times as long as it works.
const (
	throttleEvery  = 4_000 // versions: about 5 ms of work
	throttleFactor = 3     // a sleep is this many times as long as the work before it
	longestRest    = time.Second
)

// throttle slows one audit down. A nil throttle never sleeps.
type throttle struct {
	clock clock.Clock
	mark  clock.Mark // the end of the last sleep
	n     int
}

// step is called for each version. The error is that of the context.
func (b *throttle) step(ctx context.Context) error {
	if b == nil {
		return nil
	}
	if b.n++; b.n%throttleEvery != 0 {
		return nil
	}
	clock.Wait(ctx, min(throttleFactor*b.clock.Elapsed(b.mark), longestRest))
	b.mark = b.clock.Mark()
	return ctx.Err()
}
