package webhook

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
)

// Secret is what both sides of a signature know, in its text form: "whsec_" and
// the base64 of 24 to 64 bytes. Every usual way to print or encode it gives
// [Mask]; what must have the text calls [Secret.Reveal].
type Secret string

// Limits of secrets.
const (
	MaxSecrets  = 2 // the new one and the old one, while targets change over
	minKeyBytes = 24
	maxKeyBytes = 64
	prefix      = "whsec_"
)

// Mask stands for a secret in everything that is shown.
const Mask = prefix + "********"

// Reveal returns the text itself, for the few places that must have it.
func (s Secret) Reveal() string { return string(s) }

// String returns a mask.
func (Secret) String() string { return Mask }

// GoString returns a mask.
func (Secret) GoString() string { return Mask }

// MarshalText returns a mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue returns a mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

// Masked reports whether the secret is a mask: somebody sent back what was
// shown.
func (s Secret) Masked() bool { return s == Mask }

var (
	errForm = errors.New("must be whsec_ and the base64 of 24 to 64 random bytes: `echo whsec_$(openssl rand -base64 32)` makes one")
	errMask = errors.New("is the mask of a secret, and there is none that it could stand for: send the secret itself")
)

// Validate returns what is wrong with the secret, without showing it.
func (s Secret) Validate() error {
	_, err := s.key()
	return err
}

// key returns the bytes that sign.
func (s Secret) key() ([]byte, error) {
	if s.Masked() {
		return nil, errMask
	}
	text, ok := strings.CutPrefix(string(s), prefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes ||
		strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, errForm
	}
	return key, nil
}
