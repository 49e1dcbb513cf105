package executor

import (
	"bytes"
	"net"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// script is a connection whose peer has sent some bytes and closed.
type script struct {
	net.Conn
	bytes.Reader
}

func (s *script) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s *script) Write(p []byte) (int, error) { return len(p), nil }
func (s *script) SetDeadline(time.Time) error { return nil }
func (s *script) Close() error                { return nil }

// answered makes the call on a connection whose peer answers with the bytes. The
// caller ends the exchange.
func answered(t *testing.T, x *Executor, call *domain.Call, out *domain.Outcome, answer []byte) *exchange {
	t.Helper()
	e := newExchange()
	e.begin(&x.transport, call, out)
	p, err := hostOf(x, call)
	if err != nil {
		t.Fatal(err)
	}
	addOpen(p, 1)
	peer := new(script)
	peer.Reader.Reset(answer)
	e.link.pool, e.link.conn = p, &conn{Conn: peer}
	if err := e.roundTrip(); err != nil {
		e.fail(err)
	} else {
		e.report()
	}
	return e
}

// Whatever a target sends, the outcome is whole: a verdict that fits the
// status, and a short text that can be shown unless it is a success.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		"", rawResponse(200, "ok"), rawResponse(503, "down", "Retry-After: 9"),
		"HTTP/1.1 100 Continue\r\n\r\n" + rawResponse(302, "", "Location: /"),
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
		"HTTP/1.0 500 X\r\n\r\n\x00\xff",
	} {
		f.Add([]byte(seed), false)
	}
	x := newTestExecutor(f, Config{MaxResponseBytes: 4096})
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		call := newCall("http://example.com/")
		if head {
			call.Method = "HEAD"
		}
		var out domain.Outcome
		e := answered(t, x, call, &out, answer)
		e.link.reusable = false
		e.end()

		switch {
		case out.Verdict == success && (out.Error != "" || domain.VerdictOf(out.HTTPStatus) != success):
			t.Errorf("a success: %+v", out)
		case out.Verdict != success && (out.Error == "" || len(out.Error) > 3*maxSnippetBytes ||
			!utf8.ValidString(out.Error)):
			t.Errorf("a failure: %+v", out)
		case out.RetryAfterMs < 0 || out.HTTPStatus < 0 || out.HTTPStatus > 999:
			t.Errorf("out of range: %+v", out)
		}
	})
}
