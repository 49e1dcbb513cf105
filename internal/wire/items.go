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

// Place says where an item is in its file: a line, counted from 1, or an index of an array, counted from 0.
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
	Text  []byte // valid until the next item is read; valid JSON in an array, any text in a line
	Long  bool   // it is over the limit, and Text is empty; the next one can be read
}

// Read merges the item into the document of a job.
func (it *Item) Read(doc *domain.SpecDoc) error {
	raw := charset.Trim(it.Text) // in the middle, too: files were put together
	if err := CheckObject(raw); err != nil {
		return err
	}
	return PointToSpec(Merge(doc, raw))
}

// Replace lays the item over the document of a job as the whole job: see [Replace].
func (it *Item) Replace(doc *domain.SpecDoc) error {
	raw := charset.Trim(it.Text)
	if err := CheckObject(raw); err != nil {
		return err
	}
	return PointToSpec(Replace(doc, raw))
}

// Key returns the key and the namespace that the item names, also one that cannot be made a
// job of; empty: none, or not one that can be read.
func (it *Item) Key() (key, namespace string) {
	var named struct {
		Key       any `json:"key"`
		Namespace any `json:"namespace"`
	}
	if json.Unmarshal(charset.Trim(it.Text), &named) != nil {
		return "", ""
	}
	key, _ = named.Key.(string)
	namespace, isText := named.Namespace.(string)
	if named.Namespace != nil && !isText {
		return "", ""
	}
	return key, namespace
}

// PausedUntil returns the end of a pause that the item says; zero: none, or not one that can be read.
func (it *Item) PausedUntil() int64 { return pausedUntil(charset.Trim(it.Text)) }

// Broken says why the rest of an array cannot be read: it is unknown where the next item starts. In NDJSON an invalid
// line does not affect the other lines.
type Broken struct {
	Index int    // of the item that could not be read
	Byte  int64  // counted from 1: the start of an item that is not valid JSON, otherwise the last byte read
	Rule  string // what was expected there; empty: see Err
	Err   error  // io.ErrUnexpectedEOF: the array has no end; otherwise why the item is not valid JSON
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

// NewItems checks the first byte that is not white space: an array starts with a bracket, and a line of NDJSON with a
// job does not. No item may be longer than most bytes. The error is a [Fault], or that of the reader.
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

// Next returns the next item. After the last one the error is io.EOF. In an array the error may be a [*Broken]; all
// other errors are those of the reader.
func (it *Items) Next() (Item, error) {
	if it.array {
		return it.element()
	}
	return it.line()
}

// element reads an item of an array. It only counts brackets and recognizes strings; the complete item is then checked
// for valid JSON. The Decoder of encoding/json would work as well, but buffers an item of any size.
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

// value reads the item that starts with b. It stores nothing of an item that is too long.
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

// ends reports whether the next byte cannot belong to an item whose brackets are balanced.
func (it *Items) ends() bool {
	next, err := it.br.Peek(1)
	return err != nil || isSpace(next[0]) || next[0] == ',' || next[0] == ']' || next[0] == '}'
}

// end checks that nothing follows the array.
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

// cut distinguishes an array that ends early from an error of the reader.
func (it *Items) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return &Broken{Index: it.n, Byte: it.at, Err: io.ErrUnexpectedEOF}
	}
	return err
}

// line reads NDJSON. Lines are not parsed, and empty ones are skipped.
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

// readLine reads up to the next line feed. It stores nothing of a line that is too long. At
// the end of the input it returns io.EOF, perhaps with a last line.
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
