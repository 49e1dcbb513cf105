package h2

import (
	"net"
	"os"
	"time"

	"golang.org/x/net/http2"
)

// New returns the connection, over one that is established and has agreed on h2. It reads
// and writes nothing before Start.
func New(nc net.Conn, cfg Config) *Conn {
	now := monotonic.Now()
	c := &Conn{
		nc: nc, cfg: cfg, streams: make(map[uint32]*Stream), nextID: 1, room: connWindow,
		peer: peer{streams: initialStreams, initial: 65535, window: 65535, frame: 16 << 10},
		life: life{read: now}, budget: newBudget(now),
	}
	c.flush = newWriter(c).flush
	c.control = http2.NewFramer(&c.pending, nil)
	c.pending.WriteString(http2.ClientPreface)
	_ = c.control.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(cfg.MaxBodyBytes)},
		http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: uint32(cfg.MaxHeaderBytes)},
	)
	_ = c.control.WriteWindowUpdate(0, connWindow-65535)
	c.writing = true // Start does
	return c
}

// Start begins to read and to write. It is called once.
func (c *Conn) Start() {
	go c.flush()
	go newReader(c).read()
}

// Do sends a request on a stream that was reserved, and gives its answer to a. It returns
// at the deadline at the latest, with os.ErrDeadlineExceeded.
func (c *Conn) Do(s *Stream, req *Request, a Answer, deadline time.Time) error {
	defer s.end()
	s.begin(req, a)
	if req.Once {
		if err := s.confirm(c, deadline); err != nil {
			c.Release()
			return err
		}
	}
	if err := s.enqueue(c); err != nil {
		return err
	}
	s.timer.Reset(deadline.Sub(monotonic.Now()))
	select {
	case <-s.done:
		s.timer.Stop()
		return s.err
	case <-s.timer.C:
	}
	if s.abandon(c) {
		return os.ErrDeadlineExceeded
	}
	<-s.done // it has just ended
	return s.err
}

// enqueue has the stream opened.
func (s *Stream) enqueue(c *Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved--
	if c.life.err != nil || c.peer.goAway != nil {
		c.closeIfDone()
		return &Unprocessed{"the connection ended before the request was written"}
	}
	s.place = queued
	c.queue = append(c.queue, s)
	c.startWriting()
	return nil
}

// abandon ends a stream whose call does not wait any more, and reports whether it has not
// ended before.
func (s *Stream) abandon(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	place := s.place
	if place == outside {
		return false
	}
	if place == open {
		c.reset(s.id, http2.ErrCodeCancel)
	}
	c.remove(s)
	c.closeIfDone()
	return true
}

// confirm waits until the peer is known to be alive: it was a moment ago, or answers a
// PING. If it does not, the connection gets no further calls, and ends unless something
// comes (Check).
func (s *Stream) confirm(c *Conn, deadline time.Time) error {
	now := monotonic.Now()
	pong := awaitFrame(c, now)
	if pong == nil {
		return nil
	}
	s.timer.Reset(min(deadline.Sub(now)/4, ConfirmTimeout))
	select {
	case <-pong:
		s.timer.Stop()
		return nil // or the connection has ended, which the next step finds
	case <-s.timer.C:
	}
	c.Drain()
	return &Unprocessed{"it did not answer a PING"}
}

// awaitFrame sends a PING, unless the peer was alive a moment ago: then it returns nil.
// Otherwise it returns what is closed with the next frame.
func awaitFrame(c *Conn, now time.Time) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.err != nil || now.Sub(c.life.read) < AliveFor {
		return nil
	}
	pong := make(chan struct{})
	c.life.pongs = append(c.life.pongs, pong)
	c.ping(now)
	return pong
}
