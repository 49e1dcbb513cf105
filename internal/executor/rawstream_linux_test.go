package executor

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// tcpPair returns both ends of a connection.
func tcpPair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	near, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return near, far
}

// A stream is the connection below it: what is written arrives whole, however slowly it is
// read; ends, resets and deadlines are reported as package net reports them.
func TestRawStream(t *testing.T) {
	near, far := tcpPair(t)
	s := newRawStream(near)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // more than the kernel's buffers take
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(far)
		got <- b
	}()
	if n, err := s.Write(sent); n != len(sent) || err != nil {
		t.Fatalf("%d bytes of %d written: %v", n, len(sent), err)
	}
	if err := near.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(<-got, sent) {
		t.Error("what was read is not what was written")
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("no byte was to be read: %d, %v", n, err)
	}
	if err := s.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	var b [16]byte
	if n, err := s.Read(b[:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !isTimeout(err) {
		t.Errorf("after the deadline: %d, %v", n, err)
	}
	_ = s.SetDeadline(time.Time{})
	if _, err := far.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(b[:]); string(b[:n]) != "end" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	_ = far.Close()
	if n, err := s.Read(b[:]); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %d, %v", n, err)
	}
	_ = s.Close()
	if n, err := s.Write(b[:]); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %d, %v", n, err)
	}
}

func TestRawStreamThatIsReset(t *testing.T) {
	near, far := tcpPair(t)
	s := newRawStream(near)
	_ = far.(*net.TCPConn).SetLinger(0)
	_ = far.Close()
	var b [16]byte
	if n, err := s.Read(b[:]); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read after a reset: %d, %v", n, err)
	}
	if n, err := s.Write(b[:]); n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("written after a reset: %d, %v", n, err)
	}
}

// What is no connection of TCP stays what it is.
func TestRawStreamOfAnother(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if newRawStream(a) != a {
		t.Error("a pipe became a stream")
	}
}

// What is held goes out with the read that follows, and the read gets the answer.
func TestHeldWrite(t *testing.T) {
	near, far := tcpPair(t)
	s := newRawStream(near)
	var h heldWrite
	if !holdWrites(s, &h, false) {
		t.Fatal("no hold")
	}
	for _, part := range []string{"re", "quest"} {
		if n, err := s.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if h.out || string(h.b) != "request" {
		t.Fatalf("%+v", h)
	}
	answered := make(chan string)
	go func() {
		var b [16]byte
		n, _ := far.Read(b[:])
		_, _ = far.Write([]byte("answer"))
		answered <- string(b[:n])
	}()
	var b [16]byte
	if n, err := s.Read(b[:]); string(b[:n]) != "answer" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if got := <-answered; got != "request" || h.taken != 7 || h.err != nil {
		t.Errorf("%q arrived: %+v", got, h)
	}
	go func() {
		var b [16]byte
		n, _ := far.Read(b[:])
		answered <- string(b[:n])
	}()
	if _, err := s.Write([]byte("more")); err != nil { // TLS answers a key update while it reads
		t.Error(err)
	}
	if got := <-answered; got != "more" {
		t.Errorf("%q arrived after the hold", got)
	}
	releaseWrites(s)
}

// More than the kernel takes at once arrives whole.
func TestHeldWriteThatIsLong(t *testing.T) {
	near, far := tcpPair(t)
	s := newRawStream(near)
	var h heldWrite
	holdWrites(s, &h, false)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	_, _ = s.Write(sent)
	arrived := make(chan bool)
	go func() {
		got := make([]byte, len(sent))
		_, err := io.ReadFull(far, got)
		_, _ = far.Write([]byte("end"))
		arrived <- err == nil && bytes.Equal(got, sent)
	}()
	var b [16]byte
	if n, err := s.Read(b[:]); string(b[:n]) != "end" || err != nil {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if !<-arrived || h.taken != int64(len(sent)) || h.err != nil {
		t.Errorf("what arrived is not what was written: %d of %d bytes, %v", h.taken, len(sent), h.err)
	}
}

// Whether a byte of what was held was taken is known, whatever happens.
func TestHeldWriteThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		before func(near, far net.Conn)
		err    error
		reads  string
	}{
		"a reset": {func(_, far net.Conn) {
			_ = far.(*net.TCPConn).SetLinger(0)
			_ = far.Close()
		}, syscall.ECONNRESET, ""},
		"the deadline": {func(near, _ net.Conn) { _ = near.SetDeadline(time.Now().Add(-time.Second)) },
			os.ErrDeadlineExceeded, ""},
		"an answer before it, and then no way to write": {func(near, far net.Conn) {
			_, _ = far.Write([]byte("no"))
			_ = near.(*net.TCPConn).CloseWrite()
		}, syscall.EPIPE, "no"},
		"no way to write": {func(near, _ net.Conn) { _ = near.(*net.TCPConn).CloseWrite() }, syscall.EPIPE, ""},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := tcpPair(t)
			s := newRawStream(near)
			c.before(near, far)
			if c.reads != "" {
				waitReadable(t, near)
			}
			var h heldWrite
			holdWrites(s, &h, false)
			_, _ = s.Write([]byte("request"))
			var b [16]byte
			n, err := s.Read(b[:])
			if !h.out || h.taken != 0 || !errors.Is(h.err, c.err) {
				t.Errorf("%+v, want %v", h, c.err)
			}
			if string(b[:n]) != c.reads || (c.reads == "") != (err != nil) {
				t.Errorf("read %q, %v", b[:n], err)
			}
		})
	}
}

// With a look nothing is written where an end or bytes have arrived: the read gets those. What
// is held goes out with the read that finds nothing.
func TestHeldWriteThatLooks(t *testing.T) {
	for name, c := range map[string]struct {
		before func(far net.Conn)
		reads  string
	}{
		"a half close": {func(far net.Conn) { _ = far.(*net.TCPConn).CloseWrite() }, ""},
		"a reset": {func(far net.Conn) {
			_ = far.(*net.TCPConn).SetLinger(0)
			_ = far.Close()
		}, ""},
		"bytes": {func(far net.Conn) { _, _ = far.Write([]byte("bytes")) }, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := tcpPair(t)
			s := newRawStream(near)
			c.before(far)
			waitReadable(t, near)
			var h heldWrite
			holdWrites(s, &h, true)
			_, _ = s.Write([]byte("request"))
			var b [16]byte
			if n, err := s.Read(b[:]); string(b[:n]) != c.reads || (err != nil) != (c.reads == "") {
				t.Errorf("read %q, %v; want %q", b[:n], err, c.reads)
			}
			if h.out || h.taken != 0 {
				t.Fatalf("written although something had arrived: %+v", h)
			}
			if c.reads == "" {
				return
			}
			go func() {
				var b [16]byte
				n, _ := far.Read(b[:])
				_, _ = far.Write(append([]byte("to "), b[:n]...))
			}()
			if n, err := s.Read(b[:]); string(b[:n]) != "to request" || err != nil || h.taken != 7 {
				t.Errorf("read %q, %v; %+v", b[:n], err, h)
			}
		})
	}
}

// waitReadable waits until something has arrived.
func waitReadable(t *testing.T, c net.Conn) {
	t.Helper()
	var b [1]byte
	if err := rawTCP(c).Read(func(fd uintptr) bool {
		_, errno := rawPeek(fd, b[:])
		return errno != syscall.EAGAIN
	}); err != nil {
		t.Fatal(err)
	}
}

// An end of the connection that came together with an answer is found before the next request is
// written: it goes out once, on another connection, also if it is at most once.
func TestEndThatCameWithAnAnswer(t *testing.T) {
	ca := newAuthority(t)
	cfg := &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}, MaxVersion: tls.VersionTLS12}
	var requests atomic.Int64
	s := serveRaw(t, func(_ int, raw net.Conn) {
		joined := &joinedWrites{Conn: raw}
		c := tls.Server(joined, cfg)
		if c.Handshake() != nil {
			return
		}
		for readRaw(c) != "" {
			requests.Add(1)
			joined.joins = true
			_, _ = io.WriteString(c, rawResponse(200, "ok"))
			_ = c.CloseWrite() // close_notify
			joined.flush()
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for range 20 {
		mustSucceed(t, x, newCall(s.secure()))
	}
	if n := requests.Load(); n != 20 {
		t.Errorf("%d requests for 20 calls", n)
	}
}

// joinedWrites writes all that it is given at once when it is flushed.
type joinedWrites struct {
	net.Conn
	joins bool
	b     []byte
}

func (j *joinedWrites) Write(b []byte) (int, error) {
	if !j.joins {
		return j.Conn.Write(b)
	}
	j.b = append(j.b, b...)
	return len(b), nil
}

func (j *joinedWrites) flush() {
	_ = j.SetWriteDeadline(time.Time{}) // CloseWrite has set one
	_, _ = j.Conn.Write(j.b)
	j.joins, j.b = false, nil
}
