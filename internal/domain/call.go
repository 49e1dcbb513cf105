package domain

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Call is one attempt as the executor needs it: everything that is sent and nothing
// else. Callers may reuse it; the executor retains no part of it after it returns.
type Call struct {
	Key         FireKey
	ExecutionID ExecutionID
	Attempt     int  // counted from 1
	Once        bool // at most once: never sent again on another connection
	Method      string
	URL         string // the target, or only its scheme and authority
	Path        string // the rest of the target, if URL is not complete
	Headers     map[string]string
	Body        []byte // nil: the identity of the fire as JSON, if the method has a body
	BodyIsJSON  bool
	Timeout     time.Duration // for the whole attempt, connecting included
	SkipVerify  bool          // accept any TLS certificate
	Secrets     []string      // texts that Outcome.Error must not show, the longest first

	// Namespace is that of the job. It decides which certificate may be presented and
	// with which of the server's secrets the call is signed.
	Namespace string

	// ClientCert names the certificate to present to the target; empty: none.
	ClientCert string

	// Signer signs the request instead of the executor's own signer; nil: the
	// executor's own signs it, if there is one.
	Signer *webhook.Signer

	// Trace is filled with what was sent and answered. The call is a test call then: it has a
	// connection of its own, and a header that says so. nil: the call is that of a fire.
	Trace *Trace
}

// Target returns the whole URL.
func (c *Call) Target() string { return c.URL + c.Path }

// Upcoming are calls to one host, made in one way, that are due at the same instant, soon.
type Upcoming struct {
	URL        string // as in Call
	SkipVerify bool
	Namespace  string // as in Call
	ClientCert string
	Calls      int           // how many there are
	Once       int           // those of them that are at most once
	In         time.Duration // from now until they are due
}

// Verdict classifies the end of an attempt.
type Verdict int

// The verdicts.
const (
	VerdictSuccess Verdict = iota // 2xx
	VerdictRetry                  // network error, timeout, 408, 425, 429, 5xx, a status out of range
	VerdictFinal                  // any other answer, or a target that is refused
)

// Outcome is how an attempt ended.
type Outcome struct {
	Verdict      Verdict
	HTTPStatus   int    // as it was sent; zero: no response, or 000
	Error        string // what went wrong, with the first KiB of a failure's body; empty on success
	RetryAfterMs int64  // what a Retry-After header asked for; zero: nothing
	MaybeSent    bool   // on a failure: the request, or a part of it, may have reached the target

	// Held is how long the call waited in this process's own queue before the
	// attempt began. It does not count as part of Call.Timeout.
	Held time.Duration

	// Took is how long the target took for its answer, from the start of the request's
	// sending on: neither in line nor for a connection. Zero: the request was not sent.
	Took time.Duration
}

// VerdictOf classifies an HTTP status: 2xx is a success; 408 (Request Timeout), 425
// (Too Early), 429 (Too Many Requests) and 5xx are temporary failures; all others are
// final. An invalid status counts as 5xx (RFC 9110, section 15).
func VerdictOf(status int) Verdict {
	switch {
	case status >= 200 && status < 300:
		return VerdictSuccess
	case status == 408, status == 425, status == 429, status >= 500, status < 100:
		return VerdictRetry
	}
	return VerdictFinal
}
