package executor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
	"golang.org/x/net/http/httpguts"
)

// appendPath appends the request target (RFC 9112, section 3.2.1). Bytes that
// cannot be in a URI (RFC 3986, section 2) are percent-encoded; all others
// go out as the user wrote them.
func appendPath(b []byte, path string) []byte {
	if path == "" || path[0] != '/' {
		b = append(b, '/')
	}
	for i := range len(path) {
		if c := path[i]; uriByte(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

const upperHex = "0123456789ABCDEF"

func uriByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' &&
		c != '^' && c != '`' && c != '{' && c != '|' && c != '}'
}

// headBufferBytes holds the head of most requests.
const headBufferBytes = 1 << 10

// request makes the bytes of a request. Its memory is used again: once the request is
// written, responses are read into the buffer of its head.
type request struct {
	cfg  *Config
	call *domain.Call

	head     []byte
	body     []byte
	fallback [192]byte // the default body: 165 bytes at most
	idText   [36]byte  // the execution's id, to be signed
	names    []string
}

// build makes the head and the body of a call to a path. It says what must not be sent,
// if there is something; the request is then not whole.
func (r *request) build(cfg *Config, call *domain.Call, path, hostHeader string) (refused string) {
	r.cfg, r.call = cfg, call
	r.body = nil
	switch {
	case hasOwnBody(call):
		r.body = call.Body
	case bodyMethod(call.Method):
		r.body = appendDefaultBody(r.fallback[:0], call)
	}
	r.head, refused = r.appendHead(r.head[:0], path, hostHeader)
	return refused
}

// end releases what the request refers to, and reports whether its memory is worth
// keeping.
func (r *request) end() (fit bool) {
	r.cfg, r.call, r.body = nil, nil, nil
	clear(r.names)
	return cap(r.head) <= maxKeptHeadBytes
}

// whole returns the request in one piece, for which the body is copied.
func (r *request) whole() []byte {
	head := len(r.head)
	r.head = append(r.head, r.body...)
	whole := r.head
	r.head = r.head[:head]
	return whole
}

// appendHead appends the request line and the header.
func (r *request) appendHead(b []byte, path, hostHeader string) (head []byte, refused string) {
	call, body := r.call, r.body
	if !httpguts.ValidHeaderFieldName(call.Method) { // a method is a token, as a name is
		return b, "the method is no token"
	}
	b = append(b, call.Method...)
	b = append(b, ' ')
	b = appendPath(b, path)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendHeader(b, "Host", hostHeader)

	b, own, refused := r.appendJobHeaders(b)
	if refused != "" {
		return b, refused
	}
	if !own.userAgent {
		b = appendHeader(b, "User-Agent", r.cfg.UserAgent)
	}
	if body != nil || bodyMethod(call.Method) {
		if !own.contentType && len(body) > 0 {
			b = appendHeader(b, "Content-Type", contentType(call))
		}
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = r.appendSignature(appendIdentity(b, call))
	return append(b, "\r\n"...), ""
}

// signer returns what signs the call, or nil.
func (r *request) signer() *webhook.Signer {
	if r.call.Signer != nil {
		return r.call.Signer
	}
	if r.cfg.Signing.Of == nil {
		return nil
	}
	return r.cfg.Signing.Of(r.call.Namespace)
}

// appendSignature appends the headers of a signature by the job's secrets, or
// else by the server's, if there are any.
func (r *request) appendSignature(b []byte) []byte {
	signer := r.signer()
	if signer == nil {
		return b
	}
	id := appendUUID(r.idText[:0], r.call.ExecutionID)
	return signer.AppendHeaders(b, id, r.cfg.Clock.Now().Unix(), r.body)
}

// ownHeaders says which of Belfry's defaults a job sets itself.
type ownHeaders struct{ userAgent, contentType bool }

// appendJobHeaders appends the job's headers in the order of their names, so
// that every attempt sends the same bytes.
func (r *request) appendJobHeaders(b []byte) (_ []byte, own ownHeaders, refused string) {
	r.names = r.names[:0]
	for name := range r.call.Headers {
		r.names = append(r.names, name)
	}
	if len(r.names) > 1 {
		slices.Sort(r.names)
	}
	signed := r.signer() != nil
	for _, name := range r.names {
		value := r.call.Headers[name]
		if !validHeader(name, value) || framing(name) || signed && hasPrefixFold(name, "webhook-") {
			return b, own, fmt.Sprintf("the header %q must not be sent", name)
		}
		own.userAgent = own.userAgent || strings.EqualFold(name, "User-Agent")
		own.contentType = own.contentType || strings.EqualFold(name, "Content-Type")
		b = appendHeader(b, name, value)
	}
	return b, own, ""
}

// framing reports whether the header decides where a message ends or where it
// goes. [domain.Spec.Validate] refuses these and more.
func framing(name string) bool {
	switch len(name) {
	case len("Host"):
		return strings.EqualFold(name, "Host")
	case len("Connection"):
		return strings.EqualFold(name, "Connection")
	case len("Content-Length"):
		return strings.EqualFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

func appendHeader(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// appendIdentity appends the headers that say which fire this is.
func appendIdentity(b []byte, call *domain.Call) []byte {
	b = append(b, "Idempotency-Key: "...)
	b = appendUUID(b, call.ExecutionID)
	b = append(b, "\r\nBelfry-Job-Id: "...)
	b = appendUUID(b, call.Key.JobID)
	b = append(b, "\r\nBelfry-Execution-Id: "...)
	b = appendUUID(b, call.ExecutionID)
	b = append(b, "\r\nBelfry-Scheduled-At: "...)
	b = strconv.AppendInt(b, call.Key.ScheduledAt, 10)
	b = append(b, "\r\nBelfry-Attempt: "...)
	b = strconv.AppendInt(b, int64(call.Attempt), 10)
	if call.Trace != nil {
		b = append(b, "\r\nBelfry-Test: true"...)
	}
	return append(b, "\r\n"...)
}

// bodyMethod reports whether a request of the method has a body even when the
// job gives none.
func bodyMethod(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}

// hasOwnBody reports whether the call has a body, which may be an empty text. Empty JSON
// does not exist.
func hasOwnBody(call *domain.Call) bool {
	return len(call.Body) > 0 || call.Body != nil && !call.BodyIsJSON
}

// appendDefaultBody appends the identity of the fire as JSON.
func appendDefaultBody(b []byte, call *domain.Call) []byte {
	b = append(b, `{"jobId":"`...)
	b = appendUUID(b, call.Key.JobID)
	b = append(b, `","executionId":"`...)
	b = appendUUID(b, call.ExecutionID)
	b = append(b, `","scheduledAt":`...)
	b = strconv.AppendInt(b, call.Key.ScheduledAt, 10)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(call.Attempt), 10)
	return append(b, '}')
}

func contentType(call *domain.Call) string {
	if hasOwnBody(call) && !call.BodyIsJSON {
		return "text/plain; charset=utf-8"
	}
	return "application/json"
}

// appendUUID appends the usual 36 characters (RFC 9562, section 4).
func appendUUID(b []byte, id [16]byte) []byte {
	const digits = "0123456789abcdef"
	at := len(b)
	b = append(b, "00000000-0000-0000-0000-000000000000"...)
	text := b[at:]
	for i, place := range uuidPlaces {
		text[place], text[place+1] = digits[id[i]>>4], digits[id[i]&15]
	}
	return b
}

// uuidPlaces are where the bytes of a UUID are in its text.
var uuidPlaces = [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}
