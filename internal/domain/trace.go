package domain

import (
	"time"
	"unicode/utf8"
)

// MaxTracedBody is how much of a body a [Trace] keeps, in bytes.
const MaxTracedBody = 64 << 10

// Trace is what is noted of a call that somebody wants to see: of a test call. The executor fills
// it, with secrets masked in what the target has answered. Calls of fires have none, and nothing
// is noted of them.
type Trace struct {
	Protocol string        // of the answer, HTTP/1.1 say; empty: none has come
	Request  TracedMessage // as it goes out, secrets included
	Response TracedMessage
	Times    CallTimes
}

// TracedMessage is a request or an answer without its first line.
type TracedMessage struct {
	Headers  []TracedHeader // in the order in which they were sent
	Body     []byte         // its first MaxTracedBody bytes
	Bytes    int64          // of the body that were sent or read
	Cut      bool           // there is more of the headers or of the body
	Withheld bool           // Body is left out: it is no text, and may have secrets of the job
}

// Text returns the body as text, if it is text in UTF-8; without a character at the end that was cut.
func (m *TracedMessage) Text() (text string, ok bool) {
	b := m.Body
	for n := 0; m.Cut && n < utf8.UTFMax-1 && len(b) > 0 && !utf8.Valid(b); n++ {
		b = b[:len(b)-1]
	}
	return string(b), utf8.Valid(b)
}

// TracedHeader is one line of a header.
type TracedHeader struct{ Name, Value string }

// CallTimes are how long the parts of a call took. Zero: the call has no such part, or did not
// come so far.
type CallTimes struct {
	Waited    time.Duration // in this process's own lines, before a connection was opened
	Lookup    time.Duration // of the name
	Connect   time.Duration
	Handshake time.Duration // of TLS
	FirstByte time.Duration // from the sending of the request until the answer begins
}

// Reset makes it one of a call that is sent anew, or of which nothing may be shown.
func (t *Trace) Reset() { *t = Trace{} }
