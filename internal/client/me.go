package client

import "context"

// Me is what a server takes the caller for.
type Me struct {
	Kind       string   `json:"kind"`       // anonymous: no key is set; or key
	KeyID      string   `json:"keyId"`      // env: a key of the settings
	Name       string   `json:"name"`       // of the key
	Role       string   `json:"role"`       // admin, editor or viewer
	Namespaces []string `json:"namespaces"` // nil: all
	ExpiresAt  *int64   `json:"expiresAt"`  // Unix milliseconds; nil: never
	Keyless    bool     `json:"keyless"`    // no key is set
	SignIn     SignIn   `json:"signIn"`
}

// SignIn says how one signs in.
type SignIn struct {
	Key bool `json:"key"` // with an API key
}

// Me returns who the server takes the caller for, and what he may do.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var out Me
	err := c.server.getJSON(ctx, &out, nil, "me")
	return out, err
}
