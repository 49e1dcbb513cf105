package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// hold takes connections and does nothing with them until the context ends. It
// costs next to nothing, so that what a dead target does to a scheduler on the
// same machine can be told from what the target itself does.
func (r *Receiver) hold(ctx context.Context) error {
	ended := make(chan error, len(r.listeners))
	var mu sync.Mutex
	var held []net.Conn
	for _, ln := range r.listeners {
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					ended <- err
					return
				}
				mu.Lock()
				held = append(held, c)
				mu.Unlock()
			}
		}()
	}
	var broken error
	select {
	case broken = <-ended:
		broken = fmt.Errorf("receiver: %w", broken)
		ended <- nil
	case <-ctx.Done():
	}
	for _, ln := range r.listeners {
		_ = ln.Close()
	}
	for range r.listeners {
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			broken = errors.Join(broken, err)
		}
	}
	for _, c := range held {
		_ = c.Close()
	}
	return broken
}
