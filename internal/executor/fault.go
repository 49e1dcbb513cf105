package executor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// refuse sets the outcome of a call that cannot be made, now or later.
func (e *exchange) refuse(why string) {
	e.out.Verdict = domain.VerdictFinal
	e.out.Error = "not sent: " + why
}

// fail sets the outcome of a call that got no whole answer.
func (e *exchange) fail(err error) {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		e.refuse("the target is refused: " + refused.Error())
		return
	}
	e.out.Verdict = domain.VerdictRetry
	e.out.MaybeSent = e.written > 0
	e.out.Error = e.describe(err)
	if e.phase >= phaseBody {
		e.out.HTTPStatus = e.resp.status
	}
	if isUnreadable(err) {
		e.out.HTTPStatus = e.finalStatus()
		e.out.Verdict = verdictOfUnreadable(e.out.HTTPStatus)
	}
}

// isUnreadable reports whether the target has answered what cannot be taken.
func isUnreadable(err error) bool {
	_, odd := errors.AsType[*unreadable](err)
	return odd || errors.Is(err, errHeaderTooLong) || errors.Is(err, errTooManyInterim) || errors.Is(err, errTooLong)
}

// verdictOfUnreadable classes an answer of which no more than the status can be
// taken, or not even that (zero). The target has got the request and has
// answered, most likely as it always does: to send it again would repeat the call
// for nothing, unless the status asks for that.
func verdictOfUnreadable(status int) domain.Verdict {
	if status != 0 && domain.VerdictOf(status) == domain.VerdictRetry {
		return domain.VerdictRetry
	}
	return domain.VerdictFinal
}

// finalStatus returns the status that was read, unless it is an interim one.
func (e *exchange) finalStatus() int {
	if s := e.resp.status; s >= 200 {
		return s
	}
	return 0
}

// describe puts an error in words: what happened, to which host, and how far
// the call had come.
func (e *exchange) describe(err error) string {
	switch {
	case errors.Is(err, errClosed), errors.Is(err, context.Canceled):
		return "not sent: " + errClosed.Error()
	case isTimeout(err):
		return e.describeTimeout(err)
	case e.phase == phaseConnect:
		return e.describeConnect(err)
	case e.phase == phaseHandshake:
		return "tls: " + e.describeTLS(err)
	}
	return e.describeTransfer(err)
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func (e *exchange) describeTimeout(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns: timeout looking up " + dns.Name
	}
	whole, dial := e.call.Timeout, min(e.call.Timeout, e.x.cfg.DialTimeout)
	switch e.phase {
	case phaseConnect:
		return fmt.Sprintf("timeout after %s connecting to %s", dial, e.pool.label)
	case phaseHandshake:
		return fmt.Sprintf("tls: timeout after %s in the handshake with %s", dial, e.pool.label)
	case phaseSend:
		return fmt.Sprintf("timeout after %s sending the request", whole)
	case phaseHeader:
		return fmt.Sprintf("timeout after %s reading the response header", whole)
	case phaseBody:
		return fmt.Sprintf("timeout after %s reading the response body (%s)", whole, e.progress())
	}
	return fmt.Sprintf("timeout after %s waiting for the response", whole)
}

// progress says how much of a response came.
func (e *exchange) progress() string {
	return fmt.Sprintf("HTTP %d, %d bytes read", e.resp.status, e.bodyRead)
}

func (e *exchange) describeConnect(err error) string {
	label := e.pool.label
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "dns: no such host " + dns.Name
		}
		return fmt.Sprintf("dns: lookup of %s failed: %s", dns.Name, describeLookup(dns.Err))
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + label
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to " + label
	case errors.Is(err, syscall.ENETUNREACH):
		return "network unreachable: " + label
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "this machine does not permit connections to " + label
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no local port is left to connect to " + label
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many open files to connect to " + label
	}
	return fmt.Sprintf("cannot connect to %s: %s", label, rootCause(err))
}

// describeLookup puts in words what package net says of a name server.
func describeLookup(text string) string {
	if text == "server misbehaving" {
		return "the name server answered with a failure (SERVFAIL or REFUSED)"
	}
	return text
}

func (e *exchange) describeTLS(err error) string {
	name := e.pool.Name
	if bad, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate is not valid for %s, only for %s", name, validNames(bad.Certificate))
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return describeAuthority(name, unknown.Cert)
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok && bad.Reason == x509.Expired {
		if e.x.cfg.Clock.Now().Before(bad.Cert.NotBefore) {
			return fmt.Sprintf("the certificate of %s is not valid before %s (is the clock of this machine right?)",
				name, bad.Cert.NotBefore.Format(time.RFC3339))
		}
		return fmt.Sprintf("the certificate of %s expired on %s", name, bad.Cert.NotAfter.Format(time.RFC3339))
	}
	if bad, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return nameNoTLS(e.pool.label, bad.RecordHeader[:])
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // an alert, as crypto/tls wraps it
		return describeAlert(e.pool.label, strings.TrimPrefix(rootCause(err), "tls: "))
	}
	if isClosed(err) {
		return e.pool.label + " closed the connection in the handshake (does it speak TLS?)"
	}
	return strings.TrimPrefix(rootCause(err), "tls: ")
}

// describeAuthority tells a certificate that vouches for itself from one whose
// authority is unknown here.
func describeAuthority(name string, cert *x509.Certificate) string {
	if cert != nil && bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		return fmt.Sprintf("the certificate of %s is self-signed", name)
	}
	return fmt.Sprintf("the certificate of %s is signed by an unknown authority", name)
}

// describeAlert says why the target ended the handshake.
func describeAlert(label, alert string) string {
	text := label + " refused the handshake: " + alert
	if strings.Contains(alert, "no application protocol") {
		text += " (it may speak HTTP/2 only, and Belfry speaks HTTP/1.1)"
	}
	return text
}

// validNames lists what a certificate is for.
func validNames(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return printable([]byte(strings.Join(names, ", ")))
}

func (e *exchange) describeTransfer(err error) string {
	if text := e.describeAnswer(err); text != "" {
		return text
	}
	label := e.pool.label
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("connection reset by %s %s%s", label, e.place(), e.closeHint())
	case isClosed(err):
		return fmt.Sprintf("connection closed by %s %s%s", label, e.place(), e.closeHint())
	}
	return fmt.Sprintf("connection to %s broke %s: %s", label, e.place(), rootCause(err))
}

// describeAnswer puts in words what is wrong with an answer that cannot be taken,
// or returns "".
func (e *exchange) describeAnswer(err error) string {
	var why string
	bad, odd := errors.AsType[*unreadable](err)
	switch {
	case odd:
		why = bad.why
	case errors.Is(err, errHeaderTooLong):
		why = fmt.Sprintf("its header is larger than %d bytes", e.x.cfg.MaxHeaderBytes)
	case errors.Is(err, errTooManyInterim):
		why = fmt.Sprintf("more than %d interim (1xx) responses", maxInterim)
	case errors.Is(err, errTooLong):
		why = "the interim (1xx) responses are too large"
	default:
		return ""
	}
	if status := e.finalStatus(); status != 0 {
		return fmt.Sprintf("unreadable answer (HTTP %03d): %s", status, why)
	}
	return "unreadable answer: " + why
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// closeHint returns what may explain a connection that ended without an answer.
func (e *exchange) closeHint() string {
	switch {
	case e.keptFailed:
		return " (a connection kept from an earlier call)"
	case e.phase <= phaseWait && e.pool.tls == nil && usualTLSPort(e.pool.Port):
		return fmt.Sprintf(" (port %d is mostly one of https)", e.pool.Port)
	}
	return ""
}

// place says where in the exchange a connection ended.
func (e *exchange) place() string {
	switch e.phase {
	case phaseSend:
		return "while the request was sent"
	case phaseHeader:
		return "in the response header"
	case phaseBody:
		return fmt.Sprintf("in the response body (%s)", e.progress())
	}
	return "before a response"
}

// rootCause returns the innermost message, which is the one without the
// wrappings of the network stack, at a readable length.
func rootCause(err error) string {
	if syscallErr, ok := errors.AsType[*os.SyscallError](err); ok {
		return syscallErr.Err.Error()
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	text := printable([]byte(err.Error()))
	const readable = 200
	if len(text) > readable {
		text = strings.ToValidUTF8(text[:readable], "") + "..."
	}
	return text
}
