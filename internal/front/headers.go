package front

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
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

// strictTransport makes a browser that has used TLS use only TLS for a year. It is not
// sent on loopback, where it would apply to every port.
const strictTransport = "max-age=31536000"

func setSafeHeaders(h http.Header, r *http.Request) {
	maps.Copy(h, safeHeaders)
	if r.TLS != nil && !LoopbackHost(r.Host) {
		h.Set("Strict-Transport-Security", strictTransport)
	}
	if ambiguousLength(r) {
		h.Set("Connection", "close")
	}
}

// LoopbackHost reports whether a Host header names this machine: localhost, a name
// below it, or a loopback address, with or without a port.
func LoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// ambiguousLength reports whether a proxy may read the length of a request differently.
// The server must close the connection after such a request, so that nothing behind it
// is taken for the next one: after a request with both Content-Length and
// Transfer-Encoding, and after one of HTTP/1.0 with Transfer-Encoding (RFC 9112, section
// 6.1). Those are refused (framing.go). net/http does not close the connection, and hides
// which of the headers were there. So the answer is yes for every chunked request, after
// which nothing is followed, and for every request of HTTP/1.0.
func ambiguousLength(r *http.Request) bool {
	return len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1)
}
