package peer

import "sync"

// maxNonces is how many nonces each of two generations has: 1,600 requests a second for a
// minute, in some 6 MB.
const maxNonces = 100_000

// seen is what is known of a nonce.
type seen int

const (
	fresh    seen = iota // never seen, and remembered from now on
	repeated             // seen before
	crowded              // so many were seen that this one cannot be remembered
)

// nonces remembers which requests were taken. A nonce is forgotten no earlier than twice
// [Window] after it was seen: by then the time of its request is refused. It has two
// generations; the older one is dropped when the younger one is two windows old.
type nonces struct {
	mu      sync.Mutex
	most    int // of a generation
	since   int64
	younger map[[nonceSize]byte]struct{}
	older   map[[nonceSize]byte]struct{}
}

// add says what is known of a nonce at an instant in Unix milliseconds, and remembers it.
func (n *nonces) add(nonce [nonceSize]byte, now int64) seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	span := 2 * Window.Milliseconds()
	switch age := now - n.since; {
	case age >= 2*span: // both generations are old enough
		n.younger, n.older, n.since = nil, nil, now
	case age >= span:
		n.younger, n.older, n.since = nil, n.younger, now
	}
	if _, known := n.younger[nonce]; known {
		return repeated
	}
	if _, known := n.older[nonce]; known {
		return repeated
	}
	if len(n.younger) >= n.most {
		return crowded
	}
	if n.younger == nil {
		n.younger = make(map[[nonceSize]byte]struct{})
	}
	n.younger[nonce] = struct{}{}
	return fresh
}
