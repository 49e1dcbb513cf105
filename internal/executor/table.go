package executor

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// maxSpellings is how many ways to write one host are remembered, each 100 bytes
// or so: 8 MB with DefaultMaxHosts. Of the others each call takes its URL apart,
// which costs a microsecond.
const maxSpellings = 8

// route is where the calls of a spelling go.
type route struct {
	pool   *pool
	header string // value of Host: it goes out as the user wrote it
}

// table holds the pools in use, at most maxHosts of them.
type table struct {
	limits
	maxHosts int
	tls      *tlsTargets
	hosts    *host.Table

	mu     sync.RWMutex
	pools  map[poolKey]*pool
	routes map[spelling]route // to hosts
	closed bool
}

func newTable(cfg *Config) *table {
	return &table{
		limits: limits{maxConns: cfg.MaxConnsPerHost, maxOpen: int64(cfg.MaxConns), idleTimeout: cfg.IdleTimeout,
			gate: newHandshakeGate(host.HandshakesAtATime(runtime.GOMAXPROCS(0))), prepared: cfg.Metrics.Prepared},
		maxHosts: cfg.MaxHosts,
		tls:      newTLSTargets(cfg),
		hosts:    cfg.Hosts,
		pools:    make(map[poolKey]*pool),
		routes:   make(map[spelling]route),
	}
}

// newPool returns a pool that is not in the table yet. It holds the condition of its host
// until it is known that it does not get there, or is removed.
func (t *table) newPool(key poolKey) *pool {
	to := key.host.Endpoint()
	p := &pool{poolKey: key, Endpoint: to, label: to.Label(), limits: &t.limits, cond: t.hosts.Hold(key.host)}
	if to.Secure {
		p.tls = t.tls.of(to.Name, key)
	}
	if !to.Secure || t.tls.cfg.NoHTTP2 {
		p.shared.protocol = needsHTTP1
	}
	return p
}

// evict drops the tenth of the hosts that was unused for longest, so that a
// full table is searched once in many additions. Hosts in use stay.
func (t *table) evict() {
	type candidate struct {
		h       *pool
		lastUse time.Time
	}
	var unused []candidate
	for _, p := range t.pools {
		if lastUse, busy := p.usage(); !busy {
			unused = append(unused, candidate{p, lastUse})
		}
	}
	slices.SortFunc(unused, func(a, b candidate) int { return a.lastUse.Compare(b.lastUse) })
	for _, c := range unused[:min(len(unused), max(1, len(t.pools)/10))] {
		t.remove(c.h)
		c.h.drop()
	}
}

// reap closes idle connections and drops unused hosts until the context
// ends.
func (t *table) reap(ctx context.Context) {
	for clock.Wait(ctx, max(t.idleTimeout/8, 10*time.Millisecond)) {
		t.sweep(monotonic.Now().Add(-t.idleTimeout))
	}
}

func (t *table) sweep(before time.Time) {
	for _, p := range t.list() {
		if p.closeIdle(before) {
			t.mu.Lock()
			t.remove(p)
			t.mu.Unlock()
			p.drop()
		}
	}
}

func (t *table) list() []*pool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	hosts := make([]*pool, 0, len(t.pools))
	for _, p := range t.pools {
		hosts = append(hosts, p)
	}
	return hosts
}

func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, p := range t.list() {
		p.drop()
	}
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
		t.hosts.Release(r.pool.cond)
		r.pool = there
	} else if !t.addPool(r.pool) {
		t.hosts.Release(r.pool.cond)
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
	p.lastUse = monotonic.Now()
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
	t.hosts.Release(p.cond)
	for _, s := range p.spellings {
		delete(t.routes, s)
	}
	p.spellings = nil
}
