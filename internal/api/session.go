package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// maxSignIn bounds the body of a sign-in, which holds a key.
const maxSignIn = 4 << 10

// signIns is the quota of sessions that one key may begin.
var signIns = quota{name: "sign-ins", most: access.SignInBurst, window: access.SignInWindow}

// sessionRoutes begin and end sessions.
type sessionRoutes struct {
	guard   *guard
	repeats *Repeats
}

func (h *sessionRoutes) register(rt *router) {
	h.guard = rt.guard
	rt.huma.OpenAPI().Components.Schemas.Map()["NewSession"] = &huma.Schema{
		Type: huma.TypeObject, Required: []string{"key"}, AdditionalProperties: false,
		Properties: map[string]*huma.Schema{"key": {
			Type: huma.TypeString, Description: "An API key. It is not kept.", MinLength: new(1),
			MaxLength: new(maxSignIn),
			Examples:  []any{"bel_k7x2mq4a_ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		}},
	}
	register(rt, huma.Operation{
		OperationID: "begin-session", Method: http.MethodPost, Path: sessionPath, Tags: []string{"Keys"},
		Summary: "Sign in",
		Description: "For browsers: takes an API key and gives a cookie in its place, which no script reads. The " +
			"session has the role and the namespace of the key. It ends after session_ttl, after session_idle " +
			"without a request, with DELETE /session, and with the key. A change that is made with the cookie must " +
			"come from a page of this server, which browsers say by Sec-Fetch-Site or Origin. If a request has " +
			"Authorization, too, the cookie does not count. Programs send the key itself. Needs no key.",
		Security:    []map[string][]string{},
		RequestBody: reference.JSONBody("NewSession"), MaxBodyBytes: maxSignIn, DefaultStatus: http.StatusCreated,
	}, h.begin, kindInvalid, kindConflict, kindUnknownKey, kindGuessing, kindRate)
	register(rt, huma.Operation{
		OperationID: "end-session", Method: http.MethodDelete, Path: sessionPath, Tags: []string{"Keys"},
		Summary: "Sign out",
		Description: "Ends the session of the cookie, and removes the cookie. A copy of it opens nothing any more, " +
			"at " +
			"every server within a second. With a cookie whose session has ended already, and without a key and a " +
			"cookie, the answer is 401; with a key, which counts before a cookie, nothing is ended, and the answer " +
			"is " +
			"204. If the answer is 503, the end is not stored. The session has ended at this server all the same, so " +
			"that " +
			"a repeat is 401, and it may go on at other servers and after a restart of this one, until its time: " +
			"revoke " +
			"its key, or sign out at another server.",
	}, h.end, kindConflict, kindUnavailable)
}

type beginSessionInput struct{ request }

type beginSessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"The session."`
	Body      meBody
}

func (h *sessionRoutes) begin(ctx context.Context, in *beginSessionInput) (*beginSessionOutput, error) {
	key, err := keyToSignIn(in.r)
	if err != nil {
		return nil, err
	}
	if h.guard.keys.Empty() {
		return nil, domain.Conflict("no API key is set: nobody needs to sign in")
	}
	caller, refusal := h.guard.tryKey(in.r, key)
	if refusal != nil {
		return nil, h.guard.refused(refusal)
	}
	begun, wait, err := h.guard.sessions.Begin(&caller)
	if err != nil {
		return nil, err
	}
	if wait > 0 {
		return nil, h.guard.refused(kindRate.problem("The key has begun as many sessions as it may for now.").
			throttled(signIns, wait))
	}
	ctx = withVisitor(in.r.WithContext(ctx), begun.Caller).Context()
	h.repeats.note(ctx, domain.ActionSignIn, "key", 0)
	return &beginSessionOutput{*sessionCookie(in.r, begun.Text), h.guard.meOf(ctx)}, nil
}

// keyToSignIn reads the key. No error has any of it.
func keyToSignIn(r *http.Request) (key string, err error) {
	data, err := readBody(r)
	if err != nil {
		return "", err
	}
	if err = decodeFields(data, map[string]any{"key": &key}); err != nil {
		return "", err
	}
	if key = strings.TrimSpace(key); key == "" {
		return "", domain.InvalidAs(domain.FieldRequired, "key", "must be an API key", nil)
	}
	return key, nil
}

type endSessionInput struct{ request }

type endSessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie" doc:"Removes the cookie."`
}

func (h *sessionRoutes) end(ctx context.Context, in *endSessionInput) (*endSessionOutput, error) {
	out := &endSessionOutput{*sessionCookie(in.r, "")}
	v := visitorOf(ctx)
	if v.session == (domain.SessionID{}) {
		return out, nil
	}
	err := h.guard.sessions.End(ctx, &access.Caller{Session: v.session, ExpiresAt: v.expiresAt})
	if err != nil {
		return nil, store.Coded(err)
	}
	h.repeats.note(ctx, domain.ActionSignOut, "", 0)
	return out, nil
}
