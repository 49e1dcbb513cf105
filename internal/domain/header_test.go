package domain

import (
	"fmt"
	"strings"
	"testing"
)

// TestHeaderRules: what could start a header or a message of somebody else's
// making, or pass for Belfry's own, is refused by name.
func TestHeaderRules(t *testing.T) {
	t.Parallel()
	const (
		noName   = "headers: holds a name that is no header name"
		reserved = ": is set by Belfry or belongs to the connection"
		control  = ": must not hold line breaks or control characters"
	)
	for _, name := range []string{
		"Authorization", "Cookie", "Content-Type", "User-Agent", "Accept", "X-Belfry-Job-Id", "X_Y", "Hosts", "Te-St",
		"Proxied", "Webhooks",
		"X-Forwarded-For", "!#$%&'*+-.^_`|~09aZ", "Content-Lengthy",
	} {
		checkHeader(t, name, "value", "")
	}
	for _, name := range []string{
		"Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "HTTP2-Settings", "Proxy",
		"Proxy-Connection",
		"Proxy-Authorization", "Proxy-Authenticate", "Host", "Content-Length", "Expect", "Idempotency-Key",
		"Belfry-Job-Id",
		"Belfry-Execution-Id", "Belfry-Scheduled-At", "Belfry-Attempt", "Belfry-Anything", "webhook-id",
		"webhook-timestamp",
		"webhook-signature", "Webhook-Anything",
	} {
		for _, spelled := range []string{name, strings.ToUpper(name), strings.ToLower(name),
			strings.ReplaceAll(name, "-", "_")} {
			checkHeader(t, spelled, "value", "headers."+spelled+reserved)
			checkHeader(t, spelled, "a\r\nb", "headers."+spelled+reserved)
		}
	}
	for _, name := range []string{
		"", " ", "X A", " X", "X ", "X:", ":authority", ":path", "X\tY", "X\r\nY", "X\nY", "X\rY", "X\x00Y", "X\x7fY",
		"X(Y)", "X,Y", "X;Y", "X/Y",
		"X=Y", "X@Y", `X"Y`, "X[Y]", "X{Y}", "X\\Y", "X?", "X<", "Ü", "X\u2028Y", "Host\u200b", "Hoſt", "X\xff",
	} {
		checkHeader(t, name, "value", noName)
	}
	for _, value := range []string{
		"", "a", " a ", "a\tb", "a:b", "Bearer x.y-z", "ü", "世界", "\u2028", "\u0085", strings.Repeat("a", 8192),
		"a=\"b\"; c", "%0d%0aX: y",
	} {
		checkHeader(t, "X-A", value, "")
	}
	for c := range 0x20 {
		if c != '\t' {
			checkHeader(t, "X-A", fmt.Sprintf("a%cb", c), "headers.X-A"+control)
		}
	}
	for _, value := range []string{"a\x7fb", "a\r\nX-B: c", "a\r\n\r\nGET / HTTP/1.1", "\n", "\r", "a\n", "\x00"} {
		checkHeader(t, "X-A", value, "headers.X-A"+control)
	}
}

// checkHeader looks for the one fault of a spec with the header.
func checkHeader(t *testing.T, name, value, want string) {
	t.Helper()
	s := validSpec()
	s.Headers = map[string]string{name: value}
	if got := fieldsOf(t, s.Validate()); strings.Join(got, "|") != want {
		t.Errorf("%q: %.40q: %q, want %q", name, value, got, want)
	}
}

func TestHeaderLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		count, size int // of headers, and of each value
		want        string
	}{
		"as many as may be":  {MaxHeaders, 1, ""},
		"one more":           {MaxHeaders + 1, 1, "headers: must be at most 64"},
		"as large as may be": {1, MaxHeaderBytes - len("X-000"), ""},
		"one byte more":      {1, MaxHeaderBytes - len("X-000") + 1, "headers: must be at most 32768 bytes in all"},
		"all of them together": {MaxHeaders, MaxHeaderBytes / MaxHeaders,
			"headers: must be at most 32768 bytes in all"},
	} {
		s := validSpec()
		s.Headers = map[string]string{}
		for i := range tc.count {
			s.Headers[fmt.Sprintf("X-%03d", i)] = strings.Repeat("v", tc.size)
		}
		if got := strings.Join(fieldsOf(t, s.Validate()), "|"); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
