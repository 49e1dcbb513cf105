package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"sync"
)

// maxSignatures is how many a header may have: during a rotation two by the secrets of a
// namespace and two by those of the server.
const maxSignatures = 2 * MaxSecrets

// Signer signs with one to four secrets. Its methods may be called from many
// goroutines.
type Signer struct {
	keys  []*signingKey
	texts []string // of derived secrets, which must not be shown
}

// add makes the signer sign with a further secret, which is valid.
func (s *Signer) add(secret Secret) {
	key, err := secret.key()
	if err != nil {
		return
	}
	k := &signingKey{bytes: key}
	k.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, k.bytes)} }
	s.keys = append(s.keys, k)
}

// Texts returns the texts of the secrets that were derived for the signer, which must not
// be shown, as [Secret.Texts] does.
func (s *Signer) Texts() []string {
	if s == nil {
		return nil
	}
	return s.texts
}

// signingKey is a key with a pool of HMAC states. A state is derived from the key
// once, not for each signature.
type signingKey struct {
	bytes []byte
	macs  sync.Pool // of *mac
}

// mac is the memory of one signature.
type mac struct {
	hash.Hash
	sum [sha256.Size]byte
}

// NewSigner returns a signer, or nil for no secrets: nothing is signed then.
// The error says which secret is wrong, without showing it.
func NewSigner(secrets []Secret) (*Signer, error) {
	if len(secrets) == 0 {
		return nil, nil //nolint:nilnil // no signer is what no secrets make
	}
	if len(secrets) > MaxSecrets {
		return nil, fmt.Errorf("there must be at most %d secrets", MaxSecrets)
	}
	s := new(Signer)
	for i, secret := range secrets {
		if err := secret.Validate(); err != nil {
			return nil, fmt.Errorf("secret %d %w", i+1, err)
		}
		if i > 0 && secret == secrets[0] {
			return nil, errors.New("secret 2 is the same as secret 1")
		}
		s.add(secret)
	}
	return s, nil
}

// AppendHeaders appends the headers webhook-id, webhook-timestamp and
// webhook-signature, each with its line break. The id identifies the message and
// is the same for each repetition; at is the time of the attempt, in Unix seconds.
func (s *Signer) AppendHeaders(b, id []byte, at int64, body []byte) []byte {
	b = append(b, "webhook-id: "...)
	signed := len(b) // id.timestamp is put together here, then overwritten
	b = append(b, id...)
	b = append(b, '.')
	b = strconv.AppendInt(b, at, 10)
	b = append(b, '.')
	var codes [maxSignatures][sha256.Size]byte
	for i, k := range s.keys {
		k.sign(&codes[i], b[signed:], body)
	}
	b = append(b[:signed+len(id)], "\r\nwebhook-timestamp: "...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, "\r\nwebhook-signature:"...)
	for i := range s.keys {
		b = append(b, " v1,"...)
		b = base64.StdEncoding.AppendEncode(b, codes[i][:])
	}
	return append(b, "\r\n"...)
}

// sign computes the code of the head and the body one after the other.
func (k *signingKey) sign(code *[sha256.Size]byte, head, body []byte) {
	m := k.macs.Get().(*mac)
	m.Reset()
	_, _ = m.Write(head) // a hash takes everything
	_, _ = m.Write(body)
	*code = [sha256.Size]byte(m.Sum(m.sum[:0]))
	k.macs.Put(m)
}
