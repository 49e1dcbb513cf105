package api

import (
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/oidc"
)

// A session is in a cookie that no script reads (HttpOnly) and that is not sent with what pages of
// other sites ask for (SameSite=Strict). It has no Max-Age: it goes when the browser is closed.
//
// Where the browser uses TLS, the name begins with __Host-: then a browser takes the cookie only
// with Secure, for this host alone and for all paths, so that neither another host of the domain nor
// somebody who answers for it over http can plant one. The other name is not read there.
const (
	plainCookie  = "belfry_session"
	secureCookie = "__Host-" + plainCookie
)

// What a browser keeps while somebody signs in at a provider. It comes back from another site, so that SameSite is Lax:
// the cookie is sent along when an address is opened, and with nothing else. Each sign-in has a cookie of its own, with
// a part of its state in the name: so two tabs do not disturb each other, and no page ends a sign-in that it does not
// know.
const (
	plainPending  = "belfry_oidc_"
	securePending = "__Host-" + plainPending

	pendingMark = 16 // characters of the state
	maxPending  = 4  // in one browser; a further one takes the place of the oldest
)

// Where one signs in and out.
const (
	sessionPath  = "/session"
	oidcPath     = sessionPath + "/oidc"
	callbackPath = oidcPath + "/callback"
)

// OIDCCallback is where a provider sends browsers back to, below the public URL of a server.
const OIDCCallback = callbackPath

// cookieName returns the name of a cookie, which is another one over TLS.
func cookieName(r *http.Request, plain, secure string) string {
	if front.OverTLS(r) {
		return secure
	}
	return plain
}

// sessionCookie returns the cookie with the text of a session; an empty text removes it.
func sessionCookie(r *http.Request, text string) *http.Cookie {
	c := &http.Cookie{Name: cookieName(r, plainCookie, secureCookie), Value: text, Path: "/", HttpOnly: true,
		Secure: front.OverTLS(r), SameSite: http.SameSiteStrictMode}
	if text == "" {
		c.MaxAge = -1
	}
	return c
}

// pendingCookie returns a cookie with the text of a sign-in that has begun; an empty text removes it.
func pendingCookie(r *http.Request, name, text string) string {
	c := &http.Cookie{Name: name, Value: text, Path: "/", HttpOnly: true,
		Secure: front.OverTLS(r), SameSite: http.SameSiteLaxMode, MaxAge: int(oidc.SignInTime.Seconds())}
	if text == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// pendingName returns the name of the cookie of the sign-in with a state.
func pendingName(r *http.Request, state string) string {
	return cookieName(r, plainPending, securePending) + state[:min(len(state), pendingMark)]
}

// beginsPending returns the cookies that begin a sign-in: its own, and those that make room for it. Browsers send the
// oldest ones first.
func beginsPending(r *http.Request, started oidc.Started) (set []string) {
	var kept []string
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, cookieName(r, plainPending, securePending)) {
			kept = append(kept, c.Name)
		}
	}
	for _, name := range kept[:max(0, len(kept)-maxPending+1)] {
		set = append(set, pendingCookie(r, name, ""))
	}
	return append(set, pendingCookie(r, pendingName(r, started.State), started.Text))
}

// endsPending returns the cookies that end the sign-in with a state: none where the browser has not begun it.
func endsPending(r *http.Request, state string) []string {
	name := pendingName(r, state)
	if len(r.CookiesNamed(name)) == 0 {
		return nil
	}
	return []string{pendingCookie(r, name, "")}
}

// sessionText returns the text of the session that a request has.
func sessionText(r *http.Request) (string, bool) {
	return cookieText(r, cookieName(r, plainCookie, secureCookie))
}

// pendingText returns the text of the sign-in with a state that a browser has begun; empty: none.
func pendingText(r *http.Request, state string) string {
	text, _ := cookieText(r, pendingName(r, state))
	return text
}

// cookieText returns the value of a cookie. Two cookies of the name are none: one of them has been planted for a path,
// and nobody can tell which one.
func cookieText(r *http.Request, name string) (string, bool) {
	found := r.CookiesNamed(name)
	if len(found) != 1 || found[0].Value == "" {
		return "", false
	}
	return found[0].Value, true
}

// cookieCounts reports whether a session may count at all: not for what a page of another origin
// asks for. That page could not read the answer, but learn from whether and when there is one.
func cookieCounts(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return false
}

// provenOrigin reports whether the browser says that a page of this server has made a request.
// Those that do not say so by Sec-Fetch-Site send Origin with every change; the guard has compared it
// with Host. Without either, SameSite alone would stand between a page and the session.
func provenOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "":
		origin := r.Header.Get("Origin")
		return origin != "" && (!front.OverTLS(r) || strings.HasPrefix(origin, "https://"))
	}
	return false
}
