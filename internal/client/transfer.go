package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Format is the form of an import.
type Format string

// The forms of an import.
const (
	Array Format = typeJSON  // a JSON array of specs
	Lines Format = typeLines // NDJSON: one spec a line
)

// ImportReport says what became of each item of an import.
type ImportReport struct {
	Results  []ImportResult `json:"results"` // in the order of the items
	Imported int            `json:"imported"`
	Refused  int            `json:"refused"`
}

// ImportResult says what became of one item. Exactly one of JobID and Error is
// set.
type ImportResult struct {
	Index int      `json:"index"` // counted from 0
	JobID string   `json:"jobId"`
	Error *Problem `json:"error"`

	Warnings []string `json:"warnings"` // what is allowed but may not be meant
}

// Import registers many jobs, each on its own: a wrong one does not spoil the
// others. The body is streamed.
func (c *Client) Import(ctx context.Context, form Format, body io.Reader) (ImportReport, error) {
	var out ImportReport
	err := c.exchange(ctx, call{
		method: http.MethodPost, path: []string{"jobs", "import"}, contentType: string(form), body: body,
	}, nil, &out)
	return out, err
}

// Export writes the selected jobs as NDJSON, a document that [Client.Import]
// takes. It returns the number of bytes. After an error w holds a part.
func (c *Client) Export(ctx context.Context, f JobFilter, w io.Writer) (int64, error) {
	query := f.query()
	if f.Secrets {
		query.Set("secrets", "true")
	}
	res, err := c.do(ctx, call{method: http.MethodGet, path: []string{"jobs", "export"}, query: query})
	if err != nil {
		return 0, err
	}
	defer drain(res)
	if t := mediaType(res); t != typeLines {
		return 0, fmt.Errorf("%w: it is %q, not NDJSON", ErrAnswer, t)
	}
	n, err := io.Copy(w, tagged{res.Body})
	return n, err
}

// tagged tells an error of the server's side from one of the writer's.
type tagged struct{ r io.Reader }

func (t tagged) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return n, err
}
