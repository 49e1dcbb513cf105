// Package charset tells texts that are UTF-8 from those of another encoding, and
// from compressed ones, before anybody parses them.
//
// # What it guarantees
//
//   - A byte order mark of UTF-8, which editors and shells of Windows write, is
//     no part of a text ([Trim]).
//   - What is UTF-16, UTF-32 or compressed is named as what it is ([Foreign]),
//     and UTF-8 never is.
//
// # How this is shown
//
// A table of the same text in every encoding, with and without a mark, and of
// texts in UTF-8 that come near; a property over random texts.
package charset

import "bytes"

// mark is what is before a text in UTF-8, where anything does.
const mark = "\xef\xbb\xbf"

// Trim takes a byte order mark of UTF-8 off.
func Trim(data []byte) []byte { return bytes.TrimPrefix(data, []byte(mark)) }

// HeadSize is how many bytes [Foreign] looks at.
const HeadSize = 4

// signatures begin what is not UTF-8: none of them is valid UTF-8, but for
// those with a NUL, which no text has. Longer ones come first.
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

// Foreign names what data, or its beginning of at least [HeadSize] bytes, is if
// it is no text in UTF-8; empty: nothing says so. Without a mark the place of
// the zero bytes tells, since texts of ours begin with ASCII (RFC 4627,
// section 3).
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
