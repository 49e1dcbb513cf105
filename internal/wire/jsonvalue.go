package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// member is one member of an object, as it is written.
type member struct {
	rawName []byte // in its quotes
	name    string
	value   json.RawMessage
}

// membersIn returns the members of an object that is valid JSON, in their order, those of
// one name too.
func membersIn(data []byte) (all []member) {
	s := scan{data: data}
	s.peek()
	for s.pos++; s.peek() != '}'; {
		raw := s.raw()
		all = append(all, member{raw, unquoted(raw), s.skip()})
	}
	return all
}

// elementsIn returns the elements of an array that is valid JSON.
func elementsIn(data []byte) (all []json.RawMessage) {
	s := scan{data: data}
	s.peek()
	for s.pos++; s.peek() != ']'; {
		all = append(all, s.skip())
	}
	return all
}

// skip returns the next value as it is written.
func (s *scan) skip() json.RawMessage {
	s.peek()
	start := s.pos
	for depth := 0; ; {
		switch s.data[s.pos] {
		case '"':
			s.raw()
		case '{', '[':
			depth++
			s.pos++
		case '}', ']':
			depth--
			s.pos++
		default:
			s.pos++
		}
		if depth == 0 && (s.pos == len(s.data) || strings.IndexByte("{[\"]}, \t\r\n", s.data[s.pos]) >= 0 ||
			strings.IndexByte("\"}]", s.data[s.pos-1]) >= 0) {
			return s.data[start:s.pos]
		}
	}
}

// sameJSON reports whether two texts are the same JSON value: members in any order, numbers
// and characters in any notation. A client that reads a document and sends it back writes it
// in its own way.
func sameJSON(a, b []byte) bool {
	a, b = bytes.TrimSpace(a), bytes.TrimSpace(b)
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 || a[0] != b[0] && (isStructure(a[0]) || isStructure(b[0])) {
		return false
	}
	switch a[0] {
	case '{':
		return sameMembers(membersIn(a), membersIn(b))
	case '[':
		return sameElements(elementsIn(a), elementsIn(b))
	case '"':
		text := unquoted(a)
		return b[0] == '"' && text == unquoted(b) && !strings.ContainsRune(text, utf8.RuneError)
	}
	return sameNumber(string(a), string(b))
}

// isStructure reports whether a value that begins so is an object, an array or a text.
func isStructure(c byte) bool { return c == '{' || c == '[' || c == '"' }

func sameElements(a, b []json.RawMessage) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !sameJSON(a[i], b[i]) {
			return false
		}
	}
	return true
}

// sameMembers compares objects. Of one with a name twice it only says that it is the same
// when the order is, too.
func sameMembers(a, b []member) bool {
	if len(a) != len(b) {
		return false
	}
	at := make(map[string]int, len(b))
	for i := range b {
		at[b[i].name] = i
	}
	for i := range a {
		j, has := at[a[i].name]
		if len(at) < len(b) {
			j, has = i, a[i].name == b[i].name
		}
		if !has || !sameJSON(a[i].value, b[j].value) {
			return false
		}
	}
	return true
}

// sameNumber compares numbers of at most 15 digits, which every client reads and writes
// without loss.
func sameNumber(a, b string) bool {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	return errA == nil && errB == nil && x == y && len(a) <= 16 && len(b) <= 16
}

// mergePatch lays a merge patch over a value (RFC 7396, section 2): members of the patch that
// are null are removed, objects are merged, all else is replaced. Both are valid JSON; an
// empty target is none. A target that does not change stays as it is written.
func mergePatch(target, patch json.RawMessage) json.RawMessage {
	if jsonKind(patch) != "object" {
		if sameJSON(target, patch) {
			return target
		}
		return patch
	}
	var all []member
	if len(target) > 0 && jsonKind(target) == "object" {
		all = membersIn(target)
	}
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].name] = i
	}
	changed := all == nil && (len(target) == 0 || jsonKind(target) != "object")
	for _, p := range membersIn(patch) {
		i, has := at[p.name]
		if isNull(p.value) {
			if has {
				delete(at, p.name)
				changed = true
			}
			continue
		}
		if !has {
			at[p.name], changed = len(all), true
			p.value = mergePatch(nil, p.value)
			all = append(all, p)
			continue
		}
		merged := mergePatch(all[i].value, p.value)
		changed = changed || !bytes.Equal(merged, all[i].value)
		all[i].value = merged
	}
	if !changed {
		return target
	}
	return joinMembers(all, func(m *member) bool { _, stays := at[m.name]; return stays })
}

// joinMembers writes an object of those members that stay.
func joinMembers(all []member, stays func(*member) bool) json.RawMessage {
	out := []byte{'{'}
	for i := range all {
		if !stays(&all[i]) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, all[i].rawName...), ':'), all[i].value...)
	}
	return append(out, '}')
}
