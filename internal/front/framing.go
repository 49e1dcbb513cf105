package front

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Why a request has more than one reading: another program may find another end of it,
// or other fields in it.
const (
	bothLengths = "has both Content-Length and Transfer-Encoding"
	oldChunks   = "has Transfer-Encoding in HTTP/1.0, which does not have it"
	foldedField = "has a header field that is folded over several lines"
	longLength  = "has a Content-Length that is longer than 48 characters"
)

// maxKeptLine is how much of a line of a head is kept: the longest name that matters
// has 17 bytes, and a length that is accepted 18 digits.
const maxKeptLine = 64

// maxFields is how many fields a head may have. Each takes some 100 bytes beside its text, so
// that a head of fields of ten bytes took eight times its length.
const maxFields = 100

// errManyFields ends a connection with a 400.
var errManyFields = errors.New("front: the head of a request has more fields than there may be")

// framing follows the requests that come on a connection, and notes the first one that
// has more than one reading. net/http accepts such requests and hides what was wrong
// with them: of a request with both lengths it drops the Content-Length, and it joins
// folded lines.
//
// It follows the heads alone. A body is skipped by its Content-Length. A request with
// Transfer-Encoding is the last one of its connection (ambiguousLength), so what comes
// after its head is not looked at. Where net/http refuses a request it closes the
// connection, so the two cannot come apart.
type framing struct {
	count   int64 // requests that have begun
	skip    int64 // bytes of a body to come
	named   bool  // the request line is behind
	stopped bool  // nothing more is looked at
	line    []byte
	length  int // of the line, with what was not kept
	version [3]byte

	hasLength bool
	bodyBytes int64
	encoded   bool
	fields    int    // of the head that is being read
	refused   bool   // net/http refuses this request
	fault     string // of the head that is being read

	mu     sync.Mutex
	served int64 // requests that were handed to the handler
	at     int64 // the first request that has a fault; zero: none
	reason string
}

// take follows what was read from the connection. With the error, errManyFields, it returns how
// many bytes net/http may get.
func (f *framing) take(read []byte) (good int, err error) {
	for b := read; len(b) > 0 && !f.stopped; {
		if f.skip > 0 {
			n := min(int64(len(b)), f.skip)
			f.skip -= n
			b = b[n:]
			continue
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			f.keep(b)
			break
		}
		f.keep(b[:i])
		if f.endLine(); f.fields > maxFields {
			return len(read) - len(b), errManyFields
		}
		b = b[i+1:]
	}
	return len(read), nil
}

// keep appends to the line.
func (f *framing) keep(b []byte) {
	f.length += len(b)
	f.line = append(f.line, b[:min(len(b), maxKeptLine-len(f.line))]...)
	if f.named {
		return
	}
	for _, c := range b[max(0, len(b)-4):] { // the version ends the request line, before its CR
		if c != '\r' {
			f.version = [3]byte{f.version[1], f.version[2], c}
		}
	}
}

// endLine takes a line.
func (f *framing) endLine() {
	line := bytes.TrimSuffix(f.line, []byte{'\r'})
	empty := f.length == 0 || f.length == 1 && len(line) == 0
	switch {
	case !f.named && len(bytes.TrimLeft(line, "\r")) == 0: // net/http skips these after a POST, or refuses them
	case !f.named:
		f.named = true
		f.count++
	case empty:
		f.endHead()
	case line[0] == ' ' || line[0] == '\t':
		f.fault = foldedField
	default:
		f.fields++
		f.takeField(line)
	}
	f.line, f.length = f.line[:0], 0
}

func (f *framing) takeField(line []byte) {
	name, value, _ := bytes.Cut(line, []byte{':'})
	switch name := string(bytes.TrimRight(name, " \t")); {
	case strings.EqualFold(name, "Transfer-Encoding"):
		f.encoded = true
	case strings.EqualFold(name, "Content-Length") && f.length > maxKeptLine:
		f.fault = longLength
	case strings.EqualFold(name, "Content-Length"):
		n, err := strconv.ParseUint(string(bytes.Trim(value, " \t")), 10, 63)
		f.refused = f.refused || err != nil
		f.hasLength, f.bodyBytes = true, int64(n)
	}
}

// endHead judges a head, and goes on to what follows it.
func (f *framing) endHead() {
	switch {
	case f.encoded && f.version == [3]byte{'1', '.', '0'}:
		f.fault = oldChunks
	case f.encoded && f.hasLength:
		f.fault = bothLengths
	}
	f.stopped = f.encoded || f.refused || f.fault != ""
	if f.fault != "" {
		f.mu.Lock()
		f.at, f.reason = f.count, f.fault
		f.mu.Unlock()
	}
	f.skip = f.bodyBytes
	f.named, f.hasLength, f.bodyBytes, f.fields = false, false, 0, 0
}

// next returns what is wrong with the request that is handed to the handler now, or "".
func (f *framing) next() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.served++
	if f.at != f.served {
		return ""
	}
	return f.reason
}

type framingKey struct{}

// withFraming returns a context in which the requests of a connection find its framing.
func withFraming(ctx context.Context, f *framing) context.Context {
	return context.WithValue(ctx, framingKey{}, f)
}

// readingFault returns why a request has more than one reading, or "". It is called once
// for each request.
func readingFault(r *http.Request) string {
	f, _ := r.Context().Value(framingKey{}).(*framing)
	if f == nil {
		return ""
	}
	return f.next()
}
