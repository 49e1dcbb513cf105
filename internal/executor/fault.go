package executor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/target"
	"golang.org/x/net/http2"
)

// errClosed says that a call was made after Close.
var errClosed = errors.New("the executor is closed")

// noConnection says that a call has waited in this process for as long as it may.
type noConnection struct {
	label         string
	open, opening int
}

func (e *noConnection) Error() string {
	return fmt.Sprintf("not sent: no connection to %s was free in time, with %d in use and %d being opened",
		e.label, e.open, e.opening)
}

// failure is a call that got no whole answer: what it takes to say so in words.
type failure struct {
	err     error
	phase   phase
	to      target.Endpoint // zero: the call has not come so far
	timeout time.Duration   // of the call
	kept    bool            // a kept connection ended before a byte of the response
	again   int             // how often the request was sent again
	cert    string          // name of the client certificate; empty: none
	cfg     *Config
	resp    *response
}

// isUnreadable reports whether the target has answered what cannot be taken.
func isUnreadable(err error) bool {
	_, odd := errors.AsType[*unreadable](err)
	return odd || errors.Is(err, errHeaderTooLong) || errors.Is(err, errTooManyInterim) || errors.Is(err, errTooLong)
}

// verdictOfUnreadable returns the verdict on an answer of which only the status was
// readable, or not even that (zero). The target has received the request, and will most
// likely answer the next one in the same way. So the attempt is final, unless the status
// is one that is retried.
func verdictOfUnreadable(status int) domain.Verdict {
	if status != 0 && domain.VerdictOf(status) == domain.VerdictRetry {
		return domain.VerdictRetry
	}
	return domain.VerdictFinal
}

// describe puts an error in words: what happened, to which host, and how far
// the call had come.
func (f *failure) describe() string {
	switch {
	case errors.Is(f.err, errClosed), errors.Is(f.err, context.Canceled):
		return "not sent: " + errClosed.Error()
	case isTimeout(f.err):
		return f.describeTimeout()
	case f.phase == phaseConnect:
		return f.describeConnect()
	case f.phase == phaseHandshake:
		return "tls: " + f.describeTLS()
	}
	return f.describeTransfer()
}

func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

func (f *failure) describeTimeout() string {
	if dns, ok := errors.AsType[*net.DNSError](f.err); ok {
		text := "dns: timeout looking up " + dns.Name
		if dns.Err == resolve.Crowded {
			text += ": " + dns.Err
		}
		return text
	}
	whole, dial := f.timeout, min(f.timeout, f.cfg.DialTimeout)
	switch f.phase {
	case phaseConnect:
		return fmt.Sprintf("timeout after %s connecting to %s", dial, f.to.Label())
	case phaseHandshake:
		return fmt.Sprintf("tls: timeout after %s in the handshake with %s", dial, f.to.Label())
	case phaseSend:
		return fmt.Sprintf("timeout after %s sending the request", whole)
	case phaseHeader:
		return fmt.Sprintf("timeout after %s reading the response header", whole)
	case phaseBody:
		return fmt.Sprintf("timeout after %s reading the response body (%s)", whole, f.resp.progress())
	}
	return fmt.Sprintf("timeout after %s waiting for the response", whole)
}

func (f *failure) describeConnect() string {
	label := f.to.Label()
	if full, ok := errors.AsType[*noConnection](f.err); ok {
		return full.Error()
	}
	if errors.Is(f.err, errNoStreams) {
		return label + " " + f.err.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](f.err); ok {
		switch {
		case resolve.IsOutOfFiles(f.err):
			return "too many open files to look up " + dns.Name
		case dns.IsNotFound:
			return "dns: no such host " + dns.Name
		}
		return fmt.Sprintf("dns: lookup of %s failed: %s", dns.Name, describeLookup(dns.Err))
	}
	switch {
	case errors.Is(f.err, syscall.ECONNREFUSED):
		return "connection refused by " + label
	case errors.Is(f.err, syscall.EHOSTUNREACH):
		return "no route to " + label
	case errors.Is(f.err, syscall.ENETUNREACH):
		return "network unreachable: " + label
	case errors.Is(f.err, syscall.EACCES), errors.Is(f.err, syscall.EPERM):
		return "this machine does not permit connections to " + label
	case errors.Is(f.err, syscall.EADDRNOTAVAIL):
		return "no local port is left to connect to " + label
	case resolve.IsOutOfFiles(f.err):
		return "too many open files to connect to " + label
	}
	return fmt.Sprintf("cannot connect to %s: %s", label, rootCause(f.err))
}

// describeLookup puts in words what package net says of a name server.
func describeLookup(text string) string {
	if text == "server misbehaving" {
		return "the name server answered with a failure (SERVFAIL or REFUSED)"
	}
	return text
}

func (f *failure) describeTLS() string {
	if text := certs.Explain(f.err, f.to.Name, f.cfg.Clock.Now()); text != "" {
		return text
	}
	if bad, ok := errors.AsType[tls.RecordHeaderError](f.err); ok {
		return nameNoTLS(f.to.Label(), bad.RecordHeader[:])
	}
	if alert := alertOf(f.err); alert != "" {
		return f.describeAlert(f.to.Label()+" refused the handshake", alert)
	}
	if isClosed(f.err) {
		return f.to.Label() + " closed the connection in the handshake (does it speak TLS?)"
	}
	return strings.TrimPrefix(rootCause(f.err), "tls: ")
}

// alertOf returns the TLS alert with which the target ended the connection, or "".
func alertOf(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // as crypto/tls wraps it
		return strings.TrimPrefix(rootCause(err), "tls: ")
	}
	return ""
}

// describeAlert says what an alert means, and what to do.
func (f *failure) describeAlert(event, alert string) string {
	text := event + ": " + alert
	if hint := certs.ExplainAlert(alert, f.cert); hint != "" {
		text += ". " + hint
	}
	if !strings.Contains(alert, "no application protocol") {
		return text
	}
	if f.cfg.NoHTTP2 {
		return text + " (it may speak HTTP/2 only, which the setting http2 turns off)"
	}
	return text + " (it speaks neither HTTP/2 nor HTTP/1.1)"
}

func (f *failure) describeTransfer() string {
	if text := f.describeAnswer(); text != "" {
		return text
	}
	label := f.to.Label()
	if alert := alertOf(f.err); alert != "" { // with TLS 1.3, a client certificate is judged after the handshake
		return f.describeAlert(fmt.Sprintf("tls: %s ended the connection %s", label, f.place()), alert)
	}
	if text := f.describeStream(); text != "" {
		return text
	}
	switch {
	case errors.Is(f.err, syscall.ECONNRESET):
		return fmt.Sprintf("connection reset by %s %s%s", label, f.place(), f.closeHint())
	case isClosed(f.err):
		return fmt.Sprintf("connection closed by %s %s%s", label, f.place(), f.closeHint())
	}
	return fmt.Sprintf("connection to %s broke %s: %s", label, f.place(), rootCause(f.err))
}

// describeStream puts in words what ended a stream of HTTP/2, or returns "".
func (f *failure) describeStream() string {
	label := f.to.Label()
	if not, ok := errors.AsType[*h2.Unprocessed](f.err); ok {
		times := ""
		if f.again > 0 {
			times = fmt.Sprintf(", which was sent %d times", f.again+1)
		}
		return label + " did not process the request" + times + ": " + not.Why
	}
	if reset, ok := errors.AsType[*h2.Reset](f.err); ok {
		if reset.Code == http2.ErrCodeHTTP11Required {
			return label + " requires HTTP/1.1, which the next attempt uses"
		}
		return fmt.Sprintf("%s reset the stream (%s) %s", label, reset.Code, f.place())
	}
	if errors.Is(f.err, h2.ErrShort) {
		return fmt.Sprintf("%s ended the response body early (%s)", label, f.resp.progress())
	}
	ended, ok := errors.AsType[*h2.Ended](f.err)
	switch {
	case !ok || ended.Why == "":
		return ""
	case ended.Err != nil:
		return fmt.Sprintf("connection closed by %s %s (%s)", label, f.place(), ended.Why)
	}
	return fmt.Sprintf("connection to %s ended %s: %s", label, f.place(), ended.Why)
}

// describeAnswer puts in words what is wrong with an answer that cannot be taken,
// or returns "".
func (f *failure) describeAnswer() string {
	var why string
	bad, odd := errors.AsType[*unreadable](f.err)
	switch {
	case odd:
		why = bad.why
	case errors.Is(f.err, errHeaderTooLong):
		why = fmt.Sprintf("its header is larger than %d bytes", f.cfg.MaxHeaderBytes)
	case errors.Is(f.err, errTooManyInterim):
		why = fmt.Sprintf("more than %d interim (1xx) responses", maxInterim)
	case errors.Is(f.err, errTooLong):
		why = "the interim (1xx) responses are too large"
	default:
		return ""
	}
	if status := f.resp.finalStatus(); status != 0 {
		return fmt.Sprintf("unreadable answer (HTTP %03d): %s", status, why)
	}
	return "unreadable answer: " + why
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// closeHint returns what may explain a connection that ended without an answer.
func (f *failure) closeHint() string {
	switch {
	case f.kept:
		return " (a connection kept from an earlier call)"
	case f.phase <= phaseWait && !f.to.Secure && usualTLSPort(f.to.Port):
		return fmt.Sprintf(" (port %d is mostly one of https)", f.to.Port)
	}
	return ""
}

// place says where in the exchange a connection ended.
func (f *failure) place() string {
	switch f.phase {
	case phaseSend:
		return "while the request was sent"
	case phaseHeader:
		return "in the response header"
	case phaseBody:
		return fmt.Sprintf("in the response body (%s)", f.resp.progress())
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
