package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/oidc"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/danielgtaylor/huma/v2"
)

const (
	// maxTo bounds the address to come back to, which is in a cookie meanwhile.
	maxTo = 1_000
	// signInError is the parameter by which the page learns why nobody was let in.
	signInError = "signInError"
)

// oidcRoutes begin sessions by the word of a provider of OpenID Connect. They are opened by the browser, not asked by
// the page: a refusal is shown by the page, or told as a problem where the browser wants no page.
type oidcRoutes struct {
	guard   *guard
	repeats *Repeats
	log     *slog.Logger
}

func (h *oidcRoutes) register(rt *router) {
	h.guard = rt.guard
	register(rt, huma.Operation{
		OperationID: "begin-oidc-session", Method: http.MethodGet, Path: oidcPath, Tags: []string{"Keys"},
		Summary: "Sign in by OpenID Connect",
		Description: "For browsers, to be opened and not to be fetched: sends the browser to the provider of the " +
			"settings, and gives it a cookie for ten minutes in which it is known that it was sent. signIn of GET " +
			"/me, and of a 401, has the address. A browser that cannot be sent there is sent to the page, with " +
			"signInError. Needs no key.",
		Security: []map[string][]string{}, DefaultStatus: http.StatusSeeOther,
	}, h.begin, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "finish-oidc-session", Method: http.MethodGet, Path: callbackPath, Tags: []string{"Keys"},
		Summary: "Come back from the provider",
		Description: "For browsers that the provider sends back: the redirect URI to be registered there. Checks " +
			"that this browser was sent, asks the provider who it is, and gives a cookie as POST /session does. The " +
			"session has the role and the namespace of the first grant of oidc_grants that fits, and ends after " +
			"session_ttl, after session_idle without a request, with DELETE /session, and when the provider, its " +
			"client or the grants of the settings are others. Whoever is not let in is sent to the page, with " +
			"signInError; a client that does not accept text/html gets a problem. Other parameters are ignored. " +
			"Needs no key.",
		Security: []map[string][]string{}, DefaultStatus: http.StatusSeeOther,
	}, h.finish, kindSignIn, kindConflict, kindRate, kindBusy, kindUnavailable)
}

// sentOutput sends a browser elsewhere.
type sentOutput struct {
	Location  string   `header:"Location" doc:"Where the browser goes."`
	SetCookie []string `header:"Set-Cookie" doc:"What it keeps, and what it drops."`
}

type beginOIDCInput struct {
	request

	To    string `query:"to" maxLength:"1000" pattern:"^/ui([/?].*)?$" doc:"Where the browser goes in the end: a path of the page. Absent: its overview." example:"/ui/jobs?text=nightly"`
	Again string `query:"again" enum:"true,false" doc:"Whether the provider is to ask who it is also where it knows (prompt=select_account): after a sign-out, or to come as somebody else." example:"true"`
}

func (h *oidcRoutes) begin(ctx context.Context, in *beginOIDCInput) (*sentOutput, error) {
	to, err := uiPathOf(in.To)
	if err != nil {
		return nil, err
	}
	if in.Again != "" && in.Again != "true" && in.Again != "false" {
		return nil, kindMalformed.fieldAs(domain.FieldChoice, "again", "must be true or false", in.Again)
	}
	party := h.guard.signIns.RelyingParty
	if party == nil {
		return nil, noProvider()
	}
	started, err := party.Begin(ctx, to, in.Again == "true")
	if err != nil {
		return h.refuse(ctx, in.r, refused{err: err, to: to})
	}
	return &sentOutput{started.URL, beginsPending(in.r, started)}, nil
}

func noProvider() error {
	return domain.Conflict("no provider of OpenID Connect is set: sign in with an API key")
}

// uiPathOf returns the address of the page that a text is, or of its overview where it is empty. Nothing else is one:
// whoever makes somebody sign in must not choose where they land.
func uiPathOf(to string) (string, error) {
	if to == "" {
		return uiPath, nil
	}
	u, err := url.Parse(to)
	odd := strings.ContainsFunc(to, func(r rune) bool { return r == '\\' || unicode.IsControl(r) })
	if err != nil || odd || len(to) > maxTo || u.IsAbs() || u.Host != "" || u.User != nil || u.Fragment != "" ||
		path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") || u.Path != uiPath && !strings.HasPrefix(u.Path,
		uiPath+"/") ||
		!strings.HasPrefix(to, uiPath) {
		return "", kindMalformed.fieldAs(domain.FieldFormat, "to", "must be a path of the page, as in /ui/jobs", nil)
	}
	return to, nil
}

type finishOIDCInput struct {
	request

	State string `query:"state" maxLength:"512" doc:"What the browser was sent with." example:"3q2fYc0rXh0"`
	Code  string `query:"code" maxLength:"4096" doc:"What the provider takes for who it is, once." example:"SplxlOBeZQQYbYS6WxSbIA"`
	Error string `query:"error" maxLength:"512" doc:"Why it has refused." example:"access_denied"`
	Iss   string `query:"iss" maxLength:"2048" doc:"Who has sent the browser back, where the provider says that." example:"https://login.example.com"`
}

// check refuses what no provider sends.
func (in *finishOIDCInput) check() error {
	for _, p := range []struct {
		name, value string
		most        int
	}{{"state", in.State, 512}, {"code", in.Code, 4096}, {"error", in.Error, 512}, {"iss", in.Iss, 2048}} {
		if utf8.RuneCountInString(p.value) > p.most {
			return kindMalformed.fieldAs(domain.FieldLength, p.name, fmt.Sprintf("must have at most %d characters",
				p.most), nil)
		}
	}
	return nil
}

func (h *oidcRoutes) finish(ctx context.Context, in *finishOIDCInput) (*sentOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	party := h.guard.signIns.RelyingParty
	if party == nil {
		return nil, noProvider()
	}
	if wait := h.guard.refusals.Wait(addressOf(in.r)); wait > 0 { // before the provider is asked
		why := oidc.Refuse(oidc.TooMany, "Too many sign-ins from your address were refused: try again in a moment.")
		return h.refuse(ctx, in.r, refused{err: why, state: in.State,
			problem: kindRate.problem("%s", why.Detail).throttled(refusedSignIns, wait)})
	}
	done, err := party.Finish(ctx, oidc.Answer{
		Text: pendingText(in.r, in.State), State: in.State, Code: in.Code, Error: in.Error, Issuer: in.Iss,
	})
	if err != nil {
		return h.refuse(ctx, in.r, refused{err: err, to: done.To, state: in.State})
	}
	begun, wait, err := h.guard.sessions.BeginAs(done.Claims)
	switch {
	case errors.Is(err, access.ErrNotGranted):
		err = oidc.Refuse(oidc.NotGranted, "The provider knows you, but nothing is granted to you here: ask an "+
			"admin of this server.")
	case err != nil:
		err = oidc.Refuse(oidc.Untrusted, "You cannot be let in: %v.", err)
	case wait > 0:
		err = oidc.Refuse(oidc.TooMany, "You have signed in too often of late: try again in some minutes.")
	}
	if err != nil {
		return h.refuse(ctx, in.r, refused{err: err, to: done.To, state: in.State})
	}
	ctx = withVisitor(in.r.WithContext(ctx), begun.Caller).Context()
	h.repeats.note(ctx, domain.ActionSignIn, "oidc", 0)
	return &sentOutput{done.To, append(endsPending(in.r, in.State), sessionCookie(in.r, begun.Text).String())}, nil
}

// refused is a sign-in that was refused.
type refused struct {
	err     error    // a *oidc.Refusal, or a fault of this server
	to      string   // where the browser wanted to go; empty: it is not known
	state   string   // of the sign-in that is over by that; empty: none has begun
	problem *Problem // for whoever wants no page; nil: what follows from the reason
}

// refuse tells why somebody is not let in: to the page if the browser wants one. Answers that no provider has given
// count against the address.
func (h *oidcRoutes) refuse(ctx context.Context, r *http.Request, what refused) (*sentOutput, error) {
	why, ok := errors.AsType[*oidc.Refusal](what.err)
	if !ok {
		return nil, what.err
	}
	if why.Reason == oidc.Expired || why.Reason == oidc.Foreign || why.Reason == oidc.Untrusted {
		h.guard.refusals.Failed(addressOf(r))
	}
	if h.guard.told.opens(h.guard.clock, "sign-in "+string(why.Reason)) {
		h.log.LogAttrs(ctx, slog.LevelInfo, "a sign-in by OpenID Connect was refused; further ones for that reason "+
			"are logged once a minute at most",
			slog.String(telemetry.KeyReason, string(why.Reason)), slog.String(telemetry.KeyAddr, addressOf(r).String()))
	}
	problem := what.problem
	if problem == nil {
		problem = refusalProblem(why)
	}
	problem = h.guard.refused(problem)
	over := endsPending(r, what.state)
	if h.guard.page && weightOf(strings.Join(r.Header.Values("Accept"), ","), "text/html") > 0 {
		return &sentOutput{tellingPage(what.to, why.Reason), over}, nil
	}
	for _, cookie := range over {
		problem = problem.with("Set-Cookie", cookie)
	}
	return nil, problem
}

// tellingPage returns the address of the page that tells a refusal. From there one goes on to where one wanted to go.
func tellingPage(to string, why oidc.Reason) string {
	to = cmp.Or(to, uiPath)
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return to + sep + signInError + "=" + string(why)
}

// refusalProblem returns the problem of a refusal.
func refusalProblem(why *oidc.Refusal) *Problem {
	switch why.Reason {
	case oidc.Unavailable:
		return kindUnavailable.problem("%s", why.Detail).with("Retry-After", "30")
	case oidc.Busy:
		return kindBusy.problem("%s", why.Detail).throttled(atATime("sign-ins-at-a-time", oidc.MaxSignIns), busyWait)
	case oidc.TooMany:
		return kindRate.problem("%s", why.Detail).throttled(signIns, time.Minute)
	case oidc.Expired, oidc.Foreign, oidc.Denied, oidc.Untrusted, oidc.NotGranted:
	}
	return kindSignIn.problem("%s", why.Detail)
}
