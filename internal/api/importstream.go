package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// importItem is one item of an import: a document, or why it is none.
type importItem struct {
	doc domain.SpecDoc
	err error
}

// importReader yields the items of a JSON array or of NDJSON, one at a time,
// so that memory does not grow with the import.
type importReader interface {
	// next returns the next item. After the last one, io.EOF; an error that
	// is not io.EOF ends the import too, and is about the item that would
	// have come next.
	next() (importItem, error)
}

// newImportReader looks at the first byte: an array starts with a bracket, and
// no line of NDJSON that is a job does.
func newImportReader(body io.Reader, maxItem int) (importReader, error) {
	br := bufio.NewReaderSize(body, 64<<10)
	for {
		b, err := br.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, kindMalformed.problem("The body is empty: it must be a JSON array of jobs, or one job a line.")
		case err != nil:
			return nil, readFault(err)
		case b == ' ', b == '\t', b == '\r', b == '\n':
			continue
		}
		if err := br.UnreadByte(); err != nil {
			return nil, err
		}
		if b == '[' {
			return newArrayReader(br, maxItem)
		}
		return &lineReader{br: br, maxItem: maxItem}, nil
	}
}

// parseItem reads one document of an import.
func parseItem(raw []byte, maxItem int) importItem {
	item := importItem{doc: domain.NewSpecDoc()}
	if len(raw) > maxItem {
		item.err = tooLong(maxItem)
	} else if item.err = checkObject(raw); item.err == nil {
		item.err = merge(&item.doc, raw)
	}
	return item
}

func tooLong(maxItem int) error {
	return kindTooLarge.problem("An item must be at most %d bytes.", maxItem)
}

// arrayReader reads a JSON array. A syntax error ends it: where the next item
// starts is then anybody's guess.
type arrayReader struct {
	dec     *json.Decoder
	maxItem int
	done    bool
}

func newArrayReader(r io.Reader, maxItem int) (importReader, error) {
	dec := json.NewDecoder(r)
	if _, err := dec.Token(); err != nil { // the bracket that was seen
		return nil, arrayFault(err)
	}
	return &arrayReader{dec: dec, maxItem: maxItem}, nil
}

func (a *arrayReader) next() (importItem, error) {
	if a.done {
		return importItem{}, io.EOF
	}
	if a.dec.More() {
		var raw json.RawMessage
		if err := a.dec.Decode(&raw); err != nil {
			return importItem{}, arrayFault(err)
		}
		return parseItem(raw, a.maxItem), nil
	}
	if _, err := a.dec.Token(); err != nil { // the closing bracket
		return importItem{}, arrayFault(err)
	}
	a.done = true
	switch _, err := a.dec.Token(); {
	case errors.Is(err, io.EOF):
		return importItem{}, io.EOF
	case err != nil && !isSyntax(err):
		return importItem{}, arrayFault(err)
	}
	return importItem{}, kindMalformed.problem("There is something after the end of the array.")
}

func isSyntax(err error) bool {
	_, ok := errors.AsType[*json.SyntaxError](err)
	return ok
}

// arrayFault says why an array could not be read on.
func arrayFault(err error) error {
	if se, ok := errors.AsType[*json.SyntaxError](err); ok {
		return kindMalformed.problem("The array is not valid JSON from byte %d on: %v. What came before was imported, nothing after.", se.Offset, se)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return kindMalformed.problem("The array has no end. What came before was imported.")
	}
	return readFault(err)
}

// lineReader reads NDJSON. A line that is wrong is refused alone.
type lineReader struct {
	br      *bufio.Reader
	maxItem int
	line    []byte
}

func (l *lineReader) next() (importItem, error) {
	for {
		long, err := l.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return importItem{}, readFault(err)
		}
		line := bytes.TrimSpace(l.line)
		switch {
		case long:
			return importItem{err: tooLong(l.maxItem)}, nil
		case len(line) > 0:
			return parseItem(line, l.maxItem), nil
		case err != nil:
			return importItem{}, io.EOF
		}
	}
}

// readLine reads into l.line up to the next line feed. Of a line that is too
// long it keeps nothing. At the end of the input it returns io.EOF, perhaps
// with a last line.
func (l *lineReader) readLine() (long bool, err error) {
	l.line = l.line[:0]
	for {
		part, err := l.br.ReadSlice('\n')
		if len(l.line)+len(part) > l.maxItem+2 { // "\r\n"
			long = true
		}
		if !long {
			l.line = append(l.line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}

// itemError is the error of one item in the answer of an import: what a
// problem document says, without what belongs to a whole answer.
type itemError struct {
	Title  string         `json:"title" doc:"The kind of problem." example:"The document has wrong fields"`
	Status int            `json:"status" doc:"The HTTP status that POST /jobs would have answered." example:"422"`
	Detail string         `json:"detail,omitempty" doc:"What went wrong." example:"schedule is required"`
	Errors []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"Every wrong field."`
}

func itemErrorOf(p *Problem) itemError {
	return itemError{p.Title, p.Status, p.Detail, p.Errors}
}

// limitReached is told of the first item beyond the limit.
func limitReached(limit int) error {
	return kindTooLarge.problem("%s", fmt.Sprintf("An import takes at most %d items. What came before was imported, nothing from here on.", limit))
}

// extendDeadlines gives the client another while to go on. A writer that has
// no deadlines (a test's) is left alone.
func extendDeadlines(w http.ResponseWriter, until deadline) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(until())
	_ = rc.SetWriteDeadline(until())
}
