package api

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// importItem is one item of an import: a document, or why it is none.
type importItem struct {
	doc  domain.SpecDoc
	text []byte // valid until the next item is read
	err  error
}

// named returns the key and the namespace that an item names; absent, the namespace is base.
func (it *importItem) named(base string) (key, namespace string) {
	item := wire.Item{Text: it.text}
	key, namespace = item.Key()
	return key, cmp.Or(namespace, base)
}

// importReader yields the items of an import, laid over base.
type importReader struct {
	items   *wire.Items
	maxItem int
	base    domain.SpecDoc
}

func newImportReader(body io.Reader, maxItem int, base domain.SpecDoc) (*importReader, error) {
	items, err := wire.NewItems(body, maxItem)
	if err != nil {
		return nil, itemsFault(err)
	}
	return &importReader{items, maxItem, base}, nil
}

// next returns the next item. After the last one, io.EOF; an error that
// is not io.EOF ends the import too, and is about the item that would
// have come next.
func (r *importReader) next() (importItem, error) {
	found, err := r.items.Next()
	if err != nil {
		return importItem{}, itemsFault(err)
	}
	if found.Long {
		return importItem{err: kindTooLarge.problem("An item must be at most %d bytes.", r.maxItem)}, nil
	}
	item := importItem{doc: r.base, text: found.Text}
	item.err = found.Read(&item.doc)
	return item, nil
}

// itemsFault says why an import cannot be read on; io.EOF stays what it is.
func itemsFault(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	if fault, ok := errors.AsType[*wire.Fault](err); ok {
		return fault
	}
	b, ok := errors.AsType[*wire.Broken](err)
	switch {
	case !ok:
		return readFault(err)
	case b.Rule != "":
		return kindMalformed.problem("The array is not valid JSON: %s (byte %d). What came before was imported, "+
			"nothing after.", b.Rule, b.Byte)
	case errors.Is(b.Err, io.ErrUnexpectedEOF):
		return kindMalformed.problem("The array has no end. What came before was imported.")
	}
	return kindMalformed.problem("The item that starts at byte %d is not valid JSON. What came before was imported, "+
		"nothing from here on.", b.Byte)
}

// itemError is the error of one item in the answer of an import: what a
// problem document says, without what belongs to a whole answer.
type itemError struct {
	Code   string         `json:"code" doc:"The kind of problem as one word." example:"invalid"`
	Title  string         `json:"title" doc:"The kind of problem." example:"The document has wrong fields"`
	Status int            `json:"status" doc:"The HTTP status that POST /jobs would have answered." example:"422"`
	Detail string         `json:"detail,omitempty" doc:"What went wrong." example:"schedule is required"`
	Errors []FieldProblem `json:"errors,omitempty" nullable:"false" doc:"Every wrong field."`
}

func itemErrorOf(p *Problem) itemError {
	return itemError{p.Code, p.Title, p.Status, p.Detail, p.Errors}
}

// limitReached is told of the first item beyond the limit.
func limitReached(limit int) error {
	return kindTooLarge.problem("%s",
		fmt.Sprintf("An import takes at most %d items. What came before was imported, nothing from here on.", limit))
}

// A client has to send pieceBytes of an import in pieceTime, 3.2 kB/s; package front has the same
// for what it is sent. Only the time that is spent waiting for it counts, not that of commits.
const (
	pieceBytes = 64 << 10
	pieceTime  = 20 * time.Second

	// streamTimeout is how long what follows may take on this side: a commit, a page.
	streamTimeout = 60 * time.Second
)

// extendDeadlines gives the client another while to go on. A writer that has
// no deadlines (a test's) is left alone.
func extendDeadlines(w http.ResponseWriter) {
	rc := http.NewResponseController(w)
	until := clock.System{}.Now().Add(streamTimeout) // the network knows no other clock
	_ = rc.SetReadDeadline(until)
	_ = rc.SetWriteDeadline(until)
}

// progress reads a body whose client has to go on sending.
type progress struct {
	body    io.Reader
	w       http.ResponseWriter
	clock   clock.System
	waited  time.Duration // for this piece
	pending int           // bytes until the next piece
}

func newProgress(body io.Reader, w http.ResponseWriter) *progress {
	return &progress{body: body, w: w, pending: pieceBytes}
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	rc := http.NewResponseController(p.w)
	_ = rc.SetReadDeadline(p.clock.Now().Add(pieceTime - p.waited))
	start := p.clock.Mark()
	n, err := p.body.Read(b)
	p.waited += p.clock.Elapsed(start)
	if p.pending -= n; p.pending <= 0 {
		p.waited, p.pending = 0, pieceBytes
	}
	if err != nil {
		extendDeadlines(p.w) // for the answer
	}
	return n, err
}
