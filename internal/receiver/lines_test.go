package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func appendX(b []byte) []byte { return append(append(b, strings.Repeat("x", 999)...), '\n') }

// Lines of many writers come out whole, each once.
func TestLinesAreWhole(t *testing.T) {
	var out bytes.Buffer
	l := newLines(&out, false)
	ctx, cancel := context.WithCancel(context.Background())
	var run, writers sync.WaitGroup
	run.Go(func() { l.run(ctx) })
	const each = 2000
	for w := range 8 {
		writers.Go(func() {
			for i := range each {
				l.add(func(b []byte) []byte { return fmt.Appendf(b, "writer %d line %d\n", w, i) })
			}
		})
	}
	writers.Wait()
	cancel()
	run.Wait()
	next := make([]int, 8)
	for text := range strings.Lines(out.String()) {
		var w, i int
		if _, err := fmt.Sscanf(text, "writer %d line %d\n", &w, &i); err != nil || i != next[w] {
			t.Fatalf("line %q, want line %d of its writer", text, next[w])
		}
		next[w]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("writer %d: %d lines, want %d", w, n, each)
		}
	}
}

// gate holds writes back until it is opened.
type gate struct {
	open    chan struct{}
	written bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	return g.written.Write(p)
}

// Too much pending: a lossless writer waits, and loses nothing.
func TestLosslessLinesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		l := newLines(g, false)
		ctx, cancel := context.WithCancel(context.Background())
		var run, writer sync.WaitGroup
		run.Go(func() { l.run(ctx) })
		const total = 3 * maxPendingBytes / 1000
		added := 0
		writer.Go(func() {
			for range total {
				l.add(appendX)
				added++
			}
		})
		synctest.Wait()
		if added == total || len(l.pending) > maxPendingBytes+1000 {
			t.Errorf("%d of %d lines added, %d bytes pending", added, total, len(l.pending))
		}
		close(g.open)
		writer.Wait()
		cancel()
		run.Wait()
		if n := g.written.Len(); n != total*1000 {
			t.Errorf("%d bytes written, want %d", n, total*1000)
		}
	})
}

// Too much pending: a lossy writer goes on, and says how much it dropped.
func TestLossyLinesAreDroppedAndCounted(t *testing.T) {
	var out bytes.Buffer
	l := newLines(&out, true)
	for range maxPendingBytes/1000 + 11 {
		l.add(appendX)
	}
	l.flush()
	if got := out.String(); !strings.HasSuffix(got, "x\n... 10 more lines, too many to show\n") {
		t.Errorf("ends in %q", got[max(0, len(got)-60):])
	}
}

// failing writes half of what it is given once, and then all.
type failing struct{ written bytes.Buffer }

func (f *failing) Write(p []byte) (int, error) {
	if f.written.Len() == 0 {
		n, _ := f.written.Write(p[:len(p)/2])
		return n, io.ErrShortWrite
	}
	return f.written.Write(p)
}

// After an error nothing is written: a line would follow half of another.
func TestNothingIsWrittenAfterAnError(t *testing.T) {
	f := new(failing)
	l := newLines(f, false)
	l.add(appendX)
	l.flush()
	for range 2 * maxPendingBytes / 1000 {
		l.add(appendX) // must not wait for room that never comes
	}
	l.flush()
	if n := f.written.Len(); n != 500 {
		t.Errorf("%d bytes written, want 500", n)
	}
	if err := l.failure(); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("failure %v", err)
	}
}
