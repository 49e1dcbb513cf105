package executor

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// maxSpellings is how many ways to write one host are remembered, each 100 bytes
// or so: 8 MB with DefaultMaxHosts. Of the others each call takes its URL apart,
// which costs a microsecond.
const maxSpellings = 8

// spelling is the start of a URL as a job writes it, with what else tells pools
// apart. Many may lead to one host.
type spelling struct {
	origin     string
	skipVerify bool
	clientCert string
}

// route is where the calls of a spelling go.
type route struct {
	host   *host
	header string // value of Host: it goes out as the user wrote it
}

// route returns where a call goes. The host is made if need be.
func (x *Executor) route(p target.Parts, call *domain.Call) (route, error) {
	s := spelling{origin: p.Origin}
	if p.Secure {
		s.skipVerify, s.clientCert = call.SkipVerify, call.ClientCert
	}
	x.hosts.mu.RLock()
	r, closed := x.hosts.routes[s], x.hosts.closed
	x.hosts.mu.RUnlock()
	if closed {
		return r, errClosed
	}
	if r.host != nil {
		return r, nil
	}
	return x.newRoute(s)
}

// newRoute takes the origin of a spelling apart.
func (x *Executor) newRoute(s spelling) (route, error) {
	s.origin, s.clientCert = strings.Clone(s.origin), strings.Clone(s.clientCert) // not the whole URL
	to, err := target.Parse(s.origin)
	if err != nil {
		return route{}, &refusedError{err}
	}
	key := hostKey{to.Host, s.skipVerify, s.clientCert}
	if h := x.hosts.full(key); h != nil {
		return route{h, to.Header}, nil
	}
	return x.hosts.add(s, route{x.newHost(key), to.Header}), nil
}

// full returns the host if it is there and has no room for more spellings.
func (t *table) full(key hostKey) *host {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if h := t.hosts[key]; h != nil && len(h.spellings) >= maxSpellings {
		return h
	}
	return nil
}

// add puts the route and its host in the table and returns it, or the one to the
// host that is there already. When the table is full of hosts in use, the host
// serves this call only and its connection is not kept.
func (t *table) add(s spelling, r route) route {
	t.mu.Lock()
	defer t.mu.Unlock()
	if there := t.hosts[r.host.hostKey]; there != nil {
		r.host = there
	} else if !t.addHost(r.host) {
		return r
	}
	if _, known := t.routes[s]; !known && len(r.host.spellings) < maxSpellings {
		r.host.spellings = append(r.host.spellings, s)
		t.routes[s] = r
	}
	return r
}

// addHost reports whether there was room for the host; t.mu is held.
func (t *table) addHost(h *host) bool {
	h.pool, h.lastUse = t, monotonic.Now()
	if len(t.hosts) >= t.maxHosts {
		t.evict()
	}
	if t.closed || len(t.hosts) >= t.maxHosts {
		h.dropped = true
		return false
	}
	t.hosts[h.hostKey] = h
	return true
}

// remove takes the host and the routes to it out of the table; t.mu is held.
func (t *table) remove(h *host) {
	if t.hosts[h.hostKey] != h {
		return // it was removed, and another one took its place
	}
	delete(t.hosts, h.hostKey)
	for _, s := range h.spellings {
		delete(t.routes, s)
	}
	h.spellings = nil
}
