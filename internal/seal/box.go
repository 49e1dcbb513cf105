package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// Prefix begins every sealed text. The number is that of the form: another
// cipher would be v2.
const Prefix = "sealed:v1:"

// MaxValueBytes is the longest value that a box takes. The values that Belfry
// seals are headers of at most 32 KiB in all; a sealed text that claims more is
// refused before anything is allocated for it.
const MaxValueBytes = 64 << 10

// maxSealedBytes is the longest text that [Box.Seal] makes.
var maxSealedBytes = len(Prefix) + 9 +
	base64.RawStdEncoding.EncodedLen(MaxValueBytes+chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead)

// Why a text does not open. The errors of [Box.Open] wrap one of them.
var (
	// ErrForm: the text is not one that Seal makes.
	ErrForm = errors.New("is not a sealed value")
	// ErrUnknownKey: it was sealed with a key that the box does not have.
	ErrUnknownKey = errors.New("was sealed with another encryption key")
	// ErrDamaged: the key is there, but the text was changed, or it belongs to
	// another place.
	ErrDamaged = errors.New("is damaged, or was copied from another place")
)

// Box seals with one key and opens with several. It may be used by many
// goroutines at a time.
type Box struct {
	keys  []Key // the first one seals
	ids   []string
	aeads map[string]cipher.AEAD // by key id
}

// NewBox returns a box that seals with the first key and opens with all.
func NewBox(keys ...Key) (*Box, error) {
	if len(keys) == 0 {
		return nil, errors.New("an encryption key is required")
	}
	b := &Box{keys: slices.Clone(keys), aeads: make(map[string]cipher.AEAD, len(keys))}
	for _, k := range keys {
		aead, err := chacha20poly1305.NewX(k.secret[:])
		if err != nil {
			return nil, err
		}
		id := k.ID()
		if b.aeads[id] != nil {
			return nil, fmt.Errorf("encryption key %s is there twice", id)
		}
		b.aeads[id], b.ids = aead, append(b.ids, id)
	}
	return b, nil
}

// KeyID names the key that seals.
func (b *Box) KeyID() string { return b.ids[0] }

// Keys returns the keys, the one that seals first.
func (b *Box) Keys() []Key { return slices.Clone(b.keys) }

// Derive returns keys for another purpose: one from each key, that of the key that seals first. See
// [Key.Derive]. While keys are replaced, another process may have them in another order.
func (b *Box) Derive(purpose string) [][]byte {
	derived := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		derived[i] = k.Derive(purpose)
	}
	return derived
}

// Place names where a value lies, by parts that may hold any byte: no two lists
// of parts give the same place.
func Place(parts ...string) []byte {
	var place []byte
	for _, part := range parts {
		place = binary.AppendUvarint(place, uint64(len(part)))
		place = append(place, part...)
	}
	return place
}

// Seal returns the value as a text that opens at the place only. Two calls give
// two texts.
func (b *Box) Seal(place []byte, value string) (string, error) {
	if len(value) > MaxValueBytes {
		return "", fmt.Errorf("a value of %d bytes cannot be sealed: at most %d", len(value), MaxValueBytes)
	}
	id := b.ids[0]
	aead := b.aeads[id]
	out := make([]byte, aead.NonceSize(), aead.NonceSize()+len(value)+aead.Overhead())
	_, _ = rand.Read(out) // never fails
	out = aead.Seal(out, out, []byte(value), associated(id, place))
	return Prefix + id + ":" + base64.RawStdEncoding.EncodeToString(out), nil
}

// associated is what a text is bound to beside its key. The id is in it so that
// nothing of the text is without its proof.
func associated(id string, place []byte) []byte {
	return append(Place(Prefix, id), place...)
}

// Open returns the value. The error wraps [ErrForm], [ErrUnknownKey] or
// [ErrDamaged] and holds nothing of the value.
func (b *Box) Open(place []byte, text string) (string, error) {
	id, raw, err := parse(text)
	if err != nil {
		return "", err
	}
	aead := b.aeads[id]
	if aead == nil {
		return "", fmt.Errorf("%w: its key is %s, this server has %s", ErrUnknownKey, id, strings.Join(b.ids, ", "))
	}
	if len(raw) < aead.NonceSize()+aead.Overhead() {
		return "", fmt.Errorf("%w: it is too short", ErrForm)
	}
	nonce, sealed := raw[:aead.NonceSize()], raw[aead.NonceSize():]
	value, err := aead.Open(nil, nonce, sealed, associated(id, place))
	if err != nil {
		return "", fmt.Errorf("%w (key %s)", ErrDamaged, id)
	}
	return string(value), nil
}

// IsCurrent reports whether the text was sealed with the key that seals now.
func (b *Box) IsCurrent(text string) bool {
	return strings.HasPrefix(text, Prefix+b.ids[0]+":")
}

func parse(text string) (id string, raw []byte, err error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	id, coded, found := strings.Cut(rest, ":")
	if !ok || !found || !isID(id) {
		return "", nil, fmt.Errorf("%w: it does not begin with %s and the id of a key", ErrForm, Prefix)
	}
	if len(text) > maxSealedBytes {
		return "", nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrForm, len(text), maxSealedBytes)
	}
	raw, err = base64.RawStdEncoding.Strict().DecodeString(coded)
	if err != nil || strings.ContainsAny(coded, "\r\n") { // which the decoder skips
		return "", nil, fmt.Errorf("%w: it is not base64", ErrForm)
	}
	return id, raw, nil
}

func isID(s string) bool {
	return len(s) == 8 && strings.Trim(s, "0123456789abcdef") == ""
}
