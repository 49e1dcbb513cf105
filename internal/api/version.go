package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
)

type versionKey struct{}

// withoutVersion returns the request without /v1 at the beginning of its path. It comes before anybody decides by the
// path: keys, roles, limits, Idempotency-Keys and metrics are the same for both names of a path. The log has the path
// as it was sent.
func withoutVersion(r *http.Request) *http.Request {
	path, rest := cutVersion(r.URL.Path)
	raw, rawRest := cutVersion(r.URL.RawPath)
	if !rest || r.URL.RawPath != "" && !rawRest {
		return r
	}
	out := r.WithContext(context.WithValue(r.Context(), versionKey{}, r.URL))
	out.URL = new(url.URL)
	*out.URL = *r.URL
	out.URL.Path, out.URL.RawPath = path, raw
	return out
}

// cutVersion cuts the prefix off a path, which may be nothing but that.
func cutVersion(path string) (rest string, found bool) {
	rest, found = strings.CutPrefix(path, reference.VersionPrefix)
	switch {
	case !found || rest != "" && rest[0] != '/':
		return path, false
	case rest == "":
		return "/", true
	}
	return rest, true
}

// versionedURL returns the URL of a request that had /v1 in its path, as it was sent, or nil.
func versionedURL(ctx context.Context) *url.URL {
	u, _ := ctx.Value(versionKey{}).(*url.URL)
	return u
}

// link returns a path as an answer names it: with /v1 if the request had it. A client behind a proxy may reach nothing
// else.
func link(ctx context.Context, path string) string {
	if versionedURL(ctx) != nil {
		return reference.VersionPrefix + path
	}
	return path
}
