package api

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/instants"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// With time=rfc3339 the instants of an answer are text (ADR 36). Handlers do not know of it:
// the answer is rewritten as it leaves, by the shape of its schema.

const (
	timeParam   = "time"
	timeUnix    = "unix-ms"
	timeRFC3339 = "rfc3339"

	shapeKey = "instants" // of an operation's metadata
)

// documentTime adds the parameter to an operation whose answer has instants.
func (rt *router) documentTime(op *huma.Operation) {
	shape := rt.shapeOf(op)
	if shape == nil {
		return
	}
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[shapeKey] = shape
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: timeParam, In: "query", Description: "In which form the answer has instants. unix-ms: Unix " +
			"milliseconds. " +
			"rfc3339: text in UTC with milliseconds, as in 2026-01-01T00:00:00.000Z; each integer that has x-instant " +
			"is then a string of the format date-time.",
		Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{timeUnix, timeRFC3339}, Default: timeUnix,
			Examples: []any{timeRFC3339}},
	})
}

// shapeOf says where the answers of an operation have instants; nil: nowhere.
func (rt *router) shapeOf(op *huma.Operation) *instants.Shape {
	var all []*huma.Schema
	for status, response := range op.Responses {
		for contentType, media := range response.Content {
			if strings.HasPrefix(status, "2") && isDocument(contentType) {
				all = append(all, reference.LineOf(media.Schema))
			}
		}
	}
	return instants.ShapeOf(rt.huma.OpenAPI().Components.Schemas, &huma.Schema{AnyOf: all})
}

// isDocument reports whether an answer is JSON, and no problem document: what that repeats
// is what was sent.
func isDocument(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType == "application/json" || mediaType == "application/x-ndjson"
}

// parseTime reads the parameter. Every path takes it, so that a client can add it to all of
// its requests: where an answer has no instants it makes no difference.
func parseTime(query url.Values) (text bool, err error) {
	switch value := query.Get(timeParam); strings.TrimSpace(value) {
	case "", timeUnix:
		return false, nil
	case timeRFC3339:
		return true, nil
	default:
		return false, kindMalformed.fieldAs(domain.FieldChoice, timeParam, "must be unix-ms or rfc3339", value)
	}
}

type textKey struct{}

// asText reports whether the answer of a request has instants as text.
func asText(ctx context.Context) bool {
	text, _ := ctx.Value(textKey{}).(bool)
	return text
}

// withText returns the context of a request whose answer has instants as text.
func withText(ctx huma.Context) huma.Context {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	if shape, ok := op.Metadata[shapeKey].(*instants.Shape); ok {
		w = &textWriter{ResponseWriter: w, shape: shape}
	}
	return humago.NewContext(op, r.WithContext(context.WithValue(ctx.Context(), textKey{}, true)), w)
}

// textWriter passes an answer on with its instants as text.
type textWriter struct {
	http.ResponseWriter

	shape *instants.Shape
	begun bool
	out   *instants.Writer // nil: the answer is passed on as it is
}

// WriteHeader implements http.ResponseWriter.
func (w *textWriter) WriteHeader(status int) {
	if header := w.Header(); !w.begun && isDocument(header.Get("Content-Type")) {
		header.Del("Content-Length")
		w.out = instants.NewWriter(w.ResponseWriter, w.shape)
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *textWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.out == nil {
		return w.ResponseWriter.Write(b)
	}
	return w.out.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *textWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// instantFields are the fields of requests that are instants.
var instantFields = []string{"startAt", "endAt", "after", "expiresAt", "pausedUntil", "until"}

// withText returns a problem that repeats instants as text. What was sent as something else
// is repeated as it came.
func (p *Problem) withText() *Problem {
	out := *p
	out.Errors = slices.Clone(p.Errors)
	for i, f := range out.Errors {
		ms, isNumber := f.Value.(int64)
		name := f.Field[strings.LastIndexByte(f.Field, '.')+1:]
		if text, ok := instants.Text(ms); ok && isNumber && slices.Contains(instantFields, name) {
			out.Errors[i].Value = text
		}
	}
	return &out
}

// tagSuffix distinguishes the tags of a document's two forms.
func tagSuffix(ctx context.Context) string {
	if asText(ctx) {
		return "-t"
	}
	return ""
}

// documented returns the operation as it is in the document.
func (rt *router) documented(op *huma.Operation) *huma.Operation {
	for _, one := range reference.Operations(rt.huma.OpenAPI().Paths[op.Path]) {
		if one.Method == op.Method {
			return one
		}
	}
	return nil
}
