package executor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"
)

// Limits of the head of a response. A parsed line takes about 90 bytes beside
// its text, so that lines of three bytes would take thirty times of what was
// sent: 256 of them take 23 KB. In the first kilobyte there is no room for so
// many that it would matter, and few responses have a longer head; only longer
// ones are counted.
const (
	maxHeadLines = 256
	uncounted    = 1 << 10
)

var (
	errHeaderTooLong  = errors.New("response header too long")
	errTooManyLines   = errors.New("too many lines in the response header")
	errTooManyInterim = errors.New("too many interim responses")
)

// readHead reads one head into e.resp. One that does not fit into the buffer is
// read through a longer one, which is returned; it holds what was read so far.
func (e *exchange) readHead(br *bufio.Reader) (*bufio.Reader, error) {
	err := e.resp.Header.Read(br)
	if _, small := errors.AsType[*fasthttp.ErrSmallBuffer](err); small {
		if br.Size() >= e.x.cfg.MaxHeaderBytes {
			return br, errHeaderTooLong
		}
		e.bulky = true
		br = bufio.NewReaderSize(br, e.x.cfg.MaxHeaderBytes)
		if err := awaitHead(br); err != nil {
			return br, err
		}
		err = e.resp.Header.Read(br)
	}
	if err == nil && e.received() > uncounted && e.resp.Header.Len() > maxHeadLines {
		e.bulky = true
		err = errTooManyLines
	}
	return br, err
}

// awaitHead waits until a whole head is buffered, and looks at each byte once:
// a target that sends it byte by byte costs no more than another one. What is
// wrong with the connection is for the parser to find.
func awaitHead(br *bufio.Reader) error {
	var scan headScan
	for {
		b, err := br.Peek(br.Buffered())
		switch {
		case err != nil:
			return err
		case scan.ends(b):
			return nil
		case scan.lines > maxHeadLines:
			return errTooManyLines
		case len(b) == br.Size():
			return errHeaderTooLong
		}
		if _, err := br.Peek(len(b) + 1); err != nil {
			return nil //nolint:nilerr // see above
		}
	}
}

// headScan looks for the empty line that ends a head.
type headScan struct {
	at    int // bytes looked at
	start int // of the line
	lines int
}

// ends goes on in a longer slice of the same bytes, and reports whether the
// head ends in it.
func (s *headScan) ends(b []byte) bool {
	for s.lines <= maxHeadLines {
		i := bytes.IndexByte(b[s.at:], '\n')
		if i < 0 {
			s.at = len(b)
			return false
		}
		line := bytes.TrimSuffix(b[s.start:s.at+i], []byte("\r"))
		s.at += i + 1
		s.start = s.at
		s.lines++
		if len(line) == 0 {
			return true
		}
	}
	return false
}

// describeHead puts in words what is wrong with the size of a head or a
// trailer, or returns "".
func (e *exchange) describeHead(err error) string {
	_, small := errors.AsType[*fasthttp.ErrSmallBuffer](err)
	switch {
	case errors.Is(err, errHeaderTooLong):
		return fmt.Sprintf("the response header is larger than %d bytes", e.x.cfg.MaxHeaderBytes)
	case errors.Is(err, errTooManyLines):
		return fmt.Sprintf("the response header has more than %d lines", maxHeadLines)
	case errors.Is(err, errTooManyInterim):
		return fmt.Sprintf("more than %d interim (1xx) responses", maxInterim)
	case errors.Is(err, errTooLong) && e.phase == phaseHeader:
		return "the interim (1xx) responses are too large"
	case small && e.phase == phaseBody:
		return "the trailer of the response is too large"
	}
	return ""
}
