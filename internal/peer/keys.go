package peer

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
)

const (
	// derivation is the info of HKDF. It never changes: nodes of different builds use it.
	derivation = "belfry requests between nodes, version 1"
	// macSize is the length of a MAC in bytes.
	macSize = sha256.Size
	// minSecret is the least length of a secret in bytes.
	minSecret = 32
)

// Keys authenticate what nodes say to each other. All nodes of a cluster have the same.
type Keys struct{ macs [][]byte } // the first one signs, any one verifies

// NewKeys derives keys from the secrets of a cluster: HKDF with SHA-256 (RFC 5869), without
// a salt. The first secret is the current one. The others are those that it replaces, so that
// nodes that have not got the current one yet are understood. An error: there is no secret,
// or one has fewer than 32 bytes.
func NewKeys(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("peer: at least one secret is required")
	}
	k := &Keys{}
	for _, secret := range secrets {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("peer: a secret has %d bytes, at least %d are required", len(secret), minSecret)
		}
		mac, err := hkdf.Key(sha256.New, secret, nil, derivation, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("peer: %w", err)
		}
		k.macs = append(k.macs, mac)
	}
	return k, nil
}

// String shows nothing of the keys.
func (k *Keys) String() string { return fmt.Sprintf("%d keys between nodes", len(k.macs)) }

// GoString shows nothing of the keys.
func (k *Keys) GoString() string { return k.String() }

// What a MAC is of. A request is never taken for an answer.
const (
	ofRequest = "request"
	ofAnswer  = "answer"
	ofRefusal = "refusal"
)

// sign returns the MAC of a text under the current key.
func (k *Keys) sign(what string, text ...[]byte) []byte { return macOf(k.macs[0], what, text...) }

// verify reports whether a MAC is right under one of the keys.
func (k *Keys) verify(mac []byte, what string, text ...[]byte) bool {
	right := false
	for _, key := range k.macs {
		right = hmac.Equal(mac, macOf(key, what, text...)) || right
	}
	return right
}

// macOf puts the length before each part, so that no two lists of parts are the same text.
func macOf(key []byte, what string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(h, "%s\n", what)
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d\n", len(part))
		_, _ = h.Write(part)
	}
	return h.Sum(nil)
}
