package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template and style
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html.tmpl
var docsTemplate string

//go:embed docs.css
var docsStyle string

// pagePolicy lets a page use its own style and nothing else: no script, no
// font, no picture, no other host.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(docsStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// registerDocs adds the document, the page that is made of it, and the way to
// both. It comes after every other route.
func (s *server) registerDocs() error {
	var text, page []byte // filled below, when the document is whole
	s.registerPage(huma.Operation{
		OperationID: "get-openapi", Method: http.MethodGet, Path: "/openapi.json", Tags: []string{"Documents"},
		Summary: "The OpenAPI document", Description: "OpenAPI 3.1.",
	}, "application/json", serve("application/json", &text))
	s.registerPage(huma.Operation{
		OperationID: "get-docs", Method: http.MethodGet, Path: "/docs", Tags: []string{"Documents"},
		Summary: "This page", Description: "The reference for people, made of the OpenAPI document. It loads nothing " +
			"from anywhere.",
	}, "text/html", serve("text/html; charset=utf-8", &page))
	register(s, huma.Operation{
		OperationID: "get-index", Method: http.MethodGet, Path: "/{$}", Tags: []string{"Documents"},
		Summary: "Where to go", Description: "The main paths.",
	}, s.index)
	s.renamePath("/{$}", "/")

	takeNull(s.huma.OpenAPI().Components.Schemas.Map())
	var err error
	if text, err = s.document(); err != nil {
		return err
	}
	page, err = s.renderDocs()
	return err
}

// renamePath gives a route another name in the document than in the mux,
// where "/" would take every path.
func (s *server) renamePath(from, to string) {
	paths := s.huma.OpenAPI().Paths
	paths[to] = paths[from]
	delete(paths, from)
}

// serve answers with bytes that are there when the server runs.
func serve(contentType string, content *[]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Security-Policy", pagePolicy)
		_, _ = w.Write(*content) // the client is gone: there is nobody to tell
	})
}

func (s *server) renderDocs() ([]byte, error) {
	t, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, docsPageOf(s.huma.OpenAPI()))
	return b.Bytes(), err
}
