package wire

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestParseInteger(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "5": 5, "-5": -5, "5000.0": 5000, "5e3": 5000, "5E+3": 5000, "50000e-1": 5000, "0.5e1": 5,
		"5.000e3":        5000,
		"0e999999999999": 0, "0.0e-99999999": 0, "-0.0": 0, "1.5e1": 15, "-12.0": -12,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
		"9223372036854775807.0": math.MaxInt64, "1e18": 1e18,
	} {
		if got, fault := ParseInteger(text); got != want || fault != "" {
			t.Errorf("%s: %d, %q, want %d", text, got, fault, want)
		}
	}
	for text, want := range map[string]string{
		"5.5": "whole number, not 5.5", "1e-1": "not 1e-1", "5e-324": "not 5e-324",
		"1e-9999999999": "not 1e-9999999999",
		"1e400":         "within the limits", "1e308": "within the limits", "9223372036854775808": "within the limits",
		"1e19":          "within the limits",
		"1e99999999999": "within the limits", "12345678901234567890": "within the limits",
		strings.Repeat("9", 5000): "within the limits",
		"":                        "whole number", "-": "whole number", "+5": "whole number", "05": "whole number",
		"-05": "whole number",
		"5.":  "whole number", ".5": "whole number",
		"0x5": "whole number", "5e": "whole number", "NaN": "whole number", " 5": "whole number",
		"5_000": "whole number", "٥": "whole number",
	} {
		if got, fault := ParseInteger(text); !strings.Contains(fault, want) || got != 0 || len(fault) > 200 {
			t.Errorf("%.40s: %d, %q, want %q", text, got, fault, want)
		}
	}
	for raw, want := range map[string]string{
		`"5000"`: "not a string; leave the quotes out", `"5 s"`: "not a string", `true`: "not a boolean",
		`[]`: "not an array",
		`{}`: "not an object", `null`: "not null",
	} {
		if _, fault := DecodeInteger([]byte(raw)); !strings.HasSuffix(fault, want) {
			t.Errorf("%s: %q, want %q", raw, fault, want)
		}
	}
}

func TestDecodeInstant(t *testing.T) {
	for raw, want := range map[string]int64{
		"0": 0, "978307200000": MinInstantMs, "1767225600000": 1767225600000, "1767225600000.0": 1767225600000,
		"1.7672256e12":  1767225600000,
		"7258118400000": MaxInstantMs, `"2026-01-01T00:00:00Z"`: 1767225600000,
		`"2026-01-01t01:00:00.250+01:00"`:  1767225600250,
		`"2026-01-01T00:00:00.123456789Z"`: 1767225600123, `" 2026-01-01T00:00:00Z\n"`: 1767225600000,
		`"2001-01-01T00:00:00Z"`: MinInstantMs,
	} {
		if got, fault := DecodeInstant([]byte(raw)); got != want || fault != "" {
			t.Errorf("%s: %d, %q, want %d", raw, got, fault, want)
		}
	}
	for raw, want := range map[string]string{
		"1798761600": "before 2001: milliseconds? 1798761600 seconds are 1798761600000 milliseconds, " +
			"2027-01-01T00:00:00Z",
		"1":             "before 2001: milliseconds?",
		"-1":            "before 2001: milliseconds?",
		"978307199999":  "before 2001: milliseconds?",
		"7258118400001": "after 2199: milliseconds?",
		"1798761600000000": "after 2199: milliseconds? 1798761600000000 microseconds are " +
			"1798761600000 milliseconds",
		"1798761600000000000": "after 2199: milliseconds? 1798761600000000000 nanoseconds are " +
			"1798761600000 milliseconds",
		"1e400":                  "within the limits",
		"1767225600.5":           "whole number",
		`"1767225600000"`:        "leave the quotes out",
		`"2026-01-01"`:           "RFC 3339",
		`"2026-01-01T00:00:00"`:  "has no offset",
		`"2026-01-01 00:00:00Z"`: "RFC 3339", `"2026-01-01T0:00:00Z"`: "RFC 3339", `"2026-02-30T00:00:00Z"`: "RFC 3339",
		`"2026-01-01T24:00:00Z"`:     "RFC 3339",
		`"2026-01-01T00:00:00+0200"`: "RFC 3339", `"2026-01-01T00:00:00,5Z"`: "RFC 3339", `""`: "RFC 3339",
		`"tomorrow"`:             "RFC 3339",
		`"1999-12-31T23:59:59Z"`: "from 2001 to 2199", `"2200-06-01T00:00:00Z"`: "from 2001 to 2199",
		`true`: "not a boolean", `null`: "not null", `{}`: "not an object",
	} {
		if _, fault := DecodeInstant([]byte(raw)); !strings.Contains(fault, want) {
			t.Errorf("%s: %q, want %q", raw, fault, want)
		}
	}
}

func TestParseInstant(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1767225600000": 1767225600000, "1.7672256e12": 1767225600000, "253402300799999": MaxParameterMs,
		"2026-01-01T00:00:00Z":      1767225600000,
		"2026-01-01T02:00:00+02:00": 1767225600000, "2026-01-01T02:00:00 02:00": 1767225600000,
		"1970-01-01T00:00:00Z":     0,
		"9999-12-31T23:59:59.999Z": MaxParameterMs, "2026-01-01T00:00:00Z\n": 1767225600000,
	} {
		if got, fault := ParseInstant(text); got != want || fault != "" {
			t.Errorf("%s: %d, %q, want %d", text, got, fault, want)
		}
	}
	for text, want := range map[string]string{
		"1767225600": "seconds are 1767225600000", "1767225600000000": "microseconds are 1767225600000",
		"1767225600000000000": "nanoseconds are 1767225600000",
		"-1":                  "milliseconds?", "1767225600.25": "whole number", "yesterday": "RFC 3339",
		"":                    "RFC 3339",
		"2026-01-01":          "RFC 3339",
		"2026-01-01T00:00:00": "no offset", "1969-12-31T23:59:59Z": "before 1970", "1e400": "within the limits",
	} {
		if _, fault := ParseInstant(text); !strings.Contains(fault, want) {
			t.Errorf("%s: %q, want %q", text, fault, want)
		}
	}
}

func TestTargetsAsPeopleWriteThem(t *testing.T) {
	merged := func(api string) (domain.SpecDoc, string) {
		doc := domain.NewSpecDoc()
		doc.Schedule, doc.Type = "@hourly", domain.AtLeastOnce
		raw := mustJSON(t, map[string]string{"api": api})
		if err := lay(&doc, raw, overOld); err != nil {
			t.Fatalf("%s: %v", api, err)
		}
		if err := doc.Validate(); err != nil {
			return doc, err.Error()
		}
		return doc, ""
	}
	for api, want := range map[string]string{
		"http://bücher.example/a?b=ü":        "http://xn--bcher-kva.example/a?b=ü",
		"https://BÜCHER.example:8443":        "https://xn--bcher-kva.example:8443",
		"http://例え。テスト/":                     "http://xn--r8jz45g.xn--zckzah/",
		"http://xn--bcher-kva.example/":      "http://xn--bcher-kva.example/",
		"http://１２７.0.0.1/":                  "http://127.0.0.1/", // seen by the rules for targets as what it is
		" https://example.com/hook\n":        "https://example.com/hook",
		"HTTP://EXAMPLE.com/":                "HTTP://EXAMPLE.com/",
		"http://faß.example/":                "http://xn--fa-hia.example/",
		"http://example.com/straße":          "http://example.com/straße",
		"http://my_service.internal:8080/ok": "http://my_service.internal:8080/ok",
	} {
		if doc, fault := merged(api); doc.API != want || fault != "" {
			t.Errorf("%q is kept as %q (%s), want %q", api, doc.API, fault, want)
		}
	}
	for api, want := range map[string]string{
		"localhost:4444/x":          "did you mean http://localhost:4444/x?",
		"localhost":                 "did you mean http://localhost?",
		"example.com":               "did you mean http://example.com?",
		"127.0.0.1:8080/x":          "did you mean http://127.0.0.1:8080/x?",
		"[::1]:8080/x":              "did you mean http://[::1]:8080/x?",
		"//example.com/x":           "did you mean http://example.com/x?",
		"http:/example.com/x":       "did you mean http://example.com/x?",
		"https:/example.com/x":      "did you mean https://example.com/x?",
		"https//example.com/x":      "did you mean https://example.com/x?",
		"HTTPS:example.com":         "did you mean https://example.com?",
		"<https://example.com/x>":   "did you mean https://example.com/x?",
		"'example.com/x'":           "did you mean http://example.com/x?",
		"http.example.com":          "did you mean http://http.example.com?",
		"GET https://example.com/x": "must be the URL alone: did you mean https://example.com/x?",
		"curl -s http://a.example":  "must be the URL alone: did you mean http://a.example?",
		"http://a.example http://b": "must not hold spaces",
		"curl http://a.example/ x":  "must not hold spaces",
		"https:8080":                "must be an http or https URL, as in",
		"bücher.example/x":          "did you mean http://bücher.example/x?",
		"ftp://example.com/":        "must be an http or https URL",
		"javascript:alert(1)":       "must be an http or https URL, as in",
		"/hook":                     "must be an http or https URL, as in",
		"hook":                      "must be an http or https URL, as in",
		"http://":                   "must name a host",
		"http://bü\u202echer.de/":   "must name a valid host",
		"http://b%C3%BCcher.de/":    "must name a valid host",
		"http://u:p@bücher.example": "must not hold a user name",
	} {
		if _, fault := merged(api); !strings.Contains(fault, want) ||
			strings.HasPrefix(want, "must be an http or https URL") && strings.Contains(fault, "did you") {
			t.Errorf("%q: %q, want %q", api, fault, want)
		}
	}
}

func TestTextIsTrimmedOrNamed(t *testing.T) {
	doc := domain.NewSpecDoc()
	if err := lay(&doc, []byte(`{"schedule":"@hourly\n","api":"http://a.example/\r\n","type":"ATLEAST_ONCE","timezone":" Europe/Berlin\n",
		"name":"x\n","tags":["a\n"," b"],"headers":{"X-A":"\t1\n","X-B":""},"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5\n"]}}`), overOld); err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(); err != nil {
		t.Fatal(err)
	}
	if doc.Schedule != "@hourly" || doc.API != "http://a.example/" || doc.Timezone != "Europe/Berlin" ||
		doc.Name != "x" || doc.Tags[0] != "a" ||
		doc.Tags[1] != "b" || doc.Headers["X-A"] != "1" || doc.Headers["X-B"] != "" ||
		strings.HasSuffix(doc.Signing.Secrets[0].Reveal(), "\n") {
		t.Errorf("%+v", doc)
	}
	for raw, want := range map[string]string{
		`{"type":"ATLEAST_ONCE\n"}`: "type: must be ATLEAST_ONCE or ATMOST_ONCE; did you mean " +
			"ATLEAST_ONCE?",
		`{"type":"atleast_once"}`:             "did you mean ATLEAST_ONCE?",
		`{"type":"at-least-once"}`:            "did you mean ATLEAST_ONCE?",
		`{"method":"post"}`:                   "did you mean POST?",
		`{"overlap":"skip "}`:                 "did you mean SKIP?",
		`{"retry":{"backoff":"Exponential"}}`: "did you mean EXPONENTIAL?",
		`{"misfire":{"policy":"run-latest"}}`: "did you mean RUN_LATEST?",
		`{"dst":{"gap":"after"}}`:             "did you mean AFTER?",
		`{"namespace":"a\n"}`:                 "namespace: must be 1 to 63",
		`{"headers":{"X-A":null}}`:            "headers.X-A: must be a string, not null",
		`{"headers":{"X-A":5}}`:               "headers.X-A: must be a string, not a number",
		`{"tags":[null]}`:                     "tags[0]: must be a string, not null",
		`{"secretHeaders":["X-A",null]}`:      "secretHeaders[1]: must be a string, not null",
		`{"signing":{"secrets":[null]}}`:      "signing.secrets[0]: must be a string, not null",
		`{"isActive":"true"}`: "isActive: must be true or false, not a string; leave " +
			"the quotes out",
		`{"retry":{"maxRetries":"5"}}`: "retry.maxRetries: must be a whole number, not a string; " +
			"leave the quotes out",
		`{"retry":{"maxRetries":3.5}}`:                    "retry.maxRetries: must be a whole number, not 3.5",
		`{"endAt":1767225600001,"startAt":1767225600001}`: "endAt: must be after startAt",
	} {
		doc := domain.NewSpecDoc()
		doc.Schedule, doc.API, doc.Type = "@hourly", "http://a.example/", domain.AtLeastOnce
		err := lay(&doc, []byte(raw), overOld)
		if err == nil {
			err = doc.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", raw, err, want)
		}
	}
	// The text of a body is the user's own.
	if err := lay(&doc, []byte(`{"body":" x\n"}`), overOld); err != nil || string(doc.Body) != `" x\n"` {
		t.Errorf("body %s, %v", doc.Body, err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
