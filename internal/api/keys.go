package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// keyRoutes make, list and revoke API keys.
type keyRoutes struct {
	keys    *access.Keyring
	once    *edit.Once
	trail   *trail
	maxBody int64
}

func (h *keyRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[newKey](), true, "")
	registerOnce(rt, h.once, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/keys", Tags: []string{"Keys"},
		Summary: "Make an API key",
		Description: "The answer is the only place where the key is ever shown: what is kept is its SHA-256. The " +
			"first key must be an admin's, without an expiry; " +
			"from then on every path but the probes needs a key. A request that is answered again, by its " +
			"Idempotency-Key, has the answer without the key: revoke that one, and make another. For admins.",
		RequestBody: reference.JSONBody("NewKey"), MaxBodyBytes: h.maxBody, DefaultStatus: http.StatusCreated,
	}, h.createKey, h.createdBefore, kindInvalid, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/keys", Tags: []string{"Keys"},
		Summary: "List the API keys", Description: "Those that are not revoked, oldest first, at most 1,000; the " +
			"keys of the settings are not among them. For admins.",
	}, h.listKeys, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/keys/{id}", Tags: []string{"Keys"},
		Summary: "Revoke an API key",
		Description: "The key stops working as soon as the request is read. If the answer is 503, the revocation is " +
			"not stored: repeat the request, or the key works again after a restart. The last admin key without an " +
			"expiry cannot be revoked unless the settings contain a key. For admins.",
	}, h.revokeKey, kindNotFound, kindConflict, kindUnavailable)
}

// newKey is the body of a request for a key.
type newKey struct {
	Name      string            `json:"name" minLength:"1" maxLength:"100" pattern:"^\\s*[^\\s\\x00-\\x1f\\x7f][^\\x00-\\x1f\\x7f]*\\s*$" doc:"Who or what will use it: the trail of changes shows it. In printable text." example:"CI of team billing"`
	Role      domain.Role       `json:"role" enum:"admin,editor,viewer" doc:"viewer: reads. editor: changes jobs and triggers them too. admin: everything, keys and the trail of changes too." example:"editor"`
	Namespace string            `json:"namespace,omitempty" minLength:"1" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"The only namespace whose jobs, executions and alerts it sees; absent: all. An admin is confined to none." example:"billing"`
	ExpiresAt reference.Instant `json:"expiresAt,omitempty" doc:"From when on it opens nothing any more: Unix milliseconds or RFC 3339; 0 or absent: it does not expire."`
}

type keyBody struct {
	ID         string      `json:"id" doc:"The key's id, which is its public part." example:"k7x2mq4a"`
	Name       string      `json:"name" doc:"Who or what uses it." example:"CI of team billing"`
	Role       domain.Role `json:"role" enum:"admin,editor,viewer" doc:"What it may do." example:"editor"`
	Namespace  string      `json:"namespace,omitempty" doc:"The only namespace that it sees; absent: all." example:"billing"`
	CreatedAt  int64       `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	ExpiresAt  *int64      `json:"expiresAt" format:"unix-ms" doc:"From when on it opens nothing any more, Unix milliseconds; null: it does not expire." example:"1798761600000"`
	LastUsedAt *int64      `json:"lastUsedAt" format:"unix-ms" doc:"When it was last used, to the minute, Unix milliseconds; null: never." example:"1767229200000"`
}

func keyBodyOf(k *domain.APIKey) keyBody {
	return keyBody{k.ID, k.Name, k.Role, k.Namespace, k.CreatedAt, unlessZero(k.ExpiresAt), unlessZero(k.LastUsedAt)}
}

type createKeyInput struct{ request }

type createKeyOutput struct {
	Location string `header:"Location" doc:"The path of the new key."`
	Body     createdKeyBody
}

type createdKeyBody struct {
	Key       string      `json:"key,omitempty" doc:"The key: send it as Authorization: Bearer KEY. It is shown this once, and absent when the answer is repeated." example:"bel_k7x2mq4a_ABCDEFGHIJKLMNOPQRSTUVWXYZ"`
	ID        string      `json:"id" doc:"The key's id, which is its public part." example:"k7x2mq4a"`
	Name      string      `json:"name" doc:"Who or what uses it." example:"CI of team billing"`
	Role      domain.Role `json:"role" enum:"admin,editor,viewer" doc:"What it may do." example:"editor"`
	Namespace string      `json:"namespace,omitempty" doc:"The only namespace that it sees; absent: all." example:"billing"`
	CreatedAt int64       `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	ExpiresAt *int64      `json:"expiresAt" format:"unix-ms" doc:"From when on it opens nothing any more, Unix milliseconds; null: it does not expire." example:"1798761600000"`
	Message   string      `json:"message,omitempty" doc:"In a repeated answer: why it does not have the key." example:"The key was shown in the first answer alone"`
}

func (h *keyRoutes) createKey(ctx context.Context, in *createKeyInput) (*createKeyOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	var name, role string
	var want domain.APIKey
	err = decodeFields(data, map[string]any{"name": &name, "role": &role, "namespace": &want.Namespace,
		"expiresAt": (*reference.Instant)(&want.ExpiresAt)})
	if err != nil {
		return nil, err
	}
	want.Name, want.Role = strings.TrimSpace(name), domain.Role(role)
	if err := checkNewKey(data, &want); err != nil {
		return nil, err
	}
	text, key, err := h.keys.Create(h.trail.under(ctx, domain.ActionKeyCreate), want)
	if err != nil {
		return nil, store.Coded(err)
	}
	return createdKey(ctx, text, &key, ""), nil
}

// createdBefore answers a request that has made a key before. The text of the key is not
// kept, so that nobody who gets hold of the database and of its encryption key has it.
func (h *keyRoutes) createdBefore(ctx context.Context, _ *createKeyInput, kept *domain.IdempotencyRecord) (
	*createKeyOutput, error) {
	if kept.APIKey == nil {
		return nil, store.NoKey(kept.KeyID)
	}
	return createdKey(ctx, "", kept.APIKey, "The key was shown in the first answer alone and is not kept. If that "+
		"answer was lost, revoke the key with this id, and make another one with another Idempotency-Key."), nil
}

func createdKey(ctx context.Context, text string, k *domain.APIKey, message string) *createKeyOutput {
	return &createKeyOutput{link(ctx, "/keys/"+k.ID), createdKeyBody{
		text, k.ID, k.Name, k.Role, k.Namespace, k.CreatedAt, unlessZero(k.ExpiresAt), message,
	}}
}

// checkNewKey refuses a namespace that is there and empty: a script with an empty variable
// would make a key for all namespaces. It also refuses a name that shows something else
// than it holds.
func checkNewKey(data []byte, key *domain.APIKey) error {
	var sent map[string]json.RawMessage
	if err := json.Unmarshal(data, &sent); err != nil {
		return domain.InvalidAs(domain.FieldType, "", "must be a JSON object", nil)
	}
	if _, there := sent["namespace"]; there && key.Namespace == "" {
		return domain.InvalidAs(domain.FieldFormat, "namespace",
			"must be the name of a namespace; leave the field out for a key that may "+
				"access all namespaces", nil)
	}
	if fault := wire.NameFault(key.Name); fault != "" {
		return domain.InvalidAs(domain.FieldFormat, "name", fault, nil)
	}
	return nil
}

type keysOutput struct{ Body keysBody }

type keysBody struct {
	Keys []keyBody `json:"keys" nullable:"false" doc:"The keys."`
}

// sizeOfKey is the most that a key takes: its name has up to 100 characters of 4 bytes.
const sizeOfKey = 1 << 10

func (h *keyRoutes) listKeys(ctx context.Context, _ *struct{}) (*keysOutput, error) {
	stored, err := h.keys.List(ctx)
	if err != nil {
		return nil, store.Coded(err)
	}
	fit(ctx, len(stored)*sizeOfKey)
	out := &keysOutput{keysBody{make([]keyBody, 0, len(stored))}}
	for i := range stored {
		out.Body.Keys = append(out.Body.Keys, keyBodyOf(&stored[i]))
	}
	return out, nil
}

type revokeKeyInput struct {
	ID string `path:"id" pattern:"^[a-z2-7]{8}$" doc:"The key's id." example:"k7x2mq4a"`
}

type revokeKeyOutput struct{ Body revokedKeyBody }

type revokedKeyBody struct {
	ID        string `json:"id" doc:"The key's id." example:"k7x2mq4a"`
	Message   string `json:"message" doc:"What was done, for people." example:"Key revoked"`
	RevokedAt int64  `json:"revokedAt" format:"unix-ms" doc:"From when on it opens nothing, Unix milliseconds." example:"1767229200000"`
}

func (h *keyRoutes) revokeKey(ctx context.Context, in *revokeKeyInput) (*revokeKeyOutput, error) {
	id, err := domain.ParseKeyID(strings.TrimSpace(in.ID))
	if err != nil {
		return nil, asParameter("id", err)
	}
	key, err := h.keys.Revoke(h.trail.under(ctx, domain.ActionKeyRevoke), id)
	if err != nil {
		return nil, store.Coded(err)
	}
	return &revokeKeyOutput{revokedKeyBody{id, "Key revoked", key.RevokedAt}}, nil
}
