package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
)

// meRoutes tell a caller who he is.
type meRoutes struct{ guard *guard }

func (h *meRoutes) register(rt *router) {
	h.guard = rt.guard
	register(rt, huma.Operation{
		OperationID: "get-me", Method: http.MethodGet, Path: "/me", Tags: []string{"Keys"},
		Summary: "Show who one is",
		Description: "What the server takes the caller for, what the caller may do, and how one signs in. Where API " +
			"keys are set, a request without one gets 401, whose signIn says the same about signing in. For everybody.",
	}, h.me)
}

type meOutput struct{ Body meBody }

type meBody struct {
	Kind       string      `json:"kind" enum:"anonymous,key,session" doc:"anonymous: no key is set, so that none is needed. key: the request came with an API key. session: it came with the cookie of a session." example:"key"`
	KeyID      string      `json:"keyId,omitempty" doc:"The id of the API key, of a session the one with which it began; env: a key of the settings." example:"k7x2mq4a"`
	Subject    string      `json:"subject,omitempty" doc:"Of a session by OpenID Connect: who it is to the provider. There is no keyId then." example:"248289761001"`
	Name       string      `json:"name,omitempty" doc:"The name of the key; of a session by OpenID Connect the verified address of the person, or what the provider calls them." example:"CI of team billing"`
	Role       domain.Role `json:"role" enum:"admin,editor,viewer" doc:"What the caller may do. viewer: reads. editor: changes jobs and triggers them too. admin: everything." example:"editor"`
	Namespaces []string    `json:"namespaces,omitempty" doc:"The namespaces that the caller sees; absent: all." example:"[\"billing\"]"`
	ExpiresAt  *int64      `json:"expiresAt" format:"unix-ms" doc:"From when on it is not accepted any more, Unix milliseconds; null: it does not expire." example:"1798761600000"`
	Keyless    bool        `json:"keyless" doc:"Whether no API key is set." example:"false"`
	SignIn     signInBody  `json:"signIn" doc:"How one signs in."`
}

// kinds of callers.
const (
	callerAnonymous = "anonymous"
	callerKey       = "key"
	callerSession   = "session"
)

func (h *meRoutes) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	return &meOutput{h.guard.meOf(ctx)}, nil
}

func (g *guard) meOf(ctx context.Context) meBody {
	v := visitorOf(ctx)
	keyless := g.keys.Empty()
	me := meBody{
		Kind: callerKey, KeyID: v.author.Key, Name: v.author.Name, Role: v.role, ExpiresAt: unlessZero(v.expiresAt),
		Keyless: keyless, SignIn: *g.signIn(),
	}
	if subject, ok := strings.CutPrefix(v.author.Key, domain.AuthorOIDC); ok {
		me.KeyID, me.Subject = "", subject
	}
	switch {
	case v.session != domain.SessionID{}:
		me.Kind = callerSession
	case v.author.Key == domain.AuthorLoopback, v.author.Key == domain.AuthorAnonymous:
		me.Kind, me.KeyID = callerAnonymous, ""
	}
	if v.namespace != "" {
		me.Namespaces = []string{v.namespace}
	}
	return me
}
