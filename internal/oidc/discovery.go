package oidc

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	retryEvery = 30 * time.Second // while the provider does not answer
	askEvery   = 5 * time.Minute  // it may stop to answer, and its endpoints and keys may move: two small requests
	askAgain   = 2 * time.Second  // a failure holds so long: those who wait do not ask one after the other
	maxWaiting = 16               // requests that wait until the provider has answered for the first time
	faultHolds = time.Hour        // a sign-in that failed is told for so long, unless one succeeds before
	logEvery   = time.Minute      // so often the same fault of a sign-in is logged

	// MaxSignIns is how many are finished at a time: each has at most three requests to the provider.
	MaxSignIns = 16
)

// Config is what a relying party is made of.
type Config struct {
	Issuer, ClientID, ClientSecret string
	RedirectURL                    string // where the provider sends browsers back to
	Scopes                         []string
	Claims                         []string // that matter: those that a token lacks are asked for

	Secrets [][]byte              // 32 bytes each: the first one seals a sign-in that has begun, any one opens it
	Roots   func() *x509.CertPool // whom to trust; nil: the system's
	Clock   clock.Clock
	Log     *slog.Logger
}

// RelyingParty is this server as a provider of OpenID Connect sees it: it sends browsers there, and checks what it says
// of them. It is safe for use by several goroutines.
type RelyingParty struct {
	cfg     Config
	box     *seal.Box
	client  *http.Client
	asking  chan struct{} // one at a time
	signIns chan struct{} // that are being finished
	waiting chan struct{} // for what the provider says of itself

	mu       sync.Mutex
	known    *known // nil: it has not answered yet
	failure  error  // of the last time that it was asked; nil: it has answered
	failedAt clock.Mark
	fault    error // what the provider did wrong when somebody signed in; nil: the last one came in
	faultAt  clock.Mark
}

// known is what a provider has said of itself.
type known struct {
	provider *goidc.Provider
	verifier *goidc.IDTokenVerifier
	oauth    oauth2.Config
	keysURL  string
	issParam bool // it names itself in answers (RFC 9207)
}

// New returns one that has not asked its provider yet. The error is about the config.
func New(cfg Config) (*RelyingParty, error) {
	if cfg.Issuer == "" || cfg.ClientID == "" || cfg.ClientSecret == "" || cfg.RedirectURL == "" || cfg.Clock == nil ||
		cfg.Log == nil {
		return nil, errors.New("oidc: Issuer, ClientID, ClientSecret, RedirectURL, Clock and Log are required")
	}
	if cfg.Roots == nil {
		cfg.Roots = func() *x509.CertPool { return nil }
	}
	keys := make([]seal.Key, len(cfg.Secrets))
	for i, secret := range cfg.Secrets {
		var err error
		if keys[i], err = seal.KeyOf(secret); err != nil {
			return nil, err
		}
	}
	box, err := seal.NewBox(keys...)
	if err != nil {
		return nil, err
	}
	return &RelyingParty{cfg: cfg, box: box, client: newClient(cfg.Roots), asking: make(chan struct{}, 1),
		signIns: make(chan struct{}, MaxSignIns), waiting: make(chan struct{}, maxWaiting)}, nil
}

// Run asks the provider what it says of itself, again and again, until the context ends.
func (p *RelyingParty) Run(ctx context.Context) {
	defer p.client.CloseIdleConnections()
	failing := false
	for {
		_, err := p.ask(ctx, true)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			p.cfg.Log.Warn("the provider of OpenID Connect does not answer as it should: nobody can sign in by it "+
				"until it does", "issuer", p.cfg.Issuer, telemetry.KeyError, err)
		case err == nil && failing:
			p.cfg.Log.Info("the provider of OpenID Connect answers again", "issuer", p.cfg.Issuer)
		}
		failing = err != nil
		every := askEvery
		if failing {
			every = retryEvery
		}
		if !clock.Wait(ctx, every) {
			return
		}
	}
}

// Warning returns what to tell of a provider that does not answer, or by which the last sign-in failed; empty: nothing.
func (p *RelyingParty) Warning() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.failure != nil:
		return fmt.Sprintf("the provider of OpenID Connect, %s, does not answer as it should: %v", p.cfg.Issuer,
			p.failure)
	case p.fault != nil && p.cfg.Clock.Elapsed(p.faultAt) < faultHolds:
		return fmt.Sprintf("the last sign-in by the provider of OpenID Connect, %s, failed: %v", p.cfg.Issuer, p.fault)
	}
	return ""
}

// note keeps what the provider did wrong when somebody signed in; nil: nothing, it works.
func (p *RelyingParty) note(fault error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := fault == nil || p.fault != nil && p.fault.Error() == fault.Error() &&
		p.cfg.Clock.Elapsed(p.faultAt) < logEvery
	if told {
		p.fault = fault
		return
	}
	p.fault, p.faultAt = fault, p.cfg.Clock.Mark()
	p.log("the provider has failed", fault.Error())
}

func (p *RelyingParty) log(message, reason string) {
	p.cfg.Log.LogAttrs(context.Background(), slog.LevelInfo, "sign-in by OpenID Connect: "+message,
		slog.String(telemetry.KeyReason, reason))
}

// current returns what the provider has said of itself, and asks if it has not said anything yet. So many wait for
// that at a time, since nobody knows who they are. The error is a *Refusal, or that of the context.
func (p *RelyingParty) current(ctx context.Context) (*known, error) {
	p.mu.Lock()
	k := p.known
	p.mu.Unlock()
	if k != nil {
		return k, nil
	}
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return nil, Refuse(Busy, "Others wait for the provider to answer: try again in a moment.")
	}
	k, err := p.ask(ctx, false)
	switch {
	case err == nil:
		return k, nil
	case ctx.Err() != nil: // nobody waits for the answer
		return nil, ctx.Err()
	}
	return nil, unavailable(err)
}

// ask asks the provider what it says of itself; unless anew is set, only if nobody else has while this waited, and then
// to the end, whatever becomes of the browser: that it has gone is no failure of the provider, and others may wait for
// the answer. What the provider has said before holds on if it fails.
func (p *RelyingParty) ask(ctx context.Context, anew bool) (*known, error) {
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !anew {
		if k, failure := p.answered(); k != nil || failure != nil {
			return k, failure
		}
		ctx = context.WithoutCancel(ctx)
	}
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	k, err := p.discover(limited)
	if ctx.Err() != nil { // the server stops
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure = err; err != nil {
		p.failedAt = p.cfg.Clock.Mark()
		return nil, err
	}
	p.known = k
	return k, nil
}

// answered returns what is known, or the failure of a moment ago.
func (p *RelyingParty) answered() (*known, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil && p.failure != nil && p.cfg.Clock.Elapsed(p.failedAt) < askAgain {
		return nil, p.failure
	}
	return p.known, nil
}

// discover reads the configuration that the provider publishes.
func (p *RelyingParty) discover(ctx context.Context) (*known, error) {
	found, err := goidc.NewProvider(goidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, short(err)
	}
	var says struct {
		AuthURL     string   `json:"authorization_endpoint"`
		TokenURL    string   `json:"token_endpoint"`
		KeysURL     string   `json:"jwks_uri"`
		UserInfoURL string   `json:"userinfo_endpoint"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
		IssParam    bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&says); err != nil {
		return nil, short(err)
	}
	for name, endpoint := range map[string]string{
		"authorization_endpoint": says.AuthURL, "token_endpoint": says.TokenURL, "jwks_uri": says.KeysURL,
	} {
		if err := p.trusts(name, endpoint); err != nil {
			return nil, err
		}
	}
	if says.UserInfoURL != "" {
		if err := p.trusts("userinfo_endpoint", says.UserInfoURL); err != nil {
			return nil, err
		}
	}
	if err := p.readKeys(ctx, says.KeysURL); err != nil {
		return nil, err
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // the default of OpenID Connect Discovery, section 3
	if len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &known{
		provider: found,
		verifier: found.VerifierContext(goidc.ClientContext(context.WithoutCancel(ctx), p.client),
			&goidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Clock.Now}),
		oauth: oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes},
		keysURL: says.KeysURL, issParam: says.IssParam,
	}, nil
}

// readKeys reads the keys with which the provider signs, without which nobody can sign in.
func (p *RelyingParty) readKeys(ctx context.Context, from string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return short(fmt.Errorf("its keys: %w", err))
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return short(fmt.Errorf("its keys: %w", err))
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("its keys: the answer is %d", resp.StatusCode)
	}
	var found struct {
		Keys []struct {
			Type string `json:"kty"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		return short(fmt.Errorf("its keys: %w", err))
	}
	for _, key := range found.Keys {
		if key.Type != "" && key.Type != "oct" { // RFC 7518, section 6.1: a secret is no key of two
			return nil
		}
	}
	return errors.New("its keys: there is none that verifies a signature")
}

// trusts refuses an endpoint that is less safe than the issuer.
func (p *RelyingParty) trusts(name, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("its %s is no URL", name)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || strings.HasPrefix(p.cfg.Issuer, "https:")) {
		return fmt.Errorf("its %s is not https", name)
	}
	return nil
}
