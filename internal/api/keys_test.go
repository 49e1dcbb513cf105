package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
)

// keyed is an API whose callers need keys, with one of each role.
type keyed struct {
	http.Handler
	f    *fixture
	keys map[domain.Role]string
	ids  map[domain.Role]string
}

func newKeyed(t *testing.T, change ...func(*Config)) *keyed {
	t.Helper()
	k := &keyed{f: newFixture(t), keys: map[domain.Role]string{}, ids: map[domain.Role]string{}}
	change = append(change, func(c *Config) {
		for _, role := range []domain.Role{domain.RoleAdmin, domain.RoleEditor, domain.RoleViewer} {
			text, key, err := c.Keys.Create(t.Context(), domain.APIKey{Name: "the " + string(role), Role: role})
			if err != nil {
				t.Fatal(err)
			}
			k.keys[role], k.ids[role] = text, key.ID
		}
	})
	k.Handler = newAPI(t, k.f, change...)
	return k
}

// as calls with the key of a role.
func (k *keyed) as(t *testing.T, role domain.Role, method, path, body string) answer {
	t.Helper()
	return call(t, k, method, path, body, "Authorization: Bearer "+k.keys[role])
}

// TestEveryRouteAsksForTheRole walks over the document: nobody comes in
// without a key, a viewer changes nothing, and only an admin sees keys, settings and who
// changed what.
func TestEveryRouteAsksForTheRole(t *testing.T) {
	k := newKeyed(t)
	tried := 0
	for path, item := range openAPI(t)["paths"].(object) {
		for method, op := range item.(object) {
			method := strings.ToUpper(method)
			admins := path == "/keys" || path == "/keys/{id}" || path == "/audit/changes" ||
				strings.HasPrefix(path, "/cluster/") || path == "/settings" ||
				strings.HasPrefix(path, "/alerts/channels") && method != "GET"
			may := map[domain.Role]bool{
				domain.RoleAdmin:  true,
				domain.RoleEditor: !admins,
				domain.RoleViewer: !admins && !strings.HasPrefix(path, "/operations") &&
					(method == "GET" || path == "/schedules/preview" || path == sessionPath),
			}
			body := ""
			if op.(object)["requestBody"] != nil {
				body = "{}"
			}
			at := strings.ReplaceAll(path, "{id}", "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b")
			if op.(object)["security"] != nil {
				continue // the probes
			}
			call(t, k, method, at, body).problem(t, 401)
			for role, may := range may {
				res := k.as(t, role, method, at, body)
				if refused := res.StatusCode == 401 || res.StatusCode == 403; refused == may {
					t.Errorf("%s %s as %s: %d", method, path, role, res.StatusCode)
				}
				if !may {
					if p := res.problem(t, 403); p.Detail != "" || len(p.Errors) > 0 ||
						!strings.HasSuffix(p.Type, "forbidden") {
						t.Errorf("%s %s as %s: the refusal tells %s", method, path, role, res.text)
					}
				}
				tried++
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d requests", tried)
	}
	// What is no route, or another spelling of one, gives nothing away either.
	for _, path := range []string{"/keys/", "/%6Beys", "/keys%2F", "/keys?limit=1", "/audit/changes/",
		"/audit/%63hanges", "/keys/x/y"} {
		k.as(t, domain.RoleEditor, "GET", path, "").problem(t, 403)
	}
	k.as(t, domain.RoleEditor, "POST", "/nope", "").problem(t, 403)
	k.as(t, domain.RoleViewer, "BREW", "/jobs", "").problem(t, 403)
	k.as(t, domain.RoleViewer, "GET", "/nope", "").problem(t, 404)
}

func TestTheFirstKeyClosesTheDoor(t *testing.T) {
	h := newAPI(t, newFixture(t))
	local := func(method, path, body string, header ...string) *httptest.ResponseRecorder {
		r := at(httptest.NewRequest(method, path, strings.NewReader(body)), "127.0.0.1:3000")
		r.Host = "localhost"
		r.Header.Set("Content-Type", "application/json")
		if len(header) > 0 {
			r.Header.Set("Authorization", header[0])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, body := range []string{`{"name":"x","role":"editor"}`, `{"name":"x","role":"viewer"}`,
		`{"name":"x","role":"admin","expiresAt":4102444800000}`} {
		if w := local("POST", "/keys", body); w.Code != 422 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if w := local("GET", "/jobs", ""); w.Code != 200 {
		t.Errorf("before: %d", w.Code)
	}
	w := local("POST", "/keys", `{"name":"ops","role":"admin"}`)
	var made createdKeyBody
	(answer{w.Result(), w.Body.String()}).into(t, 201, &made)
	for _, path := range []string{"/jobs", "/keys", "/metrics"} {
		if w := local("GET", path, ""); w.Code != 401 {
			t.Errorf("%s afterwards: %d", path, w.Code)
		}
		if w := local("GET", path, "", "Bearer "+made.Key); w.Code != 200 {
			t.Errorf("%s with the key: %d", path, w.Code)
		}
	}
}

// Where the operator lets everybody in, nobody can lock him out.
func TestKeysNeedAnAdmin(t *testing.T) {
	h := newAPI(t, newFixture(t)) // Open, and not reached on loopback
	call(t, h, "POST", "/keys", `{"name":"mine","role":"admin"}`).problem(t, 403)
	for _, path := range []string{"/keys", "/audit/changes"} {
		call(t, h, "GET", path, "").problem(t, 403)
	}
	create(t, h, minimal)
}

func TestWithoutAKeyNobodyElseComesIn(t *testing.T) {
	h := newAPI(t, newFixture(t), func(c *Config) { c.Open = false })
	for local, want := range map[string]int{"127.0.0.1:3000": 200, "[::1]:3000": 200, "10.0.0.1:3000": 401,
		"[2001:db8::1]:3000": 401} {
		r := at(httptest.NewRequest("GET", "/jobs", nil), local)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("reached at %s: %d, want %d", local, w.Code, want)
		}
	}
	call(t, h, "GET", "/jobs", "").problem(t, 401) // the connection does not say
}

// TestRefusalsAreAlike: an unknown, an expired, a revoked and a mutilated key
// get the same answer, byte by byte.
func TestRefusalsAreAlike(t *testing.T) { synctest.Test(t, refusalsAreAlike) }

func refusalsAreAlike(t *testing.T) {
	k := newKeyed(t)
	soon := fmt.Sprint(k.f.now() + 1000)
	var expiring, revoked createdKeyBody
	k.as(t, domain.RoleAdmin, "POST", "/keys", `{"name":"x","role":"admin","expiresAt":`+soon+`}`).into(t,
		201, &expiring)
	k.as(t, domain.RoleAdmin, "POST", "/keys", `{"name":"x","role":"admin"}`).into(t, 201, &revoked)
	for _, key := range []string{expiring.Key, revoked.Key} {
		if res := call(t, k, "GET", "/keys", "", "Authorization: Bearer "+key); res.StatusCode != 200 {
			t.Errorf("before: %d", res.StatusCode)
		}
	}
	k.f.pass(time.Second)
	if res := k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+revoked.ID, ""); res.StatusCode != 200 {
		t.Errorf("DELETE: %d %s", res.StatusCode, res.text)
	}
	var first string
	for name, key := range map[string]string{
		"expired": expiring.Key, "revoked": revoked.Key, "cut": revoked.Key[:20],
		"unknown": "bel_aaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAA",
		"its id":  revoked.ID, "another case": strings.ToLower(k.keys[domain.RoleAdmin]),
	} {
		res := call(t, k, "GET", "/jobs", "", "Authorization: Bearer "+key)
		if p := res.problem(t, 401); p.Detail != "" || len(p.Errors) > 0 {
			t.Errorf("%s: the refusal tells %s", name, res.text)
		}
		res.Header.Del(front.RequestIDHeader)
		got := fmt.Sprint(res.Header, res.text)
		if first == "" {
			first = got
		}
		if got != first {
			t.Errorf("%s is answered otherwise:\n%s\n%s", name, got, first)
		}
	}
	k.f.pass(time.Millisecond)
	k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+revoked.ID, "").problem(t, 404)
}

// TestGuessingIsSlow sends wrong keys as fast as it can.
func TestGuessingIsSlow(t *testing.T) { synctest.Test(t, guessingIsSlow) }

func guessingIsSlow(t *testing.T) {
	var log bytes.Buffer
	k := newKeyed(t, logTo(&log), func(c *Config) { c.Keys = ring(t, newFixture(t), key1) })
	send := func(from, key string) answer {
		r := httptest.NewRequest("GET", "/jobs", nil)
		r.RemoteAddr = from
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		w := httptest.NewRecorder()
		k.ServeHTTP(w, r)
		return answer{w.Result(), w.Body.String()}
	}
	const guesser = "[2001:db8::1]:40000"
	statuses := map[int]int{}
	for i := range 1_000 {
		statuses[send(guesser, fmt.Sprintf("guess-%020d", i)).StatusCode]++
	}
	if statuses[401] != 10 || statuses[429] != 990 {
		t.Errorf("statuses %v", statuses)
	}
	res := send("[2001:db8::2]:1", key1) // the same network, with the right key of the settings
	if p := res.problem(t, 429); p.Detail != "" || res.Header.Get("Retry-After") != "1" {
		t.Errorf("%s, Retry-After %q", res.text, res.Header.Get("Retry-After"))
	}
	if res := send("[2001:db8::2]:1", k.keys[domain.RoleViewer]); res.StatusCode != 200 { // which nobody guesses
		t.Errorf("a key of the database: %d", res.StatusCode)
	}
	send(guesser, "").problem(t, 401) // which is no guess
	for range 100 {                   // nor is this
		if res := send("192.0.2.7:1", ""); res.StatusCode != 401 {
			t.Fatalf("without a key: %d", res.StatusCode)
		}
	}
	if res := send("192.0.2.7:1", k.keys[domain.RoleViewer]); res.StatusCode != 200 {
		t.Errorf("another address: %d", res.StatusCode)
	}
	if n := strings.Count(log.String(), "a wrong API key was sent"); n != 1 ||
		!strings.Contains(log.String(), `"addr":"2001:db8::1"`) || strings.Contains(log.String(), "guess-") {
		t.Errorf("told %d times", n)
	}
	metrics := k.as(t, domain.RoleAdmin, "GET", "/metrics", "").text
	for _, want := range []string{`reason="unauthorized"} 111`, `reason="wrong-keys"} 991`} {
		if !strings.Contains(metrics, "belfry_http_requests_refused_total{"+want) {
			t.Errorf("%s is not counted", want)
		}
	}
	k.f.pass(time.Second)
	if res := send(guesser, key1); res.StatusCode != 200 {
		t.Errorf("a second later: %d", res.StatusCode)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if res := call(t, k, "GET", path, ""); res.StatusCode != 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestAKeyIsShownOnce looks for keys wherever else they might turn up.
func TestAKeyIsShownOnce(t *testing.T) {
	var log bytes.Buffer
	k := newKeyed(t, logTo(&log))
	var made createdKeyBody
	k.as(t, domain.RoleAdmin, "POST", "/keys", `{"name":"CI","role":"editor"}`).into(t, 201, &made)
	secret := made.Key[len("bel_")+len(made.ID)+1:]
	list := k.as(t, domain.RoleAdmin, "GET", "/keys", "").text
	shown := list + k.as(t, domain.RoleAdmin, "GET", "/audit/changes", "").text + log.String() +
		call(t, k, "GET", "/jobs", "", "Authorization: Bearer "+made.Key+"x").text +
		k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+made.Key, "").text
	if strings.Contains(shown, secret) || strings.Contains(shown, "hash") {
		t.Errorf("the key is shown:\n%s", shown)
	}
	for _, want := range []string{`"id":"` + made.ID + `"`, `"name":"CI"`, `"role":"editor"`, `"expiresAt":null`} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not in the list: %s", want, list)
		}
	}
}

func TestWrongKeyDocuments(t *testing.T) {
	k := newKeyed(t)
	for _, tc := range []struct {
		body, field string
		status      int
	}{
		{`{}`, "name", 422}, {`{"name":"x"}`, "role", 422}, {`{"name":"","role":"viewer"}`, "name", 422},
		{`{"name":"x","role":"root"}`, "role", 422}, {`{"name":"x","role":["admin"]}`, "role", 422},
		{`{"name":7,"role":"viewer"}`, "name", 422},
		{`{"name":"x\u0000","role":"viewer"}`, "name", 422},
		{`{"name":"` + strings.Repeat("x", 101) + `","role":"viewer"}`, "name", 422},
		{`{"name":"x","role":"viewer","expiresAt":1}`, "expiresAt", 422},
		{`{"name":"x","role":"viewer","expiresAt":-1}`, "expiresAt", 422},
		{`{"name":"x","role":"viewer","expiresAt":1e300}`, "expiresAt", 422},
		{`{"name":"x","role":"viewer","expiresAt":"soon"}`, "expiresAt", 422},
		{`{"name":"x","role":"viewer","hash":"x"}`, "hash", 422},
		{`{"name":"x","role":"viewer","role":"admin"}`, "role", 400},
		{`[]`, "", 400}, {`{"name":`, "", 400},
	} {
		p := k.as(t, domain.RoleAdmin, "POST", "/keys", tc.body).problem(t, tc.status)
		if tc.field != "" && (len(p.Errors) == 0 || p.Errors[0].Field != tc.field) {
			t.Errorf("%s: %+v, want %s", tc.body, p.Errors, tc.field)
		}
	}
	var list keysBody
	k.as(t, domain.RoleAdmin, "GET", "/keys", "").into(t, 200, &list)
	if len(list.Keys) != 3 {
		t.Errorf("%d keys", len(list.Keys))
	}
	k.as(t, domain.RoleAdmin, "DELETE", "/keys/"+k.ids[domain.RoleAdmin], "").problem(t, 409) // the last one
}

// oneKey gives an API the key key1, an admin's.
func oneKey(t testing.TB) func(*Config) {
	return func(c *Config) {
		t.Helper()
		var err error
		c.Keys, err = access.Open(t.Context(), access.Config{Store: c.Store.Keys(), Clock: c.Clock, Log: discard,
			Fixed: []string{key1}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ofAdmin returns the API over a fixture, as an admin has it.
func ofAdmin(t testing.TB, f *fixture) http.Handler { return withKey{newAPI(t, f, oneKey(t)), key1} }

// realOfAdmin returns the API over the real engine and store, as an admin has
// it.
func realOfAdmin(t *testing.T) (http.Handler, heldTarget) {
	h, x := newReal(t, oneKey(t))
	return withKey{h, key1}, x
}

// Who reads jobs, or changes them, is not shown their secrets.
func TestOnlyAdminsExportSecrets(t *testing.T) {
	k := newKeyed(t)
	create(t, withKey{k, k.keys[domain.RoleEditor]}, withSecrets)
	for role, want := range map[domain.Role]int{domain.RoleAdmin: 200, domain.RoleEditor: 403, domain.RoleViewer: 403} {
		res := k.as(t, role, "POST", "/jobs/export?withSecrets=true", "")
		if res.StatusCode != want || strings.Contains(res.text, "canary") != (want == 200) {
			t.Errorf("%s: %d %s", role, res.StatusCode, res.text)
		}
		if masked := k.as(t, role, "GET", "/jobs/export?withSecrets=false", ""); masked.StatusCode != 200 ||
			strings.Contains(masked.text, "canary") {
			t.Errorf("%s, masked: %d %s", role, masked.StatusCode, masked.text)
		}
	}
}

// An empty variable in a script makes no key for all namespaces, and no name hides
// characters.
func TestNewKeysSayWhatTheyAre(t *testing.T) {
	k := newKeyed(t)
	for body, want := range map[string]string{
		`{"name":"a","role":"editor","namespace":""}`:         "leave the field out for a key that may access all",
		`{"name":"a","role":"editor","namespace":null}`:       "leave the field out for a key that may access all",
		`{"name":"a\u202eb","role":"editor"}`:                 "it has U+202E",
		`{"name":"a\u200bb","role":"viewer","namespace":"x"}`: "it has U+200B",
	} {
		if p := k.as(t, domain.RoleAdmin, "POST", "/keys", body).problem(t,
			422); !strings.Contains(p.Errors[0].Message, want) {
			t.Errorf("%s: %+v", body, p.Errors)
		}
	}
	if res := k.as(t, domain.RoleAdmin, "POST", "/keys", `{"name":"a","role":"editor"}`); res.StatusCode != 201 {
		t.Errorf("without a namespace: %d", res.StatusCode)
	}
}
