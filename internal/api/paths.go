package api

import (
	"net/http"
	"net/url"
	pathpkg "path"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/wire"
)

// otherPaths are names under which other programs have what is here, by which
// people and probes look for it.
var otherPaths = map[string]string{
	"/health": "/healthz", "/livez": "/healthz", "/live": "/healthz", "/liveness": "/healthz", "/ping": "/healthz",
	"/up":          "/healthz",
	"/health/live": "/healthz", "/status": "/observability/health", "/actuator/health": "/observability/health",
	"/ready": "/readyz", "/readiness": "/readyz", "/health/ready": "/readyz",
	"/prometheus": "/metrics", "/alerts": "/observability/alerts", "/audit/log": "/audit/changes",
	"/changes":           "/audit/changes",
	"/executions/recent": "/observability/executions/recent",
	"/executions/failed": "/observability/executions/failed", "/preview": "/schedules/preview",
	"/schedules": "/schedules/preview",
	"/import":    "/jobs/import", "/export": "/jobs/export", "/doc": "/docs", "/help": "/docs",
	"/openapi":      "/openapi.json",
	"/openapi.yaml": "/openapi.json", "/openapi.yml": "/openapi.json", "/swagger": "/docs",
	"/swagger.json": "/openapi.json", "/api-docs": "/openapi.json",
}

// otherWords are words for parts of a path; otherVerbs for its end after an id.
var (
	otherWords = map[string]string{"job": "jobs", "execution": "executions", "schedule": "schedules", "key": "keys",
		"tasks": "jobs", "task": "jobs"}
	otherVerbs = map[string]string{
		"run": "trigger", "execute": "trigger", "start": "trigger", "fire": "trigger", "enable": "resume",
		"unpause": "resume", "activate": "resume",
		"disable": "pause", "stop": "pause", "deactivate": "pause", "history": "executions", "runs": "executions",
		"execution": "executions",
	}
	prefixes = []string{"api", "rest", "belfry", "v1", "v2", "v3"}
)

// maxGuessedPath bounds the work for a path that is none.
const maxGuessedPath = 200

// near returns the path that was probably meant by one that is none; empty: no
// guess.
func (rt *router) near(path string) string {
	if len(path) > maxGuessedPath {
		return ""
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for len(parts) > 1 && slices.Contains(prefixes, strings.ToLower(parts[0])) {
		parts = parts[1:]
	}
	for i, part := range parts {
		low := strings.ToLower(part)
		if word := otherWords[low]; word != "" && i == 0 {
			low = word
		}
		if verb := otherVerbs[low]; verb != "" && i == 2 {
			low = verb
		}
		parts[i] = low // ids too: their letter case is no difference
	}
	guess := "/" + strings.Join(parts, "/")
	if other := otherPaths[guess]; other != "" {
		guess = other
	}
	if guess == path || pathpkg.Clean(guess) != guess || len(rt.methods(guess, "")) == 0 {
		return ""
	}
	return guess
}

// methods returns those that a path takes.
func (rt *router) methods(path, host string) []string {
	var allow []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} {
		probe := &http.Request{Method: method, URL: &url.URL{Path: path}, Host: host}
		if _, pattern := rt.mux.Handler(probe); pattern != "/" && pattern != "" {
			allow = append(allow, method)
		}
	}
	return allow
}

// nothing answers that a path is none, with the one that was probably meant.
func (rt *router) nothing(w http.ResponseWriter, r *http.Request) {
	shown := echo(r.URL.Path)
	if near := rt.near(r.URL.Path); near != "" {
		kindNotFound.problem("There is nothing at %v; did you mean %v? /docs lists the paths.", shown, near).write(w)
		return
	}
	kindNotFound.problem("There is nothing at %v. /docs lists the paths.", shown).write(w)
}

// noRoute answers what no route takes: which methods the path has (OPTIONS), 405
// when another method would be taken, otherwise 404.
func (rt *router) noRoute(w http.ResponseWriter, r *http.Request) {
	allow := rt.methods(r.URL.Path, r.Host)
	if len(allow) == 0 {
		rt.nothing(w, r)
		return
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", strings.Join(slices.Insert(allow, slices.Index(allow, "HEAD")+1, "OPTIONS"), ", "))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	list := strings.Join(allow, ", ")
	kindMethod.problem("%v takes %s.%s", echo(r.URL.Path), list, methodHint(r.Method, r.URL.Path)).with("Allow",
		list).write(w)
}

// methodHint says how the API does what a method does elsewhere.
func methodHint(method, path string) string {
	id, ofJob := strings.CutPrefix(path, "/jobs/")
	switch {
	case path == "/jobs" && (method == http.MethodPut || method == http.MethodPatch || method == http.MethodDelete):
		return " To change or delete a job: PUT or DELETE /jobs/{id}."
	case ofJob && !strings.Contains(id, "/") && method == http.MethodPost:
		return " To change a job: PUT. To run it now: POST " + clipPath(path) + "/trigger."
	}
	return ""
}

func clipPath(path string) string { return wire.Shorten(path, maxEchoBytes) }
