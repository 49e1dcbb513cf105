package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/belfry-scheduler/belfry/internal/charset"
)

// maxItem bounds one item of an import. The server's own limit is lower.
const maxItem = chunkBytes

var errItemSize = fmt.Errorf("is longer than %d MiB", maxItem>>20)

// place says where an item stands in its file, as its author counts.
type place struct {
	unit string
	n    int
}

const (
	unitLine  = "line"  // of NDJSON, from 1
	unitIndex = "index" // of an array, from 0
)

func (p place) String() string { return fmt.Sprintf("%s %d", p.unit, p.n) }

// itemReader reads the items of an import one by one, whatever the size of the
// file.
type itemReader interface {
	// next returns the text of an item, without line breaks, and its place.
	// After the last one, io.EOF. errItemSize with a line is about that line
	// only; every other error ends the file.
	next() ([]byte, place, error)
}

// newItemReader tells an array from NDJSON by the first byte that is not white
// space. No item may be longer than most bytes.
func newItemReader(in io.Reader, most int) (itemReader, error) {
	br := bufio.NewReaderSize(in, 64<<10)
	head, _ := br.Peek(charset.HeadSize) // its error comes again
	if name := charset.Foreign(head); name != "" {
		return nil, fmt.Errorf("is %s: it must be JSON in UTF-8", name)
	}
	_, _ = br.Discard(len(head) - len(charset.Trim(head))) // peeked
	skipped := 0
	for {
		b, err := br.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("is empty: it must be a JSON array of jobs, or one job a line")
		case err != nil:
			return nil, err
		case b == '\n':
			skipped++
		case b != ' ' && b != '\t' && b != '\r':
			if err := br.UnreadByte(); err != nil {
				return nil, err
			}
			if b == '[' {
				return newArrayReader(br, most)
			}
			return &lineReader{br, most, skipped}, nil
		}
	}
}

// lineReader reads NDJSON. It does not parse: a line that is no JSON costs that
// line, and the server says what is wrong with it.
type lineReader struct {
	br   *bufio.Reader
	most int
	n    int
}

func (l *lineReader) next() ([]byte, place, error) {
	for {
		line, err := l.line()
		at := place{unitLine, l.n}
		if err != nil {
			return nil, at, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, at, nil
		}
	}
}

// line reads one line; one that is too long is read over.
func (l *lineReader) line() ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := l.br.ReadSlice('\n')
		if long = long || len(line)+len(part) > l.most; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (long || len(line) > 0): // a last line without an end
		case err != nil:
			return nil, err
		}
		l.n++
		if long {
			return nil, errItemSize
		}
		return line, nil
	}
}

// arrayReader reads a JSON array. A syntax error ends it: nobody knows where
// the next item starts.
type arrayReader struct {
	dec  *json.Decoder
	rest *rationed
	most int
	n    int
}

func newArrayReader(in io.Reader, most int) (*arrayReader, error) {
	rest := &rationed{in, most}
	a := &arrayReader{dec: json.NewDecoder(rest), rest: rest, most: most}
	if _, err := a.dec.Token(); err != nil { // the bracket
		return nil, a.fault(err)
	}
	return a, nil
}

func (a *arrayReader) next() ([]byte, place, error) {
	at := place{unitIndex, a.n}
	a.rest.remaining = a.most
	if !a.dec.More() {
		return nil, at, a.end()
	}
	var raw json.RawMessage
	if err := a.dec.Decode(&raw); err != nil {
		return nil, at, a.fault(err)
	}
	a.n++
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return nil, at, a.fault(err)
	}
	return line.Bytes(), at, nil
}

// end reads the closing bracket and makes sure that nothing follows.
func (a *arrayReader) end() error {
	if _, err := a.dec.Token(); err != nil {
		return a.fault(err)
	}
	switch _, err := a.dec.Token(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err == nil:
		return fmt.Errorf("index %d: there is something after the end of the array", a.n)
	default:
		return a.fault(err)
	}
}

func (a *arrayReader) fault(err error) error {
	at := place{unitIndex, a.n}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s: the array has no end", at)
	}
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		// The error's own offset leaves out the brackets and commas of the array.
		return fmt.Errorf("%s: is not valid JSON: %w; it begins after byte %d of the file", at, se, a.dec.InputOffset())
	}
	return fmt.Errorf("%s: %w", at, err)
}

// rationed lets the decoder read a bounded amount for each item.
type rationed struct {
	r         io.Reader
	remaining int
}

func (r *rationed) Read(p []byte) (int, error) {
	if r.remaining <= 0 {
		return 0, errItemSize
	}
	n, err := r.r.Read(p)
	r.remaining -= n
	return n, err
}
