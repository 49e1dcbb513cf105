package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Fault says why a text cannot be read. It has separate parts so that API and CLI can each format it in their own way.
type Fault struct {
	Subject string // what is wrong: "The body", "An object", "An item"; empty: the field
	Field   string // the place in the document, as a dotted path; as long as what was sent
	Message string // what is wrong with it, or what is permitted: "is empty: ..."
	Value   any    // what was given, if it may be shown; otherwise nil
	TooLong bool   // it is over a limit of length

	Code domain.FieldCode // what is wrong with the field, for programs
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Subject == "" {
		return f.Field + " " + f.Message
	}
	return f.Subject + " " + f.Message
}

func bodyFault(format string, args ...any) *Fault {
	return &Fault{Subject: "The body", Message: fmt.Sprintf(format, args...)}
}

// Limits of a JSON document. A job has about 20 fields, but a document of 1 MiB could have
// 100,000 members; each unknown one is compared with all known names.
const (
	maxMembers = 100 // of one object, outside of a job's body
	maxDepth   = 64  // of objects and arrays in each other
)

// CheckObject checks the form of a document before it is decoded: one JSON object in
// UTF-8, nothing after it, no duplicate names in an object, no unpaired surrogates, and
// limits for the number of names and the depth. encoding/json would silently use the last
// of two equal names and replace invalid characters. The job's body belongs to the user:
// its content is sent unchanged.
func CheckObject(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return bodyFault("is empty: it must be a JSON object")
	}
	if err := checkEncoding(data); err != nil {
		return err
	}
	if !json.Valid(data) {
		return syntaxProblem(data)
	}
	s := scan{data: data}
	if s.peek() != '{' {
		return bodyFault("must be a JSON object")
	}
	return s.value(&where{}, 1)
}

// checkEncoding refuses data that are not UTF-8 text and names their format.
func checkEncoding(data []byte) error {
	if name := charset.Foreign(data); name != "" {
		return bodyFault("is %s: it must be JSON in UTF-8", name)
	}
	if !utf8.Valid(data) {
		at := 0
		for r, n := utf8.DecodeRune(data); r != utf8.RuneError || n != 1; r, n = utf8.DecodeRune(data[at:]) {
			at += n
		}
		return bodyFault("is not valid UTF-8: its byte %d belongs to no character", at+1)
	}
	return nil
}

func syntaxProblem(data []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(se.Offset), len(data))], []byte("\n"))
		return bodyFault("is not valid JSON: %v (line %d, byte %d)", se, line, se.Offset)
	}
	return bodyFault("is not valid JSON")
}

// scan walks over a document that is known to be valid JSON.
type scan struct {
	data []byte
	pos  int
}

// peek skips white space and separators and returns the next byte.
func (s *scan) peek() byte {
	for strings.IndexByte(" \t\r\n,:", s.data[s.pos]) >= 0 {
		s.pos++
	}
	return s.data[s.pos]
}

// where is a place in a document. It is formatted only if something is wrong there,
// because a name can be as long as the document.
type where struct {
	parent  *where
	name    string
	element int // of an array, counted from 1; zero: a member of an object
}

func (w *where) String() string {
	if w.element > 0 {
		return w.parent.String() + "[" + strconv.Itoa(w.element-1) + "]"
	}
	if w.parent == nil || w.parent.parent == nil {
		return w.name
	}
	return w.parent.String() + "." + w.name
}

// body returns the place of the job's body if this place is inside it, or nil. The body is
// a member of the document, or of spec in the document of a whole job.
func (w *where) body() *where {
	for at := w; at.parent != nil; at = at.parent {
		if at.name == "body" && (at.parent.parent == nil || at.parent.name == "spec" &&
			at.parent.parent.parent == nil) {
			return at
		}
	}
	return nil
}

// inside reports whether the place is below the top of the job's body.
func (w *where) inside() bool {
	body := w.body()
	return body != nil && body != w
}

func (s *scan) value(at *where, depth int) error {
	if depth > maxDepth {
		return bodyFault("is nested deeper than %d levels", maxDepth)
	}
	switch s.peek() {
	case '{':
		return s.object(at, depth)
	case '[':
		element := where{parent: at}
		for s.pos++; s.peek() != ']'; {
			element.element++
			if err := s.value(&element, depth+1); err != nil {
				return err
			}
		}
		s.pos++
	case '"':
		if text := s.raw(); !at.inside() && HalfCharacter(text) {
			return halfCharacter(at.String())
		}
	default: // a number or a word
		for s.pos < len(s.data) && strings.IndexByte(" \t\r\n,:]}", s.data[s.pos]) < 0 {
			s.pos++
		}
	}
	return nil
}

func (s *scan) object(at *where, depth int) error {
	var names []string
	free := at.body() != nil
	for s.pos++; s.peek() != '}'; {
		raw := s.raw()
		member := where{parent: at, name: unquoted(raw)}
		if !free {
			if HalfCharacter(raw) {
				return halfCharacter(member.String())
			}
			if slices.Contains(names, member.name) {
				return &Fault{Field: member.String(), Message: "is there twice",
					Code: domain.FieldDuplicate}
			}
			if names = append(names, member.name); len(names) > maxMembers {
				return &Fault{Subject: "An object", Message: fmt.Sprintf("has more than %d members", maxMembers)}
			}
		}
		if err := s.value(&member, depth+1); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// raw returns the string at the cursor as it is written, in its quotes.
func (s *scan) raw() []byte {
	start := s.pos
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
	return s.data[start:s.pos]
}

// unquoted returns the value of a string.
func unquoted(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // valid: the whole document is
	return text
}

func halfCharacter(field string) error {
	return &Fault{Field: field, Code: domain.FieldFormat,
		Message: "holds half of a character: the two halves of one above U+FFFF must stand " +
			"together, as in " + `\ud83d\ude00`}
}

// Shorten truncates a text to a number of bytes, between two characters.
func Shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
