package receiver

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	flushEvery      = 100 * time.Millisecond
	flushBytes      = 64 << 10
	maxPendingBytes = 1 << 20
)

// lines is a buffered writer of complete lines. The method run writes them, so that a
// request waits for the destination only if too much is pending.
type lines struct {
	w     io.Writer
	lossy bool // rather than wait, drop and count

	mu      sync.Mutex
	room    sync.Cond // pending became shorter, or err was set
	pending []byte
	spare   []byte
	dropped int
	err     error // the first one; nothing is written after it

	full chan struct{} // flushBytes are pending
}

func newLines(w io.Writer, lossy bool) *lines {
	l := &lines{w: w, lossy: lossy, full: make(chan struct{}, 1)}
	l.room.L = &l.mu
	return l
}

// add appends one line, or more, with the function.
func (l *lines) add(appendTo func([]byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.lossy && len(l.pending) >= maxPendingBytes && l.err == nil {
		l.room.Wait()
	}
	if l.err != nil {
		return
	}
	if len(l.pending) >= maxPendingBytes {
		l.dropped++
		return
	}
	l.pending = appendTo(l.pending)
	if len(l.pending) >= flushBytes {
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
}

// run flushes until the context ends, and then once more.
func (l *lines) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.full:
		case <-ctx.Done():
			l.flush()
			return
		}
		l.flush()
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	out := l.pending
	l.pending, l.spare = l.spare[:0], nil
	if l.dropped > 0 {
		out = fmt.Appendf(out, "... %d more lines, too many to show\n", l.dropped)
		l.dropped = 0
	}
	l.room.Broadcast()
	l.mu.Unlock()

	var err error
	if len(out) > 0 {
		_, err = l.w.Write(out)
	}
	l.mu.Lock()
	l.spare = out[:0]
	if err != nil && l.err == nil {
		l.err, l.pending = err, nil
		l.room.Broadcast()
	}
	l.mu.Unlock()
}

// failure returns the error that ended the writing, or nil.
func (l *lines) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
