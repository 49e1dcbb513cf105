package sim

import (
	"context"
	"math"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// day is the script: busy stretches, and between them hours in which everything is down.
func (c *clusterDay) day() {
	for c.since() < day {
		c.busy(10 + c.IntN(20))
		c.calm()
		c.idle(min(day-c.since(), time.Duration(1+c.IntN(12*3600))*time.Second))
	}
}

func (c *clusterDay) busy(steps int) {
	for range steps {
		up := c.up()
		if len(up) == 0 {
			c.boot(c.nodes[c.IntN(len(c.nodes))])
			up = c.up()
		}
		n := up[c.IntN(len(up))]
		c.edit = n.process.edit
		if jobs := c.client.list(); len(jobs) < 3 {
			c.create(1, c.shape)
		} else if k := jobs[max(c.IntN(len(jobs)), c.IntN(len(jobs)))]; c.IntN(3) > 0 {
			c.change(k)
		} else {
			c.disturb(n)
		}
		c.pass(time.Duration(c.IntN(2500)) * time.Millisecond)
	}
}

// change does something with a job.
func (c *clusterDay) change(k *known) {
	switch n := c.IntN(60); {
	case n < 14:
		c.create(1, c.shape)
	case n < 17:
		c.create(5+c.IntN(20), c.sparse)
	case n < 32:
		c.update(k, "change", c.shape)
	case n < 37:
		c.update(k, "pause for", c.pauseFor)
	case n < 40:
		c.update(k, "pause", func(d *domain.SpecDoc) { d.IsActive = false })
	case n < 48:
		c.update(k, "resume", func(d *domain.SpecDoc) { d.IsActive = true })
	case n < 52:
		c.remove(k)
	default:
		c.trigger(k)
	}
}

// disturb does something to a node.
func (c *clusterDay) disturb(n *node) {
	if c.IntN(2) == 0 { // as fires go out
		c.pass(time.Duration(1000-c.now()%1000) * time.Millisecond)
		if n.process == nil {
			return
		}
	}
	switch k := c.IntN(60); {
	case k < 8:
		c.kill(n)
	case k < 14:
		c.stop(n)
	case k < 15:
		c.roll()
	case k < 17:
		c.upgrade()
	case k < 25:
		c.freeze(n, c.while())
	case k < 33:
		c.part(n, c.while())
	case k < 46:
		c.breakStore(n)
	case k < 50:
		n.process.faults.Clear()
	case k < 53:
		d := pick(c.world, time.Second, -time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour)
		c.note("the clock of %s steps by %s", n.name, d)
		n.clk.Step(d)
	case k < 56 && c.dbSteps:
		c.stepDBClock()
	default:
		for _, n := range c.nodes {
			if n.process == nil && c.IntN(2) == 0 {
				c.boot(n)
			}
		}
	}
}

// while draws for how long something is wrong.
func (c *clusterDay) while() time.Duration {
	return time.Duration(1+c.IntN([]int{2_000, 10_000, 20_000, 60_000}[c.IntN(4)])) * time.Millisecond
}

// roll restarts one node after the other.
func (c *clusterDay) roll() {
	for _, n := range c.nodes {
		if n.process != nil {
			<-c.stop(n)
		}
		c.pass(time.Duration(c.IntN(2_000)) * time.Millisecond)
		c.boot(n)
		c.pass(time.Duration(c.IntN(6_000)) * time.Millisecond)
	}
}

// upgrade restarts one node after the other with a build of a newer protocol. Some may not get it.
func (c *clusterDay) upgrade() {
	c.newest++
	for _, n := range c.nodes {
		if c.IntN(8) > 0 {
			n.protocol = c.newest
		}
	}
	c.note("upgrade to protocol %d", c.newest)
	c.roll()
}

// breakStore breaks the store for one node.
func (c *clusterDay) breakStore(n *node) {
	method := pick(c.world, "", "Ledger.Record", "Ledger.Record", "Shards.Beat", "Shards.Claim", "Shards.Release",
		"Shards", "Jobs", "Edits", "Edits.Update", "Jobs.Update", "Nodes.Seen", "Ledger")
	rule := faulty.Rule{Method: method, Fault: pick(c.world, faulty.FailBefore, faulty.FailAfter, faulty.Delay),
		P: pick(c.world, 0, 0.5, 0.1), Skip: c.IntN(4), Times: 1 + c.IntN(8),
		Delay: time.Duration(1+c.IntN(6000)) * time.Millisecond}
	c.note("break %s %+v", n.name, rule)
	n.process.faults.Add(rule)
}

// calm ends a stretch: all nodes are up, nothing fails, and what fires often is put to rest.
func (c *clusterDay) calm() {
	c.note("calm")
	c.ends.Wait()
	c.mendDBClock()
	for _, n := range c.nodes {
		if n.process == nil {
			c.boot(n)
		}
		n.process.faults.Clear()
		n.clk.Step(c.clk.Now().Sub(n.clk.Now()))
		if n.role != cluster.RoleAPI && n.protocol < c.newest {
			c.note("%s gets the build of the others", n.name)
			<-c.stop(n)
			n.protocol = c.newest
			c.boot(n)
		}
	}
	c.pass(30 * time.Second)
	c.calls.Wait()
	// What could not be ended is tried again after a minute, and a clock that has jumped ahead is not trusted for one.
	c.checkPauses(time.Hour + time.Minute)
	for _, k := range c.client.list() {
		if k.often() {
			c.client.remove(c.nodes[c.IntN(len(c.nodes))].process.edit, k)
		}
	}
}

// idle lets hours pass, in which everything is down.
func (c *clusterDay) idle(d time.Duration) {
	if c.IntN(20) == 0 {
		c.pass(min(d, time.Duration(c.IntN(300))*time.Second))
	}
	stops := c.IntN(2) == 0
	for _, n := range c.nodes {
		if stops {
			c.stop(n)
		} else {
			c.kill(n)
		}
	}
	c.ends.Wait()
	c.note("down for %s", d)
	c.pass(d)
	for _, n := range c.nodes {
		if n.protocol > cluster.Protocol && c.IntN(6) == 0 {
			n.protocol--
			c.note("%s has an old build again", n.name)
		}
	}
}

// finish lets everything come to its end: no faults, and no jobs.
func (c *clusterDay) finish() {
	c.calm()
	c.pass(50 * time.Second)
	for _, k := range c.client.list() {
		if n := c.nodes[c.IntN(len(c.nodes))]; !c.client.remove(n.process.edit, k) {
			c.fault("%s cannot be deleted at %s", k.id, n.name)
		}
	}
	for range 30 {
		c.pass(20 * time.Second)
		if len(c.openRuns()) == 0 {
			break
		}
	}
	c.pass(60 * time.Second)
	c.note("the end")
}

// checkPeace checks that a cluster in which nothing fails is as it ought to be: each shard has an
// owner, each node its share, and everything is on record.
func (c *clusterDay) checkPeace() {
	rows, err := c.db.Shards().Peek(context.Background())
	if err != nil {
		panic(err)
	}
	for i := range rows {
		sh := &rows[i]
		if lag := sh.Clock - sh.Watermark; sh.Clean || lag > 4_000 || sh.Applied != sh.Revision {
			c.fault("stuck: shard %d, %d ms behind: %+v", i, lag, *sh)
		}
	}
	least, most := math.MaxInt, 0
	for _, n := range c.nodes {
		v := n.process.member.View()
		switch owned := v.Owned(v.Self); {
		case n.role != cluster.RoleAPI:
			least, most = min(least, owned), max(most, owned)
		case owned > 0:
			c.fault("owner: %s is of role %s and has %d shards", n.name, n.role, owned)
		}
		if check := n.process.member.Check(); check.Warning != "" && n.protocol == c.newest {
			c.fault("stuck: %s: %s", n.name, check.Warning)
		}
		for i := range v.Shards {
			if v.Shards[i].State != cluster.Owned {
				c.fault("stuck: %s sees shard %d without an owner", n.name, i)
			}
		}
	}
	if most-least > 1 {
		c.fault("stuck: one node has %d shards, another one %d", most, least)
	}
}
