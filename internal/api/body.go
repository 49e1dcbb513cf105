package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Limits of a JSON document. A job has some 20 fields, a document of 1 MiB could
// name 100,000; each unknown one is compared with all that are known.
const (
	maxMembers = 100 // of one object, outside of a job's body
	maxDepth   = 64  // of objects and arrays in each other
)

// readBody reads a whole JSON body that [server.admit] has let in, and checks
// its form.
func readBody(r *http.Request) ([]byte, error) {
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // admit has checked it against the limit
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return nil, readFault(err)
	}
	return buf.Bytes(), checkObject(buf.Bytes())
}

// readFault tells a body that ended early or came too slowly from a fault of
// ours.
func readFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return kindSlow.problem("The body came too slowly.")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return kindMalformed.problem("The body ended before its announced length.")
	}
	return kindMalformed.problem("The body cannot be read: its transfer encoding is broken.")
}

// checkObject checks the form of a document before anybody decodes it: one
// JSON object in UTF-8, nothing after it, no name twice in an object, and not
// too many names or too deep. encoding/json would take the last of two equal
// names and replace what is not UTF-8, both in silence. The job's body is the
// user's own: in it names may repeat.
func checkObject(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return kindMalformed.problem("The body is empty: it must be a JSON object.")
	}
	if !utf8.Valid(data) {
		return kindMalformed.problem("The body is not valid UTF-8.")
	}
	if !json.Valid(data) {
		return syntaxProblem(data)
	}
	s := scan{data: data}
	if s.peek() != '{' {
		return kindMalformed.problem("The body must be a JSON object.")
	}
	return s.value(&where{}, 1)
}

func syntaxProblem(data []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(data, &v)
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(se.Offset), len(data))], []byte("\n"))
		return kindMalformed.problem("The body is not valid JSON: %v (line %d, byte %d).", se, line, se.Offset)
	}
	return kindMalformed.problem("The body is not valid JSON.")
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

// where is a place in a document. It is made text only when something is
// wrong there: a name can be as long as the document.
type where struct {
	parent *where
	name   string
}

func (w *where) String() string {
	if w.parent == nil || w.parent.name == "" {
		return w.name
	}
	return w.parent.String() + "." + w.name
}

// inBody reports whether the place is inside of the user's own body.
func (w *where) inBody() bool {
	for w.parent != nil && w.parent.parent != nil {
		w = w.parent
	}
	return w.parent != nil && w.name == "body"
}

func (s *scan) value(at *where, depth int) error {
	if depth > maxDepth {
		return kindMalformed.problem("The body is nested deeper than %d levels.", maxDepth)
	}
	switch s.peek() {
	case '{':
		return s.object(at, depth)
	case '[':
		for s.pos++; s.peek() != ']'; {
			if err := s.value(at, depth+1); err != nil {
				return err
			}
		}
		s.pos++
	case '"':
		s.text()
	default: // a number or a word
		for s.pos < len(s.data) && strings.IndexByte(" \t\r\n,:]}", s.data[s.pos]) < 0 {
			s.pos++
		}
	}
	return nil
}

func (s *scan) object(at *where, depth int) error {
	var names []string
	free := at.inBody()
	for s.pos++; s.peek() != '}'; {
		member := where{at, s.text()}
		if !free {
			if slices.Contains(names, member.name) {
				return kindMalformed.field(fmt.Sprint(echo(member.String())), "is there twice", nil)
			}
			if names = append(names, member.name); len(names) > maxMembers {
				return kindMalformed.problem("An object has more than %d members.", maxMembers)
			}
		}
		if err := s.value(&member, depth+1); err != nil {
			return err
		}
	}
	s.pos++
	return nil
}

// text reads the string at the cursor.
func (s *scan) text() string {
	start, escaped := s.pos, false
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			escaped = true
			s.pos++
		}
	}
	s.pos++
	raw := s.data[start:s.pos]
	if !escaped {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // valid: the whole document is
	return text
}

// merge lays a document over a spec as [domain.SpecDoc.Merge] does, but tells
// wrong values beside wrong names and types, so that one answer names all that
// is wrong.
func merge(doc *domain.SpecDoc, data []byte) error {
	err := doc.Merge(data)
	first, ok := errors.AsType[*domain.Error](err)
	if !ok {
		return err
	}
	rest := *doc
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil {
		return err
	}
	told := make(map[string]bool, len(first.Fields))
	for _, f := range first.Fields {
		top, _, _ := strings.Cut(f.Field, ".")
		told[top] = true
		delete(object, top)
	}
	readable, merr := json.Marshal(object)
	if merr != nil || rest.Merge(readable) != nil {
		return err
	}
	all := &domain.Error{Code: first.Code, Message: first.Message, Fields: first.Fields, Err: first.Err}
	if more, ok := errors.AsType[*domain.Error](rest.Spec.Validate()); ok {
		for _, f := range more.Fields {
			if top, _, _ := strings.Cut(f.Field, "."); !told[top] {
				all.Fields = append(all.Fields, f)
			}
		}
	}
	return all
}
