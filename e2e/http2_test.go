package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"golang.org/x/net/http2"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// A target that offers HTTP/2 is called by it, on one connection, unless the setting says
// otherwise. What it has certainly not processed is sent again as the same attempt.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("target", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(ca.file("target.crt"), ca.file("target.key"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := make(map[string]int)  // calls by protocol and attempt
	from := make(map[string]bool) // addresses of connections
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Proto+" attempt "+r.Header.Get("Belfry-Attempt")]++
		from[r.RemoteAddr] = true
	}))
	target.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	target.EnableHTTP2 = true
	target.StartTLS()
	defer target.Close()

	call := func(p *process, url string) client.Execution {
		t.Helper()
		made, err := p.api.Jobs.Create(t.Context(), byHand(url))
		if err != nil {
			t.Fatal(err)
		}
		return p.ended(made.JobID)
	}
	both := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))
	for range 3 {
		if e := call(both, target.URL); e.Status != "SUCCESS" {
			t.Errorf("by HTTP/2: %s, %s", e.Status, said(e))
		}
	}
	mu.Lock()
	if seen["HTTP/2.0 attempt 1"] != 3 || len(from) != 1 {
		t.Errorf("calls %v over %d connections, want 3 by HTTP/2 over one", seen, len(from))
	}
	clear(seen)
	mu.Unlock()

	refusing := refuseFirst(t, pair)
	if e := call(both, refusing); e.Status != "SUCCESS" || e.RetryCount != 0 {
		t.Errorf("refused once: %s, %s, %d retries", e.Status, said(e), e.RetryCount)
	}

	off := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"), "BELFRY_HTTP2=false")
	if e := call(off, target.URL); e.Status != "SUCCESS" {
		t.Errorf("by HTTP/1.1: %s, %s", e.Status, said(e))
	}
	mu.Lock()
	defer mu.Unlock()
	if seen["HTTP/1.1 attempt 1"] != 1 || len(seen) != 1 {
		t.Errorf("calls %v, want one by HTTP/1.1", seen)
	}
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
