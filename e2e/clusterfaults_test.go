package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// clusterFault is one fault injected into a cluster under load. When inject returns, the fault is over and all nodes
// run.
type clusterFault struct {
	name   string
	inject func(m *torturedCluster)
	kind   faultKind
	long   bool // only in the long form
}

// faultKind is what is at fault. In the short form each kind has a cluster of its own.
type faultKind string

const (
	ofNodes    faultKind = "nodes"
	ofDatabase faultKind = "database"
	ofNetwork  faultKind = "network" // between a node and the database
)

var clusterFaults = []clusterFault{
	{"kill", (*torturedCluster).killOne, ofNodes, false},
	{"rolling restart", (*torturedCluster).rollingRestart, ofNodes, false},
	{"frozen for 6 s", (*torturedCluster).frozenShortly, ofNodes, false},
	{"frozen for 12 s", (*torturedCluster).frozenForLong, ofNodes, false},
	{"frozen for a minute", (*torturedCluster).frozenForAMinute, ofNodes, true},
	{"two nodes killed", (*torturedCluster).killTwo, ofNodes, false},
	{"database crashes", (*torturedCluster).databaseCrashes, ofDatabase, false},
	{"database down", (*torturedCluster).databaseDown, ofDatabase, false},
	{"a shard is locked", (*torturedCluster).shardLocked, ofDatabase, false},
	{"a node is cut off", (*torturedCluster).cutOffNode, ofNetwork, false},
	{"packets of a node are lost", (*torturedCluster).silentNetwork, ofNetwork, false},
	{"answers to a node are lost", (*torturedCluster).oneWayNetwork, ofNetwork, false},
	{"slow network", (*torturedCluster).slowNetwork, ofNetwork, false},
	{"failover that loses commits", (*torturedCluster).failover, ofDatabase, false},
	{"full disk", (*torturedCluster).diskFull, ofDatabase, true},
	{"old snapshot", (*torturedCluster).horizonPinned, ofDatabase, false},
	{"no more connections", (*torturedCluster).connectionsExhausted, ofDatabase, false},
	{"cut after commits", (*torturedCluster).forgetfulNetwork, ofNetwork, false},
}

// takeoverAfter is by when a shard whose owner is gone has another one, in milliseconds: dead is who was not seen
// for 7 s, and not before H is 4 s ago.
const takeoverAfter = 10_000

// wait lets time pass.
func wait(ms int64) { pass(time.Now().UnixMilli() + ms) }

// kill kills nodes. The clients find that out.
func (m *torturedCluster) kill(nodes ...*tortureNode) {
	for _, n := range nodes {
		n.p.kill()
	}
	wait(200)
	for _, n := range nodes {
		m.leave(n)
	}
}

// killOne kills a node, and starts it again when others have taken over.
func (m *torturedCluster) killOne() {
	n := m.someOwner()
	m.kill(n)
	wait(takeoverAfter)
	m.start(n)
}

// killTwo kills two nodes at a time, and starts them again at once.
func (m *torturedCluster) killTwo() {
	kept := m.someOwner()
	killed := slices.DeleteFunc(slices.Clone(m.nodes), func(n *tortureNode) bool { return n == kept })
	m.kill(killed...)
	for _, n := range killed {
		m.start(n)
	}
}

// rollingRestart restarts one node after the other.
func (m *torturedCluster) rollingRestart() {
	for _, n := range m.nodes {
		m.terminate(n)
		m.start(n)
		m.waitOwned()
	}
}

// freeze stops a process for a while, as a machine that is suspended or starved does.
func (m *torturedCluster) freeze(ms int64) {
	n := m.someOwner()
	from := time.Now().UnixMilli()
	m.signal(n, syscall.SIGSTOP)
	wait(200)
	m.leave(n)
	pass(from + ms)
	m.signal(n, syscall.SIGCONT)
	m.freezes = append(m.freezes, check.Outage{From: from, To: time.Now().UnixMilli()})
	m.mu.Lock()
	defer m.mu.Unlock()
	n.down = false
}

func (m *torturedCluster) signal(n *tortureNode, s syscall.Signal) {
	if err := n.p.cmd.Process.Signal(s); err != nil {
		m.t.Fatal(err)
	}
}

// frozenShortly is longer than H, and shorter than what a takeover needs.
func (m *torturedCluster) frozenShortly()    { m.freeze(6_000) }
func (m *torturedCluster) frozenForLong()    { m.freeze(12_000) }
func (m *torturedCluster) frozenForAMinute() { m.freeze(60_000) }

// databaseCrashes stops the database without a checkpoint, and starts it at once.
func (m *torturedCluster) databaseCrashes() { m.withoutDatabase(syscall.SIGQUIT, 0) }

// databaseDown stops the database for longer than H.
func (m *torturedCluster) databaseDown() { m.withoutDatabase(syscall.SIGINT, 6_000) }

func (m *torturedCluster) withoutDatabase(how syscall.Signal, ms int64) {
	if err := m.database.End(how); err != nil {
		m.t.Fatal(err)
	}
	wait(ms)
	if err := m.database.Launch(); err != nil {
		m.t.Fatal(err)
	}
}

// failover goes on with a database that lacks what was committed last. Edits would be lost with it, so clients rest
// meanwhile; what nodes have put on record they put there again. The database is at the other address of their URLs
// from then on. No node is gone, so that a takeover explains no duplicate.
func (m *torturedCluster) failover() {
	m.rest(true)
	defer m.rest(false)
	from := time.Now().UnixMilli()
	promote, err := m.database.Fork()
	if err == nil {
		wait(2_500)
		for _, n := range m.nodes {
			n.proxy.set(cut)
		}
		err = promote()
	}
	for _, n := range m.nodes {
		n.proxy, n.spare = n.spare, n.proxy
		n.proxy.set(passing)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	m.waitOwned()
	m.failovers = append(m.failovers, check.Outage{From: from, To: time.Now().UnixMilli()})
}

// diskFull fills the disk of the database, which ends where it cannot write its log, makes room again, and starts the
// database if it has ended.
func (m *torturedCluster) diskFull() {
	if m.volume == "" {
		m.t.Log("left out: no file system can be mounted here")
		return
	}
	filler := filepath.Join(m.volume, "ballast")
	fill(m.t, filler)
	wait(8_000)
	if err := os.Remove(filler); err != nil {
		m.t.Fatal(err)
	}
	_ = m.database.End(syscall.SIGQUIT) // it may have ended
	if err := m.database.Launch(); err != nil {
		m.t.Fatal(err)
	}
}

// shardLocked locks the row of one shard, as somebody does who forgets a session.
func (m *torturedCluster) shardLocked() {
	m.locked(`SELECT FROM shard WHERE number = 7 FOR UPDATE`, func() { wait(8_000) })
}

// disturb disturbs the network between a node and the database for a while.
func (m *torturedCluster) disturb(state network, ms int64) *tortureNode {
	n := m.someOwner()
	n.proxy.set(state)
	wait(ms)
	n.proxy.set(passing)
	return n
}

func (m *torturedCluster) cutOffNode()    { m.disturb(cut, takeoverAfter+2_000) }
func (m *torturedCluster) silentNetwork() { m.disturb(silent, 5_000) }
func (m *torturedCluster) oneWayNetwork() { m.disturb(oneWay, 5_000) }
func (m *torturedCluster) slowNetwork()   { m.disturb(slow, 5_000) }

// forgetfulNetwork cuts connections after commits, before their answers.
func (m *torturedCluster) forgetfulNetwork() {
	n := m.disturb(forgetful, 3_000)
	n.proxy.mu.Lock()
	defer n.proxy.mu.Unlock()
	if n.proxy.cuts == 0 {
		m.t.Error("no commit was cut off from its answer")
	}
	n.proxy.cuts = 0
}

// horizonPinned keeps a snapshot open, so that no old version of a row can be removed, while a node restarts.
func (m *torturedCluster) horizonPinned() {
	m.locked(`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM shard`, func() {
		n := m.someOwner()
		m.terminate(n)
		m.start(n)
		wait(3_000)
	})
}

// connectionsExhausted takes every connection that the database has left while the nodes have to connect anew.
func (m *torturedCluster) connectionsExhausted() {
	ctx, n := context.Background(), m.someOwner()
	var taken []*pgx.Conn
	defer func() {
		for _, c := range taken {
			_ = c.Close(ctx)
		}
	}()
	take := func() {
		for {
			c, err := pgx.Connect(ctx, m.url)
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	}
	take()
	n.proxy.set(cut)
	take() // what the node had
	n.proxy.set(passing)
	wait(5_000)
	if len(taken) == 0 {
		m.t.Error("no connection was free")
	}
}
