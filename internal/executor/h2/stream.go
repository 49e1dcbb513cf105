package h2

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2/hpack"
)

// Answer takes an answer as it comes. Its methods must not block: other streams wait
// meanwhile. None is called after Do has returned.
type Answer interface {
	// Header takes the status and the fields of the final answer. Of a header that is too
	// long, which ends the stream, it takes the status alone.
	Header(status int, fields []hpack.HeaderField)
	// Data takes a part of the body, and says whether it wants more.
	Data(p []byte) (more bool)
}

// Request is what goes out on a stream.
type Request struct {
	Head []byte // as HTTP/1.1 writes it, Host first
	Body []byte
	Once bool // the connection must be known to be alive
}

// place is where a stream is.
type place int

const (
	outside place = iota // it has ended, or was not begun
	queued
	open
)

// Stream is one request and its answer. It may be used for one after the other.
type Stream struct {
	answer Answer
	done   chan struct{} // gets one value when the stream ends
	timer  *time.Timer
	err    error

	place   place
	id      uint32
	batch   uint64 // the write that its head is part of
	sent    bool   // bytes of the request may have been written
	head    string
	body    []byte // what is not sent yet
	window  int64  // for it
	written bool   // all of the request

	room     int64 // what the peer may still send
	noBody   bool  // the answer has none, whatever its length says
	length   int64 // of the body that the header says; -1: none
	received int64
	headed   bool // the final header has come
	interim  int
	interimB int // bytes of interim headers
}

// NewStream returns a stream that is ready for a request.
func NewStream() *Stream {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return &Stream{done: make(chan struct{}, 1), timer: t}
}

// Sent reports whether a byte of the last request may have been written.
func (s *Stream) Sent() bool { return s.sent }

// Whole reports whether the whole request was written.
func (s *Stream) Whole() bool { return s.written }

// Headed reports whether the header of the answer has come.
func (s *Stream) Headed() bool { return s.headed }

func (s *Stream) begin(req *Request, a Answer) {
	*s = Stream{
		answer: a, done: s.done, timer: s.timer,
		head: string(req.Head), body: req.Body, length: -1,
		noBody: strings.HasPrefix(string(req.Head[:min(len(req.Head), 5)]), "HEAD "),
	}
}

// end releases what the stream refers to.
func (s *Stream) end() { s.answer, s.head, s.body = nil, "", nil }

// parseStatus reads three digits.
func parseStatus(text string) (status int, ok bool) {
	if len(text) != 3 || text[0] < '1' {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil
}

// noteHeader takes the header of the final answer.
func (s *Stream) noteHeader(status int, fields []hpack.HeaderField) {
	s.headed = true
	s.noBody = s.noBody || status == 204 || status == 304
	for _, f := range fields {
		if f.Name != "content-length" {
			continue
		}
		if n, err := strconv.ParseUint(f.Value, 10, 62); err == nil {
			s.length = int64(n)
		}
	}
	s.answer.Header(status, fields)
}

// long reports whether the body is longer than its length (section 8.1.1).
func (s *Stream) long() bool { return !s.noBody && s.length >= 0 && s.received > s.length }

// short reports whether the body that has come to its end is shorter than its length.
func (s *Stream) short() bool { return !s.noBody && s.received < s.length }
