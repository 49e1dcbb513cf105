package executor

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// ending is how the end of a body is found (RFC 9112, section 6.3).
type ending int

const (
	bodyNone ending = iota
	bodyChunked
	bodyLength
	bodyToEnd // of the connection
	bodyBroken
)

// framingOf decides by the rules of that section, in their order.
func framingOf(method string, r *reply) ending {
	switch {
	case method == http.MethodHead, r.status >= 100 && r.status < 200, r.status == 204, r.status == 304:
		return bodyNone // rule 1
	case r.encoded && r.chunked:
		return bodyChunked // rules 3 and 4
	case r.broken != "":
		return bodyBroken // rule 5
	case r.encoded:
		return bodyToEnd // rule 4
	case r.length != noLength:
		return bodyLength // rule 6
	}
	return bodyToEnd // rule 8
}

// readAnswer reads the response, past any interim ones.
func (e *exchange) readAnswer(br *bufio.Reader) error {
	for range maxInterim {
		if err := e.readHead(br); err != nil {
			return err
		}
		if s := e.resp.status; s < 100 || s >= 200 || s == http.StatusSwitchingProtocols {
			return e.readBody(br)
		}
	}
	return errTooManyInterim
}

// readBody reads the body to its end or to the limit. Of a failure it keeps
// the start.
func (e *exchange) readBody(br *bufio.Reader) (err error) {
	success := domain.VerdictOf(e.resp.status) == domain.VerdictSuccess
	ends := true // the connection can go on, as far as the body tells
	switch framingOf(e.call.Method, &e.resp) {
	case bodyNone:
		ends = e.resp.status >= 200
	case bodyBroken:
		if success {
			return &unreadable{e.resp.broken}
		}
		return nil
	case bodyChunked:
		e.phase = phaseBody
		ends, err = e.readChunks(br, !success)
	case bodyLength:
		e.phase = phaseBody
		err = e.readPart(br, e.resp.length, !success)
	case bodyToEnd:
		e.phase = phaseBody
		ends = false
		if err = e.readPart(br, math.MaxInt64, !success); errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
	}
	e.reusable = err == nil && ends && br.Buffered() == 0
	if !success || errors.Is(err, errTooLong) {
		return nil // what the status says stands, whatever becomes of the body
	}
	return err
}

var errTooLong = errors.New("response longer than the limit")

// readPart reads n bytes of the body, of which it keeps the start if asked to.
func (e *exchange) readPart(br *bufio.Reader, n int64, keep bool) error {
	buf := e.head[:min(cap(e.head), e.x.cfg.MaxResponseBytes)]
	for n > 0 {
		if e.bodyRead >= e.x.cfg.MaxResponseBytes {
			return errTooLong
		}
		got, err := br.Read(buf[:min(int64(len(buf)), n)])
		e.bodyRead += got
		n -= int64(got)
		if keep {
			e.snippet = append(e.snippet, buf[:min(got, maxSnippetBytes-len(e.snippet))]...)
		}
		if err != nil && n > 0 {
			return err
		}
	}
	if e.bodyRead >= e.x.cfg.MaxResponseBytes {
		return errTooLong
	}
	return nil
}

// readChunks reads a chunked body (RFC 9112, section 7.1). With the last chunk the
// content is whole (section 8): what follows is not waited for, but without the
// end of the trailer ends is false.
func (e *exchange) readChunks(br *bufio.Reader, keep bool) (ends bool, err error) {
	for strict := true; ; {
		size, crlf, err := e.readChunkSize(br)
		strict = strict && crlf
		if err != nil {
			return false, err
		}
		if size == 0 {
			return e.skipTrailer(br) && strict, nil
		}
		if err := e.readPart(br, size, keep); err != nil {
			return false, err
		}
		end, err := br.ReadByte()
		if err == nil && end == '\r' {
			end, err = br.ReadByte()
		} else {
			strict = false
		}
		if err != nil {
			return false, err
		}
		if end != '\n' {
			return false, &unreadable{"a chunk is longer than it said"}
		}
	}
}

// readChunkSize reads the line before a chunk. Its extensions are passed over.
func (e *exchange) readChunkSize(br *bufio.Reader) (size int64, crlf bool, err error) {
	line, err := br.ReadSlice('\n')
	size, ok := parseChunkSize(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		if !ok {
			return 0, false, &unreadable{"a chunk has no size"}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // ends with the budget at the latest
			line, err = br.ReadSlice('\n')
		}
	}
	switch {
	case err != nil:
		return 0, false, err
	case !ok:
		return 0, false, &unreadable{"a chunk has no size"}
	}
	return size, bytes.HasSuffix(line, []byte("\r\n")), nil
}

// parseChunkSize reads the hexadecimal number at the start of a line, which ends
// with it, with white space or with an extension.
func parseChunkSize(line []byte) (size int64, ok bool) {
	line = bytes.TrimLeft(line, " \t")
	i := 0
	for ; i < len(line) && nibbles[line[i]] < 16; i++ {
		if size > math.MaxInt64>>4 {
			size = math.MaxInt64 >> 4
		}
		size = size<<4 | int64(nibbles[line[i]])
	}
	if i == 0 || i == len(line) {
		return 0, false
	}
	c := line[i]
	return size, c == ';' || isGap(c) || c == '\n'
}

var nibbles = func() (of [256]byte) {
	for c := range of {
		of[c] = 16
	}
	for i := range 10 {
		of['0'+i] = byte(i)
	}
	for i := range 6 {
		of['a'+i], of['A'+i] = byte(10+i), byte(10+i)
	}
	return of
}()

// skipTrailer passes over the trailer as far as it has come, and reports whether
// that was its end.
func (e *exchange) skipTrailer(br *bufio.Reader) bool {
	for {
		b, _ := br.Peek(br.Buffered())
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return false
		}
		_, _ = br.Discard(i + 1)
		if i == 0 || i == 1 && b[0] == '\r' {
			return i == 1
		}
	}
}
