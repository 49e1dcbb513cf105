package api

import (
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/danielgtaylor/huma/v2"
)

// registerDocs adds the document, the page that is made of it, and the way to
// both. It comes after every other route.
func (rt *router) registerDocs() error {
	var text, page []byte // filled below, when the document is whole
	rt.registerPage(huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: "/openapi.json", Tags: []string{"Documents"},
		Summary: "The OpenAPI document", Description: "OpenAPI 3.1.",
	}, "application/json", reference.Serve("application/json", &text))
	rt.registerPage(huma.Operation{
		OperationID: "get-docs", Method: http.MethodGet, Path: "/docs", Tags: []string{"Documents"},
		Summary: "This page", Description: "The reference for people, made of the OpenAPI document. It loads nothing " +
			"from anywhere.",
	}, "text/html", reference.Serve("text/html; charset=utf-8", &page))
	register(rt, huma.Operation{
		OperationID: "get-index", Method: http.MethodGet, Path: "/{$}", Tags: []string{"Documents"},
		Summary: "Where to go", Description: "The main paths.",
	}, rt.index)
	rt.renamePath("/{$}", "/")

	var err error
	if text, err = reference.Finish(rt.huma.OpenAPI()); err != nil {
		return err
	}
	problems := make([]reference.Problem, len(kinds))
	for i, k := range kinds {
		problems[i] = reference.Problem{Slug: k.slug, Title: k.title, Meaning: k.meaning, Status: k.status}
	}
	page, err = reference.Page(rt.huma.OpenAPI(), problems)
	return err
}

// renamePath gives a route another name in the document than in the mux,
// where "/" would take every path.
func (rt *router) renamePath(from, to string) {
	paths := rt.huma.OpenAPI().Paths
	paths[to] = paths[from]
	delete(paths, from)
}
