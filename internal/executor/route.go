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
	pool   *pool
	header string // value of Host: it goes out as the user wrote it
}

// route returns where a call goes. The host is made if need be.
func (x *Executor) route(p target.Parts, call *domain.Call) (route, error) {
	s := spelling{origin: p.Origin}
	if p.Secure {
		s.skipVerify, s.clientCert = call.SkipVerify, call.ClientCert
	}
	x.pools.mu.RLock()
	r, closed := x.pools.routes[s], x.pools.closed
	x.pools.mu.RUnlock()
	if closed {
		return r, errClosed
	}
	if r.pool != nil {
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
	key := poolKey{to.Host, s.skipVerify, s.clientCert}
	if p := x.pools.full(key); p != nil {
		return route{p, to.Header}, nil
	}
	return x.pools.add(s, route{x.newPool(key), to.Header}), nil
}

// full returns the host if it is there and has no room for more spellings.
func (t *table) full(key poolKey) *pool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if p := t.pools[key]; p != nil && len(p.spellings) >= maxSpellings {
		return p
	}
	return nil
}

// add puts the route and its host in the table and returns it, or the one to the
// host that is there already. When the table is full of hosts in use, the host
// serves this call only and its connection is not kept.
func (t *table) add(s spelling, r route) route {
	t.mu.Lock()
	defer t.mu.Unlock()
	if there := t.pools[r.pool.poolKey]; there != nil {
		r.pool = there
	} else if !t.addPool(r.pool) {
		return r
	}
	if _, known := t.routes[s]; !known && len(r.pool.spellings) < maxSpellings {
		r.pool.spellings = append(r.pool.spellings, s)
		t.routes[s] = r
	}
	return r
}

// addPool reports whether there was room for the host; t.mu is held.
func (t *table) addPool(p *pool) bool {
	p.table, p.lastUse = t, monotonic.Now()
	if len(t.pools) >= t.maxHosts {
		t.evict()
	}
	if t.closed || len(t.pools) >= t.maxHosts {
		p.dropped = true
		return false
	}
	t.pools[p.poolKey] = p
	return true
}

// remove takes the host and the routes to it out of the table; t.mu is held.
func (t *table) remove(p *pool) {
	if t.pools[p.poolKey] != p {
		return // it was removed, and another one took its place
	}
	delete(t.pools, p.poolKey)
	for _, s := range p.spellings {
		delete(t.routes, s)
	}
	p.spellings = nil
}
