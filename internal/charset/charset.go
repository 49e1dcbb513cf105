// Package charset distinguishes UTF-8 text from text in other encodings and from
// compressed data, before it is parsed.
//
// # What it guarantees
//
//   - A UTF-8 byte order mark, which editors and shells on Windows write, is removed
//     ([Trim]).
//   - UTF-16, UTF-32 and compressed data are recognized and named ([Foreign]); UTF-8 text
//     is never mistaken for one of them.
//   - Text that shows something else than it holds is recognized ([Invisible]).
//
// # How this is shown
//
// A table of the same text in every encoding, with and without a mark, and of UTF-8 texts
// that are similar; a property over random texts.
package charset

import (
	"bytes"
	"strings"
	"unicode"
)

// mark is the byte order mark of UTF-8.
const mark = "\xef\xbb\xbf"

// Trim removes a byte order mark of UTF-8.
func Trim(data []byte) []byte { return bytes.TrimPrefix(data, []byte(mark)) }

// HeadSize is the number of bytes that [Foreign] examines.
const HeadSize = 4

// signatures are the first bytes of formats other than UTF-8. None of them is valid UTF-8,
// except those with a NUL, which does not occur in text. Longer ones come first.
var signatures = []struct{ head, name string }{
	{"\xff\xfe\x00\x00", "UTF-32 (little endian)"},
	{"\x00\x00\xfe\xff", "UTF-32 (big endian)"},
	{"\xff\xfe", "UTF-16 (little endian)"},
	{"\xfe\xff", "UTF-16 (big endian)"},
	{"\x1f\x8b", "compressed with gzip"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd"},
	{"\xfd7zX", "compressed with xz"},
	{"PK\x03\x04", "a zip archive"},
}

// Foreign returns the name of the format if data, or its beginning of at least [HeadSize]
// bytes, is not UTF-8 text; empty: no other format was recognized. Without a byte order
// mark the positions of the zero bytes decide, because our texts begin with ASCII (RFC
// 4627, section 3).
func Foreign(data []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(data, []byte(s.head)) {
			return s.name
		}
	}
	if len(data) < 2 {
		return ""
	}
	zero := func(i int) bool { return i < len(data) && data[i] == 0 }
	switch {
	case zero(0) && zero(1) && zero(2) && len(data) >= HeadSize:
		return "UTF-32 (big endian)"
	case zero(1) && zero(2) && zero(3):
		return "UTF-32 (little endian)"
	case zero(0) && !zero(1):
		return "UTF-16 (big endian)"
	case zero(1) && !zero(0):
		return "UTF-16 (little endian)"
	}
	return ""
}

// Invisible returns the first character of a text that is not seen, or that changes the
// order in which others are seen: controls, marks of direction, characters of no width,
// fillers, and ends of lines and paragraphs. With them a name looks like another one, or a
// line of a log like two. found is false if there is none.
func Invisible(text string) (r rune, found bool) {
	i := strings.IndexFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || strings.ContainsRune(fillers, r)
	})
	if i < 0 {
		return 0, false
	}
	for _, r := range text[i:] {
		return r, true
	}
	return 0, false
}

// fillers are letters and marks without a shape of their own.
const fillers = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
