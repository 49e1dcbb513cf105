package front

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/front/fronttest"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"golang.org/x/net/http/httpguts"
)

// unclear answers with 400 and the reason.
func unclear(why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, why, http.StatusBadRequest) })
}

const (
	getRequest = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
	bothHead   = "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// framingRows are what comes on a connection, which request of it has a fault, and which.
var framingRows = map[string]struct {
	text   string
	at     int64
	reason string
}{
	"nothing unusual": {getRequest + getRequest, 0, ""},
	"chunked alone":   {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, ""},
	"a length alone":  {"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd" + getRequest, 0, ""},
	"both":            {bothHead, 1, bothLengths},
	"both, the other way round": {"POST / HTTP/1.1\r\nTRANSFER-ENCODING:chunked\r\ncontent-length:4\r\n\r\n", 1,
		bothLengths},
	"both, with line feeds alone": {strings.ReplaceAll(bothHead, "\r", ""), 1, bothLengths},
	"both, after others": {getRequest + "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi\r\n" + bothHead,
		3, bothLengths},
	"both, in a body": {"POST / HTTP/1.1\r\nContent-Length: 94\r\n\r\n" + bothHead, 0, ""},
	"both, after a long line": {"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nX: " + strings.Repeat("b", 9000) +
		"\r\n\r\n" + bothHead, 2, bothLengths},
	"both, after a padded length": {"POST / HTTP/1.1\r\nContent-Length:" + strings.Repeat(" ", 60) +
		"2\r\n\r\nhi" + bothHead,
		1, longLength},
	"chunks in HTTP/1.0": {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 1, oldChunks},
	"both in HTTP/1.0":   {strings.Replace(bothHead, "1.1", "1.0", 1), 1, oldChunks},
	"chunks in HTTP/1.0, after empty lines": {"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi\r\r\n" +
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 2, oldChunks},
	"a folded field":        {"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n", 1, foldedField},
	"a folded coding":       {"GET / HTTP/1.1\r\nX: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", 1, foldedField},
	"a length that is none": {"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n" + bothHead, 0, ""}, // refused by net/http
}

// Each row, in one piece and byte by byte.
func TestFraming(t *testing.T) {
	for name, row := range framingRows {
		for _, size := range []int{len(row.text), 1, 7} {
			var f framing
			for b := []byte(row.text); len(b) > 0; b = b[min(size, len(b)):] {
				if n, err := f.take(b[:min(size, len(b))]); err != nil || n != min(size, len(b)) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if f.at != row.at || f.reason != row.reason {
				t.Errorf("%s in pieces of %d: request %d %q, want %d %q", name, size, f.at, f.reason,
					row.at, row.reason)
			}
		}
	}
}

// serveWire serves through Serve, with TLS or without.
func serveWire(t *testing.T, secure bool) (addr string) {
	t.Helper()
	h := newTestHandler(t, okay, io.Discard)
	s, err := NewServer(ServerConfig{Handler: h, Metrics: telemetry.NewMetrics()})
	if err != nil {
		t.Fatal(err)
	}
	s.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if secure {
		p := fronttest.NewPair(t)
		cert, err := OpenCertificate(p.Cert, p.Key, clock.System{}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		s.TLSConfig = cert.Config()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- Serve(s, l, nil) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// A request with more than one reading is refused and its connection closed, also behind
// others, with TLS and without. Requests before it are answered.
func TestUnclearRequestsCloseTheConnection(t *testing.T) {
	for _, secure := range []bool{false, true} {
		addr := serveWire(t, secure)
		for name, row := range framingRows {
			text := row.text
			if row.at == 0 || strings.Contains(text, "HTTP/1.1\r\nX:") {
				continue
			}
			text = strings.ReplaceAll(text, " HTTP/1.1\r\nC", " HTTP/1.1\r\nHost: h\r\nC")
			text = strings.ReplaceAll(text, " HTTP/1.1\r\nT", " HTTP/1.1\r\nHost: h\r\nT")
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			_, _ = io.WriteString(c, text+getRequest)
			statuses := statusesOf(t, c)
			_ = c.Close()
			want := strings.Repeat("200 ", int(row.at-1)) + "400 "
			if statuses != want {
				t.Errorf("%s (TLS: %t): answered %s, want %s", name, secure, statuses, want)
			}
		}
	}
}

// A request with more fields than there may be is refused before the end of its head, also
// behind another one, or if net/http will refuse it. No more than the fields that are
// permitted take memory.
func TestManyFields(t *testing.T) {
	const head = "GET / HTTP/1.1\r\nHost: h\r\n"
	for _, secure := range []bool{false, true} {
		addr := serveWire(t, secure)
		for name, row := range map[string]struct{ text, statuses string }{
			"as many as there may be": {
				head + strings.Repeat("A: b\r\n", maxFields-2) + "Connection: close\r\n\r\n", "200 "},
			"more":                 {head + strings.Repeat("A: b\r\n", maxFields), "400 "},
			"more, behind another": {getRequest + head + strings.Repeat("A: b\r\n", maxFields), "200 400 "},
			"more, a length that is none": {
				head + "Content-Length: x\r\n" + strings.Repeat("A: b\r\n", maxFields-1), "400 "},
		} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if secure {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
			}
			first, rest, behind := strings.Cut(row.text, "\r\n\r\n")
			if !behind || rest == "" {
				first, rest = row.text, ""
			} else {
				first += "\r\n\r\n"
			}
			_, _ = io.WriteString(c, first)
			br := bufio.NewReader(c)
			statuses := ""
			if rest != "" { // the first is answered before the other comes
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				statuses = res.Status[:4]
				_, _ = io.WriteString(c, rest)
			}
			if statuses += statusesOf(t, br); statuses != row.statuses {
				t.Errorf("%s (TLS: %t): answered %s, want %s", name, secure, statuses, row.statuses)
			}
			_ = c.Close()
		}
	}
}

// statusesOf reads answers to the end of a connection.
func statusesOf(t *testing.T, c io.Reader) (all string) {
	t.Helper()
	for br := bufio.NewReader(c); ; {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			return all
		}
		_, _ = io.Copy(io.Discard, res.Body)
		all += res.Status[:4]
	}
}

// A client that speaks plain HTTP to a port of TLS is told so; the answer has no suites
// with CBC and no key exchange by RSA to choose from, and no HTTP/2.
func TestHandshakes(t *testing.T) {
	addr := serveWire(t, true)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, getRequest)
	if text, _ := io.ReadAll(c); !strings.Contains(string(text), "HTTP request to an HTTPS server") {
		t.Errorf("plain HTTP is answered %q", text)
	}
	_ = c.Close()
	good := map[uint16]bool{}
	for _, id := range suites {
		good[id] = true
	}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.SupportedVersions[0] == tls.VersionTLS13 {
			continue
		}
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{s.ID}, NextProtos: []string{"h2", "http/1.1"}})
		ecdsa := strings.Contains(s.Name, "_ECDSA_") // the certificate of the test is of that kind
		if want := good[s.ID] && ecdsa; (err == nil) != want {
			t.Errorf("%s: %v, want a handshake: %t", s.Name, err, want)
		}
		if err != nil {
			continue
		}
		if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
			t.Errorf("agreed on %q", p)
		}
		_ = c.Close()
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version,
			MaxVersion: version}); err == nil {
			t.Errorf("TLS version %#x is spoken", version)
		}
	}
}

// refused reports whether the server refuses a request that http.ReadRequest takes.
func refused(r *http.Request) bool {
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) ||
			slices.ContainsFunc(values, func(v string) bool { return !httpguts.ValidHeaderFieldValue(v) }) {
			return true
		}
	}
	return r.ProtoMajor != 1
}

// FuzzFraming compares what is followed with what net/http reads: where it finds a
// request and its body, framing finds as many, up to the first that has a fault.
func FuzzFraming(f *testing.F) {
	for _, row := range framingRows {
		f.Add([]byte(row.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var own framing
		if _, err := own.take(data); err != nil {
			return // the connection has ended
		}
		br := bufio.NewReader(bytes.NewReader(data))
		for n := int64(1); own.at == 0 || n < own.at; n++ {
			r, err := http.ReadRequest(br)
			if err != nil || refused(r) {
				return
			}
			if own.count < n {
				t.Fatalf("request %d was not followed", n)
			}
			if len(r.TransferEncoding) > 0 {
				return // the last one of a connection
			}
			if k, err := io.Copy(io.Discard, r.Body); err != nil || k < r.ContentLength {
				return
			}
			for b, _ := br.Peek(1); len(b) == 1 && (b[0] == '\r' || b[0] == '\n'); b, _ = br.Peek(1) {
				_, _ = br.Discard(1) // as the server does after a POST
			}
		}
	})
}
