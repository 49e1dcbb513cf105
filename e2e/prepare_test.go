package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// A lone https call has its connection and its handshake before its instant, and after it only
// the request, unless the job or the server says otherwise.
func TestPrepare(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("target", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(ca.file("target.crt"), ca.file("target.key"))
	if err != nil {
		t.Fatal(err)
	}
	on := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))
	off := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"), "BELFRY_PREPARE=off")
	no := false
	for _, c := range []struct {
		name    string
		p       *process
		kind    string
		prepare *bool
		ahead   bool
	}{
		{"by default", on, "ATLEAST_ONCE", nil, true},
		{"at most once", on, "ATMOST_ONCE", nil, true},
		{"the job says no", on, "ATLEAST_ONCE", &no, false},
		{"the server says no", off, "ATLEAST_ONCE", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testPrepared(t, c.p, pair, client.Spec{Type: c.kind, Prepare: c.prepare}, c.ahead)
		})
	}
}

func testPrepared(t *testing.T, p *process, pair tls.Certificate, spec client.Spec, ahead bool) {
	t.Helper()
	var connections atomic.Int64
	first, called := make(chan time.Time, 8), make(chan time.Time, 8)
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		called <- time.Now()
	}))
	target.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	target.TLS.VerifyConnection = func(tls.ConnectionState) error {
		connections.Add(1)
		first <- time.Now()
		return nil
	}
	target.StartTLS()
	defer target.Close()

	at := time.Now().Add(3 * time.Second).Truncate(time.Second)
	spec.Schedule, spec.API = fmt.Sprintf("@at %s", at.UTC().Format(time.RFC3339)), target.URL
	if _, err := p.api.Jobs.Create(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	select {
	case came := <-called:
		if came.Before(at) {
			t.Errorf("called %s before the instant", at.Sub(came))
		}
	case <-time.After(time.Minute):
		t.Fatal("not called")
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d handshakes, want 1", n)
	}
	switch in := at.Sub(<-first); {
	case ahead && (in <= 0 || in > 700*time.Millisecond):
		t.Errorf("the handshake came %s before the instant", in)
	case !ahead && in > 0:
		t.Errorf("the handshake came %s before the instant, want it after", in)
	}
}
