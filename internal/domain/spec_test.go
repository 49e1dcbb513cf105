package domain

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func validSpec() Spec {
	s := DefaultSpec()
	s.Schedule, s.API, s.Type = "0 */5 * * * *", "https://example.com/hook", AtLeastOnce
	return s
}

// fieldsOf returns the faults of an error as "field: message" lines.
func fieldsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != CodeInvalid {
		t.Fatalf("%v is no CodeInvalid error", err)
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Field+": "+f.Message)
	}
	return out
}

func TestSpecValidate(t *testing.T) {
	t.Parallel()
	many := func(n int, each func(i int) string) (out []string) {
		for i := range n {
			out = append(out, each(i))
		}
		return out
	}
	headers := func(kv ...string) func(*Spec) {
		return func(s *Spec) {
			s.Headers = make(map[string]string)
			for i := 0; i < len(kv); i += 2 {
				s.Headers[kv[i]] = kv[i+1]
			}
		}
	}
	api := func(u string) func(*Spec) { return func(s *Spec) { s.API = u } }
	for _, c := range []struct {
		name   string
		change func(*Spec)
		field  string // of the one fault; "": none
		says   string // part of its message
	}{
		{"as it is", func(*Spec) {}, "", ""},
		{"no schedule", func(s *Spec) { s.Schedule = "" }, "schedule", "is required"},
		{"a wrong schedule", func(s *Spec) { s.Schedule = "61 * * * * *" }, "schedule", "second"},
		{"a wrong zone", func(s *Spec) { s.Timezone = "Mars/Olympus" }, "timezone",
			`"Mars/Olympus" is not a known zone; use`},
		{"a field that is named once", func(s *Spec) { s.Schedule = "@every 5x" }, "schedule", `at column 8: "5x"`},
		{"a wrong gap", func(s *Spec) { s.DST.Gap = "LATER" }, "dst.gap", "AFTER, SKIP or BEFORE"},
		{"a wrong fold", func(s *Spec) { s.DST.Fold = "TWICE" }, "dst.fold", "FIRST, SECOND or BOTH"},
		{"no api", api(""), "api", "is required"},
		{"no host", api("http:///x"), "api", "must name a host"},
		{"another scheme", api("ftp://example.com"), "api", "http or https"},
		{"a relative URL", api("/hook"), "api", "http or https"},
		{"spaces", api("http://example.com/a b"), "api", "%20"},
		{"a control character", api("http://example.com/\n"), "api", "control"},
		{"broken UTF-8", api("http://example.com/\xff"), "api", "control"},
		{"a password", api("http://user:secret@example.com/"), "api", "Authorization header"},
		{"a fragment", api("http://example.com/#top"), "api", "fragment"},
		{"an empty fragment", api("http://example.com/#"), "api", "fragment"},
		{"port 0", api("http://example.com:0/"), "api", "port from 1 to 65535"},
		{"port 65536", api("http://example.com:65536/"), "api", "port from 1 to 65535"},
		{"port 65535", api("http://example.com:65535/"), "", ""},
		{"no port after the colon", api("http://example.com:/"), "api", "after the colon"},
		{"an IPv6 host", api("http://[::1]:8080/x"), "", ""},
		{"a query", api("http://example.com/?a=1&b=%20"), "", ""},
		{"a long URL", api("http://example.com/" + strings.Repeat("x", MaxURLLength)), "api",
			"at most 2048 characters"},
		{"a broken escape", api("http://example.com/%zz"), "api", "must be a URL"},
		{"no type", func(s *Spec) { s.Type = "" }, "type", "is required"},
		{"another type", func(s *Spec) { s.Type = "EXACTLY_ONCE" }, "type", "ATLEAST_ONCE or ATMOST_ONCE"},
		{"at most once", func(s *Spec) { s.Type = AtMostOnce }, "", ""},
		{"another method", func(s *Spec) { s.Method = "TRACE" }, "method", "GET, HEAD, POST"},
		{"a method in lower case", func(s *Spec) { s.Method = "post" }, "method", "must be one of"},
		{"GET with a body", func(s *Spec) { s.Method, s.Body = "GET", json.RawMessage(`{}`) }, "body",
			"must be absent"},
		{"a large body", func(s *Spec) { s.Body = make(json.RawMessage, MaxBodyBytes+1) }, "body",
			"at most 262144 bytes"},
		{"no time", func(s *Spec) { s.TimeoutMs = 0 }, "timeoutMs", "from 1 to 3600000"},
		{"too much time", func(s *Spec) { s.TimeoutMs = MaxTimeoutMs + 1 }, "timeoutMs", "from 1 to 3600000"},
		{"headers", headers("Authorization", "Bearer x", "X-Empty", ""), "", ""},
		{"a header of Belfry", headers("Belfry-Job-Id", "x"), "headers.Belfry-Job-Id", "is set by Belfry"},
		{"a header of the connection", headers("Transfer-Encoding", "chunked"),
			"headers.Transfer-Encoding", "connection"},
		{"the key of the call", headers("idempotency-KEY", "x"), "headers.idempotency-KEY", "is set by Belfry"},
		{"a proxy's header", headers("Proxy-Authorization", "x"), "headers.Proxy-Authorization", "connection"},
		{"no header name", headers("X Y", "x"), "headers", "no header name"},
		{"a line break in a header", headers("X-A", "a\r\nX-B: b"), "headers.X-A", "line breaks"},
		{"large headers", headers("X-A", strings.Repeat("x", MaxHeaderBytes)), "headers", "32768 bytes in all"},
		{"many headers", func(s *Spec) {
			s.Headers = make(map[string]string)
			for i := range MaxHeaders + 1 {
				s.Headers[fmt.Sprint("X-", i)] = ""
			}
		}, "headers", "at most 64"},
		{"a key", func(s *Spec) { s.Key = "A7:b_c-d.e" + strings.Repeat("x", MaxJobKeyLength-10) }, "", ""},
		{"a long key", func(s *Spec) { s.Key = strings.Repeat("k", MaxJobKeyLength+1) }, "key", "128 letters"},
		{"a key that is a path", func(s *Spec) { s.Key = "a/b" }, "key", "128 letters"},
		{"a key with two dots", func(s *Spec) { s.Key = ".." }, "key", "begin with"},
		{"a key that begins with a hyphen", func(s *Spec) { s.Key = "-a" }, "key", "begin with"},
		{"a key with a space", func(s *Spec) { s.Key = "a b" }, "key", "128 letters"},
		{"a key with an umlaut", func(s *Spec) { s.Key = "ä" }, "key", "128 letters"},
		{"a key with a line feed", func(s *Spec) { s.Key = "a\n" }, "key", "128 letters"},
		{"a long name", func(s *Spec) { s.Name = strings.Repeat("n", MaxNameLength+1) }, "name",
			"at most 200 characters"},
		{"a name with a tab", func(s *Spec) { s.Name = "a\tb" }, "name", "printable"},
		{"a name that is no UTF-8", func(s *Spec) { s.Name = "a\xff" }, "name", "printable"},
		{"a name of letters", func(s *Spec) { s.Name = "Größe 大" }, "", ""},
		{"many tags", func(s *Spec) { s.Tags = many(MaxTags+1, func(i int) string { return fmt.Sprint(i) }) },
			"tags", "at most 32"},
		{"an empty tag", func(s *Spec) { s.Tags = []string{"a", ""} }, "tags[1]", "1 to 64 characters"},
		{"a tag twice", func(s *Spec) { s.Tags = []string{"a", "b", "a"} }, "tags[2]", "is there twice"},
		{"retries below zero", func(s *Spec) { s.Retry.MaxRetries = -1 }, "retry.maxRetries", "from 0 to 100"},
		{"too many retries", func(s *Spec) { s.Retry.MaxRetries = 101 }, "retry.maxRetries", "from 0 to 100"},
		{"a delay below zero", func(s *Spec) { s.Retry.DelayMs = -1 }, "retry.delayMs", "from 0"},
		{"too long a delay", func(s *Spec) { s.Retry.MaxDelayMs = MaxRetryDelayMs + 1 }, "retry.maxDelayMs", "from 0"},
		{"another backoff", func(s *Spec) { s.Retry.Backoff = "" }, "retry.backoff", "FIXED, LINEAR or EXPONENTIAL"},
		{"another overlap", func(s *Spec) { s.Overlap = "KILL" }, "overlap", "ALLOW, SKIP or QUEUE"},
		{"another misfire policy", func(s *Spec) { s.Misfire.Policy = "" }, "misfire.policy",
			"RUN_ALL, RUN_LATEST or SKIP"},
		{"misfires of no age", func(s *Spec) { s.Misfire.MaxAgeMs = 0 }, "misfire.maxAgeMs", "from 1"},
		{"no runs", func(s *Spec) { s.Misfire.MaxRuns = 0 }, "misfire.maxRuns", "from 1 to 1000000"},
		{"a start below zero", func(s *Spec) { s.StartAt = -1 }, "startAt", "Unix milliseconds"},
		{"a start in nanoseconds", func(s *Spec) { s.StartAt = 1e18 }, "startAt", "Unix milliseconds"},
		{"an end at the start", func(s *Spec) { s.StartAt, s.EndAt = 5, 5 }, "endAt", "after startAt"},
		{"a certificate", func(s *Spec) { s.ClientCertificate = "bank" }, "", ""},
		{"a certificate for https in capitals", func(s *Spec) {
			s.API, s.ClientCertificate = "HTTPS://example.com",
				"bank"
		}, "", ""},
		{"a certificate without TLS", func(s *Spec) { s.API, s.ClientCertificate = "http://example.com", "bank" },
			"clientCertificate", "https URLs only"},
		{"a long name of a certificate", func(s *Spec) { s.ClientCertificate = strings.Repeat("b", 65) },
			"clientCertificate", "at most 64 characters"},
		{"too much jitter", func(s *Spec) { s.JitterMs = MaxJitterMs + 1 }, "jitterMs", "from 0 to 86400000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := validSpec()
			c.change(&s)
			got := fieldsOf(t, s.Validate())
			switch {
			case c.field == "" && len(got) > 0:
				t.Errorf("refused: %q", got)
			case c.field != "" && (len(got) != 1 || !strings.HasPrefix(got[0], c.field+": ") ||
				!strings.Contains(got[0], c.says)):
				t.Errorf("%q, want one fault of %s that says %q", got, c.field, c.says)
			}
		})
	}
}

// Two spellings of one header are a fault, whichever comes first.
func TestHeaderTwice(t *testing.T) {
	t.Parallel()
	s := validSpec()
	s.Headers = map[string]string{"X-Key": "1", "x-key": "2"}
	if got := fieldsOf(t, s.Validate()); len(got) != 1 || !strings.Contains(got[0], "is there twice") {
		t.Errorf("%q", got)
	}
}

// All faults are reported at once.
func TestSpecTellsEveryFault(t *testing.T) {
	t.Parallel()
	var empty Spec
	got := strings.Join(fieldsOf(t, empty.Validate()), "\n")
	for _, field := range []string{"schedule", "api", "type", "method", "timeoutMs", "retry.backoff", "overlap",
		"misfire.policy"} {
		if !strings.Contains(got, field+": ") {
			t.Errorf("%s is not in\n%s", field, got)
		}
	}
}

func TestVersionValidate(t *testing.T) {
	t.Parallel()
	const now = 1_767_225_600_000 // 2026-01-01
	for _, c := range []struct {
		name   string
		change func(*Version)
		says   string
	}{
		{"fires", func(*Version) {}, ""},
		{"once, in the past", func(v *Version) { v.Spec.Schedule = "@at 2020-01-01T00:00:00Z" },
			"names no instant after now"},
		{"once, in the past, paused", func(v *Version) {
			v.Spec.Schedule,
				v.Active = "@at 2020-01-01T00:00:00Z", false
		}, ""},
		{"a window without a fire", func(v *Version) { v.Spec.StartAt, v.Spec.EndAt = now+1000, now+2000 },
			"between startAt and endAt"},
		{"a window that is over", func(v *Version) { v.Spec.EndAt = now - 1000 }, "endAt: must be after now"},
		{"a wrong spec", func(v *Version) { v.Spec.API = "" }, "is required"},
	} {
		v := Version{Number: 1, EffectiveFrom: now, EffectiveTo: Forever, Active: true, Spec: validSpec()}
		c.change(&v)
		got := strings.Join(fieldsOf(t, v.Validate()), "\n")
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", c.name, got, c.says)
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``: ``, `{"a":1}`: `{"a":1}`, `[1, 2]`: `[1, 2]`, `17`: `17`, `"plain \u00fc\n"`: "plain ü\n", `""`: ``,
		`"unclosed`: `"unclosed`,
	} {
		s := Spec{Body: json.RawMessage(in)}
		body, isJSON := s.Payload()
		if string(body) != want || isJSON == (in != want || in == `""`) {
			t.Errorf("%s: %q, JSON %v", in, body, isJSON)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk full")
	for _, c := range []struct {
		err  error
		code Code
		text string
	}{
		{Invalid("api", "is wrong", "x"), CodeInvalid, "api: is wrong"},
		{NotFound("job", JobID{}), CodeNotFound, "job 00000000-0000-0000-0000-000000000000 does not exist"},
		{Conflict("at %d", 3), CodeConflict, "at 3"},
		{Unavailable(cause, "not now"), CodeUnavailable, "not now: disk full"},
		{fmt.Errorf("open: %w", Conflict("taken")), CodeConflict, "open: taken"},
		{cause, CodeInternal, "disk full"},
		{&Error{Code: CodeInvalid, Message: "bad", Fields: []FieldError{{Field: "a", Message: "b"},
			{Field: "c", Message: "d"}}}, CodeInvalid, "bad; a: b; c: d"},
	} {
		if ErrorCode(c.err) != c.code || c.err.Error() != c.text {
			t.Errorf("%s: %q, want %s: %q", ErrorCode(c.err), c.err, c.code, c.text)
		}
	}
	if !errors.Is(Unavailable(cause, "x"), cause) {
		t.Error("the cause is lost")
	}
}
