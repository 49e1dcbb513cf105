package domain

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Role says what the holder of an API key may do. Each role includes the weaker ones.
type Role string

// The roles, weakest first.
const (
	RoleViewer Role = "viewer" // may read
	RoleEditor Role = "editor" // may also change and trigger jobs
	RoleAdmin  Role = "admin"  // may do everything, including keys and the audit trail
)

var roles = []Role{RoleViewer, RoleEditor, RoleAdmin}

// Covers reports whether the role includes the other one. An unknown role includes
// nothing, and no role includes an unknown one.
func (r Role) Covers(need Role) bool {
	has, wants := slices.Index(roles, r), slices.Index(roles, need)
	return wants >= 0 && has >= wants
}

// Limits of a key.
const (
	MaxKeyNameLength = 100 // characters
	MaxKeys          = 1_000

	keyPrefix   = "bel_"
	keyIDLength = 8
)

// APIKey describes an API key. It does not contain the key itself, so that a copy of
// the database gives no access.
type APIKey struct {
	ID         string   // the public part, which is also part of the key
	Hash       [32]byte // SHA-256 of the whole key
	Name       string
	Role       Role
	Namespace  string // the only namespace that the key may access; empty: all
	CreatedAt  int64  // Unix milliseconds
	ExpiresAt  int64  // first instant at which it is not accepted any more; zero: never
	LastUsedAt int64  // to the minute; zero: never
	RevokedAt  int64  // zero: not revoked
}

// NewAPIKey returns a new key in the form that is shown once: "bel_", an id of 8
// characters, and a secret of 26. The secret has 130 random bits, which cannot be
// guessed, so a plain SHA-256 protects it as well as a slow hash.
func NewAPIKey() (text string, key APIKey) {
	key.ID = strings.ToLower(rand.Text()[:keyIDLength])
	text = keyPrefix + key.ID + "_" + rand.Text()
	key.Hash = sha256.Sum256([]byte(text))
	return text, key
}

// MaskKeys masks the secrets of keys in a text that is logged, for example a path into
// which a key was pasted. The ids stay visible.
func MaskKeys(text string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], keyPrefix)
		if i < 0 {
			return text
		}
		from += i + len(keyPrefix)
		_, after, ok := strings.Cut(text[from:], "_")
		if !ok {
			return text
		}
		start := len(text) - len(after)
		end := start + len(after)
		if j := strings.IndexAny(after, "/?&# "); j >= 0 {
			end = start + j
		}
		text = text[:start] + Mask + text[end:]
		from = start + len(Mask)
	}
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
func (k *APIKey) Validate() error {
	var fe fieldErrors
	nameRule := fmt.Sprintf("must be 1 to %d characters of printable text: it says in the trail of changes who made "+
		"one", MaxKeyNameLength)
	if k.Name == "" {
		fe.addAs(FieldRequired, "name", nameRule, nil)
	}
	fe.text(printable(k.Name), k.Name, MaxKeyNameLength, "name", nameRule, k.Name)
	if k.Role == "" {
		fe.addAs(FieldRequired, "role", "must be admin, editor or viewer", nil)
	} else {
		fe.choice("role", "must be admin, editor or viewer", string(k.Role), string(RoleAdmin), string(RoleEditor),
			string(RoleViewer))
	}
	fe.text(k.Namespace == "" || ValidNamespace(k.Namespace), k.Namespace, maxNamespaceLength, "namespace",
		namespaceRule, k.Namespace)
	fe.requireAs(FieldContradiction, k.Namespace == "" || k.Role != RoleAdmin, "namespace",
		"must be absent: an admin is confined to none", k.Namespace)
	fe.requireAs(FieldRange, k.ExpiresAt == 0 || k.ExpiresAt > k.CreatedAt, "expiresAt",
		"must be after now", k.ExpiresAt)
	fe.requireAs(FieldRange, k.ExpiresAt <= MaxInstantMs, "expiresAt",
		fmt.Sprintf("must be at most %d (Unix milliseconds)", MaxInstantMs), k.ExpiresAt)
	return fe.err()
}

// Opens reports whether the key is valid at the instant.
func (k *APIKey) Opens(now int64) bool {
	return k.RevokedAt == 0 && (k.ExpiresAt == 0 || now < k.ExpiresAt)
}

// Lasting reports whether the key will always let somebody in who can make others: it is an
// admin's, has no expiry and is not revoked.
func (k *APIKey) Lasting() bool { return k.Role == RoleAdmin && k.ExpiresAt == 0 && k.RevokedAt == 0 }

var keyID = regexp.MustCompile(`^[a-z2-7]{8}$`)

// ParseKeyID checks the form of a key's id. A whole key, which is easily given instead
// of the id, is refused without being repeated in the error.
func ParseKeyID(s string) (string, error) {
	if !keyID.MatchString(s) {
		return "", InvalidAs(FieldFormat, "id", "must be the id of a key: 8 characters, as in k7x2mq4a", nil)
	}
	return s, nil
}
