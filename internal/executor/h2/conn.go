package h2

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"golang.org/x/net/http2"
)

const (
	// initialStreams is how many streams are opened before the peer has said its limit.
	// Section 6.5.2 recommends that it is no smaller; what is too much is refused, and sent
	// again.
	initialStreams = 100
	// maxStreams is how many streams a connection has at most, whatever the peer allows: all
	// of them share the window, the losses and the two goroutines of one connection.
	maxStreams = 1000
	// maxID is after which identifier no stream is opened. The streams that are reserved by
	// then have theirs below 2^31.
	maxID = 1<<31 - 1 - 4*maxStreams

	// connWindow is the window of the connection: 16 answers of usual maximal length on
	// their way at the same time. What arrives is taken at once, so this is no memory.
	connWindow = 1 << 20
	// maxPending is how many bytes of answers to control frames wait for a peer that does
	// not read: 700 acknowledgements of a PING.
	maxPending = 12 << 10

	// AliveFor is for how long after a frame from the peer the connection counts as alive,
	// for a request that is at most once.
	AliveFor = 1500 * time.Millisecond
	// PingAfter is after how much silence a peer for which calls wait is sent a PING.
	PingAfter = 10 * time.Second
	// PingTimeout is within what time something must come then.
	PingTimeout = 10 * time.Second
	// ConfirmTimeout is for how long a request that is at most once waits for the answer to
	// a PING, or a quarter of its time if that is less. Then another connection is taken.
	ConfirmTimeout = 2 * time.Second
	// closeTimeout is for how long a close waits for the peer to take the last frame.
	closeTimeout = time.Second
)

// monotonic times the silence of peers.
var monotonic clock.System

// Config bounds what a connection takes from its peer.
type Config struct {
	MaxHeaderBytes int // of the fields of an answer, as a header list: 32 more for each field
	MaxBodyBytes   int // of a body that a peer may send; up to 2^31-1
	// Taken returns how many bytes the kernel has taken of what was written so far; nil: all
	// that a failed write had may have been taken.
	Taken func() int64
	// Changed is called when more streams may be available, or when the connection has
	// ended. It must not block. It may be nil.
	Changed func()
}

// Conn is a connection to a peer that has agreed on HTTP/2. Its methods may be called from
// many goroutines.
type Conn struct {
	nc    net.Conn
	cfg   Config
	flush func() // writes what there is to be written

	mu       sync.Mutex
	streams  map[uint32]*Stream // open ones
	queue    []*Stream          // to be opened
	bodies   []*Stream          // open ones with a body that is not sent yet
	reserved int                // streams that calls will open
	nextID   uint32
	peer     peer
	room     int64 // what the peer may still send on the connection
	writing  bool  // a goroutine writes
	life     life
	budget   budget
	pending  bytes.Buffer  // control frames to be written
	control  *http2.Framer // writes to pending
}

// peer is what a peer has said.
type peer struct {
	seen       bool // its first SETTINGS have come
	streams    uint32
	initial    int64 // window of a stream
	window     int64 // of the connection
	frame      int   // largest payload
	table      uint32
	tableIsNew bool
	goAway     *http2.GoAwayFrame
	debug      string // of the GOAWAY
}

// life is how a connection comes to its end.
type life struct {
	err      error // why it has ended
	draining bool  // no stream is opened any more
	shut     bool  // it ends when what is pending was written
	read     time.Time
	pinged   time.Time       // of a PING without any frame since; zero: none
	pongs    []chan struct{} // are closed with the next frame, or with the end
}

// limit returns how many streams there may be; c.mu is held.
func (c *Conn) limit() int { return int(min(c.peer.streams, maxStreams)) }

// busy returns how many there are, or will be; c.mu is held.
func (c *Conn) busy() int { return len(c.streams) + len(c.queue) + c.reserved }

// usable reports whether streams may be opened; c.mu is held.
func (c *Conn) usable() bool { return c.life.err == nil && !c.life.draining }

// Reserve takes a stream, and reports whether there was one. The next Do uses it, or
// Release gives it back.
func (c *Conn) Reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.usable() || c.busy() >= c.limit() {
		return false
	}
	c.reserved++
	return true
}

// Release gives back a stream that was reserved.
func (c *Conn) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved--
	c.closeIfDone()
}

// State is how much a connection can carry.
type State struct {
	Usable    bool // streams may be opened on it, now or later
	Busy      int  // streams
	Available int  // streams that Reserve would give
	Limit     int
}

// State returns how much the connection can carry.
func (c *Conn) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := State{Usable: c.usable(), Busy: c.busy(), Limit: c.limit()}
	if s.Usable {
		s.Available = max(0, s.Limit-s.Busy)
	}
	return s
}

// Err returns why the connection has ended; nil: it has not.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life.err
}

// Drain opens no streams any more, and closes the connection when the last one has ended.
func (c *Conn) Drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life.draining = true
	c.closeIfDone()
}

// closeIfDone has the connection closed if it has no stream and opens none; c.mu is held.
func (c *Conn) closeIfDone() {
	if !c.life.draining || c.life.shut || c.life.err != nil || c.busy() > 0 {
		return
	}
	c.life.shut = true
	_ = c.control.WriteGoAway(0, http2.ErrCodeNo, nil)
	c.startWriting()
}

// Close ends the connection with all its streams.
func (c *Conn) Close() { c.end(&Ended{Err: ErrClosed}) }

// Check sends a PING if calls wait for a peer that is silent, and ends the connection if
// one was not answered in time. It is to be called now and then.
func (c *Conn) Check(now time.Time) {
	c.mu.Lock()
	silent, waits := c.life.pinged, len(c.streams) > 0
	if waits && silent.IsZero() && now.Sub(c.life.read) >= PingAfter {
		c.ping(now)
	}
	c.mu.Unlock()
	if !silent.IsZero() && now.Sub(silent) >= PingTimeout {
		c.endSilent()
	}
}

// endOnPanic ends the connection after a fault of the program: one odd answer of one target
// must not end the process.
func (c *Conn) endOnPanic() {
	if fault := recover(); fault != nil {
		c.end(&Ended{Why: fmt.Sprintf("internal fault: %v", fault)})
	}
}

// endSilent ends a connection whose peer sends nothing.
func (c *Conn) endSilent() {
	c.end(&Ended{Why: "it did not answer a PING within " + PingTimeout.String()})
}

// ping sends a PING, unless one is on its way; c.mu is held.
func (c *Conn) ping(now time.Time) {
	if c.life.pinged.IsZero() && c.usableToWrite() {
		c.life.pinged = now
		_ = c.control.WritePing(false, [8]byte{'b', 'e', 'l', 'f', 'r', 'y'})
		c.startWriting()
	}
}

// usableToWrite reports whether frames may still be written; c.mu is held.
func (c *Conn) usableToWrite() bool { return c.life.err == nil && !c.life.shut }

// noteRead notes that a frame has come; c.mu is held.
func (c *Conn) noteRead(now time.Time) {
	c.life.read, c.life.pinged = now, time.Time{}
	c.life.endPongs()
}

func (l *life) endPongs() {
	for _, pong := range l.pongs {
		close(pong)
	}
	l.pongs = nil
}

// finish ends a stream; c.mu is held.
func (c *Conn) finish(s *Stream, err error) {
	c.remove(s)
	s.err = err
	s.done <- struct{}{} // there is room: a stream ends once
	c.closeIfDone()
}

// remove takes a stream out of the connection; c.mu is held.
func (c *Conn) remove(s *Stream) {
	switch s.place {
	case queued:
		c.queue = without(c.queue, s)
	case open:
		delete(c.streams, s.id)
		if len(s.body) > 0 {
			c.bodies = without(c.bodies, s)
		}
		c.budget.earn(perStream)
	case outside:
	}
	s.place, s.body = outside, nil
}

// without returns the list without the stream.
func without(list []*Stream, s *Stream) []*Stream {
	for i, other := range list {
		if other == s {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}

// reset ends a stream on the wire; c.mu is held.
func (c *Conn) reset(id uint32, code http2.ErrCode) {
	if c.usableToWrite() {
		_ = c.control.WriteRSTStream(id, code)
		c.startWriting()
	}
}

// end ends the connection with all its streams.
func (c *Conn) end(why error) {
	c.mu.Lock()
	if c.life.err != nil {
		c.mu.Unlock()
		return
	}
	last, why := c.lastFrame(why)
	c.life.err = why
	for len(c.queue) > 0 {
		c.finish(c.queue[0], &Unprocessed{"the connection ended before the request was written"})
	}
	for _, s := range c.streams {
		c.finish(s, why)
	}
	c.life.endPongs()
	c.mu.Unlock()
	go closeAfter(c.nc, last)
	c.changed()
}

// lastFrame returns the frame that ends the connection, or nil, and what its streams end
// with; c.mu is held.
func (c *Conn) lastFrame(why error) ([]byte, error) {
	v, ok := why.(*violation) //nolint:errorlint // it is made here and never wrapped
	if !ok {
		return nil, why
	}
	if s := c.streams[v.tooLong]; s != nil {
		c.finish(s, ErrHeaderTooLong)
	}
	why = &Ended{Why: "it violates HTTP/2: " + v.why}
	var frame bytes.Buffer
	_ = http2.NewFramer(&frame, nil).WriteGoAway(0, v.code, nil)
	return frame.Bytes(), why
}

// closeAfter closes a connection, after its last frame. A write that is under way comes
// before it, or ends with the deadline.
func closeAfter(nc net.Conn, last []byte) {
	if last != nil && nc.SetWriteDeadline(monotonic.Now().Add(closeTimeout)) == nil {
		_, _ = nc.Write(last)
	}
	_ = nc.Close()
}

func (c *Conn) changed() {
	if c.cfg.Changed != nil {
		c.cfg.Changed()
	}
}

// startWriting has what is to be written be written; c.mu is held.
func (c *Conn) startWriting() {
	if !c.writing {
		c.writing = true
		go c.flush()
	}
}
