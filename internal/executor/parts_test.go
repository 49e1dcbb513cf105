package executor

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// scripted is a connection that takes so many bytes and answers with a text.
type scripted struct {
	net.Conn
	takes   int
	written strings.Builder
	answer  io.Reader
}

func (s *scripted) Write(b []byte) (int, error) {
	n := min(len(b), s.takes)
	s.takes -= n
	s.written.Write(b[:n])
	if n < len(b) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func (s *scripted) Read(b []byte) (int, error) { return s.answer.Read(b) }

// A link says how much of a request was written and what came back first. An answer
// counts although the request was not taken whole, unless it is of an earlier one.
func TestLink(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		takes int
		kept  bool
		body  int

		n       int
		sent    bool
		sendErr error
	}{
		{"short", 1 << 20, false, 10, 3, true, nil},
		{"long", 1 << 20, false, maxInlineBody + 1, 3, true, nil},
		{"a part is taken", 5, false, 10, 3, false, io.ErrClosedPipe},
		{"a part is taken, of a kept connection", 5, true, 10, 3, false, io.ErrClosedPipe},
		{"nothing is taken", 0, false, 10, 3, false, io.ErrClosedPipe},
		{"nothing is taken, of a kept connection", 0, true, 10, 0, false, io.ErrClosedPipe},
	} {
		peer := &scripted{takes: c.takes, answer: strings.NewReader("yes")}
		l := link{conn: &conn{Conn: peer}}
		if c.kept {
			l.conn.lastUse = time.Unix(1, 0)
		}
		req := request{head: []byte("head "), body: []byte(strings.Repeat("x", c.body))}
		n, sendErr, err := l.ask(&req, make([]byte, 16), false)
		if n != c.n || l.sent != c.sent || !errors.Is(sendErr, c.sendErr) || err != nil {
			t.Errorf("%s: %d bytes came, sent %v, %v, %v", c.name, n, l.sent, sendErr, err)
		}
		whole := "head " + strings.Repeat("x", c.body)
		if got := peer.written.String(); int64(len(got)) != l.written || !strings.HasPrefix(whole, got) {
			t.Errorf("%s: %d bytes are counted, and %q was written", c.name, l.written, got)
		}
		if string(req.head) != "head " {
			t.Errorf("%s: the head is %q afterwards", c.name, req.head)
		}
	}
}

// A response is read past interim ones, within its limits; it says whether the
// connection can go on, and keeps the start of a failure only.
func TestResponse(t *testing.T) {
	t.Parallel()
	cfg := Config{MaxResponseBytes: 8}
	cfg.setDefaults()
	var r response
	for _, c := range []struct {
		answer   string
		status   int
		inBody   bool
		persists bool
		snippet  string
		err      error
	}{
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 X\r\nContent-Length: 3\r\n\r\nbad", 500, true, true, "bad", nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", 200, true, true, "", nil},
		{"HTTP/1.1 204 X\r\n\r\n", 204, false, true, "", nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodX", 200, true, false, "", nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" + strings.Repeat("a", 80), 200, true, false, "", nil},
		{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngo", 200, true, false, "", io.ErrUnexpectedEOF},
		{"HTTP/1.1 200 OK\r\nConte", 200, false, false, "", io.ErrUnexpectedEOF},
	} {
		r.begin(&cfg, "POST", strings.NewReader(c.answer), make([]byte, 0, 64))
		r.snippet = nil
		err := r.read(0, bufio.NewReaderSize(nil, readBufferBytes))
		if !errors.Is(err, c.err) || r.head.status != c.status || r.inBody != c.inBody ||
			err == nil && r.persists() != c.persists || string(r.snippet) != c.snippet {
			t.Errorf("%q: %v, status %d, in the body %v, persists %v, %q", c.answer, err, r.head.status, r.inBody,
				r.persists(), r.snippet)
		}
	}
}

// A timeout names the phase, and a connection that ended the place.
func TestFailureNamesThePhase(t *testing.T) {
	t.Parallel()
	cfg := Config{DialTimeout: 5 * time.Second}
	cfg.setDefaults()
	resp := &response{cfg: &cfg, bodyRead: 7}
	resp.head.status = 200
	to := target.Of("http://a.test:8443/").Endpoint()
	for _, c := range []struct {
		phase         phase
		timeout, ends string
	}{
		{phaseConnect, "timeout after 5s connecting to a.test:8443", "cannot connect to a.test:8443: EOF"},
		{phaseHandshake, "tls: timeout after 5s in the handshake with a.test:8443",
			"tls: a.test:8443 closed the connection in the handshake (does it speak TLS?)"},
		{phaseSend, "timeout after 9s sending the request",
			"connection closed by a.test:8443 while the request was sent (port 8443 is mostly one of https)"},
		{phaseWait, "timeout after 9s waiting for the response",
			"connection closed by a.test:8443 before a response (port 8443 is mostly one of https)"},
		{phaseHeader, "timeout after 9s reading the response header",
			"connection closed by a.test:8443 in the response header"},
		{phaseBody, "timeout after 9s reading the response body (HTTP 200, 7 bytes read)",
			"connection closed by a.test:8443 in the response body (HTTP 200, 7 bytes read)"},
	} {
		f := failure{
			err: os.ErrDeadlineExceeded, phase: c.phase, to: to, timeout: 9 * time.Second, cfg: &cfg, resp: resp,
		}
		if got := f.describe(); got != c.timeout {
			t.Errorf("phase %d: %q, want %q", c.phase, got, c.timeout)
		}
		f.err = io.EOF
		if got := f.describe(); got != c.ends {
			t.Errorf("phase %d: %q, want %q", c.phase, got, c.ends)
		}
	}
	f := failure{err: errClosed, cfg: &cfg, resp: resp}
	if got := f.describe(); got != "not sent: the executor is closed" {
		t.Errorf("%q before there was a host", got)
	}
}
