package receiver

import (
	"context"
	"errors"
	"fmt"
)

// hold accepts connections, lets their clients write and never answers, until the context
// ends. It uses as little CPU time as possible. A real dead target would be on another
// machine, so the cost of this one must not be mistaken for its effect on the scheduler.
// See holder.
func (r *Receiver) hold(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(r.listeners))
	for _, ln := range r.listeners {
		go func() {
			err := new(holder).hold(ctx, ln)
			cancel()
			ended <- err
		}()
	}
	var broken error
	for range r.listeners {
		if err := <-ended; err != nil {
			broken = errors.Join(broken, fmt.Errorf("receiver: %w", err))
		}
	}
	for _, ln := range r.listeners {
		_ = ln.Close() // nothing is accepted any more
	}
	return broken
}
