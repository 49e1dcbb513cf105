package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// A target that offers HTTP/2 and whose calls take long is called by it, on one connection, unless
// the setting says otherwise. What it has certainly not processed is sent again as the same attempt.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	pair := ca.serverPair("target")
	slow := &slowTarget{seen: make(map[string]int), from: make(map[string]bool), later: make(chan struct{}),
		end: make(chan struct{})}
	target := httptest.NewUnstartedServer(slow)
	target.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	target.EnableHTTP2 = true
	target.StartTLS()
	defer target.Close()
	defer close(slow.end)

	call := func(p *process, url string) client.Execution {
		t.Helper()
		made, err := p.api.Jobs.Create(t.Context(), byHand(url))
		if err != nil {
			t.Fatal(err)
		}
		return p.ended(made.JobID)
	}
	both := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))
	first := both.triggered(both.create(byHand(target.URL)))
	eventually(t, "the first call is under way", func() bool { return slow.calls("HTTP/1.1 attempt 1") == 1 })
	both.importJobs(everySecond(5, target.URL))
	eventually(t, "calls by HTTP/2 are under way", func() bool { return slow.calls("HTTP/2.0 attempt 1") >= 8 })
	if e := both.endOf(first); e.Status != "SUCCESS" {
		t.Errorf("the first call: %s, %s", e.Status, said(e))
	}
	slow.mu.Lock()
	if len(slow.from) != 1 || len(slow.seen) != 2 {
		t.Errorf("calls %v over %d connections of HTTP/2, want one", slow.seen, len(slow.from))
	}
	slow.mu.Unlock()

	refusing := refuseFirst(t, pair)
	if e := call(both, refusing); e.Status != "SUCCESS" || e.RetryCount != 0 {
		t.Errorf("refused once: %s, %s, %d retries", e.Status, said(e), e.RetryCount)
	}

	off := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"), "BELFRY_HTTP2=false")
	var version atomic.Int64
	other := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		version.Store(int64(r.ProtoMajor))
	}))
	other.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}
	other.EnableHTTP2 = true
	other.StartTLS()
	defer other.Close()
	if e := call(off, other.URL); e.Status != "SUCCESS" {
		t.Errorf("by HTTP/1.1: %s, %s", e.Status, said(e))
	}
	if n := version.Load(); n != 1 {
		t.Errorf("HTTP/%d was agreed on, want 1", n)
	}
}

// slowTarget answers a call when one that was due later comes: those of a second take until the
// next one.
type slowTarget struct {
	mu     sync.Mutex
	seen   map[string]int  // calls by protocol and attempt
	from   map[string]bool // addresses of connections of HTTP/2
	newest int64           // when the latest of them was due
	later  chan struct{}   // is closed when one that was due later has come
	end    chan struct{}   // is closed at the end of the test
}

func (s *slowTarget) calls(which string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[which]
}

// note counts a call, and returns what to wait for.
func (s *slowTarget) note(r *http.Request) (later chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[r.Proto+" attempt "+r.Header.Get("Belfry-Attempt")]++
	if r.ProtoMajor == 2 {
		s.from[r.RemoteAddr] = true
	}
	if due, _ := strconv.ParseInt(r.Header.Get("Belfry-Scheduled-At"), 10, 64); due > s.newest {
		s.newest = due
		close(s.later)
		s.later = make(chan struct{})
	}
	return s.later
}

func (s *slowTarget) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-s.note(r):
	case <-s.end:
	}
}

// A target that is near and answers at once is called by HTTP/1.1, although it offers HTTP/2. One
// that refuses HTTP/1.1 is called by HTTP/2, and no attempt fails.
func TestQuickTargetByHTTP1(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	pair := ca.serverPair("target")
	p := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))
	var counts [2]protocolCounts
	for i := range counts {
		c := &counts[i]
		c.refuses = i == 1
		target := httptest.NewUnstartedServer(c)
		target.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		target.EnableHTTP2 = true
		target.StartTLS()
		defer target.Close()
		p.importJobs(everySecond(20, target.URL))
	}
	accepts, refuses := &counts[0], &counts[1]
	eventually(t, "the quick target is called by HTTP/1.1", func() bool { return accepts.http1.Load() > 20 })
	eventually(t, "the other one is tried by HTTP/1.1", func() bool { return refuses.http1.Load() > 0 })
	before := refuses.http2.Load()
	eventually(t, "it is called by HTTP/2 then", func() bool { return refuses.http2.Load() > before+100 })
	if n := refuses.http1.Load(); n > 20 {
		t.Errorf("%d calls by HTTP/1.1 were refused, want those of one second at most", n)
	}
	if n := accepts.retried.Load() + refuses.retried.Load(); n > 0 {
		t.Errorf("%d calls were retried", n)
	}
	for e, err := range p.api.Executions.Failed(t.Context(), "", 10) {
		t.Errorf("failed: %s, %v", said(e), err)
	}
}

// protocolCounts answers with 200, or 505 by HTTP/1.1, and counts.
type protocolCounts struct {
	refuses               bool
	http1, http2, retried atomic.Int64
}

func (c *protocolCounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Belfry-Attempt") != "1" {
		c.retried.Add(1)
	}
	if r.ProtoMajor == 2 {
		c.http2.Add(1)
		return
	}
	c.http1.Add(1)
	if c.refuses {
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
	}
}

// serverPair issues the certificate of a target on this machine.
func (p *pki) serverPair(name string) tls.Certificate {
	p.t.Helper()
	p.issue(name, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(p.file(name+".crt"), p.file(name+".key"))
	if err != nil {
		p.t.Fatal(err)
	}
	return pair
}

// refuseFirst serves HTTP/2, and refuses the first stream of each connection.
func refuseFirst(t *testing.T, pair tls.Certificate) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0",
		&tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{http2.NextProtoTLS}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go refuseFirstOf(c)
		}
	}()
	return "https://" + ln.Addr().String()
}

func refuseFirstOf(c net.Conn) {
	defer c.Close()
	if _, err := c.Read(make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	_ = f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		h, ok := frame.(*http2.HeadersFrame)
		switch {
		case !ok:
		case h.StreamID == 1:
			_ = f.WriteRSTStream(1, http2.ErrCodeRefusedStream)
		default:
			_ = f.WriteHeaders(http2.HeadersFrameParam{
				StreamID: h.StreamID, BlockFragment: []byte{0x88}, EndHeaders: true, EndStream: true, // :status 200
			})
		}
	}
}
