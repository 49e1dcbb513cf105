package webhook

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"
)

const (
	// derivation goes before the name of a namespace in the info of HKDF. It never
	// changes: verifiers have what is derived with it.
	derivation = "belfry signing secret of namespace "
	derivedKey = sha256.Size

	// maxKnown bounds the signers in memory: some 600 bytes each, 0.6 MB. Beyond it they
	// are derived anew, in 5 us.
	maxKnown = 1_000
)

// Derive returns the secret of a namespace: HKDF with SHA-256 (RFC 5869), without a salt,
// of the bytes of this secret. Whoever knows it learns nothing of this secret, nor of that
// of another namespace.
func (s Secret) Derive(namespace string) (Secret, error) {
	key, err := s.key()
	if err != nil {
		return "", err
	}
	out, err := hkdf.Key(sha256.New, key, nil, derivation+namespace, derivedKey)
	if err != nil {
		return "", err
	}
	return Secret(Prefix + base64.StdEncoding.EncodeToString(out)), nil
}

// Namespaces signs the calls of each namespace with secrets of its own, which are derived
// from those of the server. So nobody in one namespace can have a body signed that the
// targets of another one accept. Its methods may be called from many goroutines.
type Namespaces struct {
	secrets   []Secret
	undivided []string // namespaces whose calls are signed with the server's secrets, too

	known sync.Map // of *Signer, by namespace

	mu    sync.Mutex
	count int // of known; under mu
}

// NewNamespaces returns nil for no secrets: nothing is signed then. The error says which
// secret is wrong, without showing it.
func NewNamespaces(secrets []Secret, undivided []string) (*Namespaces, error) {
	if signer, err := NewSigner(secrets); signer == nil {
		return nil, err
	}
	return &Namespaces{secrets: slices.Clone(secrets), undivided: slices.Clone(undivided)}, nil
}

// Signer returns what signs the calls of a namespace.
func (n *Namespaces) Signer(namespace string) *Signer {
	if s, ok := n.known.Load(namespace); ok {
		return s.(*Signer)
	}
	return n.remember(namespace, n.derive(namespace))
}

// derive makes the signer of a namespace.
func (n *Namespaces) derive(namespace string) *Signer {
	s := new(Signer)
	for _, secret := range n.secrets {
		derived, err := secret.Derive(namespace)
		if err == nil { // NewNamespaces has used the secrets
			s.add(derived)
			s.texts = append(s.texts, derived.Texts()...)
		}
	}
	if slices.Contains(n.undivided, namespace) {
		for _, secret := range n.secrets {
			s.add(secret)
		}
	}
	return s
}

// remember keeps the signer of a namespace, and returns the one that is kept: another call
// may have been faster.
func (n *Namespaces) remember(namespace string, s *Signer) *Signer {
	n.mu.Lock()
	defer n.mu.Unlock()
	if kept, ok := n.known.Load(namespace); ok {
		return kept.(*Signer)
	}
	if n.count == maxKnown {
		n.known.Clear()
		n.count = 0
	}
	n.known.Store(namespace, s)
	n.count++
	return s
}
