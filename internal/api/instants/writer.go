package instants

import (
	"io"
	"strconv"
	"time"
)

const (
	// bufferBytes is what is collected before it is written on. A thousand connections have
	// 4 MiB of it.
	bufferBytes = 4 << 10
	// maxName is the longest name of a member that is compared: those with an instant are
	// shorter.
	maxName = 64
	// maxNumber is the longest number that is an int64.
	maxNumber = 20
)

// The years 0 to 9999 in Unix milliseconds, which RFC 3339 can express.
const (
	minText = -62_167_219_200_000
	maxText = 253_402_300_799_999
)

// textLayout is RFC 3339 in UTC with milliseconds.
const textLayout = `"2006-01-02T15:04:05.000Z"`

// Text returns an instant in the form in which a [Writer] writes it, and whether it has one.
func Text(ms int64) (string, bool) {
	if ms < minText || ms > maxText {
		return "", false
	}
	return time.UnixMilli(ms).UTC().Format(textLayout[1 : len(textLayout)-1]), true
}

// Writer passes JSON on and writes the instants in it as text. Documents may follow each
// other. What is no JSON is passed on in some way, and never fails.
type Writer struct {
	to    io.Writer
	shape *Shape // of a document
	out   []byte

	next  state
	stack []level
	value *Shape // of the value that comes next
	depth int    // of objects and arrays in a value that is skipped
	quote bool   // within a string of that value
	slash bool   // the byte before was a backslash
	token []byte // the name, or the number
	long  bool   // the token is too long to be one of ours
}

// state says what the next byte is.
type state uint8

const (
	atValue   state = iota // the start of a value, or the end of an empty array
	inSkipped              // of a value that has no instants
	inNumber               // of an instant
	afterValue
	atName
	inName
	atColon
)

// level is an object or array that has instants.
type level struct {
	shape  *Shape
	object bool
}

// NewWriter returns a writer of documents of a shape.
func NewWriter(to io.Writer, shape *Shape) *Writer {
	w := &Writer{to: to, shape: shape}
	w.begin()
	return w
}

// begin expects a document.
func (w *Writer) begin() { w.next, w.value = atValue, w.shape }

// Write implements io.Writer. All of b is passed on when it returns, but for the digits of
// a number that may not have ended.
func (w *Writer) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		if len(w.out) >= bufferBytes {
			if err := w.flush(); err != nil {
				return len(b) - len(rest), err
			}
		}
		n := w.copyText(rest)
		if n == 0 {
			w.take(rest[0])
			n = 1
		}
		rest = rest[n:]
	}
	return len(b), w.flush()
}

// copyText passes on what is within a string that is skipped, up to its end or an escape:
// most of a long answer. It returns how many bytes that are.
func (w *Writer) copyText(b []byte) (n int) {
	if w.next != inSkipped || !w.quote || w.slash {
		return 0
	}
	for n < min(len(b), bufferBytes) && b[n] != '"' && b[n] != '\\' {
		n++
	}
	w.out = append(w.out, b[:n]...)
	return n
}

func (w *Writer) take(c byte) {
	switch w.next {
	case atValue:
		w.startValue(c)
	case inSkipped:
		w.skip(c)
	case inNumber:
		w.takeNumber(c)
	case afterValue:
		w.endValue(c)
	case atName:
		w.startName(c)
	case inName:
		w.takeName(c)
	case atColon:
		w.takeColon(c)
	}
}

func (w *Writer) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.to.Write(w.out)
	w.out = w.out[:0]
	return err
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// endsScalar reports whether a number or a word ends before a byte.
func endsScalar(c byte) bool { return isSpace(c) || c == ',' || c == '}' || c == ']' }

// startValue expects a value, or the end of an empty array.
func (w *Writer) startValue(c byte) {
	of := w.value
	switch {
	case isSpace(c):
		w.out = append(w.out, c)
	case c == ']':
		w.endValue(c)
	case of != nil && (c == '{' && (of.members != nil || of.each != nil) || c == '[' && of.each != nil):
		w.out = append(w.out, c)
		w.stack = append(w.stack, level{of, c == '{'})
		w.expectNext()
	case of != nil && of.instant && (c == '-' || c >= '0' && c <= '9'):
		w.token, w.long, w.next = append(w.token[:0], c), false, inNumber
	default:
		w.depth, w.quote, w.slash, w.next = 0, false, false, inSkipped
		w.skip(c)
	}
}

// expectNext expects what comes first in the innermost object or array, and after each comma.
func (w *Writer) expectNext() {
	if len(w.stack) == 0 {
		w.begin()
		return
	}
	top := w.stack[len(w.stack)-1]
	w.next, w.value = atValue, top.shape.each
	if top.object {
		w.next = atName
	}
}

// skip passes a value on that has no instants, to its end.
func (w *Writer) skip(c byte) {
	switch {
	case w.quote:
		w.quote = c != '"' || w.slash
		w.slash = c == '\\' && !w.slash
		w.out = append(w.out, c)
		if !w.quote && w.depth == 0 {
			w.next = afterValue
		}
		return
	case w.depth == 0 && endsScalar(c): // a number or a word has ended
		w.endValue(c)
		return
	case c == '"':
		w.quote, w.slash = true, false
	case c == '{', c == '[':
		w.depth++
	case c == '}', c == ']':
		if w.depth--; w.depth == 0 {
			w.next = afterValue
		}
	}
	w.out = append(w.out, c)
}

// endValue expects a comma, the end of what the value is in, or the next document.
func (w *Writer) endValue(c byte) {
	w.next = afterValue
	switch {
	case len(w.stack) == 0 && !isSpace(c):
		w.begin()
		if !endsScalar(c) { // otherwise it begins no document
			w.startValue(c)
			return
		}
	case c == ',':
		w.expectNext()
	case c == '}', c == ']':
		w.stack = w.stack[:max(0, len(w.stack)-1)]
	}
	w.out = append(w.out, c)
}

// startName expects the name of a member, or the end of the object.
func (w *Writer) startName(c byte) {
	switch c {
	case '"':
		w.token, w.long, w.slash, w.next = w.token[:0], false, false, inName
	case '}':
		w.endValue(c)
		return
	}
	w.out = append(w.out, c)
}

// takeName collects a name. One with an escape is none of ours.
func (w *Writer) takeName(c byte) {
	w.out = append(w.out, c)
	switch {
	case w.slash:
		w.slash = false
	case c == '\\':
		w.slash, w.long = true, true
	case c == '"':
		w.next = atColon
	case len(w.token) < maxName:
		w.token = append(w.token, c)
	default:
		w.long = true
	}
}

// takeColon looks up the shape of the member.
func (w *Writer) takeColon(c byte) {
	w.out = append(w.out, c)
	if c != ':' {
		return
	}
	of := w.stack[len(w.stack)-1].shape
	w.value, w.next = of.each, atValue
	if known, is := of.members[string(w.token)]; is && !w.long {
		w.value = known
	}
}

// takeNumber collects an instant, and writes it when it has ended.
func (w *Writer) takeNumber(c byte) {
	if !endsScalar(c) {
		if len(w.token) == maxNumber && !w.long { // no instant: it is passed on from here
			w.out, w.long = append(w.out, w.token...), true
		}
		if w.long {
			w.out = append(w.out, c)
		} else {
			w.token = append(w.token, c)
		}
		return
	}
	if !w.long {
		w.out = appendInstant(w.out, w.token)
	}
	w.endValue(c)
}

// appendInstant appends the text of an instant; a number that has none as it is.
func appendInstant(out, number []byte) []byte {
	ms, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil || ms < minText || ms > maxText {
		return append(out, number...)
	}
	return time.UnixMilli(ms).UTC().AppendFormat(out, textLayout)
}
