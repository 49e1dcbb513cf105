package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Format is the form of an import.
type Format string

// The forms of an import.
const (
	Array Format = typeJSON  // a JSON array of specs
	Lines Format = typeLines // NDJSON: one spec a line
)

// OnConflict is what becomes of an item of an import whose key a job has.
type OnConflict string

// What may become of it.
const (
	Refuse OnConflict = "refuse" // the default
	Skip   OnConflict = "skip"   // the job stays as it is
	Update OnConflict = "update" // the job becomes what the item says
)

// ImportReport has the result of each item of an import.
type ImportReport struct {
	Results   []ImportResult `json:"results"`   // in the order of the items
	Imported  int            `json:"imported"`  // jobs that were created
	Updated   int            `json:"updated"`   // jobs that were changed
	Unchanged int            `json:"unchanged"` // jobs that were as their items say
	Skipped   int            `json:"skipped"`
	Refused   int            `json:"refused"`
}

// ImportResult is the result of one item. Exactly one of JobID and Error is set.
type ImportResult struct {
	Index   int      `json:"index"` // counted from 0
	JobID   string   `json:"jobId"`
	Outcome string   `json:"outcome"` // created, updated, unchanged, skipped or refused
	Error   *Problem `json:"error"`

	Warnings []string `json:"warnings"` // what is allowed but may not be meant
}

// Import creates many jobs, each independently: an invalid job does not prevent the
// others. The body is streamed. If an import breaks off and has a key of
// [WithIdempotencyKey], the same body with the same key makes what is missing.
func (j *Jobs) Import(ctx context.Context, form Format, body io.Reader) (ImportReport, error) {
	return j.ImportOnConflict(ctx, form, Refuse, body)
}

// ImportOnConflict is Import with what becomes of items whose keys jobs have. With [Update]
// the same body can be imported again and again: what is as it says is not changed.
func (j *Jobs) ImportOnConflict(ctx context.Context, form Format, on OnConflict, body io.Reader) (ImportReport, error) {
	var query url.Values
	if on != Refuse && on != "" {
		query = url.Values{"onConflict": {string(on)}}
	}
	var out ImportReport
	err := j.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"jobs", "import"}, query: query, contentType: string(form), body: body,
	}, nil, &out)
	return out, err
}

// ExportFilter selects what is exported. The zero value selects all jobs, with
// [Mask] for secrets.
type ExportFilter struct {
	JobFilter
	WithSecrets bool // show secrets, of headers and of signing; takes the key of an admin
}

// Export writes the selected jobs to w as NDJSON and returns the number of bytes.
// [Jobs.Import] accepts the document if it contains no masked secrets. After an error, w
// has received a part of the document.
func (j *Jobs) Export(ctx context.Context, f ExportFilter, w io.Writer) (int64, error) {
	request := call{method: http.MethodGet, path: []string{"jobs", "export"}, query: f.query()}
	if f.WithSecrets {
		request.method = http.MethodPost
		request.query.Set("withSecrets", "true")
	}
	return j.server.exportTo(ctx, w, request)
}

// Export writes executions to w as NDJSON, one [Execution] per line, oldest first, and
// returns the number of bytes. It writes the executions that have ended and were
// scheduled in the time range: its first instant is included, its last one is not. After
// an error, w has received a part of the document.
func (e *Executions) Export(ctx context.Context, t TimeRange, w io.Writer) (int64, error) {
	return e.server.exportTo(ctx, w, call{
		method: http.MethodGet, path: []string{"executions", "export"}, query: t.query(),
	})
}
