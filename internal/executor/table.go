package executor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// hostKey tells pools of connections apart. Connections with and without
// verification are never mixed, nor those that have shown different
// certificates.
type hostKey struct {
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
	pace        pace         // of dials to those that are silent
	failPace    pace         // and to those whose connections fail

	mu     sync.RWMutex
	hosts  map[hostKey]*host
	routes map[spelling]route // to hosts
	closed bool
}

func newTable(cfg *Config) *table {
	return &table{
		maxHosts:    cfg.MaxHosts,
		maxConns:    cfg.MaxConnsPerHost,
		maxIdle:     int64(cfg.MaxIdleConns),
		idleTimeout: cfg.IdleTimeout,
		hosts:       make(map[hostKey]*host),
		routes:      make(map[spelling]route),
	}
}

// evict drops the tenth of the hosts that was unused for longest, so that a
// full table is searched once in many additions. Hosts in use stay.
func (t *table) evict() {
	type candidate struct {
		h       *host
		lastUse time.Time
	}
	var unused []candidate
	for _, h := range t.hosts {
		if lastUse, busy := h.usage(); !busy {
			unused = append(unused, candidate{h, lastUse})
		}
	}
	slices.SortFunc(unused, func(a, b candidate) int { return a.lastUse.Compare(b.lastUse) })
	for _, c := range unused[:min(len(unused), max(1, len(t.hosts)/10))] {
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
	for _, h := range t.list() {
		if h.closeIdle(before) {
			t.mu.Lock()
			t.remove(h)
			t.mu.Unlock()
			h.drop()
		}
	}
}

func (t *table) list() []*host {
	t.mu.RLock()
	defer t.mu.RUnlock()
	hosts := make([]*host, 0, len(t.hosts))
	for _, h := range t.hosts {
		hosts = append(hosts, h)
	}
	return hosts
}

func (t *table) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	for _, h := range t.list() {
		h.drop()
	}
}
