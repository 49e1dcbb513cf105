package engine

import (
	"context"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// members are the processes of a cluster that are there, as each of them sees it.
type members struct {
	mu    sync.Mutex
	alive map[int64]bool
}

func (m *members) has(token int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alive[token]
}

func (m *members) set(token int64, alive bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive[token] = alive
}

// cluster are engines on one database. Each has clocks, a gate and connections of its own.
type cluster struct {
	*world // the first one
	members
}

// bubbleOfNodes runs a test with engines on one store of so many shards. The first owns all of
// them, the others none.
func bubbleOfNodes(t *testing.T, shards int, test func(t *testing.T, c *cluster)) {
	t.Helper()
	c := &cluster{members: members{alive: make(map[int64]bool)}}
	cfg := shared
	cfg.Alive = c.has
	bubbleOfShards(t, shards, cfg, func(t *testing.T, w *world) {
		c.world = w
		c.set(w.node(), true)
		test(t, c)
	})
}

func (w *world) node() int64 { return ShareOf(w.eng).Node() }

// join starts another engine.
func (c *cluster) join() *world { return c.joinWith(func(*world) {}) }

// joinWith is join with changes before the start.
func (c *cluster) joinWith(change func(*world)) *world {
	c.t.Helper()
	w := &world{t: c.t, clk: new(clock.Manual), cfg: c.cfg, targets: c.targets, disk: c.disk}
	c.ok(w.assemble())
	change(w)
	c.ok(w.eng.Start(context.Background()))
	c.set(w.node(), true)
	return w
}

// end crashes an engine that a test has started, unless it has ended.
func (w *world) end() {
	if w.eng != nil {
		w.crash()
	}
}

// handOver makes one engine release all its shards and another one take them.
func (c *cluster) handOver(from, to *world) {
	c.t.Helper()
	all := ShareOf(from.eng).Owned()
	c.ok(ShareOf(from.eng).Release(context.Background(), all))
	c.ok(to.eng.owner.own(context.Background(), all))
	to.jobs = c.jobs
}

// takeAll makes an engine take all shards, whoever has them.
func (c *cluster) takeAll(to *world) {
	c.t.Helper()
	c.ok(to.eng.owner.own(context.Background(), to.eng.shards.All()))
	to.jobs = c.jobs
}

// callsOf returns how often each execution of a job was sent.
func (w *world) callsOf(id domain.JobID) map[domain.FireKey]int {
	calls := make(map[domain.FireKey]int)
	for _, s := range w.targets.of(id) {
		calls[s.Key]++
	}
	return calls
}
