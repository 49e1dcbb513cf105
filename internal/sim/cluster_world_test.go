package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// clusterDay is one simulated day of several nodes on one database. The clock of the world is right.
type clusterDay struct {
	*world
	disk    *memory.Disk
	dbClock *clock.Manual // right, too, unless it has made a step
	dbSteps bool          // it makes steps on this day
	newest  int           // protocol of a build
	history *history
	nodes   []*node
	ends    sync.WaitGroup // of processes
}

// node is a machine. It has a process most of the time.
type node struct {
	name     string
	role     string
	protocol int // of the build that it has
	clk      *clock.Manual
	process  *process // nil: it is down
}

// process is one run of the program.
type process struct {
	number int
	name   string
	db     store.Store
	gate   *faulty.Store // before the store: closed when the process has died
	faults *faulty.Store // before the gate
	life   *life
	eng    *engine.Engine
	edit   *edit.Editor
	member *cluster.Node

	stopResuming func()
	stopLooking  context.CancelFunc
	looked       chan struct{}
}

// simulateCluster runs the day of a seed.
func simulateCluster(t *testing.T, seed uint64, p plant) (v verdict) {
	t.Helper()
	script := func() string { return "" }
	watchdog := time.AfterFunc(5*time.Minute, func() {
		panic(fmt.Sprintf("cluster seed %d does not end:\n%s", seed, script()))
	})
	defer watchdog.Stop()
	synctest.Test(t, func(*testing.T) {
		c := newCluster(seed, p)
		script = func() string { return strings.Join(c.world.script, "\n") }
		c.day()
		c.finish()
		c.checkPeace()
		v.expected = c.judge()
		c.judgeOwners()
		for _, n := range c.nodes {
			c.kill(n)
		}
		c.ends.Wait()
		c.pass(time.Minute) // calls of the last processes end
		v.faults, v.script, v.statuses = c.faulted, c.script, c.statuses
		v.requests, v.day, v.doubles = len(c.targets.requests), time.Since(c.start), c.history.doubles
	})
	return v
}

func newCluster(seed uint64, p plant) *clusterDay {
	shards := []int{4, 8, 8, 16}[rand.New(rand.NewPCG(seed, 1)).IntN(4)]
	c := &clusterDay{dbClock: new(clock.Manual), newest: cluster.Protocol}
	c.disk = memory.NewShardedDisk(c.dbClock, shards)
	c.world = newWorld(seed, func(clock.Clock) func() (store.Store, error) {
		return func() (store.Store, error) { return c.disk.Join(), nil }
	}, p)
	c.dbClock.Step(c.clk.Now().Sub(c.dbClock.Now()))
	c.db = c.disk.Join()
	c.history = newHistory(c.start, c.db.Shards().Count())
	c.client.several = true
	c.early = 300 // see clock.Agreed
	c.explain = c.history.explains
	c.dbSteps = c.IntN(3) == 0
	for i := range 2 + c.IntN(4) {
		n := &node{name: fmt.Sprint("node-", i+1), role: cluster.RoleAll, protocol: c.newest, clk: new(clock.Manual)}
		n.clk.Step(c.clk.Now().Sub(n.clk.Now()) + time.Duration(c.IntN(200)-100)*time.Millisecond)
		if i > 1 && c.IntN(3) == 0 {
			n.role = cluster.RoleAPI
		}
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		c.boot(n)
	}
	return c
}

// boot starts a process on a node that is down.
func (c *clusterDay) boot(n *node) {
	c.boots++
	p := &process{number: int(c.boots), name: n.name, db: c.disk.Join(), life: c.targets.newLife()}
	p.life.process = p.number
	real := c.history.of(p.number, n.protocol, p.db)
	if c.plant.store != nil {
		real = c.plant.store(real)
	}
	p.gate = faulty.New(real, 0)
	p.gate.Add(faulty.Rule{Fault: faulty.Delay, Delay: distance(p.number)})
	p.faults = faulty.New(p.gate, c.seed^c.boots<<40)
	var exec engine.Executor = p.life
	if c.plant.executor != nil {
		exec = c.plant.executor(exec)
	}
	agreed := clock.NewAgreed(n.clk)
	var plans clock.Clock = agreed
	if c.plant.clock != nil {
		plans = c.plant.clock(n.clk, c.dbClock)
	}
	var err error
	if p.eng, err = engine.New(engine.Config{
		Store: p.faults, Executor: exec, Clock: plans, Log: silent, Metrics: c.metrics, MaxInFlight: c.slots,
		MaxInFlightPerHost: c.slots, Shared: true, Node: c.ids.node(),
		Alive: func(runner int64) bool { return !c.plant.deaf && p.member.View().Alive(runner) },
	}); err != nil {
		panic(err)
	}
	if p.member, err = cluster.New(cluster.Config{
		Shards: p.faults.Shards(), Nodes: p.faults.Nodes(), Owner: engine.ShareOf(p.eng), Clock: n.clk, Agreed: agreed,
		Log: silent, Self: store.Node{Name: n.name, Role: c.roleOf(n), Protocol: n.protocol},
	}); err != nil {
		panic(err)
	}
	if p.edit, err = edit.New(edit.Config{
		Owner: p.eng, Store: p.faults, Clock: agreed, Metrics: c.metrics, Log: silent, Ahead: engine.Horizon,
		NewIDs: c.ids.next,
	}); err != nil {
		panic(err)
	}
	c.note("start %s as process %d", n.name, p.number)
	if err := p.eng.Start(context.Background()); err != nil {
		panic(err)
	}
	n.process = p
	p.stopResuming = resuming(p.edit)
	p.look()
}

// roleOf returns the role that a node believes to have.
func (c *clusterDay) roleOf(n *node) string {
	if c.plant.greedy {
		return cluster.RoleAll
	}
	return n.role
}

// distance is how long each call of the store takes a process: 1 to 4 ms, and another time for each, so
// that what several do at one instant has an order that the seed determines.
func distance(process int) time.Duration {
	return time.Millisecond + time.Duration(process%97)*31*time.Microsecond
}

// look begins to look at the other nodes.
func (p *process) look() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stopLooking, p.looked = cancel, make(chan struct{})
	go func() {
		defer close(p.looked)
		p.member.Run(ctx)
	}()
}

// kill ends the process of a node at one instant.
func (c *clusterDay) kill(n *node) {
	p := n.process
	if p == nil {
		return
	}
	n.process = nil
	c.note("kill %s", n.name)
	c.cutOff(p)
	c.ends.Go(func() {
		dead, cancel := context.WithCancel(context.Background())
		cancel()
		p.stopLooking()
		<-p.looked
		p.stopResuming()
		p.edit.Stop(dead)
		_ = p.eng.Stop(dead) // reaches nobody any more
		_ = p.db.Close()
	})
}

// cutOff ends all effects of a process.
func (c *clusterDay) cutOff(p *process) {
	c.history.disturbed(p.number)
	p.gate.Add(faulty.Rule{Fault: faulty.FailBefore})
	p.life.kill()
}

// drainWithin is how long a process that stops waits until others take its shards.
const drainWithin = 5 * time.Second

// stop ends the process of a node in good order, as the program does.
func (c *clusterDay) stop(n *node) (ended chan struct{}) {
	p, grace := n.process, drainWithin+time.Duration(c.IntN(8000))*time.Millisecond
	n.process, ended = nil, make(chan struct{})
	c.note("stop %s with %s", n.name, grace)
	c.ends.Go(func() {
		defer close(ended)
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		p.stopResuming()
		drain, cancelDrain := context.WithTimeout(ctx, drainWithin)
		_ = p.member.Drain(drain) // the rest is released by Stop, or left
		cancelDrain()
		p.edit.Stop(ctx)
		err := p.eng.Stop(ctx)
		p.stopLooking()
		<-p.looked
		if err == nil {
			leave, cancelLeave := context.WithTimeout(context.Background(), 2*time.Second)
			_ = p.member.Leave(leave) // others find it gone
			cancelLeave()
		}
		c.cutOff(p)
		_ = p.db.Close()
	})
	return ended
}

// up returns the nodes that have a process.
func (c *clusterDay) up() []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return n.process == nil })
}

// freeze makes the process of a node stand still for some time: its calls of the store and of targets
// wait. What it has just asked the store for is done in the meantime, or afterwards.
func (c *clusterDay) freeze(n *node, d time.Duration) {
	p, f := n.process, &freeze{from: c.since(), over: make(chan struct{})}
	c.note("freeze %s for %s", n.name, d)
	c.history.disturbed(p.number)
	fault := []faulty.Fault{faulty.HoldBefore, faulty.HoldAfter}[c.IntN(2)]
	remove := []func(){
		p.faults.Add(faulty.Rule{Fault: fault, Until: f.over, Times: 1 + c.IntN(3)}),
		p.faults.Add(faulty.Rule{Fault: faulty.HoldBefore, Until: f.over}),
	}
	c.targets.mu.Lock()
	p.life.frozen = f
	c.targets.mu.Unlock()
	c.ends.Go(func() {
		clock.Wait(context.Background(), d)
		for _, end := range remove {
			end()
		}
		c.history.disturbed(p.number)
		c.targets.mu.Lock()
		p.life.frozen = nil
		c.targets.mu.Unlock()
		close(f.over)
	})
}

// part keeps a node and the store apart for some time, or the node and all targets.
func (c *clusterDay) part(n *node, d time.Duration) {
	p := n.process
	if c.IntN(4) == 0 {
		c.note("no way from %s to the targets for %s", n.name, d)
		c.setAway(p, true)
		c.ends.Go(func() {
			clock.Wait(context.Background(), d)
			c.setAway(p, false)
		})
		return
	}
	c.note("no way from %s to the store for %s", n.name, d)
	c.history.disturbed(p.number)
	fault := pick(c.world, faulty.FailBefore, faulty.HoldAfter, faulty.FailAfter)
	over := make(chan struct{})
	remove := []func(){
		p.faults.Add(faulty.Rule{Fault: fault, Until: over, Times: 1 + c.IntN(3)}),
		p.faults.Add(faulty.Rule{Fault: faulty.HoldBefore, Until: over}),
	}
	c.ends.Go(func() {
		clock.Wait(context.Background(), d)
		for _, end := range remove {
			end()
		}
		c.history.disturbed(p.number)
		close(over)
	})
}

func (c *clusterDay) setAway(p *process, away bool) {
	c.targets.mu.Lock()
	defer c.targets.mu.Unlock()
	p.life.away = away
}
