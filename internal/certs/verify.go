package certs

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	// maxVerified is how many results of verifications are remembered. One takes some 250
	// bytes (sum, times, places in a map and a list): 4 MB. It is more than DefaultMaxHosts
	// of package executor, so a host may present more than one chain.
	maxVerified = 16_384

	// keepVerified is how long a result is remembered. The times in the certificates and the
	// authorities are checked at each use; the limit is for what only a verification sees,
	// such as a change of the policy of the operating system. With connections that live for 2.5
	// to 5 min, a busy host is then verified once for each two or more generations of its
	// connections instead of once for each connection.
	keepVerified = 10 * time.Minute
)

// How a verification ended.
const (
	Verified = "verified" // by its signatures
	Cached   = "cached"   // as remembered
	Refused  = "refused"
)

// validity is the time in which a chain is valid, under certain authorities.
type validity struct {
	from, until time.Time
	generation  uint64 // of the authorities
}

// unlimited is the time in which every chain is valid that nobody verifies.
func unlimited(generation uint64) validity {
	return validity{until: time.Unix(1<<40, 0), generation: generation}
}

// holds reports whether the chain is valid; the instants at the ends count, as in package x509.
func (v validity) holds(now time.Time, generation uint64) bool {
	return v.generation == generation && !now.Before(v.from) && !now.After(v.until)
}

// both returns the time in which both chains are valid.
func (v validity) both(w validity) validity {
	if w.from.After(v.from) {
		v.from = w.from
	}
	if w.until.Before(v.until) {
		v.until = w.until
	}
	if v.generation != w.generation {
		v.until = time.Time{}
	}
	return v
}

// windowOf returns the time in which one of the chains is valid: the one that is valid for longest.
func windowOf(chains [][]*x509.Certificate, generation uint64) validity {
	best := validity{generation: generation}
	for _, chain := range chains {
		window := unlimited(generation)
		for _, cert := range chain {
			window = window.both(validity{cert.NotBefore, cert.NotAfter, generation})
		}
		if window.until.After(best.until) {
			best.from, best.until = window.from, window.until
		}
	}
	return best
}

// presented identifies a chain, as a target presents it under a name, and the
// authorities it is judged by.
type presented struct {
	sum        [sha256.Size]byte
	generation uint64
}

func presentedAs(chain []*x509.Certificate, name string, generation uint64) presented {
	sum := sha256.New()
	write := func(part []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		sum.Write(length[:])
		sum.Write(part)
	}
	write([]byte(name))
	for _, cert := range chain {
		write(cert.Raw)
	}
	p := presented{generation: generation}
	sum.Sum(p.sum[:0])
	return p
}

// verdict is a good result that is remembered.
type verdict struct {
	validity
	at time.Time // when it was found
}

// fresh reports whether the result still counts.
func (v verdict) fresh(now time.Time, generation uint64) bool {
	return v.holds(now, generation) && !now.Before(v.at) && now.Sub(v.at) <= keepVerified
}

// verifier decides whether chains are accepted.
type verifier struct {
	roots  *Roots
	clock  clock.Clock
	always bool // verify each time, for comparison

	mu    sync.Mutex
	known *lru[presented, verdict]
	doing map[presented]*verification
}

// verification is under way until done is closed.
type verification struct {
	done chan struct{}
	validity
	err error
}

func newVerifier(roots *Roots, clk clock.Clock) *verifier {
	return &verifier{
		roots: roots, clock: clk, known: newLRU[presented, verdict](maxVerified),
		doing: make(map[presented]*verification),
	}
}

// verify returns in which time the chain is valid for the name, or why it is not valid
// now. How is one of the constants. A failure is not remembered: most are found before
// any signature is checked, and the one who renews a certificate wants to see the effect.
// But those that wait for a verification of the same share its result.
func (v *verifier) verify(chain []*x509.Certificate, name string) (window validity, how string, err error) {
	roots, now := v.roots.Current(), v.clock.Now()
	key := presentedAs(chain, name, roots.Generation)
	v.mu.Lock()
	if old, ok := v.known.get(key); ok && !v.always && old.fresh(now, roots.Generation) {
		v.mu.Unlock()
		return old.validity, Cached, nil
	}
	if first, ok := v.doing[key]; ok && !v.always {
		v.mu.Unlock()
		<-first.done
		return first.validity, resultOf(first.err, Cached), first.err
	}
	mine := &verification{done: make(chan struct{}), err: errors.New("the verification broke")}
	v.doing[key] = mine
	v.mu.Unlock()
	defer v.finish(key, mine, now)
	mine.validity, mine.err = verifyNow(chain, name, roots, now)
	return mine.validity, resultOf(mine.err, Verified), mine.err
}

func resultOf(err error, good string) string {
	if err != nil {
		return Refused
	}
	return good
}

// finish hands the result to those that wait for it, and remembers it if it is good.
func (v *verifier) finish(key presented, mine *verification, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.doing, key)
	if mine.err == nil {
		v.known.put(key, verdict{mine.validity, now})
	}
	close(mine.done)
}

// verifyNow is the verification of package crypto/tls.
func verifyNow(chain []*x509.Certificate, name string, roots Authorities, now time.Time) (validity, error) {
	opts := x509.VerifyOptions{
		Roots: roots.Pool, CurrentTime: now, DNSName: name, Intermediates: x509.NewCertPool(),
	}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	chains, err := chain[0].Verify(opts)
	if err != nil {
		return validity{}, err
	}
	if fips140.Enabled() {
		if chains = permittedChains(chains); len(chains) == 0 {
			return validity{}, errors.New("no chain has only keys that FIPS 140 permits")
		}
	}
	return windowOf(chains, roots.Generation), nil
}

// permittedChains returns the chains that package crypto/tls accepts in FIPS 140 mode.
func permittedChains(chains [][]*x509.Certificate) (permitted [][]*x509.Certificate) {
	for _, chain := range chains {
		ok := len(chain) > 0
		for _, cert := range chain {
			ok = ok && permittedKey(cert.PublicKey)
		}
		if ok {
			permitted = append(permitted, chain)
		}
	}
	return permitted
}

func permittedKey(key any) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521()
	case ed25519.PublicKey:
		return true
	}
	return false
}
