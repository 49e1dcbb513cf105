package executor

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
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
