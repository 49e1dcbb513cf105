package api

import (
	"maps"
	"net/http"
)

// noPagePolicy is for answers that are no pages: a browser that takes one for a
// page all the same runs and loads nothing.
const noPagePolicy = "default-src 'none'; frame-ancestors 'none'"

// safeHeaders are on every answer. A page replaces the policy by one that
// allows what it needs. There is no CORS header anywhere: no other origin reads
// an answer. The values are shared by all answers: they are replaced, never
// changed.
var safeHeaders = http.Header{
	"Cache-Control":                {"no-store"},
	"Content-Security-Policy":      {noPagePolicy},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Referrer-Policy":              {"no-referrer"},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
}

// strictTransport keeps a browser that has come by TLS from coming without for
// a year. On loopback it is not sent: it would hold for every port there.
const strictTransport = "max-age=31536000"

func setSafeHeaders(h http.Header, r *http.Request) {
	maps.Copy(h, safeHeaders)
	if r.TLS != nil && !loopbackHost(r.Host) {
		h.Set("Strict-Transport-Security", strictTransport)
	}
	if ambiguousLength(r) {
		h.Set("Connection", "close")
	}
}

// ambiguousLength reports whether a proxy may read the length of a request differently.
// The server must close the connection after such a request, so that nothing behind it
// is taken for the next one: after a request with both Content-Length and
// Transfer-Encoding, and after one of HTTP/1.0 with Transfer-Encoding (RFC 9112, section
// 6.1). net/http does not close it, and hides which of the headers were there. So the
// answer is yes for every chunked request and for every request of HTTP/1.0.
func ambiguousLength(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}
