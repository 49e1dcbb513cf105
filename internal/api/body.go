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
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // admit has checked it against the limit
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return nil, readFault(err)
	}
	data := charset.Trim(buf.Bytes()) // RFC 8259, section 8.1
	return data, wire.CheckObject(data)
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
