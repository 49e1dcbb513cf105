package executor

import (
	"bytes"
	"math"
)

// field is a header field that means something here.
type field int

const (
	fieldNone field = iota // any other
	fieldLength
	fieldEncoding
	fieldConnections
	fieldKeep
	fieldLocation
	fieldRetryAfter
	fieldType
	fieldContentEncoding
	fieldCount
)

var fieldNames = [fieldCount]string{
	fieldLength: "Content-Length", fieldEncoding: "Transfer-Encoding", fieldConnections: "Connection",
	fieldKeep:     "Keep-Alive",
	fieldLocation: "Location", fieldRetryAfter: "Retry-After", fieldType: "Content-Type",
	fieldContentEncoding: "Content-Encoding",
}

// maxKeptValue is how much of a field's value is kept: Location is the only long
// one, and a text of an outcome shows no more.
const maxKeptValue = 4 << 10

// reply is the head of an answer, as far as it means something here.
type reply struct {
	status  int
	minor   int  // of HTTP/1.minor
	odd     bool // something is not in the grammar: the connection is not used again
	named   bool // there has been a field line
	length  int64
	encoded bool // a transfer coding was said
	chunked bool // and the last one is chunked
	closes  bool
	stays   bool   // Connection: keep-alive
	broken  string // why its length cannot be known
	wrong   string // why its lines have more than one reading

	field  field // the last one, whose value may go on
	cut    bool  // and is longer than what was kept
	value  []byte
	values [fieldCount][]byte // the first of each; memory is reused
}

const noLength = -1

// reset makes it ready for the next answer, with an empty head.
func (r *reply) reset() {
	value, values := r.value[:0], r.values
	for i := range values {
		values[i] = values[i][:0]
	}
	*r = reply{length: noLength, value: value, values: values}
}

// bulky reports whether it holds more memory than is worth keeping.
func (r *reply) bulky() bool {
	n := cap(r.value)
	for _, v := range r.values {
		n += cap(v)
	}
	return n > maxKeptHeadBytes
}

// Why an answer cannot be taken as a success: another program, such as a proxy in front of
// the target, may read other fields in it, or find another end of it. Sections of RFC 9112.
const (
	spaceBeforeField = "it has white space before its first header field"            // 2.2
	foldedField      = "it has a header field that is folded over several lines"     // 5.2
	spaceBeforeColon = "it has white space between a header field and its colon"     // 5.1
	noColon          = "it has a header line without a colon"                        // 5
	noToken          = "it has a header field with a name that HTTP does not permit" // 5.1
	bothLengths      = "it has both Content-Length and Transfer-Encoding"            // 6.1
	oldChunks        = "it has Transfer-Encoding in HTTP/1.0, which does not have it"
)

// add takes a line of the header: a field, or the rest of one (obs-fold, RFC 9112,
// section 5.2). What has more than one reading is read on as far as a failure shows it.
func (r *reply) add(line []byte, cut bool) {
	if line[0] == ' ' || line[0] == '\t' {
		if r.named {
			r.refuse(foldedField)
		} else {
			r.refuse(spaceBeforeField)
		}
		r.more(line, cut)
		return
	}
	r.finish()
	r.named = true
	i := bytes.IndexByte(line, ':')
	if i < 0 {
		r.refuse(noColon)
		return
	}
	name := bytes.TrimRight(line[:i], " \t")
	switch {
	case !isToken(name):
		r.refuse(noToken)
		return
	case len(name) < i:
		r.refuse(spaceBeforeColon)
	}
	r.field = fieldOf(name)
	r.value = r.value[:0]
	r.more(line[i+1:], cut)
}

// refuse notes the first reason why the lines have more than one reading.
func (r *reply) refuse(why string) {
	if r.odd = true; r.wrong == "" {
		r.wrong = why
	}
}

// fault returns why the head has more than one reading, or "".
func (r *reply) fault() string {
	switch {
	case r.wrong != "":
		return r.wrong
	case r.encoded && r.minor == 0:
		return oldChunks
	case r.encoded && r.length != noLength:
		return bothLengths
	case r.encoded:
		return r.broken
	}
	return ""
}

// more appends to the value of the field, with one space between lines. CR and NUL
// become spaces (RFC 9110, section 5.5).
func (r *reply) more(part []byte, cut bool) {
	if bytes.IndexByte(part, 0) >= 0 || bytes.IndexByte(part, '\r') >= 0 {
		r.odd = true
	}
	if r.field == fieldNone {
		return
	}
	if len(r.value) > 0 {
		r.value = append(r.value, ' ')
	}
	room := max(0, maxKeptValue-len(r.value))
	part = bytes.Trim(part, " \t")
	r.cut = r.cut || cut || len(part) > room
	start := len(r.value)
	r.value = append(r.value, part[:min(len(part), room)]...)
	for i, c := range r.value[start:] {
		if c == 0 || c == '\r' {
			r.value[start+i] = ' '
		}
	}
}

// finish takes the field that has come to its end.
func (r *reply) finish() {
	f, cut := r.field, r.cut
	r.field, r.cut = fieldNone, false
	value := bytes.TrimSpace(r.value)
	switch f {
	case fieldNone, fieldCount:
		return
	case fieldLength:
		r.addLength(value)
	case fieldEncoding:
		r.addEncoding(value)
	case fieldConnections:
		r.addConnection(value)
	default:
		if len(r.values[f]) == 0 {
			r.values[f] = append(r.values[f], value...)
		}
		return
	}
	if cut {
		r.broken = "the " + fieldNames[f] + " is too long"
	}
}

// addLength takes a Content-Length: one number, or the same one several times
// (RFC 9110, section 8.6).
func (r *reply) addLength(value []byte) {
	said := false
	for item := range bytes.SplitSeq(value, []byte{','}) {
		item = bytes.Trim(item, " \t")
		if len(item) == 0 {
			continue
		}
		n, ok := parseLength(item)
		switch {
		case !ok:
			r.broken = "its Content-Length is no number"
		case r.length != noLength && r.length != n:
			r.broken = "it has two lengths that differ"
		}
		r.length, said = n, true
	}
	if !said {
		r.broken = "its Content-Length is empty"
	}
}

// parseLength reads digits. What is beyond an int64 is as long as one.
func parseLength(b []byte) (int64, bool) {
	if !isDigits(b) {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		if n > (math.MaxInt64-9)/10 {
			return math.MaxInt64, true
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// addEncoding takes codings in their order, over all lines. identity is none.
func (r *reply) addEncoding(value []byte) {
	for item := range bytes.SplitSeq(value, []byte{','}) {
		coding, _, _ := bytes.Cut(item, []byte{';'})
		coding = bytes.Trim(coding, " \t")
		if len(coding) == 0 || isFold(coding, "identity") {
			continue
		}
		r.encoded, r.chunked = true, isFold(coding, "chunked")
	}
}

func (r *reply) addConnection(value []byte) {
	for item := range bytes.SplitSeq(value, []byte{','}) {
		item = bytes.Trim(item, " \t")
		r.closes = r.closes || isFold(item, "close")
		r.stays = r.stays || isFold(item, "keep-alive")
	}
}

// persists reports whether the connection can carry another request after this
// answer (RFC 9112, section 9.3), as far as its head says.
func (r *reply) persists() bool {
	switch {
	case r.closes, r.odd, r.fault() != "":
		return false
	case r.minor == 0:
		return r.stays
	}
	return true
}

func fieldOf(name []byte) field {
	for f := fieldLength; f < fieldCount; f++ {
		if isFold(name, fieldNames[f]) {
			return f
		}
	}
	return fieldNone
}

// isToken reports whether a name has the bytes of one (RFC 9110, section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !nameBytes[c] && bytes.IndexByte([]byte("!#$%&'*+.^_`|~"), c) < 0 {
			return false
		}
	}
	return len(b) > 0
}
