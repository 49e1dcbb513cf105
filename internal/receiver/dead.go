package receiver

import (
	"context"
	"errors"
	"fmt"
)

// hold takes connections, lets their clients write and never answers, until the
// context ends. It costs as little as it can, since a dead target is another
// machine: what it does to a scheduler on this one is to be told from what the
// target itself does here. See holder.
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
