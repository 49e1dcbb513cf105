package executor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// maxSnippetBytes is how much of a failure's body an execution keeps.
const maxSnippetBytes = 1 << 10

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

func isFold(b []byte, name string) bool {
	return len(b) == len(name) && strings.EqualFold(string(b), name)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// validHeader is the last check before the wire: a line break in a value would
// start a header, or a request, of somebody else's making.
func validHeader(name, value string) bool {
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value)
}
