package resolve

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// monotonic times everything here: a step of the wall clock must not end an answer.
var monotonic clock.System

// packetServer is a connection to a name server over UDP. Package net recognises it by
// the methods of [net.PacketConn].
type packetServer struct {
	*net.UDPConn
	ctx       context.Context // of the exchange
	stop      func() bool     // the watch over ctx
	exchanges *exchanges
	saw       func(answered bool) // the server answered, or did not within its timeout

	asked    question
	message  []byte    // what was asked; nil: nothing that is to be repeated
	deadline time.Time // zero: none
	repeat   time.Time // when the message is sent again
	pause    time.Duration
	repeats  int
}

func newPacketServer(ctx context.Context, c *net.UDPConn, x *exchanges, saw func(bool)) *packetServer {
	s := &packetServer{UDPConn: c, ctx: ctx, exchanges: x, saw: saw}
	s.stop = endWith(ctx, c)
	return s
}

// endWith ends what waits for a connection when the context ends. Package net leaves
// questions of a lookup that nobody waits for to their timeout, and their files open.
func endWith(ctx context.Context, c net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}

// SetDeadline implements [net.Conn].
func (s *packetServer) SetDeadline(t time.Time) error {
	s.deadline = t
	return s.UDPConn.SetDeadline(t)
}

// Write sends a question.
func (s *packetServer) Write(b []byte) (int, error) {
	if q, ok := questionOf(b); ok {
		s.exchanges.asked(q)
		s.asked, s.message = q, append([]byte(nil), b...)
		s.pause, s.repeats = firstRepeat, 0
		s.repeat = monotonic.Now().Add(s.pause)
	}
	return s.UDPConn.Write(b)
}

// Read returns the next message. Until there is one it sends the question again.
func (s *packetServer) Read(b []byte) (int, error) {
	for {
		again := s.message != nil && s.repeats < maxRepeats && (s.deadline.IsZero() || s.repeat.Before(s.deadline))
		until := s.deadline
		if again {
			until = s.repeat
		}
		if err := s.SetReadDeadline(until); err != nil {
			return 0, err
		}
		if s.ctx.Err() != nil { // the deadline of endWith may have been overwritten just now
			return 0, s.ended(os.ErrDeadlineExceeded)
		}
		n, err := s.UDPConn.Read(b)
		if err == nil {
			if q, ok := questionOf(b[:n]); ok && q.id == s.asked.id {
				s.saw(true)
			}
			s.exchanges.answered(s.asked, b[:n], false)
			return copy(b, shorten(b[:n])), nil
		}
		if !again || !errors.Is(err, os.ErrDeadlineExceeded) || s.ctx.Err() != nil {
			return n, s.ended(err)
		}
		if _, err := s.UDPConn.Write(s.message); err != nil {
			return 0, err
		}
		s.pause *= 2
		s.repeat = s.repeat.Add(s.pause)
		s.repeats++
	}
}

// ended notes how the wait for an answer ended. Package net gives the context the same
// deadline as the connection: only a cancelled one says that nobody waits any more.
func (s *packetServer) ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(s.ctx.Err(), context.Canceled) {
		s.saw(false)
	}
	return err
}

// Close implements [net.Conn].
func (s *packetServer) Close() error {
	s.stop()
	return s.UDPConn.Close()
}

// streamServer is a connection to a name server over TCP. A message has its length
// before it, in two bytes.
type streamServer struct {
	net.Conn
	stop      func() bool
	exchanges *exchanges

	asked question
	ready []byte // of the answer, with its length, for package net
}

func newStreamServer(ctx context.Context, c net.Conn, x *exchanges) *streamServer {
	return &streamServer{Conn: c, stop: endWith(ctx, c), exchanges: x}
}

const lengthBytes = 2

// Write sends a question.
func (s *streamServer) Write(b []byte) (int, error) {
	if len(b) > lengthBytes {
		if q, ok := questionOf(b[lengthBytes:]); ok {
			s.exchanges.asked(q)
			s.asked = q
		}
	}
	return s.Conn.Write(b)
}

// Read returns a part of the answer.
func (s *streamServer) Read(b []byte) (int, error) {
	if len(s.ready) == 0 {
		message, err := s.receive()
		if err != nil {
			return 0, err
		}
		s.exchanges.answered(s.asked, message, true)
		message = shorten(message)
		s.ready = append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
	}
	n := copy(b, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// receive returns the next message, without its length.
func (s *streamServer) receive() ([]byte, error) {
	var length [lengthBytes]byte
	if _, err := io.ReadFull(s.Conn, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(s.Conn, message)
	return message, err
}

// Close implements [net.Conn].
func (s *streamServer) Close() error {
	s.stop()
	return s.Conn.Close()
}
