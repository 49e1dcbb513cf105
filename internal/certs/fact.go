package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// maxFacts is how many hosts are recorded. A fact takes 600 bytes, and with the longest
// names 2 KB: 6 to 20 MB.
const maxFacts = 10_000

// Fact is what the last handshake with a host showed of its certificate.
type Fact struct {
	Host      target.Host
	Subject   string
	Names     []string // the first few for which the certificate is valid
	MoreNames int      // how many more there are
	Issuer    string
	NotBefore time.Time // of the host's own certificate
	NotAfter  time.Time
	Expires   time.Time // when the first certificate of the chain expires: NotAfter, or sooner
	SeenAt    time.Time
	Fault     string // why the certificate is not valid, for people; empty: it is, or nobody verified it
	Unchecked bool   // all jobs that called the host skip the verification
	Version   string // of TLS, such as "TLS 1.3"
	Resumed   bool   // the last handshake resumed a session
}

// fact is a Fact and what was reported of it.
type fact struct {
	Fact
	leaf     [sha256.Size]byte
	reported Level
}

// Facts has those of many hosts. Its methods may be called from many goroutines.
type Facts struct {
	mu     sync.Mutex
	byHost *lru[target.Host, *fact]
}

func newFacts() *Facts { return &Facts{byHost: newLRU[target.Host, *fact](maxFacts)} }

// shown is what a handshake showed.
type shown struct {
	host    target.Host
	state   tls.ConnectionState
	window  validity // zero: the chain is not valid
	fault   string
	skipped bool // not verified
	now     time.Time
}

// note records a handshake. One of a job that skips the verification says nothing of a
// certificate that others verify.
func (f *Facts) note(s shown) {
	leaf := s.state.PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	f.mu.Lock()
	defer f.mu.Unlock()
	known, ok := f.byHost.get(s.host)
	switch {
	case !ok:
		known = newFact(s.host, leaf, sum)
		known.Unchecked = s.skipped
		f.byHost.put(s.host, known)
	case known.leaf != sum:
		unchecked := known.Unchecked
		*known = *newFact(s.host, leaf, sum)
		known.Unchecked = unchecked
	}
	known.SeenAt, known.Resumed = s.now, s.state.DidResume
	known.Version = tls.VersionName(s.state.Version)
	if s.skipped {
		return
	}
	known.Fault, known.Unchecked, known.Expires = s.fault, false, leaf.NotAfter
	if s.fault == "" && s.window.until.Before(leaf.NotAfter) {
		known.Expires = s.window.until
	}
}

func newFact(host target.Host, leaf *x509.Certificate, sum [sha256.Size]byte) *fact {
	names, more := namesOf(leaf)
	return &fact{leaf: sum, Fact: Fact{
		Host: host, Subject: nameOf(leaf.Subject), Names: names, MoreNames: more, Issuer: nameOf(leaf.Issuer),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Expires: leaf.NotAfter,
	}}
}

// Of returns the fact of a host.
func (f *Facts) Of(host target.Host) (Fact, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.byHost.peek(host); ok {
		return known.Fact, true
	}
	return Fact{}, false
}

// All returns the facts of all hosts that are recorded; what expires first comes first.
func (f *Facts) All() []Fact {
	f.mu.Lock()
	known := f.byHost.values()
	all := make([]Fact, len(known))
	for i, k := range known {
		all[i] = k.Fact
	}
	f.mu.Unlock()
	slices.SortFunc(all, func(a, b Fact) int {
		if c := a.Expires.Compare(b.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.Host.String(), b.Host.String())
	})
	return all
}
