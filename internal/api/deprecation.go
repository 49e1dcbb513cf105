package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// deprecation says that an operation is going to go: docs/api.md has the policy.
type deprecation struct {
	since   time.Time // from when on it is deprecated
	sunset  time.Time // when it may go, at the earliest; zero: not decided
	instead string    // the path of what takes its place, or of the text that says what does
}

// deprecations are the operations that are going to go, by their operationId. There are none. One that is here has
// `deprecated: true` in the document, and each of its answers, refusals by the route too, has the headers.
var deprecations = map[string]deprecation{}

// announce sets the headers of RFC 9745 and RFC 8594.
func (d deprecation) announce(h http.Header) {
	h.Set("Deprecation", "@"+strconv.FormatInt(d.since.Unix(), 10))
	if !d.sunset.IsZero() {
		h.Set("Sunset", d.sunset.UTC().Format(http.TimeFormat))
	}
	h.Add("Link", "<"+d.instead+">; rel=\"deprecation\"")
}

// middleware announces it in each answer of an operation.
func (d deprecation) middleware(ctx huma.Context, next func(huma.Context)) {
	headers := http.Header{}
	d.announce(headers)
	for name, values := range headers {
		ctx.AppendHeader(name, values[0])
	}
	next(ctx)
}

// document marks an operation that is deprecated in the document.
func (d deprecation) document(op *huma.Operation) {
	op.Deprecated = true
	op.Description += " Deprecated since " + d.since.UTC().Format(time.DateOnly)
	if !d.sunset.IsZero() {
		op.Description += ", may be gone from " + d.sunset.UTC().Format(time.DateOnly) + " on"
	}
	op.Description += ": see " + d.instead + "."
}
