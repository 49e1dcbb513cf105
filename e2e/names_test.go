package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/resolve/dnstest"
	"golang.org/x/net/dns/dnsmessage"
)

// nameServers counts the name servers of tests, of which each has an address.
var nameServers atomic.Int32

// serveNamed starts a server that asks a name server of the test for all names, where
// that is permitted: it needs a mount namespace and port 53 of a loopback address.
func serveNamed(t *testing.T, before string) (*process, *dnstest.Server) {
	t.Helper()
	addr := fmt.Sprintf("127.53.%d.53", nameServers.Add(1))
	names, err := dnstest.ServeAt(t, addr+":53")
	if err != nil {
		t.Skipf("no name server: %v", err)
	}
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte(before+"nameserver "+addr+"\noptions timeout:2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const bind = `mount --bind "$CONF" /etc/resolv.conf && exec "$@"`
	wrapped := []string{"-m", "sh", "-c", bind, "sh"}
	try := exec.Command("unshare", append(wrapped, "true")...)
	try.Env = cleanEnv("CONF=" + conf)
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("no mount namespace: %v: %s", err, out)
	}
	return startWith(t, "unshare", "belfry is running", "address",
		cleanEnv("CONF="+conf, "DB_PATH="+filepath.Join(t.TempDir(), "jobs.db")),
		append(wrapped, binary, "serve")...), names
}

// dnsWarning returns the warning of health about names.
func (p *process) dnsWarning() string {
	p.t.Helper()
	h, err := p.api.Health(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return h.Checks["dns"].Warning
}

// The name servers fail for a while: no call to a known host fails, a call that fails
// for another reason says where it went, and health and a metric show it.
func TestOutageOfNameServers(t *testing.T) {
	t.Parallel()
	p, names := serveNamed(t, "")
	names.SetAddrs("known.test.", 1, "127.0.0.1")
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	target.Config.SetKeepAlivesEnabled(false) // each call needs a new connection
	t.Cleanup(target.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
	_, closed, _ := strings.Cut(freePort(t), ":")
	create := func(host, port string) string {
		spec := byHand("http://" + host + ":" + port + "/")
		spec.Retry = &client.Retry{MaxRetries: new(int)}
		return p.create(spec)
	}
	known, dead, unknown := create("known.test", port), create("known.test", closed), create("new.test", port)
	if e := p.ended(known); e.Status != "SUCCESS" {
		t.Fatalf("execution %+v: %s", e, said(e))
	}
	if w := p.dnsWarning(); w != "" {
		t.Errorf("warning %q", w)
	}
	failure := dnstest.Record{RCode: dnsmessage.RCodeServerFailure}
	names.Set("known.test.", failure)
	names.Set("new.test.", failure)
	for p.metric("belfry_dns_stale_total") < 5 {
		e := p.ended(known)
		if e.Status != "SUCCESS" || *e.Duration > 1000 {
			t.Fatalf("execution %+v: %s", e, said(e))
		}
	}
	const note = "; the last known address of known.test was used, which could not be looked up since "
	if e := p.ended(dead); !strings.Contains(said(e), "connection refused by known.test:"+closed+note) {
		t.Errorf("error %q", said(e))
	}
	const why = "dns: lookup of new.test failed: the name server answered with a failure (SERVFAIL or REFUSED)"
	if e := p.ended(unknown); said(e) != why {
		t.Errorf("error %q", said(e))
	}
	if w := p.dnsWarning(); !strings.HasPrefix(w, "known.test cannot be looked up since ") {
		t.Errorf("warning %q", w)
	}
	names.SetAddrs("known.test.", 60, "127.0.0.1")
	eventually(t, "the warning is gone", func() bool {
		_ = p.ended(known)
		return p.dnsWarning() == ""
	})
}

// A target moves: calls follow when the TTL has passed.
func TestTargetMovesByDNS(t *testing.T) {
	t.Parallel()
	p, names := serveNamed(t, "")
	first := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	first.Config.SetKeepAlivesEnabled(false)
	t.Cleanup(first.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(first.URL, "http://"), ":")
	names.SetAddrs("moves.test.", 1, "127.0.0.1")
	spec := byHand("http://moves.test:" + port + "/")
	spec.Retry = &client.Retry{MaxRetries: new(int)}
	id := p.create(spec)
	if e := p.ended(id); e.Status != "SUCCESS" {
		t.Fatalf("execution %+v: %s", e, said(e))
	}
	names.SetAddrs("moves.test.", 1, "127.0.0.2") // nobody listens there
	begun := time.Now()
	eventually(t, "the call goes to the new address", func() bool { return p.ended(id).Status == "FAILED" })
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if e := p.ended(id); said(e) != "connection refused by moves.test:"+port {
		t.Errorf("error %q", said(e))
	}
}

// The first name server of two is dead: only the first lookups wait for it.
func TestDeadNameServer(t *testing.T) {
	t.Parallel()
	dead, err := net.ListenPacket("udp", "127.53.53.54:53") // takes questions, and does not answer
	if err != nil {
		t.Skipf("no name server: %v", err)
	}
	t.Cleanup(func() { _ = dead.Close() })
	p, names := serveNamed(t, "nameserver 127.53.53.54\n")
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(target.URL, "http://"), ":")
	call := func(host string) client.Execution {
		names.SetAddrs(host+".", 60, "127.0.0.1")
		return p.ended(p.create(byHand("http://" + host + ":" + port + "/")))
	}
	if e := call("first.test"); e.Status != "SUCCESS" || *e.Duration < 1900 {
		t.Errorf("execution %+v: %s", e, said(e))
	}
	for _, host := range []string{"second.test", "third.test", "fourth.test"} {
		if e := call(host); e.Status != "SUCCESS" || *e.Duration > 1500 {
			t.Errorf("%s: execution %+v: %s", host, e, said(e))
		}
	}
}
