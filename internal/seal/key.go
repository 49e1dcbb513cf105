package seal

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// keySize is the length of a key in bytes.
const keySize = chacha20poly1305.KeySize

// idDomain sets the hash of a key id apart from any other use of the key.
const idDomain = "belfry encryption key id\x00"

// Key is an encryption key. It prints as its id, never as itself.
type Key struct{ secret [keySize]byte }

// NewKey makes a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k.secret[:]) // never fails: crypto/rand ends the process instead
	return k
}

// ParseKey reads a key of 32 bytes in base64. The error says what would be
// right and shows nothing of the text.
func ParseKey(text string) (Key, error) {
	var k Key
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	switch {
	case err != nil:
		return k, fmt.Errorf("must be base64, as `openssl rand -base64 %d` makes it", keySize)
	case len(raw) != keySize:
		return k, fmt.Errorf("has %d bytes: must be %d, as `openssl rand -base64 %d` makes them", len(raw),
			keySize, keySize)
	}
	copy(k.secret[:], raw)
	if k == (Key{}) {
		return k, fmt.Errorf("is all zero: make one with `openssl rand -base64 %d`", keySize)
	}
	return k, nil
}

// KeyOf returns the key of 32 bytes, such as one that [Key.Derive] has made for a purpose.
func KeyOf(secret []byte) (k Key, err error) {
	if len(secret) != keySize {
		return k, fmt.Errorf("a key has %d bytes: must be %d", len(secret), keySize)
	}
	copy(k.secret[:], secret)
	return k, nil
}

// ID identifies the key: the first four bytes of a SHA-256 over it, in hex. It reveals
// nothing about the key itself.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte(idDomain), k.secret[:]...))
	return hex.EncodeToString(sum[:4])
}

// Derive returns a key of 32 bytes for another purpose: HKDF with SHA-256 (RFC 5869), without a
// salt, with the purpose as its info. From one such key neither this key nor another one can
// be computed.
func (k Key) Derive(purpose string) []byte {
	out, err := hkdf.Key(sha256.New, k.secret[:], nil, "belfry "+purpose, sha256.Size)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes, and with FIPS 140-only for short secrets
	}
	return out
}

// Reveal returns the key in the form that [ParseKey] reads, for the one place
// that stores it.
func (k Key) Reveal() string { return base64.StdEncoding.EncodeToString(k.secret[:]) }

// String returns the id.
func (k Key) String() string { return "key " + k.ID() }

// GoString returns the id.
func (k Key) GoString() string { return k.String() }

// Format prints the id, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText returns the id.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue returns the id.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
