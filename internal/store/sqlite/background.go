package sqlite

import (
	"context"
	"sync"
)

// background is the work on the files that the store does by itself.
type background struct {
	running sync.WaitGroup
	working context.Context // ends when the work shall stop
	cancel  context.CancelFunc
}

// newBackground takes the values of a context, but not its end.
func newBackground(ctx context.Context) *background {
	b := new(background)
	b.working, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

func (b *background) start(work func(context.Context)) {
	b.running.Go(func() { work(b.working) })
}

// stop ends the work and waits for it.
func (b *background) stop() {
	b.cancel()
	b.running.Wait()
}
