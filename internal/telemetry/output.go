package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"
)

const (
	// maxBuffered bounds what waits for an output, in bytes. The line of a failed
	// execution has some 350, so these are 6,000: half a second of 10,000 failures a
	// second. An output that is stuck holds at most twice as much.
	maxBuffered = 2 << 20
	// maxChunk bounds one write. What a pipe holds on Linux.
	maxChunk = 64 << 10
	// keptBuffer is how large a buffer may be that is used again.
	keptBuffer = 256 << 10
	// FlushGrace is how long [Log.Close] waits for lines that are not written yet.
	FlushGrace = time.Second
)

// output writes lines to something that may block or fail, and never makes its caller
// wait: lines wait in a bounded buffer for one goroutine that writes. Lines that find no
// room are dropped and counted, and a line reports their number as soon as lines are
// written again.
type output struct {
	name   string
	to     io.Writer
	notice func(lines int64) []byte // the line that reports how many were dropped
	count  func(lines int64)        // called for lines that are lost
	reopen func() error             // opens the output anew; nil: it cannot be

	mu       sync.Mutex
	waiting  []byte
	spare    []byte // memory of what was written before; empty
	dropped  int64  // lines lost since the last notice
	trouble  error  // why the output does not take lines; nil: it does
	reopens  bool   // the output is to be reopened
	closing  bool
	wake     chan struct{}
	finished chan struct{} // closed when the goroutine has ended
}

var errStuck = errors.New("it takes no more lines")

// start begins to write.
func (o *output) start() *output {
	o.wake, o.finished = make(chan struct{}, 1), make(chan struct{})
	go o.run()
	return o
}

// Write implements io.Writer for whole lines. It never blocks and never fails.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	if o.closing || len(o.waiting)+len(line) > maxBuffered {
		o.lose(1, errStuck)
		o.mu.Unlock()
		return len(line), nil
	}
	o.waiting = append(o.waiting, line...)
	o.mu.Unlock()
	o.nudge()
	return len(line), nil
}

// lose counts lines that are not written. The caller holds the lock.
func (o *output) lose(lines int64, why error) {
	o.dropped += lines
	o.trouble = why
	o.count(lines)
}

func (o *output) nudge() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run writes until close is called and nothing waits.
func (o *output) run() {
	defer close(o.finished)
	for range o.wake {
		for {
			lines, again := o.take()
			if again && o.reopen != nil {
				o.note(o.reopen())
			}
			if len(lines) == 0 {
				break
			}
			o.writeAll(lines)
		}
		if o.done() {
			return
		}
	}
}

// take returns what waits, and whether the output is to be reopened first.
func (o *output) take() (lines []byte, again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines, o.waiting = o.waiting, o.spare
	if o.spare = nil; cap(lines) <= keptBuffer {
		o.spare = lines[:0]
	}
	again, o.reopens = o.reopens, false
	return lines, again
}

func (o *output) done() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closing && len(o.waiting) == 0
}

// writeAll writes lines in chunks that end with a line, and the notice of those
// that were dropped before them once a chunk has got through.
func (o *output) writeAll(lines []byte) {
	for len(lines) > 0 {
		n := chunk(lines)
		_, err := o.to.Write(lines[:n])
		if err != nil {
			o.mu.Lock()
			o.lose(int64(bytes.Count(lines[:n], []byte{'\n'})), err)
			o.mu.Unlock()
		} else {
			o.recovered()
		}
		lines = lines[n:]
	}
}

// chunk returns the length of the first lines that fit into one write.
func chunk(lines []byte) int {
	if len(lines) <= maxChunk {
		return len(lines)
	}
	if i := bytes.LastIndexByte(lines[:maxChunk], '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(lines, '\n'); i >= 0 {
		return i + 1
	}
	return len(lines)
}

// recovered follows a write that succeeded.
func (o *output) recovered() {
	o.mu.Lock()
	dropped := o.dropped
	o.dropped, o.trouble = 0, nil
	o.mu.Unlock()
	if dropped == 0 {
		return
	}
	if _, err := o.to.Write(o.notice(dropped)); err != nil {
		o.mu.Lock()
		o.dropped, o.trouble = o.dropped+dropped, err
		o.mu.Unlock()
	}
}

// note keeps why the output cannot be reopened.
func (o *output) note(err error) {
	if err == nil {
		return
	}
	o.mu.Lock()
	o.trouble = err
	o.mu.Unlock()
}

// openAnew asks for the output to be reopened before the next line.
func (o *output) openAnew() {
	o.mu.Lock()
	o.reopens = true
	o.mu.Unlock()
	o.nudge()
}

// warning says what is wrong with the output, or nothing.
func (o *output) warning() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.trouble == nil {
		return ""
	}
	return fmt.Sprintf("%s: %v; %d lines dropped", o.name, reason(o.trouble), o.dropped)
}

// finish lets the goroutine end once everything is written.
func (o *output) finish() {
	o.mu.Lock()
	o.closing = true
	o.mu.Unlock()
	o.nudge()
}

// reason drops the path from an error about a file: the caller names it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
