package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var providerBinary struct {
	sync.Once
	path string
	err  error
}

// buildProvider builds a provider of OpenID Connect that others have written, which is a module of its own.
func buildProvider(t *testing.T) string {
	t.Helper()
	b := &providerBinary
	b.Do(func() {
		b.path = filepath.Join(filepath.Dir(binary), "oidc")
		cmd := exec.Command("go", "build", "-o", b.path, ".")
		cmd.Dir, cmd.Env = "../tools/oidc", append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		b.err = cmd.Run()
	})
	if b.err != nil {
		t.Fatal("building the provider:", b.err)
	}
	return b.path
}

// startProvider starts it, for a client that is sent back to the addresses. It returns the issuer.
func startProvider(t *testing.T, secret string, redirects ...string) string {
	t.Helper()
	cmd := exec.Command(buildProvider(t), "-secret", secret, "-redirect", strings.Join(redirects, ","))
	in, err := cmd.StdinPipe() // with which it ends
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	issuer, found := strings.CutPrefix(strings.TrimSpace(line), "issuer ")
	if err != nil || !found {
		t.Fatalf("%q, %v", line, err)
	}
	return issuer
}

// visitor is a browser of its own: with cookies, and redirects.
type visitor struct{ http.Client }

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{http.Client{Jar: jar, Timeout: maxWait}}
}

// open opens an address as a browser does, and returns where it has ended, its status and its text.
func (v *visitor) open(t *testing.T, address string, form ...string) (*url.URL, int, string) {
	t.Helper()
	method, body := http.MethodGet, url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		method = http.MethodPost
		body.Set(form[i], form[i+1])
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Request.URL, res.StatusCode, string(text)
}

var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn begins at an address, logs somebody in at the provider, and returns where the browser ends.
func (v *visitor) signIn(t *testing.T, address, name string) *url.URL {
	t.Helper()
	at, status, text := v.open(t, address)
	id := hiddenID.FindStringSubmatch(text)
	if status != 200 || id == nil {
		t.Fatalf("%s: %d: %s", at, status, text)
	}
	there := *at
	there.RawQuery = ""
	at, _, _ = v.open(t, there.String(), "username", name, "password", "password", "id", id[1])
	return at
}

// me returns the answer of GET /me to the browser.
func (v *visitor) me(t *testing.T, server string) (int, string) {
	t.Helper()
	_, status, text := v.open(t, server+"/me")
	return status, text
}

const clientSecret = "canary-of-the-client-0123456789"

// peopleEnv are the settings of a server at an address whose people come from an issuer.
func peopleEnv(address, issuer string) []string {
	host, port, _ := strings.Cut(address, ":")
	return []string{"HOST=" + host, "PORT=" + port, "BELFRY_PUBLIC_URL=http://" + address,
		"BELFRY_OIDC_ISSUER=" + issuer, "BELFRY_OIDC_CLIENT_ID=belfry", "BELFRY_OIDC_CLIENT_SECRET=" + clientSecret,
		"BELFRY_OIDC_GRANTS=email=ann@example.com:admin,email=bob@example.com:viewer:default," +
			"email=eve@example.com:admin",
		"LOG_LEVEL=debug", "DB_VERBOSE=true"}
}

// TestSignInByARealProvider: with a provider that others have written, from the button to the page and out again; who
// is granted nothing is told so; and neither a token, a code nor a secret is in the log.
func TestSignInByARealProvider(t *testing.T) {
	t.Parallel()
	address := freePort(t)
	home := "http://" + address
	issuer := startProvider(t, clientSecret, home+"/session/oidc/callback")
	dir := t.TempDir()
	p := serve(t, dir, peopleEnv(address, issuer)...)
	ann, bob, eve := newVisitor(t), newVisitor(t), newVisitor(t)
	if status, text := ann.me(t, home); status != 401 || !strings.Contains(text, `"url":"`+home+`/session/oidc"`) {
		t.Errorf("%d: %s", status, text)
	}
	if at := ann.signIn(t, home+"/session/oidc?to=/ui/jobs", "ann"); at.String() != home+"/ui/jobs" {
		t.Fatalf("ann is at %s", at)
	}
	if status, text := ann.me(t, home); status != 200 || !strings.Contains(text, `"role":"admin"`) ||
		!strings.Contains(text, `"subject":"id-of-ann"`) || !strings.Contains(text, `"name":"ann@example.com"`) {
		t.Errorf("%d: %s", status, text)
	}
	bob.signIn(t, home+"/session/oidc", "bob")
	if status, text := bob.me(t, home); status != 200 || !strings.Contains(text, `"namespaces":["default"]`) {
		t.Errorf("%d: %s", status, text)
	}
	if at := eve.signIn(t, home+"/session/oidc", "eve"); at.String() != home+"/ui?signInError=not-granted" {
		t.Errorf("eve, whose address is not verified, is at %s", at) // what she says of herself counts for nothing
	}
	if status, _ := eve.me(t, home); status != 401 {
		t.Errorf("%d", status)
	}
	_, _, trail := ann.open(t, home+"/audit/changes")
	if strings.Count(trail, `"action":"SIGN_IN"`) != 2 || !strings.Contains(trail, `"key":"oidc:id-of-bob"`) {
		t.Error(trail)
	}
	_, _, settings := ann.open(t, home+"/settings")
	if strings.Contains(settings+trail, "canary") || !strings.Contains(settings, "oidc_client_secret") {
		t.Error("a secret is shown: " + settings)
	}
	p.terminate()
	logs := p.log()
	env := peopleEnv(address, issuer) // with other grants
	for i := range env {
		env[i] = strings.Replace(env[i], "ann@example.com:admin", "ann@example.com:viewer", 1)
	}
	p = serve(t, dir, env...)
	if status, _ := ann.me(t, home); status != 401 {
		t.Errorf("with other grants: %d", status)
	}
	// She is known to the provider still, or has to log in again: either way the new grant counts.
	ann = newVisitor(t)
	ann.signIn(t, home+"/session/oidc", "ann")
	if status, text := ann.me(t, home); status != 200 || !strings.Contains(text, `"role":"viewer"`) {
		t.Errorf("%d: %s", status, text)
	}
	logs += p.log()
	for _, secret := range []string{"canary", "code=", "id_token", "eyJ"} {
		if strings.Contains(logs, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
}

// TestSignInOnTwoServers: of two servers on one database the one finishes what the other has begun, the session holds
// at
// both, and ends at both.
func TestSignInOnTwoServers(t *testing.T) {
	t.Parallel()
	database := newPostgres(t).Database(t)
	first, second := freePort(t), freePort(t)
	// The balancer of this test sends what begins to the first server, and all else to the second one.
	front := freePort(t)
	issuer := startProvider(t, clientSecret, "http://"+front+"/session/oidc/callback")
	for _, address := range []string{first, second} {
		env := peopleEnv(address, issuer)
		servePostgres(t, database, append(env, "BELFRY_PUBLIC_URL=http://"+front,
			"BELFRY_TRUSTED_PROXIES=127.0.0.1")...)
	}
	balance(t, front, func(r *http.Request) string {
		if r.URL.Path == "/session/oidc" {
			return first
		}
		return second
	})
	home := "http://" + front
	ann := newVisitor(t)
	if at := ann.signIn(t, home+"/session/oidc?to=/ui/jobs", "ann"); at.String() != home+"/ui/jobs" {
		t.Fatalf("ann is at %s", at)
	}
	for _, address := range []string{front, first, second} { // cookies do not know ports
		if status, text := ann.me(t, "http://"+address); status != 200 || !strings.Contains(text, "ann@example.com") {
			t.Errorf("%s: %d: %s", address, status, text)
		}
	}
	u, _ := url.Parse(home)
	kept := ann.Jar.Cookies(u)
	b := browser{p: &process{url: home}, cookie: kept[0].Name + "=" + kept[0].Value}
	old := b.cookie
	b.want(t, 204, "DELETE", "/session", "")
	away := browser{p: &process{url: "http://" + first}, cookie: old}
	within(t, 2*time.Second, "the session is over at the other server", func() bool {
		status, _ := away.do(t, "GET", "/me", "")
		return status == 401
	})
}

// balance sends requests to an address on to the one that is chosen for each.
func balance(t *testing.T, address string, choose func(*http.Request) string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: maxWait, Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: choose(r.In)})
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
	}}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}

// TestStartWithoutTheProvider: the server starts, fires and takes keys while the provider is down, says so, and lets
// people in once it answers.
func TestStartWithoutTheProvider(t *testing.T) {
	t.Parallel()
	address, nobody := freePort(t), freePort(t)
	key := strings.Repeat("k", 40)
	p := serve(t, t.TempDir(), append(peopleEnv(address, "http://"+nobody), "BELFRY_API_KEYS="+key)...)
	eventually(t, "the log tells that the provider does not answer", func() bool {
		return strings.Contains(p.log(), "the provider of OpenID Connect does not answer")
	})
	status, text := askWithKey(t, p.url+"/observability/health", key)
	if status != 200 || !strings.Contains(text, `"sign-in"`) || !strings.Contains(text, nobody) {
		t.Errorf("%d: %s", status, text)
	}
	if at, status, _ := newVisitor(t).open(t, p.url+"/session/oidc"); status != 200 ||
		at.RawQuery != "signInError=unavailable" {
		t.Errorf("%d at %s", status, at)
	}
}
