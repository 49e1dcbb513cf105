package front

import (
	"crypto/tls"
	"io"
	"net/http/httptest"
	"testing"
)

// Over TLS an answer tells a browser to use only TLS from then on, except on loopback.
func TestStrictTransport(t *testing.T) {
	h := newTestHandler(t, okay, io.Discard)
	for host, want := range map[string]string{"belfry.example.com": strictTransport,
		"belfry.example.com:8443": strictTransport, "localhost:3000": "", "127.0.0.1": "", "[::1]:1": ""} {
		r := httptest.NewRequest("GET", "/docs", nil)
		r.Host, r.TLS = host, &tls.ConnectionState{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
