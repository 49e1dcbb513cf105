package executor

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxSnippetBytes is how much of a failure's body an execution keeps.
const maxSnippetBytes = 1 << 10

// minHiddenBytes is how much of a secret at the end of a text is taken for one
// that was cut: less is there by chance.
const minHiddenBytes = 6

// report sets the outcome of a call that was answered.
func (e *exchange) report() {
	status := e.resp.status
	e.out.HTTPStatus = status
	e.out.Verdict = domain.VerdictOf(status)
	if e.out.Verdict == domain.VerdictSuccess {
		return
	}
	e.out.MaybeSent = true
	e.out.RetryAfterMs = e.retryAfterMs()
	e.out.Error = e.answer(status)
}

// answer puts a response that is no success in words.
func (e *exchange) answer(status int) string {
	line := fmt.Sprintf("HTTP %03d", status)
	if text := http.StatusText(status); text != "" {
		line += " " + text
	}
	if status < 100 || status > 599 { // RFC 9110, section 15
		line += " (no status of HTTP; taken as a server error)"
	}
	if e.pool.tls == nil && wantsTLS(status, e.snippet) {
		line += " (the URL should begin with https://)"
	}
	if status >= 300 && status < 400 && status != http.StatusNotModified {
		line += ": redirects are not followed"
		if location := e.resp.values[fieldLocation]; len(location) > 0 {
			line += "; Location: " + printable(location[:min(len(location), maxSnippetBytes)])
		}
		return line
	}
	if text := e.snippetText(); text != "" {
		line += ": " + text
	}
	return line
}

// hide blots secrets out of a text: a target may repeat the headers it was
// sent, and what it says goes into the history. Only failures have a text. The end of the text is checked
// for a secret that was cut off with it.
func hide(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, domain.Mask)
	}
	for _, secret := range secrets {
		for n := min(len(secret)-1, len(text)); n >= minHiddenBytes; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				text = text[:len(text)-n] + domain.Mask
				break
			}
		}
	}
	return text
}

// snippetText returns the start of the body as text, or says what it is.
func (e *exchange) snippetText() string {
	if len(e.snippet) == 0 {
		return ""
	}
	encoding := string(e.resp.values[fieldContentEncoding])
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fmt.Sprintf("(%s body of %s)", printable([]byte(encoding)), e.bodySize())
	}
	if isBinary(e.snippet) {
		return fmt.Sprintf("(binary body of %s, %s)", e.bodySize(), printable(e.resp.values[fieldType]))
	}
	return printable(e.snippet)
}

func (e *exchange) bodySize() string {
	if n := e.resp.length; n >= 0 && !e.resp.encoded {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	if e.bodyRead >= e.x.cfg.MaxResponseBytes {
		return "more than " + strconv.Itoa(e.x.cfg.MaxResponseBytes) + " bytes"
	}
	return strconv.Itoa(e.bodyRead) + " bytes"
}

// isBinary guesses whether bytes are no text: a NUL, or more than one
// character in eight that no text of a Unix or web encoding holds.
func isBinary(b []byte) bool {
	odd, runes := 0, 0
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 && !utf8.FullRune(b) {
			break // cut in the middle of a character
		}
		if r == 0 {
			return true
		}
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !unicode.IsSpace(r) {
			odd++
		}
		runes++
		b = b[size:]
	}
	return odd*8 > runes
}

// printable returns bytes as valid UTF-8 that is safe to show on one line:
// white space becomes one space, what cannot be printed (controls, marks that
// change the direction of text, broken encoding) becomes U+FFFD. The result
// has at most maxSnippetBytes bytes.
func printable(b []byte) string {
	var out strings.Builder
	space := false
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 && !utf8.FullRune(b) {
			break
		}
		b = b[size:]
		if unicode.IsSpace(r) {
			space = out.Len() > 0
			continue
		}
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		gap := ""
		if space {
			gap, space = " ", false
		}
		if out.Len()+len(gap)+utf8.RuneLen(r) > maxSnippetBytes {
			break
		}
		out.WriteString(gap)
		out.WriteRune(r)
	}
	return out.String()
}

// retryAfterMs returns what the answer asks for, in milliseconds.
func (e *exchange) retryAfterMs() int64 {
	return retryAfter(string(e.resp.values[fieldRetryAfter]), e.x.cfg.Clock.Now())
}

// retryAfter reads Retry-After (RFC 9110, section 10.2.3): seconds, or a date.
// Seconds may have decimals, as some services send them, and are rounded up: an
// attempt must not come sooner than asked for. What is neither counts as absent.
func retryAfter(value string, now time.Time) int64 {
	whole, part, dot := strings.Cut(value, ".")
	if isDigits([]byte(whole)) && (!dot || isDigits([]byte(part))) {
		seconds, _ := parseLength([]byte(whole))
		ms := min(seconds, math.MaxInt32) * 1000
		if thousandths := (part + "000")[:3]; dot {
			n, _ := strconv.ParseInt(thousandths, 10, 64)
			ms += n
			if strings.Trim(part[min(len(part), 3):], "0") != "" {
				ms++
			}
		}
		return ms
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, at.Sub(now).Milliseconds())
}
