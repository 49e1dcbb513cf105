package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terminalText returns a text from elsewhere as a terminal may be sent it: with line ends and tabs, and with everything
// else that is not seen as \u001b, in the way of all other output. A terminal takes control sequences for commands.
func terminalText(text string) string {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		if r <= 0xffff {
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			_, _ = fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// An escaper writes text and JSON, in which controls and what changes the direction of text become \u and four digits.
// encoding/json leaves those from U+007F on as they are, and a terminal takes U+009B for the begin of a command. Within
// JSON they are in strings alone, where both ways of writing mean the same. It buffers at most the first bytes of one
// character, until the others come.
type escaper struct {
	w     io.Writer
	begun []byte
	out   []byte
}

func (e *escaper) Write(p []byte) (int, error) {
	e.begun = append(e.begun, p...)
	text := e.begun
	e.out = e.out[:0]
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		if commands(r) {
			e.out = fmt.Appendf(e.out, `\u%04x`, r)
		} else {
			e.out = utf8.AppendRune(e.out, r)
		}
		text = text[size:]
	}
	e.begun = append(e.begun[:0], text...)
	if _, err := e.w.Write(e.out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// escaped returns a text as an escaper writes it.
func escaped(text string) string {
	var b strings.Builder
	_, _ = io.WriteString(&escaper{w: &b}, text) // a Builder fails never
	return b.String()
}

// commands reports whether a terminal may obey a character in place of showing it.
func commands(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control)
}
