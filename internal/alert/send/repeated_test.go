package send

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// No error has a part of a secret either: not where the answer is not read any further, not where it is no HTTP and is
// quoted up to a space, not where what is not shown stands in between, and not as Go quotes it.
func TestErrorsHaveNoPartOfASecret(t *testing.T) {
	const secret = `T0KEN-of "bearer" <&\ü+`
	for name, c := range map[string]struct{ raw, body, want string }{
		"at the end of what is read": {body: strings.Repeat(" ", readOfAnswer-9) + secret,
			want: "503 Service Unavailable"},
		"before that": {body: strings.Repeat(" ", readOfAnswer-longestSecret-9) + secret +
			strings.Repeat(".", longestSecret), want: "503"},
		"no status": {raw: secret + "\r\n\r\n",
			want: "net/http: HTTP/1.x transport connection broken: malformed HTTP"},
		"no number":   {raw: "HTTP/1.1 T0KEN-of\r\n\r\n", want: "malformed HTTP status code"},
		"no protocol": {raw: "T0KEN-of 200 OK\r\n\r\n", want: "malformed HTTP version"},
		"no header":   {raw: "HTTP/1.1 503 no\r\n" + secret + "\r\n\r\n", want: "malformed MIME header"},
		"no URL": {raw: "HTTP/1.1 302 Found\r\nLocation: http://[::x/" + secret + "\r\nContent-Length: 0\r\n\r\n",
			want: "failed to parse Location header"},
		"controlled": {body: "T0KEN-of \u202e" + strings.TrimPrefix(secret, "T0KEN-of "), want: "503"},
		"quoted":     {body: strconv.Quote(secret), want: `503 Service Unavailable: "********"`},
		"in ASCII":   {body: strconv.QuoteToASCII(secret), want: `503 Service Unavailable: "********"`},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.raw == "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				_, _ = io.WriteString(w, c.body)
				return
			}
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = fmt.Fprint(conn, c.raw)
			_ = conn.Close()
		}))
		channel := channelOf(domain.ChannelGotify, server.URL)
		channel.Secrets.Values["token"] = secret
		err := sender(t, new(guard)).Send(t.Context(), channel, message())
		if err == nil || strings.Contains(err.Error(), "T0KEN") || strings.Contains(err.Error(), "bearer") ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}
