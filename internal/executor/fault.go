package executor

import (
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
		e.out.HTTPStatus = e.resp.StatusCode()
	}
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
		return fmt.Sprintf("timeout after %s connecting to %s", dial, e.host.label)
	case phaseHandshake:
		return fmt.Sprintf("tls: timeout after %s in the handshake with %s", dial, e.host.label)
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
	return fmt.Sprintf("HTTP %d, %d bytes read", e.resp.StatusCode(), e.bodyRead)
}

func (e *exchange) describeConnect(err error) string {
	label := e.host.label
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "dns: no such host " + dns.Name
		}
		return fmt.Sprintf("dns: lookup of %s failed: %s", dns.Name, dns.Err)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused by " + label
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to " + label
	case errors.Is(err, syscall.ENETUNREACH):
		return "network unreachable: " + label
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "no local port is left to connect to " + label
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many open files to connect to " + label
	}
	return fmt.Sprintf("cannot connect to %s: %s", label, rootCause(err))
}

func (e *exchange) describeTLS(err error) string {
	name := e.host.name
	if bad, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate is not valid for %s, only for %s", name, validNames(bad.Certificate))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("the certificate of %s is signed by an unknown authority", name)
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok && bad.Reason == x509.Expired {
		if e.x.cfg.Clock.Now().Before(bad.Cert.NotBefore) {
			return fmt.Sprintf("the certificate of %s is not valid before %s", name, bad.Cert.NotBefore.Format(time.RFC3339))
		}
		return fmt.Sprintf("the certificate of %s expired on %s", name, bad.Cert.NotAfter.Format(time.RFC3339))
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e.host.label + " does not speak TLS"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // an alert, as crypto/tls wraps it
		return fmt.Sprintf("%s refused the handshake: %s", e.host.label, strings.TrimPrefix(rootCause(err), "tls: "))
	}
	if isClosed(err) {
		return e.host.label + " closed the connection in the handshake"
	}
	return strings.TrimPrefix(rootCause(err), "tls: ")
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
	if text := e.describeHead(err); text != "" {
		return text
	}
	label := e.host.label
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("connection reset by %s %s%s", label, e.place(), e.whichConn())
	case isClosed(err):
		return fmt.Sprintf("connection closed by %s %s%s", label, e.place(), e.whichConn())
	case e.phase >= phaseHeader:
		return "malformed response: " + rootCause(err)
	}
	return fmt.Sprintf("connection to %s broke %s: %s", label, e.place(), rootCause(err))
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// whichConn says that a connection which ended unanswered had been kept open
// from an earlier call: the target may have closed it for its age.
func (e *exchange) whichConn() string {
	if !e.keptFailed {
		return ""
	}
	return " (a connection kept from an earlier call)"
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
