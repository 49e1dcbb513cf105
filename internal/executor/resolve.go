package executor

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limits of the resolver. A name is looked up again for each new connection;
// the answer is kept for seconds only, so that a burst of thousands of dials
// asks once and a change of the zone is still seen at once.
const (
	lookupTTL      = 3 * time.Second
	lookupErrorTTL = time.Second
	maxLookups     = 4096 // names remembered
)

// lookupFunc is the part of [net.Resolver] in use.
type lookupFunc func(ctx context.Context, network, host string) ([]netip.Addr, error)

// resolver looks names up, each once at a time, and remembers the answers for
// a moment.
type resolver struct {
	ctx     context.Context // ends with the executor
	timeout time.Duration   // of one lookup, for all callers that wait for it
	lookup  lookupFunc

	mu      sync.Mutex
	answers map[string]*answer
}

// answer is a lookup that is under way or has ended.
type answer struct {
	done    chan struct{} // closed when the fields below are set
	addrs   []netip.Addr
	err     error
	expires time.Time
}

func newResolver(ctx context.Context, timeout time.Duration) *resolver {
	r := &net.Resolver{PreferGo: true} // a lookup in C would hold a thread
	return &resolver{ctx: ctx, timeout: timeout, lookup: r.LookupNetIP, answers: make(map[string]*answer)}
}

// loopback is where localhost names lead, in the order in which it is tried.
var loopback = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}

// isLocalhost reports whether a name is localhost or below it. Such names are this
// machine whatever a resolver knows of them (RFC 6761, section 6.3), so that none
// is asked: many know nothing of them, and one that leads elsewhere must not.
func isLocalhost(name string) bool {
	const local = "localhost"
	name = strings.TrimSuffix(name, ".")
	above := len(name) - len(local)
	return above >= 0 && strings.EqualFold(name[above:], local) && (above == 0 || above > 1 && name[above-1] == '.')
}

// resolve returns the addresses of a name, in the order in which they should
// be tried (RFC 6724, as net.Resolver sorts them).
func (r *resolver) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	if isLocalhost(name) {
		return loopback, nil
	}
	a := r.ask(name)
	select {
	case <-a.done:
		return a.addrs, a.err
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "timeout", Name: name, IsTimeout: true}
	}
}

// ask returns the answer for the name, and starts the lookup if there is none.
func (r *resolver) ask(name string) *answer {
	now := monotonic.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.answers[name]; a != nil && !a.stale(now) {
		return a
	}
	if len(r.answers) >= maxLookups {
		r.evict(now)
	}
	a := &answer{done: make(chan struct{})}
	r.answers[name] = a
	go r.run(name, a)
	return a
}

func (a *answer) stale(now time.Time) bool {
	select {
	case <-a.done:
		return now.After(a.expires)
	default:
		return false
	}
}

// evict drops the stale answers, or all of them when none is stale: callers that
// wait for an answer hold their own reference.
func (r *resolver) evict(now time.Time) {
	for name, a := range r.answers {
		if a.stale(now) {
			delete(r.answers, name)
		}
	}
	if len(r.answers) >= maxLookups {
		clear(r.answers)
	}
}

func (r *resolver) run(name string, a *answer) {
	ctx, cancel := context.WithTimeout(r.ctx, r.timeout)
	defer cancel()
	addrs, err := r.lookup(ctx, "ip", name)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: name, IsNotFound: true}
	}
	ttl := lookupTTL
	if err != nil {
		ttl = lookupErrorTTL
	}
	a.addrs, a.err, a.expires = addrs, err, monotonic.Now().Add(ttl)
	close(a.done)
}
