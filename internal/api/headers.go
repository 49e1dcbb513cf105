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
}
