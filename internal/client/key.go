package client

import (
	"context"
	"net/http"
)

// NewKey describes an API key to create.
type NewKey struct {
	Name      string `json:"name"`
	Role      string `json:"role"`                // admin, editor or viewer
	Namespace string `json:"namespace,omitempty"` // the only one that it sees; empty: all
	ExpiresAt int64  `json:"expiresAt,omitempty"` // Unix milliseconds; zero: it does not expire
}

// Key is an API key, without the key itself.
type Key struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Role       string `json:"role"`
	Namespace  string `json:"namespace"` // empty: all
	CreatedAt  int64  `json:"createdAt"`
	ExpiresAt  *int64 `json:"expiresAt"`  // nil: it does not expire
	LastUsedAt *int64 `json:"lastUsedAt"` // nil: never
}

// CreatedKey is a key that was created. Text is the key itself; no later call returns it. A
// call that is repeated with its key of [WithIdempotencyKey] has Message instead, which says
// what to do.
type CreatedKey struct {
	Text      string `json:"key"`
	ID        string `json:"id"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	Namespace string `json:"namespace"`
	CreatedAt int64  `json:"createdAt"`
	ExpiresAt *int64 `json:"expiresAt"`
	Message   string `json:"message"`
}

// Keys has the calls about API keys.
type Keys struct{ server *connection }

// Create makes an API key. It takes an admin's key, or none where none is
// set.
func (k *Keys) Create(ctx context.Context, key NewKey) (CreatedKey, error) {
	var out CreatedKey
	err := k.server.exchange(ctx, call{method: http.MethodPost, path: []string{"keys"}}, key, &out)
	return out, err
}

// List returns the keys that are not revoked, oldest first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	var out struct {
		Keys []Key `json:"keys"`
	}
	err := k.server.getJSON(ctx, &out, nil, "keys")
	return out.Keys, err
}

// Revoke revokes a key immediately.
func (k *Keys) Revoke(ctx context.Context, id string) error {
	var out struct{}
	return k.server.exchange(ctx, call{method: http.MethodDelete, path: []string{"keys", id}}, nil, &out)
}
