package receiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

const (
	// holdEach is the interval at which a holder looks for new connections. The kernel
	// establishes connections and buffers what clients write in the meantime, so no
	// client waits.
	holdEach = 5 * time.Millisecond
	// Each connection is checked once in holdEach*holdParts for whether its client has
	// closed it; a part of the connections is checked at a time.
	holdParts = 200
)

// holder keeps connections as file descriptors outside of the runtime's poller, so that
// no goroutine wakes when a client connects, writes or closes the connection.
type holder struct {
	held []int // the one that was looked at the longest ago comes first
}

// hold takes the connections of a listener until the context ends.
func (h *holder) hold(ctx context.Context, ln net.Listener) error {
	defer h.close()
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return fmt.Errorf("a dead receiver listens for TCP, not on a %T", ln)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	tick := time.NewTicker(holdEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		var broken error
		err := raw.Control(func(fd uintptr) {
			broken = h.accept(int(fd)) //nolint:gosec // a descriptor is small
		})
		if err = errors.Join(broken, err); err != nil {
			return err
		}
		h.glance()
	}
}

// accept takes the connections that wait at a listener.
func (h *holder) accept(listener int) error {
	for {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		switch {
		case err == nil:
			h.held = append(h.held, fd)
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ECONNABORTED):
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// glance checks a part of the connections and closes those that their clients have
// closed.
func (h *holder) glance() {
	part := (len(h.held) + holdParts - 1) / holdParts
	seen := h.held[:part]
	h.held = h.held[part:]
	for _, fd := range seen {
		if clientClosed(fd) {
			_ = syscall.Close(fd)
		} else {
			h.held = append(h.held, fd)
		}
	}
}

// clientClosed reports whether the client has closed the connection. What it wrote is
// read and dropped.
func clientClosed(fd int) bool {
	var ignored [4 << 10]byte
	for {
		n, err := syscall.Read(fd, ignored[:])
		switch {
		case n > 0, errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return false
		default:
			return true
		}
	}
}

func (h *holder) close() {
	for _, fd := range h.held {
		_ = syscall.Close(fd)
	}
}
