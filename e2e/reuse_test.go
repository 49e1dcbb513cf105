package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// wire is a target of raw TCP that logs each request: its attempt and its key.
type wire struct {
	url string

	mu  sync.Mutex
	log []string
}

// serveWire hands each request, with its number on its connection, to a function
// that answers it and says whether the connection goes on.
func serveWire(t *testing.T, answer func(n int, c net.Conn) bool) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "http://" + ln.Addr().String() + "/hook"}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			context := t.Context()
			conns.Go(func() {
				defer c.Close()
				go func() { <-context.Done(); _ = c.Close() }()
				w.serve(c, answer)
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); conns.Wait() })
	return w
}

func (w *wire) serve(c net.Conn, answer func(n int, c net.Conn) bool) {
	br := bufio.NewReader(c)
	for n := 1; ; n++ {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		w.mu.Lock()
		w.log = append(w.log, req.Header.Get("Belfry-Execution-Id")+" "+req.Header.Get("Belfry-Attempt"))
		w.mu.Unlock()
		if !answer(n, c) {
			return
		}
	}
}

// attempts returns the attempts that came of an execution.
func (w *wire) attempts(id string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.log {
		if key, attempt, _ := strings.Cut(line, " "); key == id {
			out = append(out, attempt)
		}
	}
	return out
}

func answerOK(c net.Conn) bool {
	_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	return err == nil
}

// retried is byHand with so many retries, at 100 ms.
func retried(api string, most int) client.Spec {
	s := byHand(api)
	delay := int64(100)
	s.Retry = &client.Retry{MaxRetries: &most, DelayMs: &delay, Backoff: "FIXED"}
	return s
}

func (p *process) create(s client.Spec) string {
	p.t.Helper()
	made, err := p.api.Jobs.Create(p.t.Context(), s)
	if err != nil {
		p.t.Fatal(err)
	}
	return made.JobID
}

// A target that reads a request on a kept connection and closes that unanswered has
// got the attempt: the next request is a retry, with the next number, and without
// retries there is none.
func TestOneRequestForEachAttempt(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	for _, retries := range []int{0, 2} {
		t.Run(fmt.Sprintf("maxRetries %d", retries), func(t *testing.T) {
			seen := make(chan struct{})
			w := serveWire(t, func(n int, c net.Conn) bool {
				if n == 2 {
					<-seen // it works on it
					return false
				}
				return answerOK(c)
			})
			id := p.create(retried(w.url, retries))
			if first := p.ended(id); first.Status != "SUCCESS" {
				t.Fatalf("the first: %+v", first)
			}
			running := p.triggered(id)
			eventually(t, "the target has the request", func() bool { return len(w.attempts(running)) == 1 })
			close(seen)
			e := p.endOf(running)
			got, want, status := w.attempts(e.ID), []string{"1"}, "FAILED"
			if retries > 0 {
				want, status = []string{"1", "2"}, "SUCCESS"
			}
			if !slices.Equal(got, want) || e.Status != status || e.RetryCount != len(want)-1 {
				t.Errorf("attempts %v on the wire, want %v; execution %+v %q", got, want, e, said(e))
			}
			if retries == 0 && !strings.HasSuffix(said(e),
				"before a response (a connection kept from an earlier call)") {
				t.Errorf("error %q", said(e))
			}
		})
	}
}

// A target that closes a connection while it rests costs nothing: the request goes
// out once, on a new one.
func TestConnectionClosedAtRestCostsNoAttempt(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	rests, closed := make(chan struct{}), make(chan struct{}, 10)
	w := serveWire(t, func(_ int, c net.Conn) bool {
		answerOK(c)
		<-rests
		_ = c.Close()
		closed <- struct{}{}
		return false
	})
	for _, kind := range []string{"ATLEAST_ONCE", "ATMOST_ONCE"} {
		s := retried(w.url, 0)
		s.Type = kind
		id := p.create(s)
		for range 2 {
			e := p.ended(id) // on record: its connection has been given back
			rests <- struct{}{}
			<-closed
			if got := w.attempts(e.ID); e.Status != "SUCCESS" || !slices.Equal(got, []string{"1"}) {
				t.Errorf("%s: attempts %v; %s %q", kind, got, e.Status, said(e))
			}
		}
	}
}
