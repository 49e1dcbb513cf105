package api

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/oidc"
	"github.com/belfry-scheduler/belfry/internal/oidc/oidctest"
)

const publicURL = "http://example.com"

// peopled is an API where people sign in by a provider.
type peopled struct {
	*keyed
	issuer   *oidctest.Issuer
	sessions *access.Sessions
	log      *bytes.Buffer
}

// newPeopled returns one. Without grants everybody of the group ops is an admin.
func newPeopled(t *testing.T, grants ...string) *peopled {
	t.Helper()
	if len(grants) == 0 {
		grants = []string{"groups=ops:admin"}
	}
	p := &peopled{issuer: oidctest.New(t), log: new(bytes.Buffer)}
	log := slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	p.keyed = newKeyed(t, func(c *Config) {
		c.Log, c.Page = log, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		c.Keys.People = true
		parsed, err := access.ParseGrants(grants)
		if err != nil {
			t.Fatal(err)
		}
		secret := bytes.Repeat([]byte{7}, 32)
		p.sessions, err = access.OpenSessions(t.Context(), access.SessionConfig{Keys: c.Keys, TTL: 12 * time.Hour,
			Idle: time.Hour, Secrets: [][]byte{secret}, Admission: &access.Admission{Issuer: p.issuer.URL,
				ClientID: oidctest.Client, ClientSecret: oidctest.Secret, Grants: parsed}})
		if err != nil {
			t.Fatal(err)
		}
		party, err := oidc.New(oidc.Config{Issuer: p.issuer.URL, ClientID: oidctest.Client,
			ClientSecret: oidctest.Secret, RedirectURL: publicURL + OIDCCallback, Scopes: []string{"openid"},
			Secrets: [][]byte{secret}, Clock: c.Clock, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		c.SignIns = SignIns{Sessions: p.sessions, RelyingParty: party, Name: "Example", PublicURL: publicURL}
	})
	t.Cleanup(func() {
		if strings.Contains(p.log.String(), "canary") {
			t.Errorf("a secret is in the log: %s", p.log)
		}
	})
	return p
}

// opens opens an address as a browser does that comes from another site.
func (p *peopled) opens(t *testing.T, address, cookie string, header ...string) answer {
	t.Helper()
	all := append([]string{"Accept: text/html,*/*;q=0.8", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"},
		header...)
	if cookie != "" {
		all = append(all, "Cookie: "+cookie)
	}
	res := call(t, p, "GET", strings.TrimPrefix(address, publicURL), "", all...)
	if strings.Contains(res.text, "canary") || strings.Contains(res.Header.Get("Location"), "canary") {
		t.Errorf("a secret is shown: %s, %v", res.text, res.Header)
	}
	return res
}

// begin begins a sign-in. It returns where the provider sends the browser, and what that keeps.
func (p *peopled) begin(t *testing.T, to string) (back, cookie string) {
	t.Helper()
	path := "/session/oidc"
	if to != "" {
		path += "?to=" + url.QueryEscape(to)
	}
	res := p.opens(t, path, "")
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %s", res.StatusCode, res.text)
	}
	return p.issuer.LetIn(res.Header.Get("Location")), cookieOf(t, res)
}

// sentTo fails unless the browser is sent to an address of this server.
func sentTo(t *testing.T, res answer, want string) {
	t.Helper()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != want {
		t.Errorf("%d to %q, want %q: %s", res.StatusCode, res.Header.Get("Location"), want, res.text)
	}
}

// cookiesOf returns the cookies that an answer sets, by name.
func cookiesOf(res answer) map[string]*http.Cookie {
	found := map[string]*http.Cookie{}
	for _, c := range res.Cookies() {
		found[c.Name] = c
	}
	return found
}

// signIn signs somebody in, and returns the cookie of the session.
func (p *peopled) signIn(t *testing.T) string {
	t.Helper()
	back, cookie := p.begin(t, "")
	res := p.opens(t, back, cookie)
	sentTo(t, res, "/ui")
	c := cookiesOf(res)[plainCookie]
	if c == nil {
		t.Fatal("there is no session")
	}
	return c.Name + "=" + c.Value
}

// TestPeopleSignIn: from the button to the page: the session has the role of the grant, says who it is, is in the trail
// as that person, and ends with a logout.
func TestPeopleSignIn(t *testing.T) {
	p := newPeopled(t, "groups=staff:editor:default", "groups=ops:admin")
	refused := call(t, p, "GET", "/me", "").problem(t, 401)
	if ways := refused.SignIn; ways == nil || !ways.Key || ways.OIDC == nil || ways.OIDC.Name != "Example" ||
		ways.OIDC.URL != publicURL+"/session/oidc" {
		t.Errorf("%+v", refused.SignIn)
	}
	back, cookie := p.begin(t, "/ui/jobs?text=a")
	res := p.opens(t, back, cookie)
	sentTo(t, res, "/ui/jobs?text=a")
	set := cookiesOf(res)
	session, pending := set[plainCookie], set[strings.Split(cookie, "=")[0]]
	if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteStrictMode || session.Path != "/" ||
		session.MaxAge != 0 || pending == nil || pending.MaxAge >= 0 || pending.Value != "" {
		t.Fatalf("%v", res.Header["Set-Cookie"])
	}
	cookie = session.Name + "=" + session.Value
	var me meBody
	byBrowser(t, p, "GET", "/me", "", cookie).into(t, 200, &me)
	if me.Kind != "session" || me.KeyID != "" || me.Subject != "ann-7" || me.Name != "ann@example.com" ||
		me.Role != domain.RoleEditor || len(me.Namespaces) != 1 || me.ExpiresAt == nil || me.SignIn.OIDC == nil {
		t.Errorf("%+v", me)
	}
	byBrowser(t, p, "POST", "/jobs", minimal, cookie).id(t)
	byBrowser(t, p, "GET", "/keys", "", cookie).problem(t, 403)
	byBrowser(t, p, "GET", "/metrics", "", cookie).problem(t, 403) // of all namespaces
	call(t, p, "POST", "/jobs", minimal, "Cookie: "+cookie, "Sec-Fetch-Site: cross-site").problem(t, 403)
	for _, action := range []domain.Action{domain.ActionSignIn, domain.ActionCreate, domain.ActionRefuse} {
		by := p.entriesOf(t, action)
		if len(by) == 0 || by[0].By.Key != "oidc:ann-7" || by[0].By.Name != "ann@example.com" {
			t.Errorf("%s: %+v", action, by)
		}
	}
	if res := byBrowser(t, p, "DELETE", "/session", "", cookie); res.StatusCode != 204 {
		t.Errorf("%d", res.StatusCode)
	}
	byBrowser(t, p, "GET", "/me", "", cookie).problem(t, 401)
}

// TestForgedAnswersOfAProvider: nobody is signed in by an answer that this browser has not asked for, whatever it
// has; the page learns the reason, a program gets a problem.
func TestForgedAnswersOfAProvider(t *testing.T) {
	p := newPeopled(t)
	back, cookie := p.begin(t, "")
	_, other := p.begin(t, "")
	name, text, _ := strings.Cut(cookie, "=")
	_, otherText, _ := strings.Cut(other, "=")
	state := func(value string) string {
		u, _ := url.Parse(back)
		q := u.Query()
		q.Set("state", value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	long := name + "=" + strings.Repeat("x", 8000)
	for name, tc := range map[string]struct{ address, cookie, reason string }{
		"no cookie": {back, "", "expired"},
		"a session as a cookie": {back, name + "=" + strings.TrimPrefix(p.signIn(t), plainCookie+"="),
			"expired"},
		"a made-up cookie":  {back, name + "=x", "expired"},
		"a cookie too long": {back, long, "expired"},
		"two cookies":       {back, cookie + "; " + cookie, "expired"},
		"another browser's": {back, name + "=" + otherText, "foreign"},
		"of another name":   {back, other, "expired"},
		"a foreign state":   {state("x"), plainPending + "x=" + text, "foreign"},
		"its state cut off": {state(stateOf(t, back)[:pendingMark]), cookie, "foreign"},
		"an unknown state":  {state("x"), cookie, "expired"},
		"no parameters":     {"/session/oidc/callback", cookie, "expired"},
		"a made-up code":    {strings.Replace(back, "code=", "code=canary", 1), cookie, "foreign"},
	} {
		p.f.clock.step(access.FailureWindow)
		res := p.opens(t, tc.address, tc.cookie)
		sentTo(t, res, "/ui?signInError="+tc.reason)
		// What the browser keeps of this sign-in goes; what it keeps of another one does not.
		kept := plainPending + stateOf(t, tc.address)
		kept = kept[:min(len(kept), len(plainPending)+pendingMark)]
		over := len(cookiesOf(res)) == 1 && cookiesOf(res)[kept] != nil && cookiesOf(res)[kept].MaxAge < 0
		if over != strings.HasPrefix(tc.cookie, kept+"=") || !over && len(cookiesOf(res)) > 0 {
			t.Errorf("%s: %v", name, res.Header["Set-Cookie"])
		}
		refused := p.opens(t, tc.address, tc.cookie, "Accept: application/json").problem(t, 403)
		if refused.Code != "sign-in-refused" || refused.Detail == "" {
			t.Errorf("%s: %+v", name, refused)
		}
	}
	sentTo(t, p.opens(t, back, cookie), "/ui")
	sentTo(t, p.opens(t, back, cookie), "/ui?signInError=foreign") // replayed as a whole: the code counts once
	back, cookie = p.begin(t, "")
	sentTo(t, p.opens(t, "/session/oidc/callback?error=access_denied&state="+stateOf(t, back), cookie),
		"/ui?signInError=denied")
	back, cookie = p.begin(t, "")
	sentTo(t, p.opens(t, back+"&authuser=0&x=y", cookie), "/ui") // what only the provider understands
	sentTo(t, p.opens(t, back, cookie), "/ui?signInError=foreign")
}

func stateOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("state")
}

// TestSignInsInTwoTabs: each is finished, whichever goes first; a callback that belongs to neither ends none. A browser
// keeps a bounded number of them.
func TestSignInsInTwoTabs(t *testing.T) {
	p := newPeopled(t)
	first, one := p.begin(t, "/ui/jobs")
	second, two := p.begin(t, "/ui/keys?a=b")
	both := one + "; " + two
	if res := p.opens(t, "/session/oidc/callback?code=x&state=y", both); len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("a page has ended a sign-in: %v", res.Header["Set-Cookie"])
	}
	res := p.opens(t, first, both)
	sentTo(t, res, "/ui/jobs")
	set := cookiesOf(res)
	if done := set[strings.Split(one, "=")[0]]; len(set) != 2 || done == nil || done.MaxAge >= 0 {
		t.Errorf("%v", res.Header["Set-Cookie"])
	}
	sentTo(t, p.opens(t, strings.Replace(second, "code=", "code=x", 1), two), "/ui/keys?a=b&signInError=foreign")
	sentTo(t, p.opens(t, second, two), "/ui/keys?a=b")
	var kept []string
	for range maxPending + 2 {
		kept = append(kept, strings.TrimSuffix(strings.Split(strings.Join(p.opens(t, "/session/oidc", "").
			Header["Set-Cookie"], ""), ";")[0], ";"))
	}
	set = cookiesOf(p.opens(t, "/session/oidc", plainCookie+"=x; "+strings.Join(kept, "; ")))
	for i, cookie := range kept {
		c := set[strings.Split(cookie, "=")[0]]
		if gone := c != nil && c.MaxAge < 0; gone != (i < 3) {
			t.Errorf("the sign-in %d: %v", i, c)
		}
	}
	if len(set) != 4 {
		t.Errorf("%v", set)
	}
}

// TestAnotherPersonSignsIn: the provider asks who it is where the page wants that.
func TestAnotherPersonSignsIn(t *testing.T) {
	p := newPeopled(t)
	for query, want := range map[string]bool{"": false, "?again=false": false, "?again=true&to=/ui": true} {
		there := p.opens(t, "/session/oidc"+query, "").Header.Get("Location")
		if asks := strings.Contains(there, "prompt=select_account"); asks != want || there == "" {
			t.Errorf("%q: %s", query, there)
		}
	}
	p.opens(t, "/session/oidc?again=x", "").problem(t, 400)
}

// TestRefusedSignInsAreThrottled: whoever comes with codes that are none has to wait before the provider is asked
// again, and does not fill the log; others come in meanwhile. No word of the provider counts against an address.
func TestRefusedSignInsAreThrottled(t *testing.T) {
	p := newPeopled(t)
	asked := 0
	p.issuer.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			asked++
		}
		return false
	}
	back, cookie := p.begin(t, "")
	bad := strings.Replace(back, "code=", "code=x", 1)
	for range 3 * access.FailureBurst {
		sentTo(t, p.opens(t, "/session/oidc/callback?error=access_denied&state="+stateOf(t, back), cookie),
			"/ui?signInError=denied")
	}
	for range access.FailureBurst {
		sentTo(t, p.opens(t, bad, cookie), "/ui?signInError=foreign")
	}
	for range 100 {
		sentTo(t, p.opens(t, back, cookie), "/ui?signInError=too-many")
	}
	if asked != access.FailureBurst {
		t.Errorf("the provider was asked %d times", asked)
	}
	res := p.opens(t, bad, cookie, "Accept: */*")
	if refused := res.problem(t, 429); refused.Code != "rate" || res.Header.Get("Retry-After") != "1" ||
		!strings.Contains(res.Header.Get("RateLimit"), "refused-sign-ins") {
		t.Errorf("%+v, %v", refused, res.Header)
	}
	if lines := strings.Count(p.log.String(), "OpenID Connect was refused"); lines != 3 { // one of each reason
		t.Errorf("%d lines:\n%s", lines, p.log)
	}
	r := httptest.NewRequest("GET", strings.TrimPrefix(back, publicURL), nil)
	r.RemoteAddr = "198.51.100.7:1"
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/ui" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	p.f.clock.step(access.FailureWindow)
	back, cookie = p.begin(t, "")
	sentTo(t, p.opens(t, back, cookie), "/ui")
}

// TestARefusalSaysWhenToTryAgain: what holds for a moment is not taken for the quota of a person.
func TestARefusalSaysWhenToTryAgain(t *testing.T) {
	for reason, want := range map[oidc.Reason][2]string{oidc.Busy: {"busy", "5"}, oidc.TooMany: {"rate", "60"},
		oidc.Unavailable: {"unavailable", "30"}, oidc.Foreign: {"sign-in-refused", ""}} {
		p := refusalProblem(oidc.Refuse(reason, "why"))
		if got := [2]string{p.Code, p.header.Get("Retry-After")}; got != want || p.Detail != "why" {
			t.Errorf("%s: %v, want %v", reason, got, want)
		}
	}
}

// TestNoOpenRedirect: a sign-in ends at a path of the page, whoever has chosen it.
func TestNoOpenRedirect(t *testing.T) {
	p := newPeopled(t)
	for _, to := range []string{"/ui", "/ui/", "/ui/jobs", "/ui/jobs/x?text=a%2Fb&sort=-name", "/ui/jobs/a%20b"} {
		back, cookie := p.begin(t, to)
		sentTo(t, p.opens(t, back, cookie), to)
	}
	for _, to := range []string{
		"//evil.example", "https://evil.example/ui", "/\\evil.example", "/ui\\..\\..", "\\\\evil.example",
		"/ui/../keys",
		"/ui//evil.example", "/uix", "/", "/jobs", "ui", "ui/jobs", "javascript:alert(1)", "/ui#x",
		"/ui/\r\nSet-Cookie: a=b",
		"/ui/\tx", "///ui", "//ui/x", "/ui/./x", "?x", " /ui", "/ui/%2e%2e/x", "http:/ui", "/%75i/jobs",
		"/ui?" + strings.Repeat("x", 1000), "/ui/\x00",
	} {
		res := p.opens(t, "/session/oidc?to="+url.QueryEscape(to), "")
		if problem := res.problem(t, 400); len(res.Header["Set-Cookie"]) > 0 || problem.Errors[0].Field != "to" {
			t.Errorf("%q: %+v", to, problem)
		}
	}
	p.opens(t, "/session/oidc?to=/ui&to=/ui", "").problem(t, 400)
	p.opens(t, "/session/oidc?next=/ui", "").problem(t, 400)
}

// TestNothingGranted: whoever the provider knows, and the settings do not name, is told so, and is not let in.
func TestNothingGranted(t *testing.T) {
	p := newPeopled(t, "groups=ops:admin", "email=eve@example.com:viewer")
	for name, claims := range map[string]func(map[string]any){
		"other groups": func(c map[string]any) { c["groups"] = []string{"staff"} },
		"no groups":    func(c map[string]any) { delete(c, "groups") },
		"no address": func(c map[string]any) {
			c["groups"], c["email"], c["email_verified"] = "",
				"eve@example.com", false
		},
	} {
		p.issuer.Claims = claims
		back, cookie := p.begin(t, "")
		res := p.opens(t, back, cookie, "Accept: */*")
		if refused := res.problem(t, 403); !strings.Contains(refused.Detail, "nothing is granted to you") {
			t.Errorf("%s: %+v", name, refused)
		}
		back, cookie = p.begin(t, "")
		res = p.opens(t, back, cookie)
		sentTo(t, res, "/ui?signInError=not-granted")
		if cookiesOf(res)[plainCookie] != nil {
			t.Errorf("%s: a session has begun", name)
		}
	}
	p.issuer.Claims = func(c map[string]any) { c["sub"] = "" }
	back, cookie := p.begin(t, "")
	sentTo(t, p.opens(t, back, cookie), "/ui?signInError=untrusted")
	if entries := p.entriesOf(t, domain.ActionSignIn); len(entries) > 0 {
		t.Errorf("%+v", entries)
	}
}

// TestSignInsOverTLS: the cookie of a sign-in is bound to the host as that of a session is, and is sent along when the
// browser comes back.
func TestSignInsOverTLS(t *testing.T) {
	p := newPeopled(t)
	r := httptest.NewRequest("GET", "/session/oidc", nil)
	r.TLS = &tls.ConnectionState{}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	c := w.Result().Cookies()
	if len(c) != 1 || !strings.HasPrefix(c[0].Name, securePending) || !c[0].Secure || !c[0].HttpOnly ||
		c[0].Path != "/" || c[0].Domain != "" ||
		c[0].SameSite != http.SameSiteLaxMode || c[0].MaxAge != 600 {
		t.Errorf("%v", w.Result().Header)
	}
	r = httptest.NewRequest("GET", p.issuer.LetIn(w.Result().Header.Get("Location")), nil)
	r.TLS = &tls.ConnectionState{}
	r.AddCookie(&http.Cookie{Name: strings.TrimPrefix(c[0].Name, "__Host-"), Value: c[0].Value}) // planted over http
	w = httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}

// TestPeopleAreBounded: one person begins so many sessions, and the page learns that it was too many.
func TestPeopleAreBounded(t *testing.T) {
	p := newPeopled(t)
	for range access.SignInBurst {
		if _, wait, err := p.sessions.BeginAs(map[string]any{"sub": "ann-7", "groups": "ops"}); wait != 0 ||
			err != nil {
			t.Fatal(wait, err)
		}
	}
	back, cookie := p.begin(t, "")
	sentTo(t, p.opens(t, back, cookie), "/ui?signInError=too-many")
	back, cookie = p.begin(t, "")
	if res := p.opens(t, back, cookie, "Accept: */*"); res.problem(t, 429).Code != "rate" ||
		res.Header.Get("Retry-After") == "" {
		t.Errorf("%v", res.Header)
	}
}

// TestAProviderThatIsDown: the page learns it, keys go on, and so do sessions.
func TestAProviderThatIsDown(t *testing.T) {
	p := newPeopled(t)
	cookie := p.signIn(t)
	down := newPeopled(t)
	down.issuer.Stop()
	sentTo(t, down.opens(t, "/session/oidc?to=/ui/jobs", ""), "/ui/jobs?signInError=unavailable")
	if res := down.opens(t, "/session/oidc", "", "Accept: */*"); res.problem(t, 503).Detail == "" ||
		res.Header.Get("Retry-After") == "" {
		t.Errorf("%v", res.Header)
	}
	down.as(t, domain.RoleViewer, "GET", "/jobs", "").into(t, 200, &struct{}{})
	back, pending := p.begin(t, "")
	p.issuer.Stop()
	sentTo(t, p.opens(t, back, pending), "/ui?signInError=unavailable")
	byBrowser(t, p, "GET", "/jobs", "", cookie).into(t, 200, &struct{}{})
}

// TestWithoutAProvider there is nothing to sign in by, and no way is told.
func TestWithoutAProvider(t *testing.T) {
	k := newKeyed(t)
	for _, path := range []string{"/session/oidc", "/session/oidc/callback?code=x&state=y"} {
		call(t, k, "GET", path, "").problem(t, 409)
	}
	if ways := call(t, k, "GET", "/me", "").problem(t, 401).SignIn; ways == nil || ways.OIDC != nil {
		t.Errorf("%+v", ways)
	}
}

// TestPeopleWithoutKeys: a server where people sign in is not open to its machine because there is no key.
func TestPeopleWithoutKeys(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f)
	keys.People = true
	h := newAPI(t, f, func(c *Config) { c.Keys = keys })
	r := at(httptest.NewRequest("GET", "/jobs", nil), "127.0.0.1:3000")
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
}
