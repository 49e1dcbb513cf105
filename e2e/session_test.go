package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// browser keeps the cookie of a server, as a page of that server has it.
type browser struct {
	p      *process
	cookie string // name=value
}

// do sends a request as a page does, and returns its status and its answer.
func (b *browser) do(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	return res.StatusCode, string(text)
}

func (b *browser) want(t *testing.T, status int, method, path, body string) string {
	t.Helper()
	got, text := b.do(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	return text
}

// TestSessionsOfTheBinary: a session outlives a restart, and so does its end. Neither the key nor the cookie is in
// the log, in metrics or in the trail.
func TestSessionsOfTheBinary(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), strings.Repeat("canary", 6)
	env := []string{"BELFRY_API_KEYS=" + key, "LOG_LEVEL=debug", "DB_VERBOSE=true"}
	p := serve(t, dir, env...)
	kept, ended := browser{p: p}, browser{p: p}
	for _, b := range []*browser{&kept, &ended} {
		if text := b.want(t, 201, "POST", "/session", `{"key":"`+key+`"}`); strings.Contains(text, "canary") {
			t.Error(text)
		}
	}
	if status, _ := (&browser{p: p}).do(t, "POST", "/session", `{"key":"wrong-canary"}`); status != 401 {
		t.Errorf("a wrong key: %d", status)
	}
	old := ended.cookie
	ended.want(t, 204, "DELETE", "/session", "")
	ended.cookie = old
	ended.want(t, 401, "GET", "/me", "")
	var shown strings.Builder
	for range 2 {
		kept.want(t, 200, "GET", "/me", "")
		ended.want(t, 401, "GET", "/me", "")
		for _, path := range []string{"/metrics", "/audit/changes", "/observability/health", "/nope?key=x"} {
			_, text := kept.do(t, "GET", path, "")
			shown.WriteString(text)
		}
		p.kill()
		shown.WriteString(p.log())
		p = serve(t, dir, env...)
		kept.p, ended.p = p, p
	}
	for _, b := range []browser{kept, {cookie: old}} {
		_, value, _ := strings.Cut(b.cookie, "=")
		if len(value) < 100 || strings.Contains(shown.String(), value[20:60]) {
			t.Errorf("the cookie %.20s is shown", value)
		}
	}
	if strings.Contains(shown.String(), "canary") || !strings.Contains(shown.String(), "SIGN_IN") {
		t.Error("a key is shown, or the trail has no sign-in")
	}
}

// TestPostgresSessions: of two servers on a database each accepts the sessions that the other has begun. What one
// ends, by a logout or with the key, is over at the other within a second.
func TestPostgresSessions(t *testing.T) {
	t.Parallel()
	url := newPostgres(t).Database(t)
	key := strings.Repeat("k", 40)
	a, b := servePostgres(t, url, "BELFRY_API_KEYS="+key), servePostgres(t, url, "BELFRY_API_KEYS="+key)
	first := browser{p: a}
	first.want(t, 201, "POST", "/session", `{"key":"`+key+`"}`)
	there := browser{p: b, cookie: first.cookie}
	there.want(t, 200, "GET", "/keys", "")
	made := there.want(t, 201, "POST", "/keys", `{"name":"x","role":"editor"}`)
	_, rest, _ := strings.Cut(made, `"key":"`)
	other, _, _ := strings.Cut(rest, `"`)
	_, rest, _ = strings.Cut(made, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	second := browser{p: b}
	second.want(t, 201, "POST", "/session", `{"key":"`+other+`"}`)
	away := browser{p: a, cookie: second.cookie}
	over := func(b *browser) func() bool {
		return func() bool {
			status, _ := b.do(t, "GET", "/jobs", "")
			return status == 401
		}
	}
	within(t, time.Second, "a new key is known", func() bool {
		status, _ := away.do(t, "GET", "/jobs", "")
		return status == 200
	})
	there.want(t, 200, "DELETE", "/keys/"+id, "")
	second.want(t, 401, "GET", "/jobs", "")
	within(t, 2*time.Second, "a session ends with its key at the other server", over(&away))
	cookie := there.cookie
	there.want(t, 204, "DELETE", "/session", "")
	there.cookie = cookie
	there.want(t, 401, "GET", "/jobs", "")
	within(t, 2*time.Second, "a session that was ended is over at the other server", over(&first))
}
