package api

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// readBody reads a whole JSON body that [router.admit] has let in, and checks
// its form.
func readBody(r *http.Request) ([]byte, error) {
	data, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	data = charset.Trim(data) // RFC 8259, section 8.1
	return data, wire.CheckObject(data)
}

// wholeBody reads a whole body. A second call returns the same bytes, of which there is one
// copy: [room] counts no more.
func wholeBody(r *http.Request) ([]byte, error) {
	if read, ok := r.Body.(bodyRead); ok {
		return read.data, nil
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // admit has checked it against the limit
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return nil, readFault(err)
	}
	r.Body = bodyRead{http.NoBody, buf.Bytes()}
	return buf.Bytes(), nil
}

// bodyRead is the body of a request after it was read.
type bodyRead struct {
	io.ReadCloser // has nothing left
	data          []byte
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
