package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/certs/certstest"
)

// TestExplain has a message for each way in which a certificate is not accepted.
func TestExplain(t *testing.T) {
	t.Parallel()
	root := testRoot(t)
	now := time.Now().UTC().Truncate(time.Second)
	ago, soon := now.Add(-72*time.Hour), now.Add(time.Hour)
	middle := root.Below(t, "middle", nil)
	alone := middle.Issue(t, nil)
	alone.Certificate = alone.Certificate[:1]
	foreign := certstest.New(t, "another root", nil)
	sendsRoot := foreign.Issue(t, nil)
	sendsRoot.Certificate = append(sendsRoot.Certificate, foreign.Cert.Raw)
	outside := foreign.Below(t, "another middle", nil)
	oldRoot := certstest.New(t, "old root", until(ago))
	narrow := root.Below(t, "narrow", func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.test"}
	})
	roots := root.Pool()
	roots.AddCert(oldRoot.Cert)
	names := func(dns ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = dns, nil }
	}

	for name, tc := range map[string]struct {
		cert tls.Certificate
		want string
	}{
		"wrong name": {root.Issue(t, names("a.test", "b.test")),
			"the certificate is not valid for hook.test, only for a.test, b.test (issuer: root). " +
				"Correct the host in the job's URL, or have a certificate issued for it."},
		"many names": {root.Issue(t, names("a.test", "b.test", "c.test", "d.test", "e.test", "f.test", "g.test")),
			"the certificate is not valid for hook.test, only for a.test, b.test, c.test, d.test, e.test and 2 more " +
				"(issuer: root). Correct the host in the job's URL, or have a certificate issued for it."},
		"no name": {root.Issue(t, names()),
			"the certificate is not valid for hook.test, only for no name at all (issuer: root). " +
				"Correct the host in the job's URL, or have a certificate issued for it."},
		"common name only": {root.Issue(t, func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses, c.Subject = nil, nil, pkix.Name{CommonName: "hook.test"}
		}), "the certificate of hook.test has this name only as its common name, which does not count " +
			"(issuer: root). " +
			"Have one issued that has it as a subject alternative name."},
		"expired": {root.Issue(t, edits(from(ago.Add(-day)), until(ago))),
			"the certificate of hook.test expired on AGO, 3 days ago (issuer: root). Renew it on the target."},
		"early": {root.Issue(t, from(soon)),
			"the certificate of hook.test is not valid before SOON (issuer: root). " +
				"Check the clock of this machine, which says NOW."},
		"expired intermediate": {root.Below(t, "middle of old", until(ago)).Issue(t, nil),
			`the intermediate certificate "middle of old" in the chain of hook.test expired on AGO, 3 days ago. ` +
				"Have the target send the renewed one."},
		"early intermediate": {root.Below(t, "middle to come", from(soon)).Issue(t, nil),
			`the certificate of hook.test is not valid before SOON, because of "middle to come" in its chain. ` +
				"Check the clock of this machine, which says NOW."},
		"expired authority": {oldRoot.Issue(t, nil),
			`the authority "old root", on which the certificate of hook.test relies, expired on AGO, 3 days ago. ` +
				"Renew it on this machine, or in BELFRY_EGRESS_CA_FILE."},
		"self-signed": {selfIssued(t),
			"the certificate of hook.test is self-signed. Add it to BELFRY_EGRESS_CA_FILE, or for a test set " +
				"tlsSkipVerify in the job."},
		"intermediate missing": {alone,
			`the certificate of hook.test is signed by an unknown authority, "middle". Have the target send its ` +
				"intermediate certificates, or if the authority is your own, add it to BELFRY_EGRESS_CA_FILE."},
		"unknown root": {outside.Issue(t, nil),
			`the certificate of hook.test is signed by an unknown authority, "another root". If you trust ` +
				`it, add it to ` +
				"BELFRY_EGRESS_CA_FILE."},
		"unknown root that is sent": {sendsRoot,
			`the certificate of hook.test is signed by an unknown authority, "another root". If you trust ` +
				`it, add it to ` +
				"BELFRY_EGRESS_CA_FILE."},
		"another key": {certstest.New(t, "root", nil).Issue(t, nil),
			`the certificate of hook.test is signed by an unknown authority, "root": one of that name is ` +
				`known, but has ` +
				"another key. Add the new one to BELFRY_EGRESS_CA_FILE."},
		"for clients": {root.Issue(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), "the certificate of hook.test is not one for servers (issuer: root). Have one issued with the " +
			"extended key " +
			"usage serverAuth."},
		"outside of constraints": {narrow.Issue(t, nil),
			"the certificate of hook.test cannot be verified: a root or intermediate certificate is not " +
				"authorized to " +
				`sign for this name: DNS name "hook.test" is not permitted by any constraint (issuer: narrow). ` +
				"Correct its chain on the target."},
		"no authority": {root.Below(t, "no authority", func(c *x509.Certificate) { c.IsCA = false }).Issue(t, nil),
			"*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := make([]*x509.Certificate, len(tc.cert.Certificate))
			for i, der := range tc.cert.Certificate {
				var err error
				if chain[i], err = x509.ParseCertificate(der); err != nil {
					t.Fatal(err)
				}
			}
			_, err := verifyNow(chain, "hook.test", Authorities{Pool: roots}, now)
			if err == nil {
				t.Fatal("it is accepted")
			}
			err = fmt.Errorf("wrapped: %w", &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err})
			got := Explain(err, "hook.test", now)
			want := strings.NewReplacer("AGO", date(ago), "SOON", date(soon), "NOW", date(now)).Replace(tc.want)
			if got != want && tc.want != "*" || got == "" {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

// selfIssued returns a certificate that signs itself.
func selfIssued(t *testing.T) tls.Certificate {
	t.Helper()
	key := certstest.Key(t)
	cert := certstest.Create(t, &x509.Certificate{
		Subject: pkix.Name{Organization: []string{"Acme Co"}}, DNSNames: []string{"hook.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, nil, key, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// Errors of other kinds are not explained, and those without a form of their own are.
func TestExplainOthers(t *testing.T) {
	t.Parallel()
	chain := []*x509.Certificate{testRoot(t).Issue(t, nil).Leaf}
	for _, err := range []error{
		nil, io.EOF, net.ErrClosed, errors.New("x509: something"), &tls.CertificateVerificationError{Err: io.EOF},
	} {
		if got := Explain(err, "hook.test", time.Now()); got != "" {
			t.Errorf("%v: %s", err, got)
		}
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{x509.SystemRootsError{}, "the certificate of hook.test cannot be verified, because this machine has no " +
			"certificate authorities. Install them (package ca-certificates), or set BELFRY_EGRESS_CA_FILE."},
		{x509.UnhandledCriticalExtension{}, "the certificate of hook.test cannot be verified: unhandled critical " +
			"extension (issuer: root). Correct its chain on the target."},
	} {
		err := &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: tc.err}
		if got := Explain(err, "hook.test", time.Now()); got != tc.want {
			t.Errorf("\n got %s\nwant %s", got, tc.want)
		}
	}
}

// What a target puts into its certificate cannot break a line, or fill a record.
func TestExplainHostile(t *testing.T) {
	t.Parallel()
	evil := "evil\n\x1b[31m\u202e\"" + strings.Repeat("ü", 5000)
	bad := certstest.New(t, evil, nil)
	cert := bad.Issue(t, func(c *x509.Certificate) { c.DNSNames = []string{strings.Repeat("n", 5000), "a\tb"} })
	for _, err := range []error{
		x509.UnknownAuthorityError{Cert: cert.Leaf}, x509.HostnameError{Certificate: cert.Leaf, Host: "hook.test"},
		x509.CertificateInvalidError{Cert: cert.Leaf, Reason: x509.Expired},
		x509.CertificateInvalidError{Cert: bad.Cert, Reason: x509.Expired}, errors.New(evil),
	} {
		got := Explain(&tls.CertificateVerificationError{UnverifiedCertificates: []*x509.Certificate{cert.Leaf},
			Err: err}, "hook.test", time.Now().Add(20*365*day))
		if len(got) > 700 || strings.ContainsAny(got, "\n\t\x1b\u202e") || !utf8.ValidString(got) {
			t.Errorf("%T: %d bytes: %q", err, len(got), got)
		}
	}
}

func TestTopOf(t *testing.T) {
	t.Parallel()
	cert := func(subject, issuer string) *x509.Certificate {
		return &x509.Certificate{RawSubject: []byte(subject), RawIssuer: []byte(issuer)}
	}
	for name, tc := range map[string]struct {
		chain []*x509.Certificate
		want  int
	}{
		"alone":        {[]*x509.Certificate{cert("a", "b")}, 0},
		"self-signed":  {[]*x509.Certificate{cert("a", "a")}, 0},
		"chain":        {[]*x509.Certificate{cert("a", "b"), cert("b", "c"), cert("c", "d")}, 2},
		"other order":  {[]*x509.Certificate{cert("a", "b"), cert("c", "c"), cert("b", "c")}, 1},
		"unrelated":    {[]*x509.Certificate{cert("a", "b"), cert("x", "y")}, 0},
		"no subject":   {[]*x509.Certificate{cert("", "b"), cert("b", "c")}, 1},
		"circle":       {[]*x509.Certificate{cert("a", "b"), cert("b", "a")}, 0},
		"three circle": {[]*x509.Certificate{cert("a", "b"), cert("b", "c"), cert("c", "b")}, 1}, // anywhere
	} {
		if got := topOf(tc.chain); got != tc.chain[tc.want] {
			t.Errorf("%s: %s", name, got.RawSubject)
		}
	}
}

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "a minute", 119 * time.Second: "a minute", 2 * time.Minute: "2 minutes", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 500 * day: "500 days",
	} {
		if got := roughly(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}
