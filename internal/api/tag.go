package api

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A document that has no version has a hash of itself as its tag: what a client reads again
// and again costs no more than 304 while nothing has changed.

// sinceParam documents If-None-Match of a request that reads such a document.
type sinceParam string

// Schema implements huma.SchemaProvider.
func (sinceParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`"mzxw6ytboi"`},
		Description: "The ETag of an earlier answer, or several: 304 if nothing has changed since.",
	}
}

// sinceHeader documents it where huma does not.
func sinceHeader() []*huma.Param {
	schema := sinceParam("").Schema(nil)
	return []*huma.Param{{Name: "If-None-Match", In: "header", Description: schema.Description, Schema: schema}}
}

func notModifiedAnswer() map[string]*huma.Response {
	return map[string]*huma.Response{"304": {Description: "Nothing has changed."}}
}

// hashTag returns the tag of a text.
func hashTag(text []byte, suffix string) string {
	sum := sha256.Sum256(text)
	return `"` + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10])) + suffix + `"`
}

// tagOfDocument returns the tag of a document, and whether the caller has it already
// (RFC 9110, section 13.1.2).
func tagOfDocument(ctx context.Context, r *http.Request, doc any) (tag string, known bool, err error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return "", false, err
	}
	tag = hashTag(text, tagSuffix(ctx))
	known, err = hasTag(r, tag)
	return tag, known, err
}

// hasTag reports whether a request says that it has the document with a tag.
func hasTag(r *http.Request, tag string) (bool, error) {
	none, err := parseTags("If-None-Match", r.Header.Values("If-None-Match"))
	return err == nil && none.there && none.shows(0, tag), err
}
