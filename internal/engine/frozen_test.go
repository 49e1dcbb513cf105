package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A process that was frozen, or whose machine was suspended, sends nothing before a beat, whatever its
// wall clock says: another one has its shards by then.
func TestFrozenProcessSendsNothing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ frozen, wall time.Duration }{
		"its wall clock goes on":          {20 * time.Second, 20 * time.Second},
		"its wall clock is late":          {20 * time.Second, 0},
		"its wall clock was set back":     {20 * time.Second, -10 * time.Second},
		"no longer than its lease lasted": {5 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				a := c.join()
				defer a.end()
				c.create(frozenJobs()...)
				c.handOver(c.world, a)
				c.pass(3 * time.Second)
				c.edge(900 * time.Millisecond) // fires are staged, and the next beat is some time away
				for a.eng.keeper.lastBeatAge() > 100*time.Millisecond {
					c.pass(20 * time.Millisecond)
				}
				a.clk.Suspend(row.frozen)
				a.clk.Step(row.wall)
				frozen := time.Now()
				c.takeAll(c.world)
				c.pass(40 * time.Second)
				first := make(map[domain.FireKey]time.Time)
				for _, s := range c.targets.all() {
					// What was sent right before, and is not on record, is sent again.
					if at, again := first[s.Key]; again && at.After(frozen) {
						t.Errorf("%v was sent %s after the freeze, and again %s after it", s.Key, at.Sub(frozen),
							s.at.Sub(frozen))
					} else if !again {
						first[s.Key] = s.at
					}
				}
			})
		})
	}
}

// frozenJobs fire ten times a second in all.
func frozenJobs() (docs []domain.SpecDoc) {
	for i := range 10 {
		docs = append(docs, spec("", func(d *domain.SpecDoc) { d.JitterMs = int64(100 * i) }))
	}
	return docs
}

// lastBeatAge is how long ago the last beat was.
func (k *keeper) lastBeatAge() time.Duration {
	start, _ := k.shards.LastBeat()
	return k.clock.Elapsed(start)
}

// What is marked as recovered before it is sent waits for the commit. A lease that ends meanwhile
// counts.
func TestLeaseEndsWhileARunIsMarked(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		c.edge(0)
		c.create(spec("?delay=2000", every(60)))
		for len(c.targets.all()) == 0 {
			c.pass(time.Second)
		}
		c.set(c.node(), false)
		c.crash()
		b := c.joinWith(func(w *world) { w.eng.owner.store = w.db })
		defer b.end()
		c.pass(8 * time.Second)
		b.gate.failAll(fault{delay: 6 * time.Second}, opRecord)
		c.takeAll(b)
		c.pass(5 * time.Second)
		if n := len(c.targets.all()); n != 1 {
			t.Fatalf("%d calls before the mark is on record", n)
		}
		c.db = b.db
		c.steal(0, 1)
		b.gate.failAll(fault{delay: 5 * time.Second}, opBeat)
		c.pass(4 * time.Second)
		if n := len(c.targets.all()); n != 1 {
			t.Errorf("%d calls of a process whose lease is over", n)
		}
	})
}
