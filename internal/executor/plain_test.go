package executor

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/valyala/fasthttp"
)

func TestPlainSuccess(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nServer: x\r\nDate: Thu, 26 Nov 2026 10:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"
	with := func(field string) string { return strings.Replace(ok, "Server: x\r\n", field, 1) }
	for answer, want := range map[string]int{
		ok:                                       200,
		strings.Replace(ok, "200 OK", "202 ", 1): 202,
		strings.Replace(ok, "200", "299", 1):     299,
		strings.Replace(ok, "2\r\n\r\nok", "0\r\n\r\n", 1):         200,
		with("Connection: keep-alive\r\n"):                         200,
		with("connection: Keep-Alive\r\ncontent-type: a/b\r\n"):    200,
		with("Set-Cookie: a=b; Path=/\r\nX-T: \r\n"):               200,
		strings.Replace(ok, "Content-Length", "content-length", 1): 200,

		"":                                                  0,
		ok[:len(ok)-1]:                                      0, // more is to come
		ok + "x":                                            0, // more than was said
		strings.TrimSuffix(ok, "\r\n\r\nok"):                0,
		strings.Replace(ok, "200 OK", "200", 1):             0,
		strings.Replace(ok, "200", "204", 1):                0,
		strings.Replace(ok, "200", "302", 1):                0,
		strings.Replace(ok, "200", "2x0", 1):                0,
		strings.Replace(ok, "1.1", "1.0", 1):                0,
		strings.ReplaceAll(ok, "\r\n", "\n"):                0,
		strings.Replace(ok, "Content-Length: 2\r\n", "", 1): 0,
		strings.Replace(ok, "Length: 2", "Length: +2", 1):   0,
		strings.Replace(ok, "Length: 2", "Length: 2 ", 1):   0,
		with("Content-Length: 2\r\n"):                       0,
		with("Connection: close\r\n"):                       0,
		with("Connection: keep-alive, close\r\n"):           0,
		with("Transfer-Encoding: chunked\r\n"):              0,
		with("Trailer: X\r\n"):                              0,
		with("X: a\r\n b\r\n"):                              0, // a folded line
		with("X : a\r\n"):                                   0,
		with("X: a\x00\r\n"):                                0,
		with("X: a\rb\r\n"):                                 0,
		with("X: \xc3\xa4\r\n"):                             0,
		with(": a\r\n"):                                     0,
		with("nonsense\r\n"):                                0,
		"HTTP/1.1 100 Continue\r\n\r\n" + ok:                0,
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + strings.Repeat("x", 100): 0, // the limit of this test
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + strings.Repeat("x", 99):   200,
	} {
		if got, _ := plainSuccess([]byte(answer), 100); got != want {
			t.Errorf("status %d, want %d, of %q", got, want, answer)
		}
	}
}

// An answer to HEAD has no body, whatever its Content-Length says: bytes that
// follow it belong to no message, and the connection is not used again.
func TestBodyInAnswerToHEAD(t *testing.T) {
	x := newTestExecutor(t, Config{})
	for method, reusable := range map[string]bool{"HEAD": false, "POST": true} {
		call := newCall("http://example.com/")
		call.Method = method
		var out domain.Outcome
		e := answered(t, x, call, &out, []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		if out.HTTPStatus != 200 || out.Verdict != success || e.link.reusable != reusable {
			t.Errorf("%s: %+v, reusable %v", method, out, e.link.reusable)
		}
		e.link.reusable = false
		e.end()
	}
}

// What is taken for plain the parser takes for the same: a whole response of the
// status, after which nothing is left and the connection can be used again.
func FuzzPlainSuccess(f *testing.F) {
	for _, seed := range []string{
		rawResponse(200, "ok"), rawResponse(201, ""), rawResponse(250, "x", "Connection: keep-alive", "X-T: 1"),
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: now\r\n\r\nhello",
		"HTTP/1.1 200 \r\nContent-Length: 0\r\nKeep-Alive: timeout=5\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		const limit = 1 << 10
		status, _ := plainSuccess(answer, limit)
		if status == 0 {
			return
		}
		var resp fasthttp.Response
		resp.StreamBody = true
		br := bufio.NewReaderSize(bytes.NewReader(answer), readBufferBytes)
		if err := resp.Header.Read(br); err != nil {
			t.Fatalf("the parser: %v", err)
		}
		if err := resp.ReadBody(br, 0); err != nil {
			t.Fatalf("the parser, of the body: %v", err)
		}
		body, err := io.ReadAll(resp.BodyStream())
		if err != nil || len(body) >= limit {
			t.Errorf("a body of %d bytes, %v", len(body), err)
		}
		if resp.StatusCode() != status || resp.ConnectionClose() || br.Buffered() > 0 {
			t.Errorf("status %d, want %d; close %v; %d bytes left", resp.StatusCode(), status,
				resp.ConnectionClose(), br.Buffered())
		}
	})
}
