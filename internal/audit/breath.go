package audit

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// To read the timelines of ten million jobs takes a core for some ten seconds, and
// fires and the API want it too. Nobody waits for the background auditor, so it
// works for a moment and rests for three.
const (
	breathEvery = 4_000 // versions: some 5 ms
	breathRest  = 3     // times as long as they took
	longestRest = time.Second
)

// breath is the rest of one audit. A nil one takes none.
type breath struct {
	clock clock.Clock
	mark  clock.Mark // the end of the last rest
	n     int
}

// step is called for each version. The error is that of the context.
func (b *breath) step(ctx context.Context) error {
	if b == nil {
		return nil
	}
	if b.n++; b.n%breathEvery != 0 {
		return nil
	}
	clock.Wait(ctx, min(breathRest*b.clock.Elapsed(b.mark), longestRest))
	b.mark = b.clock.Mark()
	return ctx.Err()
}
