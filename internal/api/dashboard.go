package api

import (
	"net/http"
	"strconv"
	"strings"
)

// uiPath begins the paths of the dashboard (package page). No route of the API is below it.
const uiPath = "/ui"

// asksForUI reports whether a request is for the dashboard. Whoever reaches the server gets that: it holds nothing
// but the means to ask the API, and a form for a key has to be shown to somebody who has not sent one.
func asksForUI(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return r.URL.Path == uiPath || strings.HasPrefix(r.URL.Path, uiPath+"/") || wantsPage(r)
}

// wantsPage reports whether a request for the root comes from a browser that wants a page. Programs get JSON, as they
// do when they say nothing.
func wantsPage(r *http.Request) bool {
	if r.URL.Path != "/" {
		return false
	}
	accepts := strings.Join(r.Header.Values("Accept"), ",")
	html, json := weightOf(accepts, "text/html"), weightOf(accepts, "application/json")
	return html > 0 && html >= json
}

// weightOf returns how much a client wants a media type that its Accept header names, from 0 to 1. Wildcards do not
// count.
func weightOf(accepts, mediaType string) float64 {
	for part := range strings.SplitSeq(accepts, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), mediaType) {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			if q, ok := strings.CutPrefix(strings.TrimSpace(param), "q="); ok {
				weight, err := strconv.ParseFloat(q, 64)
				if err != nil {
					return 0
				}
				return weight
			}
		}
		return 1
	}
	return 0
}
