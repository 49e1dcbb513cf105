package api

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// byBrowser sends a request as a page of the server would, with a cookie.
func byBrowser(t *testing.T, h http.Handler, method, path, body, cookie string, header ...string) answer {
	t.Helper()
	all := []string{"Sec-Fetch-Site: same-origin", "Origin: http://example.com"}
	if cookie != "" {
		all = append(all, "Cookie: "+cookie)
	}
	return call(t, h, method, path, body, append(all, header...)...)
}

// signIn begins a session and returns its cookie as a browser sends it.
func signIn(t *testing.T, h http.Handler, key string) string {
	t.Helper()
	res := byBrowser(t, h, "POST", "/session", `{"key":"`+key+`"}`, "")
	res.into(t, 201, &meBody{})
	return cookieOf(t, res)
}

func cookieOf(t *testing.T, res answer) string {
	t.Helper()
	set := res.Header.Values("Set-Cookie")
	if len(set) != 1 {
		t.Fatalf("%d cookies: %q", len(set), set)
	}
	pair, _, _ := strings.Cut(set[0], ";")
	return pair
}

// TestASessionInPlaceOfAKey: it has the role of its key, says so, is seen in the trail under the key, and ends with
// a logout: a copy of the cookie opens nothing any more.
func TestASessionInPlaceOfAKey(t *testing.T) {
	k := newKeyed(t)
	res := byBrowser(t, k, "POST", "/session", `{"key":" `+k.keys[domain.RoleEditor]+`\n"}`, "")
	var me meBody
	res.into(t, 201, &me)
	if me.Kind != "session" || me.KeyID != k.ids[domain.RoleEditor] || me.Name != "the editor" ||
		me.Role != domain.RoleEditor || me.ExpiresAt == nil ||
		*me.ExpiresAt != k.f.now()+(12*time.Hour).Milliseconds() {
		t.Errorf("%+v", me)
	}
	set := res.Header.Get("Set-Cookie")
	pair, attributes, _ := strings.Cut(set, ";")
	if !strings.HasPrefix(pair, "belfry_session=") || attributes != " Path=/; HttpOnly; SameSite=Strict" {
		t.Errorf("Set-Cookie: %s", set)
	}
	var again meBody
	byBrowser(t, k, "GET", "/me", "", pair).into(t, 200, &again)
	if again.Kind != me.Kind || again.KeyID != me.KeyID || *again.ExpiresAt != *me.ExpiresAt {
		t.Errorf("%+v, then %+v", me, again)
	}
	made := byBrowser(t, k, "POST", "/jobs", minimal, pair)
	id := made.id(t)
	byBrowser(t, k, "GET", "/keys", "", pair).problem(t, 403)
	byBrowser(t, k, "GET", "/jobs/"+id, "", pair).into(t, 200, &struct{}{})
	for _, action := range []domain.Action{domain.ActionCreate, domain.ActionSignIn} {
		if by := k.entriesOf(t, action); len(by) != 1 || by[0].By.Key != me.KeyID || by[0].By.Name != "the editor" {
			t.Errorf("%s: %+v", action, by)
		}
	}
	out := byBrowser(t, k, "DELETE", "/session", "", pair)
	if out.StatusCode != 204 || !strings.Contains(out.Header.Get("Set-Cookie"), "belfry_session=; Path=/; Max-Age=0") {
		t.Errorf("%d, %q", out.StatusCode, out.Header.Get("Set-Cookie"))
	}
	if by := k.entriesOf(t, domain.ActionSignOut); len(by) != 1 || by[0].By.Key != me.KeyID {
		t.Errorf("sign-outs: %+v", by)
	}
	for _, method := range []string{"GET", "DELETE"} {
		byBrowser(t, k, method, map[string]string{"GET": "/me", "DELETE": "/session"}[method], "", pair).problem(t, 401)
	}
	byBrowser(t, k, "POST", "/jobs", minimal, pair).problem(t, 401)
	call(t, k, "DELETE", "/session", "").problem(t, 401)
	if res := k.as(t, domain.RoleViewer, "DELETE", "/session", ""); res.StatusCode != 204 {
		t.Errorf("without a session: %d", res.StatusCode)
	}
}

// TestASessionEndsWithTheKeyAndTime: with the revocation of its key at once, without requests after an hour, and
// after twelve hours in any case. Requests renew the cookie.
func TestASessionEndsWithTheKeyAndTime(t *testing.T) {
	k := newKeyed(t)
	revoked := signIn(t, k, k.keys[domain.RoleViewer])
	k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+k.ids[domain.RoleViewer], "").into(t, 200, &struct{}{})
	byBrowser(t, k, "GET", "/jobs", "", revoked).problem(t, 401)
	idle := signIn(t, k, k.keys[domain.RoleEditor])
	used := signIn(t, k, k.keys[domain.RoleEditor])
	renewed, passed := 0, time.Duration(0)
	for ; passed < 13*time.Hour; passed += 5 * time.Minute {
		res := byBrowser(t, k, "GET", "/jobs", "", used)
		if res.StatusCode != 200 {
			break
		}
		if res.Header.Get("Set-Cookie") != "" {
			used = cookieOf(t, res)
			renewed++
		}
		k.f.clock.step(5 * time.Minute)
	}
	if passed != 12*time.Hour || renewed < 60 {
		t.Errorf("it went on for %s and was renewed %d times", passed, renewed)
	}
	byBrowser(t, k, "GET", "/jobs", "", idle).problem(t, 401)
}

// TestSignInsAreJudged: wrong keys are counted as elsewhere, no key is repeated, and where nobody needs a key there
// is nothing to sign in for.
func TestSignInsAreJudged(t *testing.T) {
	var log bytes.Buffer
	k := newKeyed(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for body, status := range map[string]int{
		``: 415, `{}`: 422, `{"key":""}`: 422, `{"key":" "}`: 422, `{"key":null}`: 422, `{"key":{"canary":1}}`: 422,
		`{"key":["canary"]}`: 422, `"canary"`: 400, `{"key":"canary`: 400, `{"key":"x","role":"canary"}`: 422,
		`{"key":"canary` + strings.Repeat("x", maxSignIn) + `"}`: 413,
	} {
		if res := byBrowser(t, k, "POST", "/session", body, ""); res.StatusCode != status ||
			strings.Contains(res.text, "canary") || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%.40s: %d, want %d: %s", body, res.StatusCode, status, res.text)
		}
	}
	statuses := map[int]int{}
	for range 30 {
		res := byBrowser(t, k, "POST", "/session", `{"key":"bel_canary00_canary"}`, "")
		statuses[res.StatusCode]++
		if strings.Contains(res.text, "canary") || res.Header.Get("Set-Cookie") != "" {
			t.Error(res.text)
		}
	}
	if statuses[401] != access.FailureBurst || statuses[429] != 20 {
		t.Errorf("%v", statuses)
	}
	call(t, k, "GET", "/jobs", "", "Authorization: Bearer bel_canary00_canary").problem(t, 429) // one count
	signIn(t, k, k.keys[domain.RoleViewer])                                                     // which never waits
	if !strings.Contains(log.String(), "a wrong API key was sent") || strings.Contains(log.String(), "canary") {
		t.Errorf("log: %s", &log)
	}
	for _, form := range []string{"application/x-www-form-urlencoded", "text/plain", "multipart/form-data"} {
		call(t, k, "POST", "/session", "key="+k.keys[domain.RoleAdmin], "Content-Type: "+form).problem(t, 415)
	}
	open := newAPI(t, newFixture(t), func(c *Config) { c.Open = true })
	byBrowser(t, open, "POST", "/session", `{"key":"x"}`, "").problem(t, 409)
	if res := byBrowser(t, open, "DELETE", "/session", "", ""); res.StatusCode != 204 {
		t.Errorf("signing out where nobody signs in: %d", res.StatusCode)
	}
}

// TestSignInsOfAKeyAreBounded: each session that is ended is remembered for a while.
func TestSignInsOfAKeyAreBounded(t *testing.T) {
	k := newKeyed(t)
	for range access.SignInBurst {
		signIn(t, k, k.keys[domain.RoleEditor])
	}
	res := byBrowser(t, k, "POST", "/session", `{"key":"`+k.keys[domain.RoleEditor]+`"}`, "")
	if p := res.problem(t, 429); p.Code != "rate" || res.Header.Get("Retry-After") != "60" {
		t.Errorf("%+v, %v", p, res.Header)
	}
	signIn(t, k, k.keys[domain.RoleViewer])
}

// TestOtherOriginsHaveNoSession: no page of another origin changes or learns anything by the cookie of a session,
// whatever a browser sends along, and no form of a request gets past that.
func TestOtherOriginsHaveNoSession(t *testing.T) {
	k := newKeyed(t)
	cookie := "Cookie: " + signIn(t, k, k.keys[domain.RoleAdmin])
	for _, tc := range []struct {
		name, header  string
		change, reads int
	}{
		{"the page", "Sec-Fetch-Site: same-origin", 201, 200},
		{"the page of an old browser", "Origin: http://example.com", 201, 200},
		{"the address bar", "Sec-Fetch-Site: none", 403, 200},
		{"what says nothing", "X-None: 1", 403, 200},
		{"another site", "Sec-Fetch-Site: cross-site", 403, 401},
		{"another port of the host", "Sec-Fetch-Site: same-site", 403, 401},
		{"another word", "Sec-Fetch-Site: same-origin, cross-site", 403, 401},
		{"another origin", "Origin: http://evil.example", 403, 200}, // which cannot read the answer
		{"another port, in an old browser", "Origin: http://example.com:4000", 403, 200},
		{"a sandboxed page", "Origin: null", 403, 200},
		{"an empty origin", "Origin: ", 403, 200},
	} {
		for _, path := range []string{"/jobs", "/v1/jobs", "//jobs/"} {
			res := call(t, k, "POST", path, minimal, cookie, tc.header)
			if res.StatusCode != tc.change || res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s changes %s: %d, want %d", tc.name, path, res.StatusCode, tc.change)
			}
			if res := call(t, k, "GET", path, "", cookie, tc.header); res.StatusCode != tc.reads ||
				res.Header.Get("Access-Control-Allow-Origin")+res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s reads %s: %d, want %d", tc.name, path, res.StatusCode, tc.reads)
			}
		}
		for _, method := range []string{"PUT", "PATCH", "DELETE", "BREW"} {
			res := call(t, k, method, "/jobs/x", "{}", cookie, tc.header)
			if tc.change == 403 && res.StatusCode != 403 {
				t.Errorf("%s sends %s: %d", tc.name, method, res.StatusCode)
			}
		}
		// Nobody signs a browser in or out from elsewhere.
		body := `{"key":"` + k.keys[domain.RoleViewer] + `"}`
		if res := call(t, k, "POST", "/session", body, tc.header); tc.reads == 401 && res.StatusCode != 403 {
			t.Errorf("%s signs in: %d", tc.name, res.StatusCode)
		}
		own := "Cookie: " + signIn(t, k, k.keys[domain.RoleAdmin])
		if res := call(t, k, "DELETE", "/session", "", own, tc.header); tc.change == 403 && res.StatusCode != 403 {
			t.Errorf("%s signs out: %d", tc.name, res.StatusCode)
		}
	}
	preflight := call(t, k, "OPTIONS", "/session", "", "Origin: http://evil.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
	for name := range preflight.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("a preflight is answered with %s", name)
		}
	}
}

// TestTheKeyGoesFirst: a request with both a key and a session is made by the key, right or wrong.
func TestTheKeyGoesFirst(t *testing.T) {
	k := newKeyed(t)
	cookie := signIn(t, k, k.keys[domain.RoleAdmin])
	for header, status := range map[string]int{
		"Authorization: Bearer " + k.keys[domain.RoleViewer]: 403, "Authorization: Bearer wrong": 401,
		"Authorization: Basic x": 401, "Authorization: ": 401, "X-None: 1": 200,
	} {
		if res := byBrowser(t, k, "GET", "/keys", "", cookie, header); res.StatusCode != status {
			t.Errorf("%s: %d, want %d", header, res.StatusCode, status)
		}
	}
}

// TestPlantedCookies: a cookie of the other name, two of one name, and the session of another server are none; a
// sign-in does not go on with the session that the browser had.
func TestPlantedCookies(t *testing.T) {
	k := newKeyed(t)
	cookie := signIn(t, k, k.keys[domain.RoleAdmin])
	_, text, _ := strings.Cut(cookie, "=")
	other := newKeyed(t)
	for name, wrong := range map[string]string{
		"the name over TLS": secureCookie + "=" + text, "twice": cookie + "; " + cookie,
		"planted before it": plainCookie + "=x; " + cookie, "planted behind it": cookie + "; " + plainCookie + "=x",
		"empty": plainCookie + "=", "another case": "Belfry_Session=" + text,
		"of another server": signIn(t, other, other.keys[domain.RoleAdmin]),
		"the key itself":    plainCookie + "=" + k.keys[domain.RoleAdmin],
		"long":              plainCookie + "=" + strings.Repeat("A", 8_000),
	} {
		if res := byBrowser(t, k, "GET", "/jobs", "", wrong); res.StatusCode != 401 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	body := `{"key":"` + k.keys[domain.RoleViewer] + `"}`
	fresh := cookieOf(t, byBrowser(t, k, "POST", "/session", body, cookie))
	if fresh == cookie {
		t.Error("a sign-in goes on with the session that was there")
	}
	var me meBody
	byBrowser(t, k, "GET", "/me", "", fresh).into(t, 200, &me)
	if me.Role != domain.RoleViewer {
		t.Errorf("%+v", me)
	}
}

// TestCookiesOverTLS: where the browser uses TLS, to the server or to a proxy that is trusted, the cookie is Secure
// and bound to the host, the other one does not count, and a page that came over http changes nothing.
func TestCookiesOverTLS(t *testing.T) {
	k := newKeyed(t, func(c *Config) {
		c.Proxies = front.Proxies{netip.MustParsePrefix("192.0.2.1/32")}
	})
	send := func(method, path, body string, over func(*http.Request), header ...string) answer {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RemoteAddr = "192.0.2.1:4711"
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		over(r)
		w := httptest.NewRecorder()
		k.ServeHTTP(w, r)
		return answer{w.Result(), w.Body.String()}
	}
	plain := func(*http.Request) {}
	body := `{"key":"` + k.keys[domain.RoleAdmin] + `"}`
	says := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	stranger := func(r *http.Request) {
		r.RemoteAddr = "192.0.2.9:1"
		r.Header.Set("X-Forwarded-Proto", "https")
	}
	unsafe := cookieOf(t, send("POST", "/session", body, plain))
	for name, tc := range map[string]struct {
		over   func(*http.Request)
		secure bool
	}{
		"TLS":                      {func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, true},
		"a proxy":                  {says("X-Forwarded-Proto", "https"), true},
		"two proxies":              {says("X-Forwarded-Proto", "HTTPS, http"), true},
		"a proxy, by the standard": {says("Forwarded", `for=192.0.2.7;proto="https"`), true},
		"a proxy without TLS":      {says("X-Forwarded-Proto", "http"), false},
		"somebody who is no proxy": {stranger, false},
	} {
		res := send("POST", "/session", body, tc.over)
		set := res.Header.Get("Set-Cookie")
		want := "belfry_session="
		if tc.secure {
			want = "__Host-belfry_session="
		}
		if !strings.HasPrefix(set, want) || strings.Contains(set, "; Secure") != tc.secure ||
			!strings.Contains(set, "; Path=/") || strings.Contains(set, "Domain") {
			t.Errorf("%s: %s", name, set)
		}
		if !tc.secure {
			continue
		}
		cookie := "Cookie: " + cookieOf(t, res)
		for header, status := range map[string]int{
			"Origin: https://example.com": 201, "Origin: http://example.com": 403,
		} {
			if res := send("POST", "/jobs", minimal, tc.over, cookie, header); res.StatusCode != status {
				t.Errorf("%s, %s: %d, want %d", name, header, res.StatusCode, status)
			}
		}
		send("GET", "/jobs", "", tc.over, "Cookie: "+unsafe).problem(t, 401)
		send("GET", "/jobs", "", plain, cookie).problem(t, 401)
	}
}

// TestNoFaultOpensASession: where the store fails, a logout says so, and the session is over all the same here.
func TestALogoutThatIsNotStored(t *testing.T) {
	k := newKeyed(t)
	cookie := signIn(t, k, k.keys[domain.RoleAdmin])
	k.f.store.Add(faulty.Rule{Method: "Keys.EndSession", Fault: faulty.FailBefore})
	byBrowser(t, k, "DELETE", "/session", "", cookie).problem(t, 503)
	byBrowser(t, k, "GET", "/jobs", "", cookie).problem(t, 401)
}

// TestSessionsOnTwoServers: what one server of a cluster begins, another one knows; what one ends is over at both.
func TestSessionsOnTwoServers(t *testing.T) {
	f := newFixture(t)
	secret := bytes.Repeat([]byte{7}, 32)
	var servers []http.Handler
	var sessions []*access.Sessions
	for range 2 {
		keys := ring(t, f, key1)
		s, err := access.OpenSessions(t.Context(), access.SessionConfig{Keys: keys, Secrets: [][]byte{secret},
			TTL: time.Hour, Idle: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
		servers = append(servers, newAPI(t, f, func(c *Config) { c.Keys, c.Sessions = keys, s }))
	}
	cookie := signIn(t, servers[0], key1)
	create(t, withCookie{servers[1], cookie}, minimal)
	if res := byBrowser(t, servers[1], "DELETE", "/session", "", cookie); res.StatusCode != 204 {
		t.Errorf("%d", res.StatusCode)
	}
	byBrowser(t, servers[1], "GET", "/jobs", "", cookie).problem(t, 401)
	if err := sessions[0].Refresh(t.Context()); err != nil { // which it does twice a second
		t.Fatal(err)
	}
	byBrowser(t, servers[0], "GET", "/jobs", "", cookie).problem(t, 401)
}

// withCookie is an API that is called by a browser.
type withCookie struct {
	http.Handler
	cookie string
}

func (h withCookie) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Cookie", h.cookie)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	h.Handler.ServeHTTP(w, r)
}

// TestAnswersThatTakeLong end with the session, the key and the time.
func TestAnswersThatTakeLong(t *testing.T) {
	f := newFixture(t)
	g := newGuard(&Config{Keys: ring(t, f, key1), Clock: f.clock, Log: discard, Metrics: f.metrics})
	var err error
	g.sessions, err = access.OpenSessions(t.Context(), access.SessionConfig{Keys: g.keys,
		Secrets: [][]byte{make([]byte, 31), make([]byte, 32)}[1:], TTL: time.Hour, Idle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	caller, _ := g.keys.Find(key1)
	begin := func() access.Session {
		s, _, err := g.sessions.Begin(&caller)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	holds := func(c access.Caller) bool {
		return g.holds(withVisitor(httptest.NewRequest("GET", "/", nil), c).Context())
	}
	first, second := begin(), begin()
	if !holds(caller) || !holds(first.Caller) {
		t.Error("it has ended before its time")
	}
	if err := g.sessions.End(t.Context(), &first.Caller); err != nil {
		t.Fatal(err)
	}
	if holds(first.Caller) || !holds(second.Caller) {
		t.Error("a logout does not end it, or ends another one")
	}
	f.clock.step(time.Hour)
	if holds(second.Caller) || !holds(caller) || holds(access.Caller{Key: "aaaaaaaa"}) {
		t.Error("it goes on beyond its time or without its key, or ends with a key that holds")
	}
}
