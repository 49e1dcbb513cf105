package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/belfry-scheduler/belfry/internal/charset"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Place says where an item stands in its file, as its author counts: a line from 1, or an index of an array from 0.
type Place struct {
	Array bool
	N     int
}

// String returns "line 7" or "index 6".
func (p Place) String() string {
	if p.Array {
		return fmt.Sprintf("index %d", p.N)
	}
	return fmt.Sprintf("line %d", p.N)
}

// Item is one of the items of a file.
type Item struct {
	Place Place
	Text  []byte // until the next one is read; an array's is valid JSON, a line is what it is
	Long  bool   // it is over the limit, and Text is empty; the next one can be read
}

// Read lays the item over the document of a job.
func (it *Item) Read(doc *domain.SpecDoc) error {
	raw := charset.Trim(it.Text) // in the middle, too: files were put together
	if err := CheckObject(raw); err != nil {
		return err
	}
	return PointToSpec(Merge(doc, raw))
}

// Broken says why an array cannot be read on: where the next item starts is then anybody's guess. A line that is no
// JSON
// is wrong alone.
type Broken struct {
	Index int    // of the item that could not be read
	Byte  int64  // counted from 1: where an item that is no JSON starts, otherwise the last one that was read
	Rule  string // what had to come there; empty: see Err
	Err   error  // io.ErrUnexpectedEOF: the array has no end; otherwise why the item is no JSON
}

// Error implements error.
func (b *Broken) Error() string {
	at := Place{true, b.Index}
	switch {
	case b.Rule != "":
		return fmt.Sprintf("%s: is not valid JSON: %s (byte %d)", at, b.Rule, b.Byte)
	case errors.Is(b.Err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s: the array has no end", at)
	}
	return fmt.Sprintf("%s: is not valid JSON: %v; it begins after byte %d of the file", at, b.Err, b.Byte-1)
}

// Unwrap returns the cause.
func (b *Broken) Unwrap() error { return b.Err }

// Items reads the items of a JSON array or of NDJSON one at a time, so that memory does not grow with the file.
type Items struct {
	br    *bufio.Reader
	most  int
	array bool
	at    int64 // bytes read of an array
	n     int   // items of the array, or lines, read
	done  bool
	text  []byte
}

// NewItems looks at the first byte that is not white space: an array starts with a bracket, and no line of NDJSON that
// is a job
// does. No item may be longer than most bytes. The error is a [Fault], or the reader's.
func NewItems(in io.Reader, most int) (*Items, error) {
	br := bufio.NewReaderSize(in, 64<<10)
	head, _ := br.Peek(charset.HeadSize) // its error comes again
	if name := charset.Foreign(head); name != "" {
		return nil, bodyFault("is %s: it must be JSON in UTF-8", name)
	}
	_, _ = br.Discard(len(head) - len(charset.Trim(head))) // peeked
	it := &Items{br: br, most: most}
	lines := 0
	for it.at = 1; ; it.at++ {
		b, err := br.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, bodyFault("is empty: it must be a JSON array of jobs, or one job a line")
		case err != nil:
			return nil, err
		case b == '\n':
			lines++
			continue
		case isSpace(b):
			continue
		case b == '[':
			it.array = true
			return it, nil
		}
		it.n = lines
		return it, br.UnreadByte()
	}
}

// Next returns the next item. After the last one the error is io.EOF. One of an array may be a [*Broken]; all others
// are the
// reader's.
func (it *Items) Next() (Item, error) {
	if it.array {
		return it.element()
	}
	return it.line()
}

// element cuts an item out of an array. It counts brackets and knows strings, no more; whether an item is JSON is
// judged when it is whole. encoding/json's Decoder would do, but buffers an item of any size.
func (it *Items) element() (Item, error) {
	item := Item{Place: Place{true, it.n}}
	if it.done {
		return item, io.EOF
	}
	b, err := it.token()
	if err == nil && b == ']' {
		return item, it.end()
	}
	if err == nil && it.n > 0 {
		if b != ',' {
			return item, it.misplaced("a comma or the end of the array must come here")
		}
		b, err = it.token()
	}
	if err != nil {
		return item, it.cut(err)
	}
	if b == ']' || b == ',' {
		return item, it.misplaced("an item must come here")
	}
	start := it.at
	if item.Long, err = it.value(b); err != nil {
		return item, it.cut(err)
	}
	if !item.Long {
		item.Text = it.text
		if !json.Valid(it.text) {
			var value json.RawMessage
			return item, &Broken{Index: it.n, Byte: start, Err: json.Unmarshal(it.text, &value)}
		}
	}
	it.n++
	return item, nil
}

// token returns the next byte that is not white space.
func (it *Items) token() (byte, error) {
	for {
		b, err := it.br.ReadByte()
		it.at++
		if err != nil || !isSpace(b) {
			return b, err
		}
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// value reads the item that starts with b. Of one that is too long it keeps
// nothing.
func (it *Items) value(b byte) (long bool, err error) {
	it.text = it.text[:0]
	depth, quoted, escaped := 0, false, false
	for {
		if long = long || len(it.text) == it.most; !long {
			it.text = append(it.text, b)
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
		if depth < 0 || depth == 0 && !quoted && it.ends() {
			return long, nil
		}
		if b, err = it.br.ReadByte(); err != nil {
			return long, err
		}
		it.at++
	}
}

// ends reports whether what comes next cannot belong to an item that is
// balanced so far.
func (it *Items) ends() bool {
	next, err := it.br.Peek(1)
	return err != nil || isSpace(next[0]) || next[0] == ',' || next[0] == ']' || next[0] == '}'
}

// end makes sure that nothing comes after the array.
func (it *Items) end() error {
	it.done = true
	switch _, err := it.token(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return err
	}
	return it.misplaced("nothing may come after the array")
}

func (it *Items) misplaced(rule string) error { return &Broken{Index: it.n, Byte: it.at, Rule: rule} }

// cut tells an array that ends early from an error of the reader.
func (it *Items) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return &Broken{Index: it.n, Byte: it.at, Err: io.ErrUnexpectedEOF}
	}
	return err
}

// line reads NDJSON. Lines are not parsed, and empty ones are passed over.
func (it *Items) line() (Item, error) {
	for {
		long, err := it.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return Item{Place: Place{N: it.n}}, err
		}
		it.n++
		item := Item{Place: Place{N: it.n}, Text: bytes.TrimSpace(it.text)}
		if long || len(charset.Trim(item.Text)) > it.most {
			return Item{Place: item.Place, Long: true}, nil
		}
		if len(item.Text) > 0 {
			return item, nil
		}
		if err != nil {
			return Item{Place: Place{N: it.n - 1}}, io.EOF
		}
	}
}

// readLine reads up to the next line feed. Of a line that is too
// long it keeps nothing. At the end of the input it returns io.EOF, perhaps
// with a last line.
func (it *Items) readLine() (long bool, err error) {
	it.text = it.text[:0]
	for {
		part, err := it.br.ReadSlice('\n')
		if len(it.text)+len(part) > it.most+2 { // "\r\n"
			long = true
		}
		if !long {
			it.text = append(it.text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}
