package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// holder is a target that takes connections, lets its clients write and never
// answers. It costs little, so that what a dead target does to a scheduler on the
// same machine can be told from what the target itself does there.
type holder struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil: the end has come
	all   sync.WaitGroup
}

// hold runs a holder on the listeners until the context ends.
func (r *Receiver) hold(ctx context.Context) error {
	h := holder{conns: make(map[net.Conn]struct{})}
	ended := make(chan error, len(r.listeners))
	for _, ln := range r.listeners {
		h.all.Go(func() { ended <- h.accept(ln) })
	}
	var broken error
	select {
	case err := <-ended:
		broken = fmt.Errorf("receiver: %w", err)
	case <-ctx.Done():
	}
	for _, ln := range r.listeners {
		_ = ln.Close()
	}
	h.mu.Lock()
	for c := range h.conns {
		_ = c.Close()
	}
	h.conns = nil
	h.mu.Unlock()
	h.all.Wait()
	close(ended)
	for err := range ended {
		if !errors.Is(err, net.ErrClosed) {
			broken = errors.Join(broken, err)
		}
	}
	return broken
}

func (h *holder) accept(ln net.Listener) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		h.mu.Lock()
		if h.conns == nil {
			_ = c.Close()
		} else {
			h.conns[c] = struct{}{}
			h.all.Go(func() { h.listen(c) })
		}
		h.mu.Unlock()
	}
}

// listen waits until the client gives up.
func (h *holder) listen(c net.Conn) {
	var ignored [256]byte
	for {
		if _, err := c.Read(ignored[:]); err != nil {
			break
		}
	}
	_ = c.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}
