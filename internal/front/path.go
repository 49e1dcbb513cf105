package front

import (
	"net/http"
	"strings"
)

// withCleanPath returns the request with slashes that are doubled or at the end of its
// path taken off: clients join a base URL that ends in one. It comes before anybody
// decides by the path, above all before API keys are checked. A path with encoded slashes, or with
// segments that lead upwards, is left as it is: no route has it.
func withCleanPath(r *http.Request) *http.Request {
	p := r.URL.Path
	if r.URL.RawPath != "" || len(p) < 2 || p[0] != '/' || p[len(p)-1] != '/' && !strings.Contains(p, "//") {
		return r
	}
	parts := strings.FieldsFunc(p, func(c rune) bool { return c == '/' })
	out, u := *r, *r.URL
	u.Path = "/" + strings.Join(parts, "/")
	out.URL = &u
	return &out
}
