package executor

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// odd is a secret with the characters that notations escape.
const odd = `Zk/9+q"W<7&=~a%41\b é-_x`

// dress writes a text in a notation of answers.
type dress func(string) string

func each(s, format string) string {
	var out strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&out, format, s[i])
	}
	return out.String()
}

func inJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b[1 : len(b)-1])
}

var dresses = map[string]dress{
	"as it is":   func(s string) string { return s },
	"upper case": strings.ToUpper, "lower case": strings.ToLower,
	"JSON":                inJSON,
	"JSON with slashes":   func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
	"JSON, every byte":    func(s string) string { return each(strings.ReplaceAll(s, "é", "e"), `\u%04X`) },
	"JSON in JSON":        func(s string) string { return inJSON(inJSON(s)) },
	"JSON in a URL":       func(s string) string { return url.QueryEscape(inJSON(s)) },
	"bytes":               func(s string) string { return each(s, `\x%02x`) },
	"quoted by Go":        func(s string) string { return fmt.Sprintf("%q", s) },
	"a query":             url.QueryEscape,
	"a path":              url.PathEscape,
	"a URL in lower case": func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	"a URL, every byte":   func(s string) string { return each(s, "%%%02X") },
	"a URL twice":         func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	"HTML":                html.EscapeString,
	"HTML by number":      func(s string) string { return each(strings.ReplaceAll(s, "é", "e"), "&#%d;") },
	"HTML by hex number":  func(s string) string { return each(strings.ReplaceAll(s, "é", "e"), "&#X%x;") },
	"hex":                 func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":                 func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":              func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs":     func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64, no padding":  func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"base64 behind one":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("a" + s + "bc")) },
	"base64 behind two": func(s string) string {
		return base64.RawStdEncoding.EncodeToString(
			[]byte("ab" + s + "c"))
	},
	"base64 behind three": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("abc" + s)) },
	"base64 in a URL": func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("x" + s)))
	},
	"base64 in JSON": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s+"??>")), "/", `\/`)
	},
}

// Each secret in each dress, alone, between others, and cut at each place: of what was the
// secret less than minHiddenBytes characters remain.
func TestHideInOtherDress(t *testing.T) {
	for _, secret := range []string{odd, "canary-0123456789", "s3cr3t", "Bearer abc/def+ghi==", "a b  c d"} {
		plain := strings.ReplaceAll(secret, "é", "e")
		secrets := []string{"somethingelse", secret, plain}
		least := leastBeforeCut([]byte(strings.ToLower(secret)))
		for name, dress := range dresses {
			worn := dress(secret)
			got := hide("x: "+worn+";", secrets)
			rest := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(got, "x: "), ";"), "********", "")
			if !strings.Contains(got, "********") || len(rest) > 8 { // of base64: what belongs to its neighbours
				t.Errorf("%q as %s: %q shows as %q", secret, name, worn, got)
			}
			for n := 12; n < len(worn); n++ {
				got := hide("x: "+worn[:n], secrets)
				rest := strings.ReplaceAll(strings.TrimPrefix(got, "x: "), "********", "")
				if longestShared(rest, worn) > 6*least { // an escape has six bytes at most
					t.Errorf("%q as %s, cut: %q shows as %q", secret, name, worn[:n], got)
				}
			}
		}
	}
}

// longestShared returns how much of the start of worn is in a text.
func longestShared(text, worn string) (n int) {
	for n < len(worn) && strings.Contains(text, worn[:n+1]) {
		n++
	}
	return n
}

// A character beyond 16 bits is two escapes in JSON and in the escape of JavaScript.
func TestHidePairsOfEscapes(t *testing.T) {
	const secret = "canary-\U0001f511-012345\U0001f511"
	for _, text := range []string{
		secret, `canary-\ud83d\udd11-012345\uD83D\uDD11`, `canary-%uD83D%uDD11-012345%ud83d%udd11`,
		`canary-\\ud83d\\udd11-012345\\ud83d\\udd11`,
	} {
		if got := hide("x: "+text+";", []string{secret}); got != "x: ********;" {
			t.Errorf("%q shows as %q", text, got)
		}
		for n := len("canary-"); n < len(text); n++ {
			if got := hide("x: "+text[:n], []string{secret}); strings.Contains(got, "canary") {
				t.Errorf("%q shows as %q", text[:n], got)
			}
		}
	}
	for _, text := range []string{`\ud83d`, `\ud83d\u`, `\ud83d\u0041`, `\udd11\ud83d`, `%ud83d\udd11`} {
		if got := hide(text, []string{secret}); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// However many secrets a target repeats, and however they repeat themselves: what is
// compared is bounded, and nothing is shown where that was not all.
func TestHideIsBounded(t *testing.T) {
	var secrets []string
	for i := range 64 {
		secrets = append(secrets, strings.Repeat("a", 500)+strconv.Itoa(i)+strings.Repeat("b", 400))
	}
	if got := hide(strings.Repeat("a", maxSnippetBytes)+secrets[9], secrets); got != "********" {
		t.Errorf("shows as %q", got)
	}
	usual := []string{"Bearer canary-0123456789", "canary-0123456789"}
	for range 62 {
		usual = append(usual, fmt.Sprintf("Bearer canary-%d-0123456789", len(usual)))
	}
	text := strings.Repeat(`{\"a\":\"b%20c&amp;d\"} Bearer canary`, 28) + "."
	if got := hide(text, usual); got != text {
		t.Errorf("shows as %q", got)
	}
}

// What is no secret stays as it is.
func TestHideLeavesTheRest(t *testing.T) {
	secrets := []string{"Bearer abcdefghij", "abcdefghij", odd}
	for _, text := range []string{
		"", "HTTP 500 Internal Server Error: nothing", `{"error":"\u00e9\/x %41 &amp; &#x;"}`, "Bearer of news",
		`\`, `%`, `&`, `\u`, `\u12`, `%4`, "&#", "&#99999999999;", "abcdefgh is not it", "\xff\xfe", "é",
		strings.Repeat(`\\\\%25%25`, 100), `{"error":"missing Bearer"}`, `"Bearer "`,
		"expected BEARER (see the manual)",
	} {
		if got := hide(text, secrets); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	for text, want := range map[string]string{
		`its status is: "abcdefgh"`:  `its status is: "********"`,
		"abcdefgh...":                "********...",
		"abcdefgh (a stale address)": "******** (a stale address)",
		"ABCDEFGHIJabcdefghij, x":    "********, x",
		`abcdef\u00`:                 "********",
		`its status is: "Bearer a"`:  `its status is: "********"`,
		`Bearer a%6`:                 "********",
	} {
		if got := hide(text, secrets); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// FuzzHide: no input ends it, and no secret remains.
func FuzzHide(f *testing.F) {
	for _, dress := range dresses {
		f.Add(dress(odd), odd)
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := hide(text+secret+text, []string{secret})
		const mask = "********"
		if len(secret) < 4 || strings.Contains(mask+text, secret) || secret[:4] == mask[:4] {
			return
		}
		if strings.Contains(got, secret) {
			t.Errorf("%q in %q", secret, got)
		}
	})
}

// BenchmarkHide masks the longest text of a failure, with the secrets of a usual job.
func BenchmarkHide(b *testing.B) {
	secrets := []string{"Bearer canary-0123456789", "canary-0123456789", "whsec_abcdefghijklmnopqrstuvwx",
		"abcdefghijklmnopqrstuvwx"}
	for name, text := range map[string]string{
		"plain":   strings.Repeat("lorem ipsum dolor sit amet ", 38),
		"escaped": strings.Repeat(`{\"a\":\"b%20c&amp;d\"} canary-0`, 32),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				hide(text, secrets)
			}
		})
	}
}
