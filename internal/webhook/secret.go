package webhook

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
)

// Secret is the shared secret of a signature in its text form: "whsec_" and the
// base64 of 24 to 64 bytes. Every usual way to print or encode it gives [Mask];
// code that needs the text calls [Secret.Reveal].
type Secret string

// Limits of secrets.
const (
	MaxSecrets  = 2 // the new one and the old one, while targets change over
	minKeyBytes = 24
	maxKeyBytes = 64

	// Prefix begins the text of every secret.
	Prefix = "whsec_"
)

// Mask replaces a secret, of this kind or another, in everything that is shown.
const Mask = "********"

// Reveal returns the text itself, for the few places that must have it.
func (s Secret) Reveal() string { return string(s) }

// Texts returns the texts that must not be shown, the longest first: the whole
// secret, and the secret without its prefix.
func (s Secret) Texts() []string { return []string{string(s), strings.TrimPrefix(string(s), Prefix)} }

// String returns a mask.
func (Secret) String() string { return Mask }

// GoString returns a mask.
func (Secret) GoString() string { return Mask }

// MarshalText returns a mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// LogValue returns a mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

var errForm = errors.New("must be whsec_ and the base64 of 24 to 64 random bytes: `echo whsec_$(openssl rand -base64 " +
	"32)` makes one")

// Validate returns what is wrong with the secret, without showing it.
func (s Secret) Validate() error {
	_, err := s.key()
	return err
}

// key returns the bytes that sign.
func (s Secret) key() ([]byte, error) {
	text, ok := strings.CutPrefix(string(s), Prefix)
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes ||
		strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, errForm
	}
	return key, nil
}
