package domain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a job spec. The API's body limit applies to the whole document.
// Lengths of text are in characters, as in JSON Schema; a character has at most
// four bytes.
const (
	MaxURLLength    = 2048
	MaxNameLength   = 200
	MaxJobKeyLength = 128
	MaxTags         = 32
	MaxTagLength    = 64
	MaxHeaders      = 64
	MaxHeaderBytes  = 32 << 10 // names and values together
	MaxBodyBytes    = 256 << 10
	defaultMethod   = "POST"
	defaultTimezone = "UTC"

	// MaxInstantMs is 2200-01-01, the end of the calendar.
	MaxInstantMs = 7_258_118_400_000

	// DefaultNamespace is the namespace of jobs that do not name one.
	DefaultNamespace = "default"
)

const maxNamespaceLength = 63

const namespaceRule = "must be 1 to 63 small letters, digits and hyphens"

// JobKeyRule says what the key of a job may be: one segment of a path, as it is written.
const JobKeyRule = "must be 1 to 128 letters, digits or characters of . _ : - and begin with a letter or a digit"

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// Rules that contain numbers. They are formatted once, not for each job that is valid.
var (
	headersRule     = fmt.Sprintf("must be at most %d", MaxHeaders)
	headerBytesRule = fmt.Sprintf("must be at most %d bytes in all", MaxHeaderBytes)
	nameRule        = fmt.Sprintf("must be at most %d characters of printable text", MaxNameLength)
	tagRule         = fmt.Sprintf("must be 1 to %d characters of printable text", MaxTagLength)
	methodRule      = "must be one of " + strings.Join(methods, ", ")
	tagsRule        = fmt.Sprintf("must be at most %d", MaxTags)
)

// ValidNamespace reports whether a text can name a namespace.
func ValidNamespace(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxNamespaceLength
}

// ValidJobKey reports whether a text can be the key of a job. It never needs an escape in a
// path, and is never . or .. there.
func ValidJobKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '.' && c != '_' && c != ':' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= MaxJobKeyLength
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// spoiledBody is not valid JSON, so no stored body and no document can have it.
const spoiledBody = "{"
