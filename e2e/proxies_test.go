package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// from sends a request with headers, over a connection that begins with a text.
func (p *process) from(before, line string, headers ...string) (int, string) {
	p.t.Helper()
	host := ""
	if !strings.Contains("\n"+strings.Join(headers, "\n"), "\nHost:") {
		host = "Host: localhost\r\n"
	}
	text := fmt.Sprintf("%s%s HTTP/1.1\r\n%s%s\r\nConnection: close\r\n\r\n", before, line, host,
		strings.Join(headers, "\r\n"))
	res, body := p.wire(text, http.MethodGet)
	return res.StatusCode, body
}

// TestBehindAProxy: what trusted proxies say counts for the throttle and the trail, and
// nothing of it counts otherwise.
func TestBehindAProxy(t *testing.T) {
	t.Parallel()
	long, short := "Authorization: Bearer "+strings.Repeat("k", 32), "Authorization: Bearer "+strings.Repeat("s", 16)
	const wrong = "Authorization: Bearer nobody-has-this-key"
	env := []string{"HOST=127.0.0.1", "BELFRY_SHORT_API_KEYS=true",
		"BELFRY_API_KEYS=" + strings.Repeat("k", 32) + "," + strings.Repeat("s", 16)}
	guess := func(p *process, before string, headers ...string) (status int) {
		t.Helper()
		for range 11 {
			status, _ = p.from(before, "GET /jobs", append(headers, wrong)...)
		}
		return status
	}
	want := func(got, want int, what string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	p := serve(t, t.TempDir(), append(env, "BELFRY_TRUSTED_PROXIES=127.0.0.1")...)
	const guesser, honest = "X-Forwarded-For: 1.2.3.4, 192.0.2.7", "X-Forwarded-For: 1.2.3.4, 192.0.2.8"
	want(guess(p, "", guesser), 429, "eleven wrong keys")
	first := func(before string, headers ...string) int {
		status, _ := p.from(before, "GET /jobs", headers...)
		return status
	}
	want(first("", guesser, short), 429, "a key that can be guessed, from there")
	want(first("", guesser, long), 200, "a key that cannot")
	want(first("", honest, short), 200, "from another client of the proxy")
	want(first("", honest, wrong), 401, "a wrong key from there")
	const header = "PROXY TCP4 192.0.2.9 10.0.0.1 4711 80\r\n"
	want(guess(p, header), 429, "eleven wrong keys by the PROXY protocol")
	want(first("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x09\x0a\x00\x00\x01\x12\x67\x00\x50", short), 429,
		"the same address by version 2")
	want(first(header, "X-Forwarded-For: 192.0.2.8", short), 429, "a header of an address that is no proxy's")
	want(first("PROXY TCP4 192.0.2.10 10.0.0.1 4711 80\r\n", short), 200, "another address by the PROXY protocol")
	for _, row := range [][]string{{"", honest}, {header, "X-Real-Ip: 1.2.3.4"}} {
		status, body := p.from(row[0], "POST /keys", row[1], long, "Content-Type: application/json",
			"Content-Length: 28\r\n\r\n"+
				`{"name":"x","role":"viewer"}`)
		want(status, 201, "POST /keys "+body)
	}
	_, trail := p.from("", "GET /audit/changes", long)
	for _, addr := range []string{"192.0.2.8", "192.0.2.9"} {
		if !strings.Contains(trail, `"address":"`+addr+`"`) {
			t.Errorf("%s is not in the trail: %s", addr, trail)
		}
	}
	if !strings.Contains(p.log(), "key 2 of BELFRY_API_KEYS has 16 characters") {
		t.Error("the log says nothing of the short key")
	}
	if _, health := p.from("", "GET /observability/health", long); !strings.Contains(health, "BELFRY_SHORT_API_KEYS") {
		t.Errorf("health says nothing of the short key: %s", health)
	}

	q := serve(t, t.TempDir(), env...)
	for i := range 11 {
		q.from("", "GET /jobs", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d", i), wrong)
	}
	status, _ := q.from("", "GET /jobs", "X-Forwarded-For: 192.0.2.77", short)
	want(status, 429, "without trusted proxies, under any name")
	status, _ = q.from("", "GET /jobs", "X-Forwarded-For: 192.0.2.77", long)
	want(status, 200, "the right key")
	status, _ = q.from(header, "GET /jobs", long)
	want(status, 400, "without trusted proxies, the PROXY protocol")
	code, stderr := run(t, cleanEnv("BELFRY_API_KEYS="+strings.Repeat("s", 31)), "serve")
	if code != 1 || !strings.Contains(stderr, "key 1 has 31 characters: must be 32 or more") ||
		!strings.Contains(stderr, "BELFRY_SHORT_API_KEYS=true") {
		t.Errorf("a short key without the setting: %d, %s", code, stderr)
	}
}

// TestKeylessIsLoopback: without a key only programs of the machine are answered, and on
// the unix socket only those of the user.
func TestKeylessIsLoopback(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	const body = "Content-Type: application/json\r\nContent-Length: 27\r\n\r\n" + `{"name":"x","role":"admin"}`
	for _, header := range []string{
		"X-Forwarded-For: 192.0.2.7", "X-Forwarded-Host: belfry.example", "Forwarded: for=192.0.2.7", "Via: 1.1 proxy",
		"X-Real-IP: 192.0.2.7", "CF-Connecting-IP: 192.0.2.7", "True-Client-IP: 192.0.2.7",
	} {
		for _, line := range []string{"GET /jobs", "POST /keys"} {
			status, answer := p.from("", line, header, body)
			if status != 403 || !strings.Contains(answer, "problem-forwarded") ||
				!strings.Contains(answer, "belfry keys create") || !strings.Contains(answer, "BELFRY_TRUSTED_PROXIES") {
				t.Errorf("%s with %s: %d %s", line, header, status, answer)
			}
		}
	}
	res, _ := p.wire("GET /jobs HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n", "GET")
	if res.StatusCode != 403 {
		t.Errorf("as nginx does by default: %d", res.StatusCode)
	}
	for line, want := range map[string]int{
		"GET /jobs": 200, "GET /healthz": 200, "GET /jobs/export?withSecrets=true": 400,
	} {
		if status, answer := p.from("", line); status != want {
			t.Errorf("%s: %d %s", line, status, answer)
		}
	}
	if status, _ := p.from("", "GET /healthz", "Via: 1.1 balancer"); status != 200 {
		t.Errorf("a probe by a proxy: %d", status)
	}
	if status, _ := p.from("", "GET /jobs", "Host: belfry.example"); status != 421 {
		t.Errorf("another name: %d", status)
	}
}

// TestUnixSocket: only the user of the server reaches it, also after a crash, and the
// commands find it.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "b") // a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	env := []string{"PORT=", "BELFRY_UNIX_SOCKET=" + socket}
	p := serve(t, dir, env...)
	info, err := os.Lstat(socket)
	if err != nil || info.Mode() != os.ModeSocket|0o600 || p.url != "unix://"+socket {
		t.Fatalf("%s: %v, %v", p.url, info, err)
	}
	if _, err := p.api.Metrics(t.Context()); err != nil {
		t.Errorf("over the socket: %v", err)
	}
	code, stderr := run(t, cleanEnv(append(env, "DB_PATH="+filepath.Join(t.TempDir(), "x.db"))...), "serve")
	if code != 1 || !strings.Contains(stderr, "already in use") {
		t.Errorf("a second server: %d, %s", code, stderr)
	}
	for _, args := range [][]string{{"--server", "unix://" + socket}, nil} { // named, and found by the settings
		code, stderr := run(t, cleanEnv(env...), append([]string{"export", "--with-secrets"}, args...)...)
		if code != 0 {
			t.Errorf("belfry export %v: %d, %s", args, code, stderr)
		}
	}
	_ = p.cmd.Process.Kill()
	<-p.exit
	if _, err := os.Lstat(socket); err != nil {
		t.Fatal("the test needs a socket that a crash has left")
	}
	again := serve(t, dir, env...)
	if _, err := again.api.Metrics(t.Context()); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	_ = again.cmd.Process.Signal(os.Interrupt)
	<-again.exit
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the socket is there after a stop")
	}
}
