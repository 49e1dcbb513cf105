package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/seal"
	goidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// SignInTime is how long somebody may take at the provider.
	SignInTime = 10 * time.Minute

	maxText = 4 << 10 // bytes of what a browser keeps
)

// pendingPlace is what the sealed text is bound to.
var pendingPlace = seal.Place("sign-in that has begun")

// pending is a sign-in that has begun, in the sealed text.
type pending struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // PKCE
	To       string `json:"to"`       // where the browser goes in the end
	Ends     int64  `json:"ends"`     // Unix milliseconds
}

// Started is a sign-in that has begun.
type Started struct {
	URL   string // of the provider, where the browser goes
	Text  string // that the browser keeps until it comes back
	State string // with which it comes back
}

// Begin begins a sign-in that ends at a path of this server, which the caller has checked. If again is set, the
// provider is to ask who it is even where it knows. The error is a *Refusal, or a fault of this server.
func (p *RelyingParty) Begin(ctx context.Context, to string, again bool) (s Started, err error) {
	k, err := p.current(ctx)
	if err != nil {
		return s, err
	}
	begun := pending{
		State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), To: to,
		Ends: clock.NowMs(p.cfg.Clock) + SignInTime.Milliseconds(),
	}
	text, err := json.Marshal(begun)
	if err != nil {
		return s, err
	}
	sealed, err := p.box.Seal(pendingPlace, string(text))
	if err != nil {
		return s, err
	}
	s.Text, s.State = strings.TrimPrefix(sealed, seal.Prefix), begun.State
	options := []oauth2.AuthCodeOption{goidc.Nonce(begun.Nonce), oauth2.S256ChallengeOption(begun.Verifier)}
	if again {
		options = append(options, oauth2.SetAuthURLParam("prompt", "select_account"))
	}
	s.URL = k.oauth.AuthCodeURL(begun.State, options...)
	return s, nil
}

// random returns 256 bits.
func random() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Answer is with what a browser comes back.
type Answer struct {
	Text                       string // that it has kept; empty: none
	State, Code, Error, Issuer string // parameters of the address
}

// Finished is a sign-in of which the provider has said who it is.
type Finished struct {
	Claims map[string]any
	To     string // where the browser goes
}

// Finish checks with what a browser comes back, and asks the provider who it is. The error is a *Refusal; To is known
// then, too, if the browser has begun the sign-in.
func (p *RelyingParty) Finish(ctx context.Context, a Answer) (done Finished, err error) {
	begun, ok := p.open(a.Text)
	switch {
	case !ok:
		return done, Refuse(Expired, "No sign-in has begun in this browser within the last ten minutes: begin again.")
	case subtle.ConstantTimeCompare([]byte(begun.State), []byte(a.State)) != 1:
		return done, Refuse(Foreign, "The answer of the provider belongs to another sign-in: begin again.")
	}
	done.To = begun.To
	select {
	case p.signIns <- struct{}{}:
		defer func() { <-p.signIns }()
	default:
		return done, Refuse(Busy, "Too many people sign in at a time: try again in a moment.")
	}
	k, err := p.current(ctx)
	if err != nil {
		return done, err
	}
	switch {
	case a.Issuer != "" && a.Issuer != p.cfg.Issuer, a.Issuer == "" && k.issParam: // RFC 9207, section 2.4
		return done, Refuse(Foreign, "The answer is not from the provider of this server: begin again.")
	case a.Error != "":
		return done, Refuse(Denied, "The provider has not let you in: %s.", errorWord(a.Error))
	case a.Code == "":
		return done, Refuse(Foreign, "The answer of the provider has no code: begin again.")
	}
	limited, cancel := context.WithTimeout(goidc.ClientContext(ctx, p.client), 2*requestTimeout)
	defer cancel()
	done.Claims, err = p.claims(limited, k, &begun, a.Code)
	why, _ := errors.AsType[*Refusal](err)
	switch {
	case ctx.Err() != nil: // the browser has gone, which says nothing of the provider
		return done, ctx.Err()
	case err == nil:
		p.note(nil)
	case why != nil && why.cause != nil:
		p.note(why.cause)
	}
	return done, err
}

// open returns the sign-in of a text, or false. It does not tell why a text is none.
func (p *RelyingParty) open(text string) (begun pending, ok bool) {
	if text == "" || len(text) > maxText {
		return begun, false
	}
	opened, err := p.box.Open(pendingPlace, seal.Prefix+text)
	if err != nil || json.Unmarshal([]byte(opened), &begun) != nil {
		return pending{}, false
	}
	return begun, begun.State != "" && begun.Nonce != "" && clock.NowMs(p.cfg.Clock) < begun.Ends
}

// claims exchanges the code and returns what the provider says about the person.
func (p *RelyingParty) claims(ctx context.Context, k *known, begun *pending, code string) (map[string]any, error) {
	token, err := k.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // its text repeats what was answered
			return nil, p.refusedCode(said)
		}
		return nil, unavailable(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, Refuse(Untrusted, "The provider has not said who you are: its answer has no ID token.")
	}
	verified, err := k.verifier.Verify(ctx, raw)
	if err != nil {
		if fault := p.readKeys(ctx, k.keysURL); fault != nil { // nothing is said about the token without them
			return nil, unavailable(fault)
		}
		p.log("an ID token was refused", short(err).Error())
		return nil, Refuse(Untrusted, "What the provider says about you does not hold; the log of the server says why.")
	}
	claims := map[string]any{}
	if err := verified.Claims(&claims); err != nil {
		return nil, Refuse(Untrusted, "What the provider says about you cannot be read.")
	}
	if party, _ := claims["azp"].(string); party != "" && party != p.cfg.ClientID ||
		subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(begun.Nonce)) != 1 {
		p.log("an ID token was refused", "its nonce or its azp is that of another sign-in")
		return nil, Refuse(Untrusted, "What the provider says belongs to another sign-in: begin again.")
	}
	return p.completed(ctx, k, claims, token)
}

// refusedCode returns the refusal for a code that was not exchanged. What a browser brings about by a code that it has
// made up says nothing against the provider.
func (p *RelyingParty) refusedCode(said *oauth2.RetrieveError) *Refusal {
	word := errorWord(said.ErrorCode)
	switch said.ErrorCode {
	case "invalid_grant":
		p.log("the provider has refused the code", word)
		return Refuse(Foreign, "The provider does not accept the code any more: begin again.")
	case "invalid_request", "access_denied":
		p.log("the provider has refused the code", word)
		return Refuse(Unavailable, "The provider has refused to say who you are: %s.", word)
	}
	status := 0
	if said.Response != nil {
		status = said.Response.StatusCode
	}
	return Refuse(Unavailable, "The provider has refused to say who you are: %s.", word).by(
		fmt.Errorf("it has refused to exchange a code, with status %d: %s", status, word))
}

// nameClaims are those of which a person needs one to have a name.
var nameClaims = []string{"email", "preferred_username", "name"}

// completed asks for claims that the token lacks: many providers tell them only there.
func (p *RelyingParty) completed(ctx context.Context, k *known, claims map[string]any, token *oauth2.Token) (
	map[string]any, error) {
	there := func(name string) bool { return claims[name] != nil }
	lacks := slices.ContainsFunc(p.cfg.Claims, func(name string) bool { return !there(name) }) ||
		!slices.ContainsFunc(nameClaims, there)
	if !lacks || k.provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, unavailable(err)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil || info.Subject == "" || more["sub"] != claims["sub"] {
		return nil, Refuse(Untrusted, "What the provider says about you contradicts itself.")
	}
	if there("email") { // whether an address is verified counts only from where the address is
		delete(more, "email_verified")
	} else {
		delete(claims, "email_verified")
	}
	maps.Copy(more, claims) // those that are signed count
	return more, nil
}

// errorWord returns an error code of OAuth 2.0 (RFC 6749, section 5.2) as far as it is one.
func errorWord(code string) string {
	const most = 60
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-. ", r) {
			return r
		}
		return -1
	}, code)
	return cmp.Or(word[:min(len(word), most)], "without a reason")
}
