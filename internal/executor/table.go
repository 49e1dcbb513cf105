package executor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// hostKey tells pools of connections apart. Connections with and without
// verification are never mixed, nor those that have shown different
// certificates.
type hostKey struct {
	origin     string
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
	closed bool
}

func newTable(cfg *Config) *table {
	return &table{
		maxHosts:    cfg.MaxHosts,
		maxConns:    cfg.MaxConnsPerHost,
		maxIdle:     int64(cfg.MaxIdleConns),
		idleTimeout: cfg.IdleTimeout,
		hosts:       make(map[hostKey]*host),
	}
}

// host returns the host of the target, which is made if need be.
func (x *Executor) host(t target, call *domain.Call) (*host, error) {
	key := hostKey{origin: t.origin}
	if t.secure {
		key.skipVerify, key.clientCert = call.SkipVerify, call.ClientCert
	}
	x.hosts.mu.RLock()
	h, closed := x.hosts.hosts[key], x.hosts.closed
	x.hosts.mu.RUnlock()
	if closed {
		return nil, errClosed
	}
	if h != nil {
		return h, nil
	}
	key.origin, key.clientCert = strings.Clone(key.origin), strings.Clone(key.clientCert) // not the whole URL
	h, err := newHost(key, t)
	if err != nil {
		return nil, &refusedError{err}
	}
	if t.secure {
		h.tls = x.tlsConfig(h.name, key)
	}
	return x.hosts.add(h), nil
}

// add puts the host in the table and returns it, or the one that is there
// already. When the table is full of hosts in use, the host serves this call
// only and its connection is not kept.
func (t *table) add(h *host) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	if there := t.hosts[h.hostKey]; there != nil {
		return there
	}
	h.pool, h.lastUse = t, monotonic.Now()
	if len(t.hosts) >= t.maxHosts {
		t.evict()
	}
	if t.closed || len(t.hosts) >= t.maxHosts {
		h.dropped = true
		return h
	}
	t.hosts[h.hostKey] = h
	return h
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
		delete(t.hosts, c.h.hostKey)
		c.h.drop()
	}
}

// reap closes idle connections and forgets unused hosts until the context
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
			delete(t.hosts, h.hostKey)
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
