package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// statuses sends bytes on a connection and returns the statuses of the answers until it
// is closed.
func statuses(t *testing.T, c net.Conn, text string) (all string) {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(maxWait))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	for br := bufio.NewReader(c); ; {
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%.100q: the connection is not closed", text)
			}
			return strings.TrimSpace(all)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		all += res.Status[:4]
	}
}

// TestWire sends to a server, with TLS and without, what another program may read
// differently, and what it does not speak: HTTP/2, old suites and versions.
func TestWire(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("own", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	plain := serve(t, t.TempDir())
	secure := serve(t, t.TempDir(), "BELFRY_TLS_CERT="+ca.file("own.crt"), "BELFRY_TLS_KEY="+ca.file("own.key"))
	own := &tls.Config{RootCAs: x509.NewCertPool()}
	own.RootCAs.AddCert(ca.cert)
	address := func(p *process) string { _, addr, _ := strings.Cut(p.url, "://"); return addr }
	dials := map[string]func() (net.Conn, error){
		"plain": func() (net.Conn, error) { return net.Dial("tcp", address(plain)) },
		"TLS":   func() (net.Conn, error) { return tls.Dial("tcp", address(secure), own) },
	}
	const second = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	const job = `{"schedule":"@yearly","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE"}`
	const post = "POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	length, chunks := fmt.Sprintf("Content-Length: %d\r\n", len(job)), "Transfer-Encoding: chunked\r\n"
	chunked := fmt.Sprintf("\r\n%x\r\n%s\r\n0\r\n\r\n", len(job), job)
	for name, row := range map[string]struct{ request, want string }{
		"a length":            {post + length + "\r\n" + job, "201 200"},
		"chunks":              {post + chunks + chunked, "201"},
		"a length and chunks": {post + length + chunks + chunked, "400"},
		"chunks and a length": {post + chunks + length + chunked, "400"},
		"behind another":      {post + length + "\r\n" + job + post + length + chunks + chunked, "201 400"},
		"OPTIONS * before": {"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" + post + length + chunks + chunked,
			"200 400"},
		"HTTP/1.0 with chunks": {strings.Replace(post, "1.1", "1.0", 1) + chunks + length + chunked, "400"},
		"HTTP/1.0 with chunks, after empty lines": {post + length + "\r\n" + job + "\r\r\n" +
			"GET /healthz HTTP/1.0\r\nHost: localhost\r\n" + chunks + "\r\n0\r\n\r\n", "201 400"},
		"a folded field":           {post + "X: a\r\n " + chunks + length + "\r\n" + job, "400"},
		"a blank before the colon": {post + "Content-Length : 2\r\n\r\n{}", "400"},
		"two lengths":              {post + length + "Content-Length: 1\r\n\r\n" + job, "400"},
		"a NUL":                    {post + "X: a\x00b\r\n" + length + "\r\n" + job, "400"},
		"a CR":                     {post + "X: a\rContent-Length: 0\r\n" + length + "\r\n" + job, "400"},
		"101 fields":               {post + strings.Repeat("A: b\r\n", 101) + length + "\r\n" + job, "400"},
		"101 fields behind another": {post + length + "\r\n" + job + post + strings.Repeat("A: b\r\n", 101) + length +
			"\r\n" + job, "201 400"},
		"a head of 24 KiB":      {post + "X: " + strings.Repeat("x", 24<<10) + "\r\n" + length + "\r\n" + job, "431"},
		"the preface of HTTP/2": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", "421"},
	} {
		for over, dial := range dials {
			c, err := dial()
			if err != nil {
				t.Fatal(err)
			}
			if got := statuses(t, c, row.request+second); got != row.want {
				t.Errorf("%s over %s: answered %s, want %s", name, over, got, row.want)
			}
		}
	}
	c, err := dials["plain"]()
	if err != nil {
		t.Fatal(err)
	}
	if got := statuses(t, c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, "+
		"HTTP2-Settings, close\r\n"+
		"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n"); got != "200" {
		t.Errorf("an upgrade to HTTP/2 is answered %s", got)
	}
	wantModernTLS(t, address(secure), own.RootCAs)
}

// wantModernTLS checks that no suite with CBC or key exchange by RSA, no version below
// 1.2 and no HTTP/2 can be agreed on.
func wantModernTLS(t *testing.T, addr string, roots *x509.CertPool) {
	t.Helper()
	agreed := 0
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if s.SupportedVersions[0] == tls.VersionTLS13 {
			continue
		}
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{s.ID}, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			continue
		}
		agreed++
		if strings.Contains(s.Name, "_CBC_") || !strings.HasPrefix(s.Name, "TLS_ECDHE_") {
			t.Errorf("the server agrees on %s", s.Name)
		}
		if p := c.ConnectionState().NegotiatedProtocol; p != "http/1.1" {
			t.Errorf("the server agrees on %q", p)
		}
		c.Close()
	}
	if agreed != 3 { // for a key of ECDSA
		t.Errorf("the server agrees on %d suites of TLS 1.2", agreed)
	}
	for name, cfg := range map[string]*tls.Config{
		"TLS 1.1":     {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"only HTTP/2": {NextProtos: []string{"h2"}},
	} {
		cfg.RootCAs = roots
		if c, err := tls.Dial("tcp", addr, cfg); err == nil {
			c.Close()
			t.Errorf("%s: the handshake succeeds", name)
		}
	}
}
