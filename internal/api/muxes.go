package api

import (
	"net/http"
	"strings"
)

// keyedPath begins the paths of jobs by key. [http.ServeMux] would take /jobs/by-key/{key}
// and /jobs/{id}/executions for one path, although by-key is no id.
const keyedPath = "/jobs/by-key/"

// muxes find the handler of a path.
type muxes struct{ keyed, others *http.ServeMux }

func newMuxes() *muxes { return &muxes{keyed: http.NewServeMux(), others: http.NewServeMux()} }

// of returns the mux of a path.
func (m *muxes) of(path string) *http.ServeMux {
	if strings.HasPrefix(path, keyedPath) {
		return m.keyed
	}
	return m.others
}

// Handle adds a handler. The pattern has a method; / takes all that no other does.
func (m *muxes) Handle(pattern string, h http.Handler) {
	if pattern == "/" {
		m.keyed.Handle(pattern, h)
	}
	_, path, _ := strings.Cut(pattern, " ")
	m.of(path).Handle(pattern, h)
}

// HandleFunc implements humago.Mux.
func (m *muxes) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// Handler returns what a request is handled by, as [http.ServeMux] does.
func (m *muxes) Handler(r *http.Request) (http.Handler, string) { return m.of(r.URL.Path).Handler(r) }

// ServeHTTP implements http.Handler.
func (m *muxes) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.of(r.URL.Path).ServeHTTP(w, r) }
