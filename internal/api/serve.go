package api

import (
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/peerview"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// ServeHTTP implements http.Handler: it asks the guard, then hands the request to
// its route.
func (rt *router) ServeHTTP(w http.ResponseWriter, outer *http.Request) {
	if rt.gate != nil && outer.URL.Path == peer.Path { // which asks for no API key
		outer.Pattern = outer.Method + " " + peer.Path
		rt.gate.ServeHTTP(w, outer)
		return
	}
	r := withoutVersion(outer)
	found, refusal := rt.guard.admits(r)
	caller := found.Caller
	if refusal != nil {
		rt.repeats.noteRefusal(withVisitor(r, caller).Context(), refusal, rt.routeOf(r))
		rt.guard.refused(refusal).write(w)
		return
	}
	if rt.internal && !internalPath(r.URL.Path) {
		noClients().write(w)
		return
	}
	if most, remaining := caller.Quota(rt.guard.clock.Now()); most > 0 {
		ofKey(most).tell(w.Header(), remaining)
	}
	if found.Text != "" {
		http.SetCookie(w, sessionCookie(r, found.Text))
	}
	inner := withVisitor(r, caller)
	defer func() { outer.Pattern = inner.Pattern }() // the mux writes it into the request that it gets
	rt.route(w, inner)
}

// registerUI adds the dashboard. Its routes are no part of the OpenAPI document.
func (rt *router) registerUI(page http.Handler) {
	if page == nil {
		return
	}
	rt.page, rt.guard.page = page, true
	rt.mux.Handle("GET "+uiPath, page)
	rt.mux.Handle("GET "+uiPath+"/{path...}", page)
}

// routeOf returns the method and the path of a request as the document names them, or "".
func (rt *router) routeOf(r *http.Request) string {
	if _, pattern := rt.mux.Handler(r); pattern != "/" {
		return pattern
	}
	return ""
}

// route hands the request to the mux. Paths that are not clean ("/jobs/../x") are
// no paths of ours: the mux would redirect them, with a page.
func (rt *router) route(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		rt.nothing(w, r)
		return
	}
	if r.URL.Path == "/" && rt.page != nil {
		w.Header().Add("Vary", "Accept")
		if asksForUI(r) {
			r.Pattern = r.Method + " /"
			rt.page.ServeHTTP(w, r)
			return
		}
	}
	rt.mux.ServeHTTP(w, r)
}

// answerPeer answers a request that another node has sent in the name of a caller, whom it has
// let in.
func (rt *router) answerPeer(w http.ResponseWriter, r *http.Request, c peer.Caller) {
	if strings.HasPrefix(r.URL.Path, peerview.Prefix) {
		rt.asked.ServeHTTP(w, r)
		return
	}
	ctx := telemetry.WithRequestID(r.Context(), r.Header.Get(front.RequestIDHeader))
	ctx = context.WithValue(ctx, visitorKey{}, visitor{author: c.By, role: c.Role, namespace: c.Namespace})
	ctx = identified(context.WithValue(ctx, forwardedKey{}, true), c.Identity)
	rt.route(w, withoutVersion(r.WithContext(ctx)))
}
