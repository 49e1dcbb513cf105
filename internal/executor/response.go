package executor

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	firstBytes = 512 // hold most responses whole: one read
	// 1xx responses before the real one: one a second for a quarter of an hour; their bytes count too
	maxInterim = 1000

	// chunkOverhead times the body limit is what may be read of a body on the
	// wire: a chunk of one byte takes six. It bounds chunk extensions, which
	// are part of no body and have no length of their own.
	chunkOverhead = 6
)

// response reads one response, past any interim ones, within the limits. Its memory
// is used again.
type response struct {
	cfg    *Config
	method string // of the request
	conn   io.Reader

	first  [firstBytes]byte
	unread []byte        // of first
	br     *bufio.Reader // reads through the response; nil while nothing has come
	budget int           // bytes that may still be read

	head     reply
	long     []byte // the start of a line that is longer than the buffer
	inBody   bool   // the head is read
	bodyRead int    // bytes of the body
	scratch  []byte // a place to read bodies into
	snippet  []byte // start of a failure's body
	ends     bool   // the body does not prevent further use of the connection

	trace    *domain.Trace // nil: nothing is noted
	headedAt time.Time     // with a trace: when the head of an answer by HTTP/2 came
}

// begin makes it ready for an answer that comes on a connection.
func (r *response) begin(cfg *Config, method string, conn io.Reader, scratch []byte) {
	r.cfg, r.method, r.conn, r.scratch = cfg, method, conn, scratch
	r.inBody, r.bodyRead, r.ends = false, 0, false
	r.budget = cfg.MaxHeaderBytes + chunkOverhead*cfg.MaxResponseBytes
}

// end gives back the reader, and releases what the response refers to.
func (r *response) end(buffers *sync.Pool) {
	if r.br != nil {
		r.br.Reset(nil)
		buffers.Put(r.br)
		r.br, r.unread = nil, nil
	}
	r.conn, r.method, r.snippet, r.scratch, r.trace = nil, "", nil, nil, nil
}

// Read reads from the connection within the budget. The end of the connection
// is unexpected wherever a message has an end of its own; without this the
// parser would take it for the last chunk.
func (r *response) Read(p []byte) (int, error) {
	if len(r.unread) > 0 {
		n := copy(p, r.unread)
		r.unread = r.unread[n:]
		return n, nil
	}
	if r.budget <= 0 {
		return 0, errTooLong
	}
	n, err := r.conn.Read(p)
	return n, r.noteRead(n, err)
}

// noteRead takes what a read from the connection came to.
func (r *response) noteRead(n int, err error) error {
	r.budget -= n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// plain reports whether the n bytes that came first are the whole response and a
// plain success. It notes the status then.
func (r *response) plain(n int) (keeps time.Duration, ok bool) {
	if r.method == http.MethodHead || r.trace != nil {
		return 0, false
	}
	status, keeps := plainSuccess(r.first[:n], r.cfg.MaxResponseBytes)
	if status != 0 {
		r.head.status = status
	}
	return keeps, status != 0
}

// read reads the response, of which n bytes came first, through the reader.
func (r *response) read(n int, br *bufio.Reader) error {
	r.unread, r.br = r.first[:n], br
	br.Reset(r)
	return r.readAnswer()
}

func (r *response) readAnswer() error {
	for odd, n := false, 0; n < maxInterim; n++ {
		if err := r.readHead(); err != nil {
			return err
		}
		r.head.odd = r.head.odd || odd
		if s := r.head.status; s < 100 || s >= 200 || s == http.StatusSwitchingProtocols {
			return r.readBody()
		}
		if why := r.head.fault(); why != "" {
			return &unreadable{why}
		}
		odd = r.head.odd
	}
	return errTooManyInterim
}

// readHead reads one head of an answer.
func (r *response) readHead() error {
	r.head.reset()
	remaining := r.cfg.MaxHeaderBytes
	if err := awaitStatusLine(r.br, &remaining); err != nil {
		return err
	}
	line, _, err := r.readLine(&remaining)
	if err != nil {
		return err
	}
	if r.head.minor, r.head.status, r.head.odd, err = parseStatusLine(line); err != nil {
		return err
	}
	if r.trace != nil {
		traceHead(r.trace, r.head.minor)
	}
	for {
		line, cut, err := r.readLine(&remaining)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			r.head.finish()
			return nil
		}
		if r.trace != nil {
			traceLine(r.trace, line, cut)
		}
		r.head.add(line, cut)
	}
}

// readLine reads a line and returns it without its end. Of one that is longer
// than the buffer it returns the start, and that it was cut. remaining is how
// many bytes the head may still have.
func (r *response) readLine(remaining *int) (line []byte, cut bool, err error) {
	line, err = r.br.ReadSlice('\n')
	*remaining -= len(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		cut = true
		r.long = append(r.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) && *remaining >= 0 {
			var more []byte
			more, err = r.br.ReadSlice('\n')
			*remaining -= len(more)
		}
		line = r.long
	}
	switch {
	case *remaining < 0:
		return nil, cut, errHeaderTooLong
	case err != nil:
		return nil, cut, err
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte{'\n'}), []byte{'\r'}), cut, nil
}

// readBody reads the body to its end or to the limit. Of a failure it keeps
// the start.
func (r *response) readBody() (err error) {
	success := domain.VerdictOf(r.head.status) == domain.VerdictSuccess
	if why := r.head.fault(); success && why != "" {
		return &unreadable{why}
	}
	ends := true
	switch framingOf(r.method, &r.head) {
	case bodyNone:
		ends = r.head.status >= 200
	case bodyBroken:
		if success {
			return &unreadable{r.head.broken}
		}
		return nil
	case bodyChunked:
		r.inBody = true
		ends, err = r.readChunks(!success)
	case bodyLength:
		r.inBody = true
		err = r.readPart(r.head.length, !success)
	case bodyToEnd:
		r.inBody = true
		ends = false
		if err = r.readPart(math.MaxInt64, !success); errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
	}
	r.ends = err == nil && ends && r.br.Buffered() == 0
	if !success || errors.Is(err, errTooLong) {
		return nil // what the status says stands, whatever becomes of the body
	}
	return err
}

// readPart reads n bytes of the body, of which it keeps the start if asked to.
func (r *response) readPart(n int64, keep bool) error {
	buf := r.scratch[:min(cap(r.scratch), r.cfg.MaxResponseBytes)]
	for n > 0 {
		if r.bodyRead >= r.cfg.MaxResponseBytes {
			return r.tooLong()
		}
		got, err := r.br.Read(buf[:min(int64(len(buf)), n)])
		r.bodyRead += got
		n -= int64(got)
		if r.trace != nil {
			traceBody(&r.trace.Response, buf[:got])
		}
		if keep {
			r.snippet = append(r.snippet, buf[:min(got, maxSnippetBytes-len(r.snippet))]...)
		}
		if err != nil && n > 0 {
			return err
		}
	}
	if r.bodyRead >= r.cfg.MaxResponseBytes {
		return r.tooLong()
	}
	return nil
}

// tooLong notes that the rest of the body is not read.
func (r *response) tooLong() error {
	if r.trace != nil {
		r.trace.Response.Cut = true
	}
	return errTooLong
}

// readChunks reads a chunked body (RFC 9112, section 7.1). With the last chunk the
// content is whole (section 8): what follows is not waited for, but without the
// end of the trailer ends is false.
func (r *response) readChunks(keep bool) (ends bool, err error) {
	for strict := true; ; {
		size, crlf, err := readChunkSize(r.br)
		strict = strict && crlf
		if err != nil {
			return false, err
		}
		if size == 0 {
			return skipTrailer(r.br) && strict, nil
		}
		if err := r.readPart(size, keep); err != nil {
			return false, err
		}
		end, err := r.br.ReadByte()
		if err == nil && end == '\r' {
			end, err = r.br.ReadByte()
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

// persists reports whether the connection can carry another request after this answer.
func (r *response) persists() bool { return r.ends && r.head.persists() }

// finalStatus returns the status that was read, unless it is an interim one.
func (r *response) finalStatus() int {
	if s := r.head.status; s >= 200 {
		return s
	}
	return 0
}
