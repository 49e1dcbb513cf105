package oidc

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/oidc/oidctest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const home = "https://belfry.example.com/session/oidc/callback"

// server is a server with a provider, whose log is kept.
type server struct {
	*RelyingParty
	clock *clock.Manual
	log   *buffer
}

type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func serverOf(t *testing.T, i *oidctest.Issuer, change ...func(*Config)) *server {
	t.Helper()
	s := &server{clock: new(clock.Manual), log: new(buffer)}
	c := Config{
		Issuer: i.URL, ClientID: oidctest.Client, ClientSecret: oidctest.Secret, RedirectURL: home,
		Scopes: []string{"openid", "groups"}, Claims: []string{"groups"},
		Secrets: [][]byte{bytes.Repeat([]byte{1}, 32)}, Clock: s.clock,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, fn := range change {
		fn(&c)
	}
	var err error
	if s.RelyingParty, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdleConnections)
	t.Cleanup(func() {
		if strings.Contains(s.log.String(), "canary") {
			t.Errorf("a secret is in the log: %s", s.log)
		}
	})
	return s
}

// come begins a sign-in, lets the issuer let somebody in, and returns with what the browser comes back.
func (s *server) come(t *testing.T, i *oidctest.Issuer) Answer {
	t.Helper()
	started, err := s.Begin(t.Context(), "/ui/jobs", false)
	if err != nil {
		t.Fatal(err)
	}
	return answerOf(t, started, i.LetIn(started.URL))
}

func answerOf(t *testing.T, started Started, back string) Answer {
	t.Helper()
	u, err := url.Parse(back)
	if err != nil || !strings.HasPrefix(back, home+"?") {
		t.Fatal(back, err)
	}
	q := u.Query()
	return Answer{Text: started.Text, State: q.Get("state"), Code: q.Get("code")}
}

// wantRefusal fails unless a sign-in is refused for a reason, in words without a secret.
func wantRefusal(t *testing.T, what string, err error, want Reason) {
	t.Helper()
	why, ok := errors.AsType[*Refusal](err)
	if !ok || why.Reason != want || why.Detail == "" || strings.Contains(err.Error(), "canary") {
		t.Errorf("%s: %v (%+v), want %s", what, err, why, want)
	}
}

// TestPeopleSignIn: the address has what the provider needs and no secret; the claims are those of the token, and where
// the browser goes is what it was begun with. Another server with the same secrets finishes it.
func TestPeopleSignIn(t *testing.T) {
	i := oidctest.New(t)
	here, there := serverOf(t, i), serverOf(t, i)
	started, err := here.Begin(t.Context(), "/ui/jobs?text=a", false)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(started.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Path != "/authorize" || q.Get("client_id") != oidctest.Client || q.Get("redirect_uri") != home ||
		q.Get("response_type") != "code" || q.Get("scope") != "openid groups" || len(q.Get("state")) != 43 ||
		len(q.Get("nonce")) != 43 || q.Get("code_challenge_method") != "S256" || q.Get("state") == q.Get("nonce") ||
		strings.Contains(started.URL, "canary") {
		t.Error(started.URL)
	}
	for _, secret := range []string{q.Get("state"), q.Get("nonce"), "/ui/jobs"} {
		if strings.Contains(started.Text, secret) || strings.Contains(started.Text,
			base64.RawURLEncoding.EncodeToString([]byte(secret))) {
			t.Error("what the browser keeps is not sealed")
		}
	}
	done, err := there.Finish(t.Context(), answerOf(t, started, i.LetIn(started.URL)))
	if err != nil {
		t.Fatal(err)
	}
	if done.To != "/ui/jobs?text=a" || done.Claims["sub"] != "ann-7" || done.Claims["email"] != "ann@example.com" {
		t.Errorf("%+v", done)
	}
}

// TestAnotherPersonIsAskedFor: the provider is told to ask who it is only where that is wanted.
func TestAnotherPersonIsAskedFor(t *testing.T) {
	i := oidctest.New(t)
	s := serverOf(t, i)
	for again, want := range map[bool]string{false: "", true: "select_account"} {
		started, err := s.Begin(t.Context(), "/ui", again)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(started.URL)
		if err != nil || u.Query().Get("prompt") != want || u.Query().Get("state") != started.State {
			t.Errorf("%v: %s, %v", again, started.URL, err)
		}
	}
}

// TestForgedAnswers: what does not belong to a sign-in that this browser has begun is refused.
func TestForgedAnswers(t *testing.T) {
	i := oidctest.New(t)
	i.Configuration = func(c map[string]any) { c["authorization_response_iss_parameter_supported"] = true }
	s, stranger := serverOf(t, i), serverOf(t, i, func(c *Config) { c.Secrets = [][]byte{bytes.Repeat([]byte{2}, 32)} })
	good := func() Answer {
		a := s.come(t, i)
		a.Issuer = i.URL
		return a
	}
	if _, err := s.Finish(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	other := good()
	for name, tc := range map[string]struct {
		change func(*Answer)
		want   Reason
	}{
		"no cookie":               {func(a *Answer) { a.Text = "" }, Expired},
		"a cookie cut off":        {func(a *Answer) { a.Text = a.Text[:len(a.Text)-2] }, Expired},
		"a cookie too long":       {func(a *Answer) { a.Text = strings.Repeat("x", maxText+1) }, Expired},
		"a cookie of another key": {func(a *Answer) { a.Text = stranger.come(t, i).Text }, Expired},
		"the cookie of another":   {func(a *Answer) { a.Text = other.Text }, Foreign},
		"a state of another":      {func(a *Answer) { a.State = other.State }, Foreign},
		"no state":                {func(a *Answer) { a.State = "" }, Foreign},
		"another issuer":          {func(a *Answer) { a.Issuer = "https://evil.example" }, Foreign},
		"no issuer":               {func(a *Answer) { a.Issuer = "" }, Foreign},
		"no code":                 {func(a *Answer) { a.Code = "" }, Foreign},
		"a code of another":       {func(a *Answer) { a.Code = good().Code }, Foreign}, // PKCE
		"a made-up code":          {func(a *Answer) { a.Code = "canary" }, Foreign},
		"a refusal":               {func(a *Answer) { a.Error = "access_denied" }, Denied},
		"a refusal with a script": {func(a *Answer) { a.Error = "<script>canary" }, Denied},
	} {
		a := good()
		tc.change(&a)
		_, err := s.Finish(t.Context(), a)
		if strings.Contains(name, "script") {
			if err == nil || strings.ContainsAny(err.Error(), "<>") {
				t.Error(err)
			}
			continue
		}
		wantRefusal(t, name, err, tc.want)
	}
	used := good()
	if _, err := s.Finish(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	_, err := s.Finish(t.Context(), used)
	wantRefusal(t, "replayed as a whole", err, Foreign)
	late := good()
	s.clock.Step(SignInTime)
	_, err = s.Finish(t.Context(), late)
	wantRefusal(t, "too late", err, Expired)
}

// TestACodeOfAnotherClient: the provider gives nothing for it.
func TestACodeOfAnotherClient(t *testing.T) {
	i := oidctest.New(t)
	s := serverOf(t, i)
	evil := serverOf(t, i, func(c *Config) { c.ClientID = "evil" })
	a, theirs := s.come(t, i), evil.come(t, i)
	a.Code = theirs.Code
	_, err := s.Finish(t.Context(), a)
	wantRefusal(t, "a code of another client", err, Foreign)
	wrong := serverOf(t, i, func(c *Config) { c.ClientSecret = "canary-wrong" })
	_, err = wrong.Finish(t.Context(), wrong.come(t, i))
	wantRefusal(t, "a wrong secret", err, Unavailable)
	if !strings.Contains(wrong.log.String(), "invalid_client") {
		t.Errorf("log: %s", wrong.log)
	}
}

// TestForgedTokens: a token counts only if the provider has made it, for this sign-in, of this client, now.
func TestForgedTokens(t *testing.T) {
	i := oidctest.New(t)
	s := serverOf(t, i)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { c[name] = value }
	}
	for name, claims := range map[string]func(map[string]any){
		"another nonce": set("nonce", "x"), "no nonce": set("nonce", ""), "another issuer": set("iss",
			"https://evil.example"),
		"another client": set("aud", "evil"), "no client": set("aud", nil), "another party": set("azp", "evil"),
		"clients and another party": func(c map[string]any) {
			c["aud"], c["azp"] = []string{"evil", oidctest.Client},
				"evil"
		},
		"expired": set("exp", time.Now().Add(-time.Second).Unix()), "no expiry": set("exp", nil),
		"not yet": set("nbf", time.Now().Add(time.Hour).Unix()),
	} {
		i.Claims = claims
		_, err := s.Finish(t.Context(), s.come(t, i))
		wantRefusal(t, name, err, Untrusted)
	}
	i.Claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"other", oidctest.Client}, oidctest.Client }
	if _, err := s.Finish(t.Context(), s.come(t, i)); err != nil {
		t.Errorf("with two clients: %v", err)
	}
	i.Claims = nil
	for name, sign := range map[string]func(map[string]any) string{
		"alg none":          func(c map[string]any) string { return oidctest.Signed(nil, "none", c) },
		"alg None":          func(c map[string]any) string { return oidctest.Signed(nil, "None", c) },
		"alg of none":       func(c map[string]any) string { return oidctest.Signed(nil, "ES256", c) },
		"another key":       func(c map[string]any) string { return oidctest.Signed(other, "ES256", c) },
		"another algorithm": func(c map[string]any) string { return oidctest.Signed(i.Key, "RS256", c) },
		"a secret key":      func(c map[string]any) string { return signedBySecret(t, i, c) },
		"changed afterwards": func(c map[string]any) string {
			parts := strings.Split(oidctest.Signed(i.Key, "ES256", c), ".")
			forged := maps.Clone(c)
			forged["sub"] = "boss"
			return parts[0] + "." + strings.Split(oidctest.Signed(nil, "ES256", forged), ".")[1] + "." + parts[2]
		},
		"no token": func(map[string]any) string { return "" },
		"no JWT":   func(map[string]any) string { return "canary" },
		"too many": func(c map[string]any) string { return oidctest.Signed(i.Key, "ES256", c) + ".x" },
	} {
		i.Sign = sign
		_, err := s.Finish(t.Context(), s.come(t, i))
		wantRefusal(t, name, err, Untrusted)
	}
}

// signedBySecret signs with the public key as if it was a secret (HS256).
func signedBySecret(t *testing.T, i *oidctest.Issuer, claims map[string]any) string {
	t.Helper()
	public, err := i.Key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSuffix(oidctest.Signed(nil, "HS256", claims), ".")
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// TestClaimsThatTheTokenLacks are asked for, and count only for the same person; those that are signed go first.
func TestClaimsThatTheTokenLacks(t *testing.T) {
	i := oidctest.New(t)
	i.Claims = func(c map[string]any) { delete(c, "groups") }
	i.Told = map[string]any{"sub": "ann-7", "groups": []string{"told"}, "email": "eve@example.com"}
	s := serverOf(t, i)
	done, err := s.Finish(t.Context(), s.come(t, i))
	if err != nil {
		t.Fatal(err)
	}
	if groups, _ := done.Claims["groups"].([]any); len(groups) != 1 || groups[0] != "told" ||
		done.Claims["email"] != "ann@example.com" {
		t.Errorf("%+v", done.Claims)
	}
	for name, row := range map[string]struct {
		token, told  map[string]any
		address, yes any // what counts as the address, and as whether it is verified
	}{
		"verified elsewhere": {map[string]any{"email": "boss@example.com"},
			map[string]any{"email": "eve@example.com", "email_verified": true}, "boss@example.com", nil},
		"refused here": {map[string]any{"email": "boss@example.com", "email_verified": false},
			map[string]any{"email_verified": true}, "boss@example.com", false},
		"verified here, without an address": {map[string]any{"email_verified": true},
			map[string]any{"email": "boss@example.com", "email_verified": false}, "boss@example.com", false},
		"verified here, told without a word": {map[string]any{"email_verified": true},
			map[string]any{"email": "boss@example.com"}, "boss@example.com", nil},
		"all here": {map[string]any{"email": "ann@example.com", "email_verified": true},
			map[string]any{"email": "boss@example.com", "email_verified": false}, "ann@example.com", true},
		"all told": {map[string]any{}, map[string]any{"email": "ann@example.com", "email_verified": true},
			"ann@example.com", true},
	} {
		i.Claims = func(c map[string]any) {
			maps.DeleteFunc(c, func(name string, _ any) bool {
				return name == "groups" || strings.HasPrefix(name, "email")
			})
			maps.Copy(c, row.token)
		}
		i.Told = maps.Clone(row.told)
		i.Told["sub"] = "ann-7"
		done, err := s.Finish(t.Context(), s.come(t, i))
		if err != nil || done.Claims["email"] != row.address || done.Claims["email_verified"] != row.yes {
			t.Errorf("%s: %+v, %v", name, done.Claims, err)
		}
	}
	i.Claims = func(c map[string]any) { delete(c, "groups") }
	for _, told := range []map[string]any{{"sub": "boss", "groups": []string{"ops"}}, {"groups": []string{"ops"}}} {
		i.Told = told
		_, err = s.Finish(t.Context(), s.come(t, i))
		wantRefusal(t, "of another person", err, Untrusted)
	}
	asked := false
	i.Claims, i.Before = nil, func(_ http.ResponseWriter, r *http.Request) bool {
		asked = asked || r.URL.Path == "/userinfo"
		return false
	}
	if _, err = s.Finish(t.Context(), s.come(t, i)); err != nil || asked {
		t.Errorf("%v, asked: %v", err, asked)
	}
}

// TestEndpointsOfAProvider: none is less safe than the issuer.
func TestEndpointsOfAProvider(t *testing.T) {
	p := &RelyingParty{cfg: Config{Issuer: "https://login.example.com"}}
	local := &RelyingParty{cfg: Config{Issuer: "http://127.0.0.1:9"}}
	for endpoint, want := range map[string][2]bool{
		"https://a.test/x": {true, true}, "http://a.test/x": {false, true}, "": {false, false}, "/x": {false, false},
		"ftp://a.test": {false, false}, "https://u:p@a.test": {false, false}, "file:///etc/passwd": {false, false},
	} {
		if got := [2]bool{p.trusts("x", endpoint) == nil, local.trusts("x", endpoint) == nil}; got != want {
			t.Errorf("%q: %v, want %v", endpoint, got, want)
		}
	}
}

// TestHowTheSecretIsSent: in a header, or in the body where the provider takes it only there; never both.
func TestHowTheSecretIsSent(t *testing.T) {
	for method, inBody := range map[string]bool{"": false, "client_secret_basic": false, "client_secret_post": true} {
		i := oidctest.New(t)
		i.Configuration = func(c map[string]any) {
			if method != "" {
				c["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt", method}
			}
		}
		var asked atomic.Int32
		i.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				asked.Add(1)
				_, _, basic := r.BasicAuth()
				if (r.PostFormValue("client_secret") != "") != inBody || basic == inBody {
					t.Errorf("%s: %v, %v", method, r.PostForm, r.Header)
				}
			}
			return false
		}
		s := serverOf(t, i)
		_, _ = s.Finish(t.Context(), s.come(t, i))
		if asked.Load() != 1 {
			t.Errorf("%s: asked %d times", method, asked.Load())
		}
	}
}

// TestSignInsAtATimeAreBounded: those beyond are refused, and do not wait.
func TestSignInsAtATimeAreBounded(t *testing.T) {
	i := oidctest.New(t)
	s := serverOf(t, i)
	a := s.come(t, i)
	for range MaxSignIns {
		s.signIns <- struct{}{}
	}
	_, err := s.Finish(t.Context(), a)
	wantRefusal(t, "one more", err, Busy)
	<-s.signIns
	if _, err = s.Finish(t.Context(), a); err != nil {
		t.Error(err)
	}
}

// TestTheProviderIsAskedAgain: a server starts without it, and the log tells once that it fails, and that it answers.
func TestTheProviderIsAskedAgain(t *testing.T) { synctest.Test(t, providerIsAskedAgain) }

func providerIsAskedAgain(t *testing.T) {
	var log buffer
	p, err := New(Config{Issuer: "https://login.example.com", ClientID: "b", ClientSecret: "canary", RedirectURL: home,
		Secrets: [][]byte{make([]byte, 32)}, Clock: clock.System{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	var asked atomic.Int32
	down.Store(true)
	p.client.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		if down.Load() {
			return nil, errors.New("connection refused")
		}
		text := `{"issuer":"https://login.example.com","authorization_endpoint":"https://login.example.com/a",` +
			`"token_endpoint":"https://login.example.com/t","jwks_uri":"https://login.example.com/k"}`
		if r.URL.Path == "/k" {
			asked.Add(-1)
			text = `{"keys":[{"kty":"EC"}]}`
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(text)),
			Header: http.Header{"Content-Type": {"application/json"}}}, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	go p.Run(ctx)
	time.Sleep(5 * retryEvery / 2)
	if asked.Load() != 3 || p.Warning() == "" || strings.Count(log.String(), "WARN") != 1 {
		t.Errorf("asked %d times, %q\n%s", asked.Load(), p.Warning(), &log)
	}
	down.Store(false)
	time.Sleep(retryEvery)
	if asked.Load() != 4 || p.Warning() != "" || strings.Count(log.String(), "answers again") != 1 {
		t.Errorf("asked %d times, %q\n%s", asked.Load(), p.Warning(), &log)
	}
	down.Store(true)
	time.Sleep(askEvery)
	if _, err := p.Begin(ctx, "/ui", false); err != nil || p.Warning() == "" { // what is known holds on
		t.Errorf("%v, %q", err, p.Warning())
	}
	cancel()
	synctest.Wait()
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWithoutSettings: what is missing is said.
func TestWithoutSettings(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("without anything")
	}
	if _, err := New(Config{Issuer: "https://a.test", ClientID: "a", ClientSecret: "b", RedirectURL: home,
		Clock: clock.System{}, Log: slog.Default(), Secrets: [][]byte{{1}}}); err == nil {
		t.Error("with a secret that is too short")
	}
}
