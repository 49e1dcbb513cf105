package executor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// poolKey tells pools of connections apart. Connections with and without
// verification are never mixed, nor those that have shown different
// certificates.
type poolKey struct {
	host       target.Host
	skipVerify bool
	clientCert string // name; empty: none
}

var errClosed = errors.New("the executor is closed")

// table holds the hosts in use, at most maxHosts of them.
type table struct {
	maxHosts    int
	maxConns    int // of one host
	maxIdle     int64
	idleTimeout time.Duration
	idleConns   atomic.Int64 // of all hosts
	lines       host.Lines   // where dials to hosts that do not answer wait

	mu     sync.RWMutex
	pools  map[poolKey]*pool
	routes map[spelling]route // to hosts
	closed bool
}

func newTable(cfg *Config) *table {
	return &table{
		maxHosts:    cfg.MaxHosts,
		maxConns:    cfg.MaxConnsPerHost,
		maxIdle:     int64(cfg.MaxIdleConns),
		idleTimeout: cfg.IdleTimeout,
		pools:       make(map[poolKey]*pool),
		routes:      make(map[spelling]route),
	}
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
