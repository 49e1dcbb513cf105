package h2

import (
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

// Unprocessed says that the peer has certainly not processed the request, so that it may
// be sent again.
type Unprocessed struct{ Why string }

func (e *Unprocessed) Error() string { return e.Why }

// Reset says that the peer has ended the stream before its answer was whole.
type Reset struct{ Code http2.ErrCode }

func (e *Reset) Error() string { return fmt.Sprintf("the stream was reset (%s)", e.Code) }

// Malformed says that the answer violates HTTP/2. The peer has received the request.
type Malformed struct{ Why string }

func (e *Malformed) Error() string { return e.Why }

// Ended says that the connection ended before the answer was whole.
type Ended struct {
	Why    string // in words; empty: Err says it
	Err    error  // of the network; may be nil
	Begins []byte // what a peer has sent that does not speak HTTP/2 at all
}

func (e *Ended) Error() string {
	if e.Why != "" {
		return e.Why
	}
	return e.Err.Error()
}

// Unwrap returns the error of the network.
func (e *Ended) Unwrap() error { return e.Err }

var (
	// ErrHeaderTooLong says that the header of an answer exceeds Config.MaxHeaderBytes.
	ErrHeaderTooLong = errors.New("h2: response header too long")
	// ErrTooManyInterim says that there were more than MaxInterim interim answers.
	ErrTooManyInterim = errors.New("h2: too many interim responses")
	// ErrShort says that the answer ended before its body had the length that its header
	// says.
	ErrShort = errors.New("h2: the body is shorter than its length")
	// ErrClosed says that the connection was closed on this side.
	ErrClosed = errors.New("h2: the connection was closed")
)

// violation is what a peer did that ends the connection: its code goes out with a
// GOAWAY.
type violation struct {
	code    http2.ErrCode
	why     string
	tooLong uint32 // the stream with a header that was too long for the connection to go on; 0: none
}

func (v *violation) Error() string { return v.why }

func violated(code http2.ErrCode, why string) error { return &violation{code: code, why: why} }

// violationOf returns the violation that the Framer found, or nil. detail is what it says
// beside the code. f is the header that it has not read to its end, if it was one.
func violationOf(f http2.Frame, err, detail error) *violation {
	var found http2.ConnectionError
	switch {
	case errors.Is(err, http2.ErrFrameTooLarge):
		return &violation{code: http2.ErrCodeFrameSize, why: "a frame is larger than was agreed"}
	case !errors.As(err, &found):
		return nil
	}
	v := &violation{code: http2.ErrCode(found)}
	header, ok := f.(*http2.MetaHeadersFrame)
	switch {
	case detail != nil:
		v.why = detail.Error()
	case ok && header.Truncated:
		v.why, v.tooLong = "a header is much larger than was agreed", header.StreamID
	case ok:
		v.why = "a header is much larger than was agreed, or cannot be decompressed"
	default:
		v.why = v.code.String()
	}
	return v
}
