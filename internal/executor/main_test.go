package executor

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ample is more time than anything takes here, stalls included.
const ample = time.Minute

// prompt is what a call may take beyond its timeout, or in all where the target has
// said enough: milliseconds without the race detector. A call that waits for what
// does not come takes ample.
const prompt = 5 * time.Second

// newTestExecutor returns an executor that is closed with the test.
func newTestExecutor(t testing.TB, cfg Config) *Executor {
	t.Helper()
	cfg.DialTimeout = orDefault(cfg.DialTimeout, ample)
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

var (
	testJob = domain.JobID{0x01, 0x92, 0xf0, 0xc1, 0x2d, 0x3e, 0x7a, 0x4b, 0x8c, 0x5d, 0x6e, 0x7f, 0x80,
		0x91, 0x0a, 0x1b}
	testFire  = domain.FireKey{JobID: testJob, ScheduledAt: 1_732_000_000_000}
	testJobID = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
)

// newCall returns a first attempt of a POST without a body of its own.
func newCall(url string) *domain.Call {
	return &domain.Call{
		Key:         testFire,
		ExecutionID: testFire.ID(),
		Attempt:     1,
		Method:      "POST",
		URL:         url,
		Timeout:     ample,
	}
}

// do makes a call. How long it took differs from call to call and is left out.
func do(x *Executor, call *domain.Call) domain.Outcome {
	var out domain.Outcome
	x.Do(call, &out)
	out.Took = 0
	return out
}

// rawServer accepts connections and hands each to a function, with its number
// from 1. It ends with the test and waits for every function.
type rawServer struct {
	addr string
	wg   sync.WaitGroup

	mu     sync.Mutex
	conns  []net.Conn
	closed bool // connections that are accepted now are closed at once
}

func serveRaw(t testing.TB, serve func(n int, c net.Conn)) *rawServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{addr: ln.Addr().String()}
	s.wg.Go(func() { s.accept(ln, serve) })
	t.Cleanup(func() {
		_ = ln.Close()
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.closeConns()
		s.wg.Wait()
	})
	return s
}

func (s *rawServer) accept(ln net.Listener, serve func(n int, c net.Conn)) {
	for n := 1; ; n++ {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		if s.closed {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.wg.Go(func() {
			defer c.Close()
			serve(n, c)
		})
	}
}

func (s *rawServer) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
}

func (s *rawServer) url() string { return "http://" + s.addr + "/hook" }

// readRequest reads one request and its body, or returns false at the end of
// the connection.
func readRequest(br *bufio.Reader) (*http.Request, string, bool) {
	req, err := http.ReadRequest(br)
	if err != nil {
		return nil, "", false
	}
	body, err := io.ReadAll(req.Body)
	return req, string(body), err == nil
}

// answerWith serves each request with the same bytes and closes the connection
// after the first when then is "close".
func answerWith(t testing.TB, response string, then string) *rawServer {
	return serveRaw(t, func(_ int, c net.Conn) {
		br := bufio.NewReader(c)
		for {
			if _, _, ok := readRequest(br); !ok {
				return
			}
			if _, err := io.WriteString(c, response); err != nil || then == "close" {
				return
			}
		}
	})
}

// rawResponse returns a whole response with a body of known length.
func rawResponse(status int, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n", status, len(body))
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// readRaw returns the bytes of one request, body included, as they came.
func readRaw(c net.Conn) string {
	var b strings.Builder
	br := bufio.NewReader(io.TeeReader(c, &b))
	if _, _, ok := readRequest(br); !ok {
		return ""
	}
	return b.String()
}

func wantOutcome(t *testing.T, got, want domain.Outcome) {
	t.Helper()
	if fault := differs(got, want); fault != "" {
		t.Error(fault)
	}
}

func differs(got, want domain.Outcome) (fault string) {
	if want.Held == 0 { // it may have waited for a moment for its connection
		got.Held = 0
	}
	if got != want {
		fault = fmt.Sprintf("outcome\n got %+v\nwant %+v", got, want)
	}
	return fault
}

// atTimeout tries a call that must come to its timeout in a certain phase. After a
// stall a short timeout comes in an earlier phase: only what a long one does is a
// fault of the test.
func atTimeout(t *testing.T, try func(timeout time.Duration) (fault string)) {
	t.Helper()
	if try(500*time.Millisecond) == "" {
		return
	}
	if fault := try(15 * time.Second); fault != "" {
		t.Error(fault)
	}
}
