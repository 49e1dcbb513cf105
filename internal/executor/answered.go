package executor

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// describe puts a response that is no success in words. secure says whether it came
// over TLS.
func (r *response) describe(secure bool) string {
	status := r.head.status
	line := fmt.Sprintf("HTTP %03d", status)
	if text := http.StatusText(status); text != "" {
		line += " " + text
	}
	if status < 100 || status > 599 { // RFC 9110, section 15
		line += " (no status of HTTP; taken as a server error)"
	}
	if !secure && wantsTLS(status, r.snippet) {
		line += " (the URL should begin with https://)"
	}
	if status >= 300 && status < 400 && status != http.StatusNotModified {
		line += ": redirects are not followed"
		if location := r.head.values[fieldLocation]; len(location) > 0 {
			line += "; Location: " + printable(location[:min(len(location), maxSnippetBytes)])
		}
		return line
	}
	if text := r.snippetText(); text != "" {
		line += ": " + text
	}
	return line
}

// progress says how much of a response came.
func (r *response) progress() string {
	return fmt.Sprintf("HTTP %d, %d bytes read", r.head.status, r.bodyRead)
}

// snippetText returns the start of the body as text, or says what it is.
func (r *response) snippetText() string {
	if len(r.snippet) == 0 {
		return ""
	}
	encoding := string(r.head.values[fieldContentEncoding])
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fmt.Sprintf("(%s body of %s)", printable([]byte(encoding)), r.bodySize())
	}
	if isBinary(r.snippet) {
		return fmt.Sprintf("(binary body of %s, %s)", r.bodySize(), printable(r.head.values[fieldType]))
	}
	return printable(r.snippet)
}

func (r *response) bodySize() string {
	if n := r.head.length; n >= 0 && !r.head.encoded {
		return strconv.FormatInt(n, 10) + " bytes"
	}
	if r.bodyRead >= r.cfg.MaxResponseBytes {
		return "more than " + strconv.Itoa(r.cfg.MaxResponseBytes) + " bytes"
	}
	return strconv.Itoa(r.bodyRead) + " bytes"
}

// retryAfterMs returns what the answer asks for, in milliseconds.
func (r *response) retryAfterMs() int64 {
	return retryAfter(string(r.head.values[fieldRetryAfter]), r.cfg.Clock.Now())
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
