package receiver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trusting returns a client that trusts the certificate of the receiver and resumes
// sessions.
func (s *running) trusting(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	text, err := os.ReadFile(s.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no certificate in %q", text)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, ClientSessionCache: tls.NewLRUClientSessionCache(8)},
		ForceAttemptHTTP2: http2,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// Every path answers over TLS as it does without, by both protocols, and the calls of
// each are counted.
func TestTLS(t *testing.T) {
	s := start(t, Config{TLS: true, HTTP2: true})
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		s.client = s.trusting(t, protocol == "HTTP/2.0")
		for path, want := range map[string]struct {
			status int
			body   string // a part of it
		}{
			"/ok": {200, "ok\n"}, "/status/204": {204, ""}, "/status/429?retryAfter=7": {429, ""},
			"/slow?ms=1": {200, "late"},
			"/echo?a=b":  {200, "POST /echo?a=b " + protocol + "\r\n"}, "/nothing": {404, "/drop"},
			"/": {200, "/stats"},
		} {
			req := s.request(t, path, testFire, 1)
			req.URL.Scheme = "https"
			resp, body := s.send(t, req)
			if resp.Proto != protocol || resp.StatusCode != want.status || !strings.Contains(body, want.body) {
				t.Errorf("%s %s: %s %d %q, want %+v", protocol, path, resp.Proto, resp.StatusCode, body, want)
			}
			if strings.HasPrefix(path, "/status/429") && resp.Header.Get("Retry-After") != "7" {
				t.Errorf("%s: headers %v", protocol, resp.Header)
			}
		}
		req := s.request(t, "/drop", testFire, 1)
		req.URL.Scheme = "https"
		if resp, err := s.client.Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("%s /drop was answered with %d", protocol, resp.StatusCode)
		}
	}
	got := s.Stats()
	if got.HTTP2 == 0 || got.HTTP2*2 != got.Requests || got.ByPath["/ok"] != 2 || got.Duplicates == 0 {
		t.Errorf("%+v", got)
	}
	if h := got.Handshakes; h.Full == 0 || h.Full+h.Resumed > h.Begun {
		t.Errorf("handshakes %+v", h)
	}
}

// A session is resumed at the port where it began, and the counters begin anew.
func TestSessionsArePerPort(t *testing.T) {
	s := start(t, Config{TLS: true, Ports: 2})
	client := s.trusting(t, false)
	get := func(url string) {
		resp, err := client.Get(url + "/ok")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		client.CloseIdleConnections()
	}
	// The client keeps its sessions by name, so that it offers one port the session of
	// the other.
	for i, want := range []Handshakes{{1, 1, 0}, {2, 1, 1}, {3, 2, 1}} {
		get(s.URLs()[i/2])
		if got := s.Stats().Handshakes; got != want {
			t.Errorf("call %d: %+v, want %+v", i, got, want)
		}
	}
	req, _ := http.NewRequest("DELETE", s.URLs()[0]+"/stats", http.NoBody)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := s.Stats(); got.Requests != 0 || got.Handshakes != (Handshakes{}) || got.Connections.Opened != 0 {
		t.Errorf("after a reset: %+v", got)
	}
}

// Without HTTP/2 a client that wants nothing else is refused in the handshake.
func TestHTTP2IsOptional(t *testing.T) {
	s := start(t, Config{TLS: true})
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"h2"}, //nolint:gosec // nothing is sent
	})
	if err == nil {
		conn.Close()
		t.Error("h2 was agreed on")
	}
}

// The certificate that was made is in the named file, or in a temporary one that does not
// outlive the receiver. It is for loopback and for the address.
func TestCertificateFiles(t *testing.T) {
	for _, file := range []string{"", filepath.Join(t.TempDir(), "ca.pem")} {
		s := start(t, Config{TLS: true, CAFile: file})
		name := s.CAFile()
		if file != "" && name != file {
			t.Errorf("the certificate is in %s, not in %s", name, file)
		}
		for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
			if err := s.cert.Leaf.VerifyHostname(host); err != nil {
				t.Error(err)
			}
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(name); (err == nil) != (file != "") {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	if _, err := New(Config{Addr: "127.0.0.1:0", TLS: true, CertFile: "none.pem", KeyFile: "none.key"}); err == nil ||
		!strings.Contains(err.Error(), "none.pem") {
		t.Errorf("a certificate that does not exist: %v", err)
	}
}

// Connections are counted, those of each port too, and the maximum is kept.
func TestConnections(t *testing.T) {
	s := start(t, Config{Ports: 2})
	var conns []net.Conn
	for i := range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.URLs()[i/2], "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	s.wantConnections(t, Connections{Open: 3, Most: 3, MostPerPort: 2, Opened: 3})
	for _, c := range conns {
		c.Close()
	}
	s.wantConnections(t, Connections{Open: 0, Most: 3, MostPerPort: 2, Opened: 3})
}

// wantConnections waits until the counters have these values.
func (s *running) wantConnections(t *testing.T, want Connections) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); s.Stats().Connections != want; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("%+v, want %+v", s.Stats().Connections, want)
		}
	}
}

// full is a listener that is at the limit of open files twice.
type full struct {
	net.Listener
	calls int
}

func (f *full) Accept() (net.Conn, error) {
	f.calls++
	switch f.calls {
	case 1, 2:
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	case 3:
		return nil, nil
	}
	return nil, io.ErrUnexpectedEOF
}

// The limit of open files does not end a listener; the stop and other errors do.
func TestListenerOutlivesTheLimitOfFiles(t *testing.T) {
	stopping, stop := context.WithCancel(t.Context())
	f := &full{}
	l := steadyListener{f, stopping}
	if _, err := l.Accept(); err != nil || f.calls != 3 {
		t.Errorf("%v after %d calls", err, f.calls)
	}
	if _, err := l.Accept(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("another error: %v", err)
	}
	stop()
	f.calls = 0
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the stop: %v", err)
	}
}
