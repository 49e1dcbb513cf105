package client

import "context"

// Me is what a server takes the caller for.
type Me struct {
	Kind       string   `json:"kind"`              // anonymous: no key is set; key or session
	KeyID      string   `json:"keyId"`             // env: a key of the settings
	Subject    string   `json:"subject,omitempty"` // of a session by OpenID Connect: who it is to the provider
	Name       string   `json:"name"`              // of the key, or of the person
	Role       string   `json:"role"`              // admin, editor or viewer
	Namespaces []string `json:"namespaces"`        // nil: all
	ExpiresAt  *int64   `json:"expiresAt"`         // Unix milliseconds; nil: never
	Keyless    bool     `json:"keyless"`           // no key is set
	SignIn     SignIn   `json:"signIn"`
}

// SignIn says how one signs in.
type SignIn struct {
	Key  bool        `json:"key"`            // with an API key
	OIDC *SignInOIDC `json:"oidc,omitempty"` // by OpenID Connect, in a browser; nil: not
}

// SignInOIDC says how one signs in by OpenID Connect.
type SignInOIDC struct {
	Name string `json:"name"` // of the provider
	URL  string `json:"url"`  // where the browser goes
}

// Me returns who the server takes the caller for, and what he may do.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var out Me
	err := c.server.getJSON(ctx, &out, nil, "me")
	return out, err
}
