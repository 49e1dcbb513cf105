package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Client and Secret are those of the client that the issuer knows.
const (
	Client = "belfry"
	Secret = "canary-client-secret"
)

// Person is whom the issuer tells of, unless a test says otherwise.
var Person = map[string]any{
	"sub": "ann-7", "email": "ann@example.com", "email_verified": true, "groups": []string{"ops", "staff"},
}

// Issuer is a provider. The functions are set before it is asked.
type Issuer struct {
	URL string
	Key *ecdsa.PrivateKey // whose public part it publishes

	// Claims changes what the next tokens say.
	Claims func(claims map[string]any)
	// Sign makes a token of claims; nil: with Key.
	Sign func(claims map[string]any) string
	// Told is what is told at the user info endpoint; nil: there is none.
	Told map[string]any
	// Configuration changes what is published.
	Configuration func(c map[string]any)
	// Before sees each request, and answers it if it returns true.
	Before func(w http.ResponseWriter, r *http.Request) bool

	server *httptest.Server
	mu     sync.Mutex
	codes  map[string]url.Values // what was asked for, by the code that it got
}

// New starts an issuer that ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{Key: key, codes: map[string]url.Values{}}
	i.server = httptest.NewServer(i)
	i.URL = i.server.URL
	t.Cleanup(i.server.Close)
	return i
}

// Stop ends it: nothing answers there any more.
func (i *Issuer) Stop() { i.server.Close() }

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if i.Before != nil && i.Before(w, r) {
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		i.configuration(w)
	case "/authorize":
		http.Redirect(w, r, i.LetIn(r.URL.String()), http.StatusFound)
	case "/token":
		i.token(w, r)
	case "/userinfo":
		answer(w, http.StatusOK, i.Told)
	case "/keys":
		answer(w, http.StatusOK, map[string]any{"keys": []any{i.publicKey()}})
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) configuration(w http.ResponseWriter) {
	c := map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"},
	}
	if i.Told != nil {
		c["userinfo_endpoint"] = i.URL + "/userinfo"
	}
	if i.Configuration != nil {
		i.Configuration(c)
	}
	answer(w, http.StatusOK, c)
}

// publicKey returns the JWK of the key.
func (i *Issuer) publicKey() map[string]any {
	point, err := i.Key.PublicKey.Bytes() // 4, x and y
	if err != nil {
		panic(err)
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one",
		"x": encode(point[1:33]), "y": encode(point[33:])}
}

// LetIn lets somebody in who was sent to the address, and returns where the browser is sent back to.
func (i *Issuer) LetIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	asked := u.Query()
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = asked
	i.mu.Unlock()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil {
		panic(err)
	}
	back.RawQuery = url.Values{"code": {code}, "state": {asked.Get("state")}, "session_state": {"of the " +
		"provider"}}.Encode()
	return back.String()
}

// token exchanges a code, once.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	client, secret, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	i.mu.Lock()
	asked := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case client != Client || secret != Secret:
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	case asked == nil, asked.Get("client_id") != client, asked.Get("redirect_uri") != r.PostFormValue("redirect_uri"),
		asked.Get("code_challenge") != encode(challenge[:]):
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "canary " +
			"" + code})
		return
	}
	claims := maps.Clone(Person)
	now := clock.System{}.Now()
	maps.Copy(claims, map[string]any{"iss": i.URL, "aud": Client, "nonce": asked.Get("nonce"), "iat": now.Unix(),
		"exp": now.Add(time.Minute).Unix()})
	if i.Claims != nil {
		i.Claims(claims)
	}
	sign := i.Sign
	if sign == nil {
		sign = func(c map[string]any) string { return Signed(i.Key, "ES256", c) }
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "canary-access-token", "token_type": "Bearer",
		"expires_in": 60, "id_token": sign(claims)})
}

// Signed returns a token with the algorithm in its header, signed with a key as ES256 is; nil: not signed.
func Signed(key *ecdsa.PrivateKey, algorithm string, claims map[string]any) string {
	header, _ := json.Marshal(map[string]any{"alg": algorithm, "kid": "one", "typ": "JWT"})
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	text := encode(header) + "." + encode(payload)
	if key == nil {
		return text + "."
	}
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return text + "." + encode(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
