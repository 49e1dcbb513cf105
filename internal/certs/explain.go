package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// caSetting is the setting for authorities of one's own, as messages name it.
const caSetting = "BELFRY_EGRESS_CA_FILE"

// Explain says in two sentences why the certificate of a target was not accepted under a
// name, and what to do. It returns "" for an error of another kind.
func Explain(err error, name string, now time.Time) string {
	bad, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(bad.UnverifiedCertificates) == 0 {
		return ""
	}
	x := explanation{name: name, chain: bad.UnverifiedCertificates, now: now}
	if wrong, ok := errors.AsType[x509.HostnameError](bad.Err); ok {
		return x.wrongName(wrong)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](bad.Err); ok {
		return x.invalid(invalid)
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](bad.Err); ok {
		return x.unknownAuthority(unknown)
	}
	if _, ok := errors.AsType[x509.SystemRootsError](bad.Err); ok {
		return fmt.Sprintf("the certificate of %s cannot be verified, because this machine has no certificate "+
			"authorities. Install them (package ca-certificates), or set %s.", name, caSetting)
	}
	return x.other(bad.Err)
}

// explanation has what a message may say.
type explanation struct {
	name  string
	chain []*x509.Certificate // as presented
	now   time.Time
}

func (x *explanation) leaf() *x509.Certificate { return x.chain[0] }

func (x *explanation) issuer() string { return nameOf(x.leaf().Issuer) }

func (x *explanation) wrongName(wrong x509.HostnameError) string {
	if strings.Contains(wrong.Error(), "legacy Common Name") {
		return fmt.Sprintf("the certificate of %s has this name only as its common name, which does not count "+
			"(issuer: %s). Have one issued that has it as a subject alternative name.", x.name, x.issuer())
	}
	return fmt.Sprintf("the certificate is not valid for %s, only for %s (issuer: %s). Correct the host in the job's "+
		"URL, or have a certificate issued for it.", x.name, listed(x.leaf()), x.issuer())
}

// listed lists what a certificate is for.
func listed(cert *x509.Certificate) string {
	names, more := namesOf(cert)
	switch {
	case len(names) == 0:
		return "no name at all"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names, ", ")
}

func (x *explanation) invalid(bad x509.CertificateInvalidError) string {
	if bad.Reason == x509.Expired {
		return x.outOfTime(bad.Cert)
	}
	if bad.Reason == x509.IncompatibleUsage {
		return fmt.Sprintf("the certificate of %s is not one for servers (issuer: %s). Have one issued with the "+
			"extended key usage serverAuth.", x.name, x.issuer())
	}
	return x.other(bad)
}

// outOfTime explains a certificate of the chain that is not valid yet, or not any more.
func (x *explanation) outOfTime(cert *x509.Certificate) string {
	if x.now.Before(cert.NotBefore) {
		return fmt.Sprintf("the certificate of %s is not valid before %s%s. Check the clock of this "+
			"machine, which says "+
			"%s.", x.name, date(cert.NotBefore), x.above(cert), date(x.now))
	}
	since := fmt.Sprintf("expired on %s, %s ago", date(cert.NotAfter), roughly(x.now.Sub(cert.NotAfter)))
	switch {
	case cert.Equal(x.leaf()):
		return fmt.Sprintf("the certificate of %s %s (issuer: %s). Renew it on the target.", x.name, since, x.issuer())
	case x.presents(cert):
		return fmt.Sprintf("the intermediate certificate %q in the chain of %s %s. Have the target send "+
			"the renewed one.",
			nameOf(cert.Subject), x.name, since)
	}
	return fmt.Sprintf("the authority %q, on which the certificate of %s relies, %s. Renew it on this machine, or in "+
		"%s.", nameOf(cert.Subject), x.name, since, caSetting)
}

// above says of which certificate a text speaks, if not of the host's own.
func (x *explanation) above(cert *x509.Certificate) string {
	if cert.Equal(x.leaf()) {
		return fmt.Sprintf(" (issuer: %s)", x.issuer())
	}
	return fmt.Sprintf(", because of %q in its chain", nameOf(cert.Subject))
}

func (x *explanation) presents(cert *x509.Certificate) bool {
	for _, c := range x.chain {
		if c.Equal(cert) {
			return true
		}
	}
	return false
}

// unknownAuthority distinguishes what leads to no authority that is known here.
func (x *explanation) unknownAuthority(err x509.UnknownAuthorityError) string {
	top := topOf(x.chain)
	unknown := fmt.Sprintf("the certificate of %s is signed by an unknown authority, %q", x.name, nameOf(top.Issuer))
	hint := hintOf(err)
	switch {
	case strings.Contains(hint, "insecure algorithm"):
		return fmt.Sprintf("the chain of %s has a signature of an insecure algorithm (%s; issuer: %s). Have "+
			"the certificate "+
			"issued again.", x.name, top.SignatureAlgorithm, nameOf(top.Issuer))
	case selfSigned(x.leaf()):
		return fmt.Sprintf("the certificate of %s is self-signed. Add it to %s, or for a test set "+
			"tlsSkipVerify in the job.",
			x.name, caSetting)
	case hint != "":
		return fmt.Sprintf("%s: one of that name is known, but has another key. Add the new one to %s.",
			unknown, caSetting)
	case top.Equal(x.leaf()):
		return fmt.Sprintf("%s. Have the target send its intermediate certificates, or if the authority is "+
			"your own, add "+
			"it to %s.", unknown, caSetting)
	}
	return fmt.Sprintf("%s. If you trust it, add it to %s.", unknown, caSetting)
}

// hintOf returns what package x509 says of an authority that has the right name and was
// not accepted, or "". There is no other access to it than the text.
func hintOf(err error) string {
	_, hint, _ := strings.Cut(err.Error(), "possibly because of ")
	return hint
}

func selfSigned(cert *x509.Certificate) bool { return bytes.Equal(cert.RawIssuer, cert.RawSubject) }

// topOf follows the issuers from the first certificate of a chain, as far as they were
// presented. The order of the others does not matter.
func topOf(chain []*x509.Certificate) *x509.Certificate {
	top := chain[0]
	for range chain { // each step leads to another certificate, or there is a circle
		if selfSigned(top) {
			break
		}
		next := top
		for _, c := range chain {
			if bytes.Equal(c.RawSubject, top.RawIssuer) {
				next = c
				break
			}
		}
		if next == top {
			break
		}
		top = next
	}
	return top
}

// maxReasonBytes is how much of the text of package x509 is shown.
const maxReasonBytes = 200

func (x *explanation) other(err error) string {
	reason := shorten(strings.TrimPrefix(err.Error(), "x509: "), maxReasonBytes)
	return fmt.Sprintf("the certificate of %s cannot be verified: %s (issuer: %s). Correct its chain on the target.",
		x.name, reason, x.issuer())
}
