package api

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// What a client sends to make a request safer, or another one, is followed or refused. To
// ignore it would do what the client did not want: a change without its condition, a POST
// instead of a DELETE, a run without the body that was sent with it. A header that can only
// cost time when it is ignored (Range, If-Modified-Since) is left alone, as RFC 9110 allows.

// methodOverrides are headers by which other servers take another method than the request's.
var methodOverrides = []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// maxIgnoredBody is how much of a body is read where none is taken: an empty document.
const maxIgnoredBody = 64

// checkHeaders refuses what the route does not do and what would do harm if it was ignored.
func checkHeaders(op *huma.Operation, r *http.Request) error {
	for _, name := range methodOverrides {
		if value := r.Header.Get(name); value != "" && !strings.EqualFold(value, r.Method) {
			return kindMalformed.fieldAs(domain.FieldUnsupported, name,
				"is not supported: send the request with that method", value)
		}
	}
	if reads(r.Method) {
		return nil
	}
	if values := r.Header.Values("If-Unmodified-Since"); len(values) > 0 {
		return kindMalformed.fieldAs(domain.FieldUnsupported, "If-Unmodified-Since",
			"is not supported: send If-Match with the ETag of the job",
			values[0])
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		taken := slices.ContainsFunc(op.Parameters,
			func(p *huma.Param) bool { return p.In == "header" && p.Name == name })
		if values := r.Header.Values(name); len(values) > 0 && !taken {
			return kindMalformed.fieldAs(domain.FieldUnsupported, name,
				"is not supported here: leave it out", values[0])
		}
	}
	if value := r.Header.Get("Content-Range"); value != "" { // RFC 9110, section 14.5
		return kindMalformed.fieldAs(domain.FieldUnsupported, "Content-Range",
			"is not supported: send the whole body", value)
	}
	return nil
}

// checkNoBody refuses a body where none is taken, but for an empty document, which some
// libraries send with every POST.
func checkNoBody(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	if err := checkCoding(r.Header.Values("Content-Encoding")); err != nil {
		return err
	}
	start, err := io.ReadAll(io.LimitReader(r.Body, maxIgnoredBody+1))
	if err != nil {
		return readFault(err)
	}
	text := string(bytes.Join(bytes.Fields(start), nil))
	if len(start) <= maxIgnoredBody && (text == "" || text == "{}" || text == "null") {
		return nil
	}
	return kindMalformed.fieldAs(domain.FieldUnsupported, "body", "must be empty: this path takes none", nil)
}

// checkCoding refuses a body that is compressed: what it would take unpacked is
// not bounded by what it takes on the wire.
func checkCoding(codings []string) error {
	for _, list := range codings {
		for coding := range strings.SplitSeq(list, ",") {
			switch coding = strings.ToLower(strings.TrimSpace(coding)); coding {
			case "", "identity":
			case "utf-8", "utf8":
				return kindMediaType.fieldAs(domain.FieldUnsupported, "Content-Encoding",
					"must be absent: a charset belongs into Content-Type", coding)
			default:
				return kindMediaType.fieldAs(domain.FieldUnsupported, "Content-Encoding",
					"must be absent: send the body as it is, not compressed", coding).
					with("Accept-Encoding", "identity") // RFC 9110, section 12.5.3
			}
		}
	}
	return nil
}
