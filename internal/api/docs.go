package api

import (
	"net/http"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/danielgtaylor/huma/v2"
)

// registerDocs adds the document, the page that is made of it, and the way to
// both. It comes after every other route.
func (rt *router) registerDocs() error {
	doc := rt.huma.OpenAPI()
	rt.registerPage(huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: "/openapi.json", Tags: []string{"Documents"},
		Summary: "The OpenAPI document", Description: "OpenAPI 3.1.",
		Parameters: sinceHeader(), Responses: notModifiedAnswer(),
	}, "application/json", rt.serveOnceMade("application/json", func() ([]byte, error) { return reference.Text(doc) }))
	rt.registerPage(huma.Operation{
		OperationID: "get-openapi-3-0", Method: http.MethodGet, Path: "/openapi-3.0.json", Tags: []string{"Documents"},
		Summary: "The OpenAPI document in 3.0", Description: "OpenAPI 3.0.3, for generators that do not read 3.1.",
	}, "application/json", rt.serveOnceMade("application/json", func() ([]byte, error) {
		return reference.Text30(doc)
	}))
	rt.registerPage(huma.Operation{
		OperationID: "get-docs", Method: http.MethodGet, Path: "/docs", Tags: []string{"Documents"},
		Summary: "This page", Description: "The reference for people, made of the OpenAPI document. It loads nothing " +
			"from anywhere.",
		Parameters: sinceHeader(), Responses: notModifiedAnswer(),
	}, "text/html", rt.serveOnceMade("text/html; charset=utf-8", func() ([]byte, error) {
		return reference.Page(doc, explainedProblems())
	}))
	register(rt, huma.Operation{
		OperationID: "get-index", Method: http.MethodGet, Path: "/{$}", Tags: []string{"Documents"},
		Summary: "Where to go", Description: "The main paths.",
	}, rt.index)
	rt.renamePath("/{$}", "/")
	for _, item := range doc.Paths {
		for _, op := range reference.Operations(item) {
			rt.documentTime(op)
		}
	}
	return reference.Finish(doc, explainedProblems())
}

// serveOnceMade serves a text that is made at the first request for it, and kept. Both
// take 25 ms of a core and 7 MB of garbage, which a start need not wait for.
func (rt *router) serveOnceMade(contentType string, makeText func() ([]byte, error)) http.Handler {
	text := sync.OnceValues(makeText)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := text()
		if err != nil {
			tell(r.Context(), rt.log, err).write(w)
			return
		}
		tag := hashTag(content, "")
		known, err := hasTag(r, tag)
		switch {
		case err != nil:
			tell(r.Context(), rt.log, err).write(w)
		case known:
			w.Header().Set("ETag", tag)
			w.WriteHeader(http.StatusNotModified)
		default:
			reference.Serve(w, contentType, tag, content)
		}
	})
}

// explainedProblems returns the kinds of problems as the page explains them.
func explainedProblems() []reference.Problem {
	problems := make([]reference.Problem, len(kinds))
	for i, k := range kinds {
		problems[i] = reference.Problem{Slug: k.slug, Title: k.title, Meaning: k.meaning, Status: k.status}
	}
	return problems
}

// renamePath gives a route another name in the document than in the mux,
// where "/" would take every path.
func (rt *router) renamePath(from, to string) {
	paths := rt.huma.OpenAPI().Paths
	paths[to] = paths[from]
	delete(paths, from)
}
