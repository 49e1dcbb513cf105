package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
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

// newImportReader lays items over base. It looks at the first byte: an array starts with a bracket, and
// no line of NDJSON that is a job does.
func newImportReader(body io.Reader, maxItem int, base domain.SpecDoc) (importReader, error) {
	br := bufio.NewReaderSize(body, 64<<10)
	head, _ := br.Peek(charset.HeadSize) // its error comes again
	if name := charset.Foreign(head); name != "" {
		return nil, kindMalformed.problem("The body is %s: it must be JSON in UTF-8.", name)
	}
	_, _ = br.Discard(len(head) - len(charset.Trim(head))) // peeked
	for at := int64(1); ; at++ {
		b, err := br.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, kindMalformed.problem("The body is empty: it must be a JSON array of jobs, or one job a line.")
		case err != nil:
			return nil, readFault(err)
		case isSpace(b):
			continue
		}
		if b == '[' {
			return &arrayReader{br: br, maxItem: maxItem, at: at, base: base}, nil
		}
		if err := br.UnreadByte(); err != nil {
			return nil, err
		}
		return &lineReader{br: br, maxItem: maxItem, base: base}, nil
	}
}

// parseItem reads one document of an import.
func parseItem(raw []byte, maxItem int, base domain.SpecDoc) importItem {
	item, raw := importItem{doc: base}, charset.Trim(raw) // one in the middle: files were put together
	if len(raw) > maxItem {
		item.err = tooLong(maxItem)
	} else if item.err = wire.CheckObject(raw); item.err == nil {
		item.err = wire.PointToSpec(wire.Merge(&item.doc, raw))
	}
	return item
}

func tooLong(maxItem int) error {
	return kindTooLarge.problem("An item must be at most %d bytes.", maxItem)
}

// arrayReader cuts a JSON array into its items. It counts brackets and knows
// strings, no more; whether an item is JSON is judged when it is whole. An item
// that is not ends the import: where the next one starts is then anybody's
// guess. encoding/json's Decoder would do, but buffers an item of any size.
type arrayReader struct {
	br      *bufio.Reader
	maxItem int
	base    domain.SpecDoc
	at      int64 // bytes read
	items   int
	done    bool
	item    []byte
}

func (a *arrayReader) next() (importItem, error) {
	if a.done {
		return importItem{}, io.EOF
	}
	b, err := a.token()
	if err == nil && b == ']' {
		return importItem{}, a.end()
	}
	if err == nil && a.items > 0 {
		if b != ',' {
			return importItem{}, a.syntax("a comma or the end of the array must come here")
		}
		b, err = a.token()
	}
	if err != nil {
		return importItem{}, arrayFault(err)
	}
	if b == ']' || b == ',' {
		return importItem{}, a.syntax("an item must come here")
	}
	a.items++
	start := a.at
	long, err := a.value(b)
	switch {
	case err != nil:
		return importItem{}, arrayFault(err)
	case long:
		return importItem{err: tooLong(a.maxItem)}, nil
	case !json.Valid(a.item):
		return importItem{}, kindMalformed.problem("The item that starts at byte %d is not valid JSON. What came before was imported, nothing from here on.", start)
	}
	return parseItem(a.item, a.maxItem, a.base), nil
}

// token returns the next byte that is not white space.
func (a *arrayReader) token() (byte, error) {
	for {
		b, err := a.br.ReadByte()
		a.at++
		if err != nil || !isSpace(b) {
			return b, err
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// value reads the item that starts with b. Of one that is too long it keeps
// nothing.
func (a *arrayReader) value(b byte) (long bool, err error) {
	a.item = a.item[:0]
	depth, quoted, escaped := 0, false, false
	for {
		if long = long || len(a.item) == a.maxItem; !long {
			a.item = append(a.item, b)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
		case b == '"':
			quoted = true
		case b == '{', b == '[':
			depth++
		case b == '}', b == ']':
			depth--
		}
		if depth < 0 || depth == 0 && !quoted && a.ends() {
			return long, nil
		}
		if b, err = a.br.ReadByte(); err != nil {
			return long, err
		}
		a.at++
	}
}

// ends reports whether what comes next cannot belong to an item that is
// balanced so far.
func (a *arrayReader) ends() bool {
	next, err := a.br.Peek(1)
	return err != nil || isSpace(next[0]) || next[0] == ',' || next[0] == ']' || next[0] == '}'
}

// end makes sure that nothing comes after the array.
func (a *arrayReader) end() error {
	a.done = true
	switch _, err := a.token(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return arrayFault(err)
	}
	return a.syntax("nothing may come after the array")
}

func (a *arrayReader) syntax(what string) error {
	return kindMalformed.problem("The array is not valid JSON: %s (byte %d). What came before was imported, nothing after.", what, a.at)
}

// arrayFault says why an array could not be read on.
func arrayFault(err error) error {
	if errors.Is(err, io.EOF) {
		return kindMalformed.problem("The array has no end. What came before was imported.")
	}
	return readFault(err)
}

// lineReader reads NDJSON. A line that is wrong is refused alone.
type lineReader struct {
	br      *bufio.Reader
	maxItem int
	base    domain.SpecDoc
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
			return parseItem(line, l.maxItem, l.base), nil
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

// streamTimeout is how long an import or export may take for progressBytes or
// for a commit: a client needs 4.4 kB/s.
const (
	streamTimeout = 60 * time.Second
	progressBytes = 256 << 10
)

// extendDeadlines gives the client another while to go on. A writer that has
// no deadlines (a test's) is left alone.
func extendDeadlines(w http.ResponseWriter) {
	rc := http.NewResponseController(w)
	until := clock.System{}.Now().Add(streamTimeout) // the network knows no other clock
	_ = rc.SetReadDeadline(until)
	_ = rc.SetWriteDeadline(until)
}

// progress extends the deadlines as the body comes in.
type progress struct {
	io.Reader
	w         http.ResponseWriter
	remaining int
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if p.remaining -= n; p.remaining <= 0 {
		extendDeadlines(p.w)
		p.remaining = progressBytes
	}
	return n, err
}
