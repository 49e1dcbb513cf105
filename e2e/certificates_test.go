package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// target starts an https server with a certificate of the authority for 127.0.0.1. It closes
// the connection after each request.
func (p *pki) target(name string, from, until time.Time) *httptest.Server {
	p.t.Helper()
	p.issue(name, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(p.file(name+".crt"), p.file(name+".key"))
	if err != nil {
		p.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	p.t.Cleanup(s.Close)
	return s
}

// tried makes one call by hand.
func (p *process) tried(t *testing.T, url string) client.Execution {
	t.Helper()
	spec := byHand(url)
	spec.Retry = &client.Retry{MaxRetries: new(0)}
	made, err := p.api.Jobs.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return p.ended(made.JobID)
}

// A certificate that expires in a week is called, and somebody hears of it: health warns, the
// log has a line, and a metric the date. One that has expired is refused with the date and
// what to do. Sessions are resumed, and chains are verified once.
func TestCertificatesThatExpire(t *testing.T) {
	t.Parallel()
	ca, now := newPKI(t), time.Now()
	soon := ca.target("soon", now.Add(-85*24*time.Hour), now.Add(5*24*time.Hour+time.Hour))
	late := ca.target("late", now.Add(-90*24*time.Hour), now.Add(-50*time.Hour))
	p := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))

	for range 3 {
		if e := p.tried(t, soon.URL); e.Status != "SUCCESS" {
			t.Fatalf("%s, %s", e.Status, said(e))
		}
	}
	e := p.tried(t, late.URL)
	if want := "tls: the certificate of 127.0.0.1 expired on " + now.Add(-50*time.Hour).UTC().Format(time.RFC3339) +
		", 2 days ago (issuer: ca). Renew it on the target."; e.Status != "FAILED" || said(e) != want {
		t.Errorf("%s\n got %s\nwant %s", e.Status, said(e), want)
	}

	h, err := p.api.Health(t.Context())
	warning := h.Checks["certificates"].Warning
	if err != nil || !h.Healthy() || !strings.Contains(warning, "the certificate of "+soon.URL+
		" expires in 5 days, on ") ||
		!strings.Contains(warning, "the certificate of "+late.URL+" expired on ") {
		t.Errorf("health %+v, %v", h, err)
	}
	for _, s := range []*httptest.Server{soon, late} {
		eventually(t, "the log has a line", func() bool {
			return strings.Contains(p.log(), `"the certificate of a target has to be renewed","host":"`+s.URL+`"`)
		})
	}
	metrics := p.metrics(t)
	for _, line := range []string{
		`belfry_tls_handshakes_total{result="full"} 1`, `belfry_tls_handshakes_total{result="resumed"} 2`,
		`belfry_tls_handshakes_total{result="failed"} 1`, `belfry_tls_handshake_seconds_count 4`,
		`belfry_tls_verifications_total{result="verified"} 1`, `belfry_tls_verifications_total{result="cached"} 2`,
		`belfry_tls_verifications_total{result="refused"} 1`,
		`belfry_target_certificate_expiry_timestamp_seconds{host="` + soon.URL + `"} `,
		`belfry_target_certificate_expiry_timestamp_seconds{host="` + late.URL + `"} `,
	} {
		if !strings.Contains(metrics, "\n"+line) {
			t.Errorf("there is no %s", line)
		}
	}
}

// Certificates that the server presents itself are watched as well: to its clients, and to
// targets.
func TestOwnCertificatesThatExpire(t *testing.T) {
	t.Parallel()
	ca, now := newPKI(t), time.Now()
	for name, days := range map[string]int{"bank": 3, "acme": 60, "api": 15} {
		ca.issue(name, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			NotBefore: now.AddDate(0, 0, days-90), NotAfter: now.AddDate(0, 0, days).Add(time.Hour)})
	}
	config := filepath.Join(t.TempDir(), "belfry.yaml")
	text := "client_certificates:\n"
	for _, name := range []string{"bank", "acme"} {
		text += "  " + name + ": {cert: " + ca.file(name+".crt") + ", key: " + ca.file(name+".key") + "}\n"
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"BELFRY_CONFIG=" + config, "BELFRY_TLS_CERT=" + ca.file("api.crt"),
		"BELFRY_TLS_KEY=" + ca.file("api.key")}
	p := serve(t, t.TempDir(), env...)
	eventually(t, "the log has a line for each", func() bool {
		return strings.Count(p.log(), "a certificate of this server has to be renewed") == 2
	})
	for _, words := range []string{
		"the client certificate bank expires in 3 days, on ",
		"the TLS certificate of this server expires in 15 days, on ",
	} {
		if !strings.Contains(p.log(), words) {
			t.Errorf("the log does not say %q", words)
		}
	}
	code, _, stderr := runAll(t, cleanEnv(append(env, "PORT="+strings.TrimPrefix(p.url, "https://127.0.0.1:"))...),
		"health")
	if code != 0 || !strings.Contains(stderr, "bank expires in 3 days") || strings.Contains(stderr, "acme") {
		t.Errorf("belfry health: exit code %d, %s", code, stderr)
	}
}

// Authorities are changed while the server runs. A file that cannot be used changes
// nothing, and health says so.
func TestAuthoritiesChange(t *testing.T) {
	t.Parallel()
	one, two := newPKI(t), newPKI(t)
	first, second := one.target("one", time.Time{}, time.Time{}), two.target("two", time.Time{}, time.Time{})
	file := one.file("authorities.pem")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := func(p *pki) []byte {
		t.Helper()
		text, err := os.ReadFile(p.file("ca.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	write(text(one))
	p := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+file)
	warning := func() string {
		t.Helper()
		h, err := p.api.Health(t.Context())
		if err != nil || !h.Healthy() {
			t.Fatalf("health %+v, %v", h, err)
		}
		return h.Checks["certificates"].Warning
	}
	if a, b := p.tried(t, first.URL), p.tried(t, second.URL); a.Status != "SUCCESS" || b.Status != "FAILED" ||
		!strings.Contains(said(b), `is signed by an unknown authority, "ca": one of that name is known`) {
		t.Errorf("with the first: %s, %s, %s", said(a), b.Status, said(b))
	}
	write(text(two))
	eventually(t, "the new authority is used", func() bool { return p.tried(t, second.URL).Status == "SUCCESS" })
	if e := p.tried(t, first.URL); e.Status != "FAILED" {
		t.Errorf("the first authority was removed: %s", e.Status)
	}
	write([]byte("not a certificate"))
	eventually(t, "health warns",
		func() bool { return strings.Contains(warning(), "holds no certificate in PEM form") })
	if e := p.tried(t, second.URL); e.Status != "SUCCESS" {
		t.Errorf("with a file that cannot be used: %s, %s", e.Status, said(e))
	}
	write(append(text(one), text(two)...))
	eventually(t, "health does not warn any more", func() bool { return warning() == "" })
	for _, s := range []*httptest.Server{first, second} {
		if e := p.tried(t, s.URL); e.Status != "SUCCESS" {
			t.Errorf("with both: %s, %s", e.Status, said(e))
		}
	}
}
