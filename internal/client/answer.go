package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxAnswer bounds how much of an answer is read into memory. A page of a list has at
// most 1,000 jobs of about 300 KiB.
const maxAnswer = 512 << 20

// ErrAnswer means that an answer cannot be used: it is incomplete, is larger than any
// answer of the API, or is not from Belfry.
var ErrAnswer = errors.New("the answer of the server cannot be used")

const (
	typeJSON    = "application/json"
	typePatch   = "application/merge-patch+json"
	typeLines   = "application/x-ndjson"
	typeProblem = "application/problem+json"
)

func mediaType(res *http.Response) string {
	t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// drain reads a little of what is left, so that the connection can be used
// again, and closes the body.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
	_ = res.Body.Close()
}

// decode reads one JSON document that fills the body.
func decode(res *http.Response, out any) error {
	if t := mediaType(res); t != typeJSON {
		return fmt.Errorf("%w: it is %q, not JSON", ErrAnswer, t)
	}
	dec := json.NewDecoder(io.LimitReader(res.Body, maxAnswer))
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// tagged distinguishes an error of the server's side from one of the writer.
type tagged struct{ r io.Reader }

func (t tagged) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return n, err
}
