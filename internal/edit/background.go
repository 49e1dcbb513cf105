package edit

import (
	"context"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	commitTimeout = 15 * time.Second       // of one edit
	askAgain      = 200 * time.Millisecond // between tries after an unclear answer
)

// background is what goes on beside the callers: calls to the store that are repeated
// until it takes them. They end before stop returns; the next start reads what the
// store has.
type background struct {
	ending context.Context //nolint:containedctx // ends with the editor, not with a call
	end    context.CancelFunc

	mu      sync.Mutex // of what follows: nothing is begun once stop waits
	stopped bool
	tasks   sync.WaitGroup
}

func newBackground() *background {
	b := new(background)
	b.ending, b.end = context.WithCancel(context.Background())
	return b
}

// start runs fn beside the caller. After a stop it runs nothing.
func (b *background) start(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		b.tasks.Go(fn)
	}
}

// repeat makes a call to the store until it succeeds. It returns false when the stop
// comes first. The context says who makes the change, and not for how long.
func (b *background) repeat(by context.Context, call func(context.Context) error) bool {
	by, cancel := context.WithCancel(context.WithoutCancel(by))
	defer cancel()
	defer context.AfterFunc(b.ending, cancel)()
	for clock.Wait(by, askAgain) {
		ctx, cancel := context.WithTimeout(by, commitTimeout)
		err := call(ctx)
		cancel()
		if err == nil {
			return by.Err() == nil
		}
	}
	return false
}

// stop ends what goes on, and waits for that until the context ends.
func (b *background) stop(ctx context.Context) {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.tasks.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
