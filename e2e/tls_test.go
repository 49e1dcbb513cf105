package e2e

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
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

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
	"github.com/belfry-scheduler/belfry/internal/client"
)

// pki is an authority with files of what it signs.
type pki struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{t: t, dir: t.TempDir()}
	p.cert, p.key = p.issue("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign,
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0)})
	return p
}

// issue signs a certificate and writes NAME.crt and NAME.key.
func (p *pki) issue(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	p.t.Helper()
	key := certstest.Key(p.t)
	c.Subject = pkix.Name{CommonName: name}
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	signer := p.key
	if signer == nil {
		signer = key
	}
	cert := certstest.Create(p.t, c, p.cert, key, signer)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(name+".crt", "CERTIFICATE", cert.Raw)
	p.write(name+".key", "PRIVATE KEY", secret)
	return cert, key
}

func (p *pki) write(name, kind string, der []byte) {
	p.t.Helper()
	if err := os.WriteFile(p.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pki) file(name string) string { return filepath.Join(p.dir, name) }

// A target with a certificate of the operator's own authority, which asks for
// one of the caller: both are settings, and a job names the certificate.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("target", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	ca.issue("bank", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	pair, err := tls.LoadX509KeyPair(ca.file("target.crt"), ca.file("target.key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	target.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert}
	target.Config.ErrorLog = log.New(io.Discard, "", 0)
	target.StartTLS()
	defer target.Close()

	config := filepath.Join(t.TempDir(), "belfry.yaml")
	text := "client_certificates:\n  bank:\n    cert: " + ca.file("bank.crt") + "\n    key: " +
		ca.file("bank.key") + "\n    namespaces: [default]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, t.TempDir(), "BELFRY_CONFIG="+config, "BELFRY_EGRESS_CA_FILE="+ca.file("ca.crt"))
	run := func(cert string) client.Execution {
		t.Helper()
		spec := byHand(target.URL)
		spec.ClientCertificate, spec.Retry = cert, &client.Retry{MaxRetries: new(0)}
		made, err := p.api.Jobs.Create(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return p.ended(made.JobID)
	}
	if e := run("bank"); e.Status != "SUCCESS" {
		t.Errorf("with the certificate: %s, %s", e.Status, said(e))
	}
	if e := run(""); e.Status != "FAILED" || !strings.Contains(said(e), "certificate required") {
		t.Errorf("without: %s, %s", e.Status, said(e))
	}
	unknown := byHand(target.URL)
	unknown.ClientCertificate = "acme"
	if _, err := p.api.Jobs.Create(t.Context(), unknown); err == nil ||
		!strings.Contains(err.Error(), "clientCertificate") || !strings.Contains(err.Error(), "it has bank") {
		t.Errorf("an unknown certificate: %v", err)
	}

	unknown.Namespace, unknown.ClientCertificate = "pay", "bank"
	if _, err := p.api.Jobs.Create(t.Context(), unknown); err == nil || strings.Contains(err.Error(), "it has") ||
		!strings.Contains(err.Error(), "no client certificates for namespace pay") {
		t.Errorf("the certificate of another namespace: %v", err)
	}

	plain := serve(t, t.TempDir())
	made, err := plain.api.Jobs.Create(t.Context(), byHand(target.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.api.Jobs.Update(t.Context(), made.JobID, 0,
		client.Change{"retry": client.Retry{MaxRetries: new(0)}}); err != nil {
		t.Fatal(err)
	}
	if e := plain.ended(made.JobID); !strings.Contains(said(e), "signed by an unknown authority") {
		t.Errorf("without the authority: %s, %s", e.Status, said(e))
	}
}

// Files that cannot be used are reported at start, in one line.
func TestBadCertificateFilesAreToldAtStart(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("bank", &x509.Certificate{})
	ca.issue("other", &x509.Certificate{})
	config := func(cert, key string) string {
		t.Helper()
		file := filepath.Join(t.TempDir(), "belfry.yaml")
		if err := os.WriteFile(file, []byte("client_certificates: {bank: {cert: "+cert+", key: "+key+"}}\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		return "BELFRY_CONFIG=" + file
	}
	for env, words := range map[string]string{
		"BELFRY_EGRESS_CA_FILE=" + ca.file("none.crt"): "egress_ca_file " + ca.file("none.crt") +
			" cannot be read: no such file",
		"BELFRY_EGRESS_CA_FILE=" + ca.file("ca.key"):      "holds no certificate in PEM form",
		config(ca.file("none.crt"), ca.file("bank.key")):  "client certificate bank (",
		config(ca.file("bank.crt"), ca.file("other.key")): "private key does not match",
		config(ca.file("bank.key"), ca.file("bank.crt")):  "client certificate bank (",
		"BELFRY_EGRESS_ALLOW=169.254.169.254":             "which nothing opens",
		"BELFRY_SIGNING_SECRET=too-short":                 "secret 1 must be whsec_",
	} {
		code, stderr := run(t, cleanEnv(env, "BELFRY_MAX_IN_FLIGHT=100",
			"DB_PATH="+filepath.Join(t.TempDir(), "jobs.db")), "serve")
		if code != 1 || !strings.Contains(stderr, words) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
			t.Errorf("%s: exit code %d, stderr %q; want 1 and one line with %q", env, code, stderr, words)
		}
	}
}
