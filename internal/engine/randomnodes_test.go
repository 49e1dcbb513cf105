package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
)

// Shards move between several processes while jobs of all kinds fire and are changed at any of them. Where
// no process crashes, nothing is sent but what is on record as an attempt. A failure names its seed, as those of
// TestRandom do.
func TestRandomHandOvers(t *testing.T) {
	t.Parallel()
	for i := range *seeds {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			bubbleOfNodes(t, 2+r.IntN(6), func(t *testing.T, c *cluster) {
				n := &nodeChaos{chaos: &chaos{c.world, r}, cluster: c, crashes: i%2 == 1}
				n.nodes = []*world{c.world, c.join()}
				for range 40 {
					n.step()
					c.pass(time.Duration(r.IntN(1800)) * time.Millisecond)
				}
				n.finish()
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			})
		})
	}
}

// nodeChaos does one random thing after the other to a cluster. Its first node is always there.
type nodeChaos struct {
	*chaos
	cluster *cluster
	nodes   []*world
	crashes bool
}

func (n *nodeChaos) step() {
	at := n.nodes[n.IntN(len(n.nodes))]
	switch k := n.IntN(100); {
	case len(n.jobs) < 4 || k < 10:
		n.by(at.edit, n.add)
	case k < 24:
		n.by(at.edit, func() { _, _ = n.update(n.any(), func(d *domain.SpecDoc) { n.shape(d) }) })
	case k < 30:
		n.by(at.edit, func() { _, _ = n.update(n.any(), paused) })
	case k < 38:
		n.by(at.edit, func() { _, _ = n.update(n.any(), active) })
	case k < 41:
		n.by(at.edit, func() { _, _ = n.delete(n.any()) })
	case k < 52:
		n.trigger(n.any())
	case k < 80:
		n.move()
	case k < 88 && len(n.nodes) < 4:
		n.nodes = append(n.nodes, n.cluster.join())
	case k < 94 && len(n.nodes) > 2:
		n.leave(1+n.IntN(len(n.nodes)-1), false)
	case k < 97 && len(n.nodes) > 1 && n.crashes:
		n.leave(1+n.IntN(len(n.nodes)-1), true)
	}
}

// trigger runs a job now at its owner.
func (n *nodeChaos) trigger(id domain.JobID) {
	for _, w := range n.nodes {
		if number := w.eng.shards.Number(id); w.eng.shards.At(number).Phase() == shard.Active {
			if x, err := w.trigger(id); err == nil {
				n.manual = append(n.manual, x.FireKey)
			}
		}
	}
}

// move hands a shard over to another node, or to the same one.
func (n *nodeChaos) move() {
	number := n.IntN(len(n.eng.shards.All()))
	to := n.nodes[n.IntN(len(n.nodes))]
	for _, w := range n.nodes {
		if slices.Contains(ShareOf(w.eng).Owned(), number) {
			n.ok(ShareOf(w.eng).Release(context.Background(), []int{number}))
		}
	}
	n.ok(to.eng.owner.own(context.Background(), []int{number}))
}

// leave ends a node, in good order or by a crash. Another one gets its shards.
func (n *nodeChaos) leave(i int, crash bool) {
	w := n.nodes[i]
	n.nodes = slices.Delete(n.nodes, i, i+1)
	owned, token := ShareOf(w.eng).Owned(), w.node()
	if crash {
		w.crash()
		n.pass(time.Duration(n.IntN(9000)) * time.Millisecond)
		n.cluster.set(token, false)
	} else {
		n.ok(w.stop(time.Minute))
		n.cluster.set(token, false)
	}
	if len(owned) > 0 {
		n.ok(n.nodes[n.IntN(len(n.nodes))].eng.owner.own(context.Background(), owned))
	}
}

func (n *nodeChaos) finish() {
	n.pass(20 * time.Second)
	for _, id := range n.jobs {
		if _, err := n.delete(id); err != nil && domain.ErrorCode(err) != domain.CodeNotFound {
			n.t.Error(err)
		}
	}
	n.pass(90 * time.Second)
	n.check(n.now())
	if runs := n.openRuns(); len(runs) > 0 {
		n.t.Errorf("open runs are left: %+v", runs)
	}
	for i, w := range n.nodes {
		held, away := w.eng.shards.Holds.Seconds(), w.eng.runner.away.len()
		if len(ShareOf(w.eng).Owned()) == 0 {
			held = 0 // what it had made ready before it lost its shards waits for the next one
		}
		if held > 0 || away > 0 {
			n.t.Errorf("node %d: %d seconds are held, %d runs are waited for", i, held, away)
		}
	}
	if !n.crashes {
		n.checkAttempts()
	}
	for _, w := range n.nodes[1:] {
		w.end()
	}
}

// checkAttempts asserts that each call is an attempt on record.
func (n *nodeChaos) checkAttempts() {
	n.t.Helper()
	for _, id := range n.jobs {
		calls := n.callsOf(id)
		facts := n.facts(id)
		for i := range facts {
			x := &facts[i]
			timed := 0
			for _, a := range x.AllAttempts() {
				if a.StartedAt != 0 {
					timed++
				}
			}
			if x.Missed == nil && calls[x.FireKey] != timed {
				n.t.Errorf("%v is %s with %d attempts, the target saw %d", x.FireKey, x.Status, timed, calls[x.FireKey])
			}
		}
	}
}
