package executor

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// connected returns both ends of a connection.
func connected(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func TestDuplex(t *testing.T) {
	here, there := connected(t)
	raw := rawTCP(here)
	var d duplex
	answer := make([]byte, 64)
	for _, text := range []string{"first", "second"} {
		go func() {
			got := make([]byte, len(text))
			_, _ = io.ReadFull(there, got)
			_, _ = there.Write(append([]byte("re: "), got...))
		}()
		wrote, read, sendErr, err := d.exchange(raw, []byte(text), answer, text == "first")
		if wrote != len(text) || string(answer[:read]) != "re: "+text || sendErr != nil || err != nil {
			t.Errorf("%d, %q, %v, %v", wrote, answer[:read], sendErr, err)
		}
	}
	_ = here.SetDeadline(time.Now().Add(20 * time.Millisecond))
	if wrote, read, sendErr, err := d.exchange(raw, []byte("third"), answer, false); wrote != 5 || read != 0 ||
		sendErr != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("no answer: %d, %d, %v, %v", wrote, read, sendErr, err)
	}
	if wrote, _, _, err := d.exchange(raw, []byte("fourth"), answer, false); wrote != 0 ||
		!errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past the deadline: %d, %v", wrote, err)
	}
}

// What the kernel does not take at once is left to the caller, and nothing is
// read before it is gone.
func TestDuplexOfAFullConnection(t *testing.T) {
	here, there := connected(t)
	if err := here.SetWriteBuffer(1); err != nil { // the least there is
		t.Fatal(err)
	}
	_, _ = there.Write([]byte("too early"))
	request := []byte(strings.Repeat("x", 32<<20))
	var d duplex
	wrote, read, sendErr, err := d.exchange(rawTCP(here), request, make([]byte, 64), false)
	if wrote == 0 || wrote >= len(request) || read != 0 || sendErr != nil || err != nil {
		t.Errorf("%d, %d, %v, %v", wrote, read, sendErr, err)
	}
}

func TestDuplexOfAResetConnection(t *testing.T) {
	here, there := connected(t)
	_ = there.SetLinger(0)
	_ = there.Close()
	probe := newProbe(here)
	untilArrival(t, probe)
	var d duplex
	_, read, sendErr, err := d.exchange(rawTCP(here), []byte("text"), make([]byte, 64), false)
	if e := errors.Join(sendErr, err); read != 0 || !errors.Is(e, syscall.EPIPE) && !errors.Is(e, syscall.ECONNRESET) {
		t.Errorf("%d, %v, %v", read, sendErr, err)
	}
	if _, ok := errors.AsType[*net.OpError](errors.Join(sendErr, err)); !ok {
		t.Errorf("%v, %v are none of package net", sendErr, err)
	}
}

// What the kernel did not take goes the usual way, and so does the answer.
func TestRequestToAFullConnection(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	mustSucceed(t, x, newCall(k.url()))
	c := onlyHost(t, x).idle[0]
	c.raw = fullConn{c.raw}
	call := newCall(k.url())
	call.Body = []byte("late")
	mustSucceed(t, x, call)
	k.want(t, 1, 2)
	if k.bodies[1] != "late" {
		t.Errorf("body %q", k.bodies[1])
	}
}

// fullConn is a connection of which the kernel takes nothing at first.
type fullConn struct{ syscall.RawConn }

func (fullConn) Read(f func(fd uintptr) bool) error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _, _ = syscall.Close(pair[0]), syscall.Close(pair[1]) }()
	for err == nil {
		_, err = syscall.Write(pair[0], make([]byte, 4096))
	}
	if !f(uintptr(pair[0])) {
		return errors.New("waits for an answer to what was not sent")
	}
	return nil
}
