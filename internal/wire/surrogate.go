package wire

import (
	"bytes"
	"strconv"
)

// HalfCharacter reports whether a JSON string, as it is written, contains an escape for an
// unpaired surrogate (U+D800 to U+DFFF). RFC 8259, section 8.2, does not define its
// meaning; encoding/json silently replaces it by U+FFFD.
func HalfCharacter(raw []byte) bool {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 || at+1 >= len(raw) {
			return false
		}
		raw = raw[at:]
		switch first := surrogate(raw); {
		case first == 0:
			raw = raw[2:]
		case first < lowSurrogate && surrogate(raw[escapeSize:]) >= lowSurrogate:
			raw = raw[2*escapeSize:]
		default:
			return true
		}
	}
}

// Surrogates in UTF-16: the first of a pair are below lowSurrogate, the second from it on.
// An escape has the form \ud83d.
const (
	highSurrogate = 0xd800
	lowSurrogate  = 0xdc00
	lastSurrogate = 0xdfff
	escapeSize    = 6
)

// surrogate returns the surrogate that the escape at the beginning encodes; zero: none.
func surrogate(raw []byte) uint64 {
	if len(raw) < escapeSize || raw[0] != '\\' || raw[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(raw[2:escapeSize]), 16, 16)
	if err != nil || n < highSurrogate || n > lastSurrogate {
		return 0
	}
	return n
}
