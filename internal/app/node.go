package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// member is this server as one of those that share a database. Beside a database of files there is
// no other, and node is nil.
type member struct {
	node *cluster.Node

	presented map[string]tls.Certificate // client certificates, by name

	peers  *peers
	agreed *clock.Agreed
	ended  chan struct{} // closed when the node looks no more
	stop   context.CancelFunc
}

// clockOf returns the clock by which a server plans: of several on one database the same one.
func (m *member) clockOf(shared bool) clock.Clock {
	if !shared {
		return clock.System{}
	}
	m.agreed = clock.NewAgreed(clock.System{})
	return m.agreed
}

// openNode makes this server a node of the cluster, which begins with Run.
func (a *App) openNode(version string) (err error) {
	if !a.cfg.OnServer() {
		return nil
	}
	port := portOf(a)
	address := ""
	if a.ports.tcp != nil || a.cfg.Cluster.Advertise != "" {
		address = a.cfg.AdvertisedURL(port)
	}
	a.member.node, err = cluster.New(cluster.Config{
		Shards: a.store.Shards(), Nodes: a.store.Nodes(), Owner: engine.ShareOf(a.engine), Clock: clock.System{},
		Agreed: a.member.agreed, Log: a.log,
		Settings: func() cluster.Fingerprint {
			return settings(a.cfg, a.store.derive, a.member.presented, a.keys.admission)
		},
		Self: store.Node{
			Name: a.cfg.NodeName(port), Address: address, Build: version, Role: string(a.cfg.Cluster.Role),
		},
	})
	return err
}

// pauses returns what says why a pause may have no reason and no end: see [edit.Config]; nil: it always may.
func (m *member) pauses() func(context.Context) error {
	if m.node == nil {
		return nil
	}
	return func(ctx context.Context) error {
		return cluster.Require(ctx, m.node, cluster.ProtocolPauses, "a pause has no reason and no end for now")
	}
}

// portOf returns the TCP port that was taken; zero: none.
func portOf(a *App) int {
	if a.ports.tcp == nil {
		return 0
	}
	return a.ports.tcp.Addr().(*net.TCPAddr).Port
}

// join begins to look at the other nodes, and to claim shards.
func (m *member) join(ctx context.Context) {
	if m.node == nil {
		return
	}
	ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx)) // it goes on until the engine has stopped
	m.ended = make(chan struct{})
	go func() {
		defer close(m.ended)
		m.node.Run(ctx)
	}()
}

// drainGrace is how long a stop waits until others have taken the shards, a few at a time. Then it
// releases the others all at once.
const drainGrace = 15 * time.Second

// drain gives the shards of this node to others, as far as that is possible in time.
func (m *member) drain(most time.Duration) error {
	if m.ended == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	return m.node.Drain(ctx)
}

// leaveTimeout bounds the last call to the database.
const leaveTimeout = 2 * time.Second

// leave ends the membership, after the last call in flight.
func (m *member) leave() error {
	if m.ended == nil {
		return nil
	}
	m.stop()
	<-m.ended
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	return m.node.Leave(ctx)
}

// alive reports whether a process may still carry out an execution: it leaves after its last call has
// ended.
func (m *member) alive(runner int64) bool { return m.node != nil && m.node.View().Alive(runner) }

// first reports whether this server does what one of a cluster does for all: it owns the first
// shard.
func (m *member) first() bool { return m.node == nil || m.node.Owns(0) }

// notFired returns why the cluster does not fire all jobs; empty: it does.
func (m *member) notFired() string {
	if m.node == nil {
		return ""
	}
	if n := m.node.View().Unowned(); n > 0 {
		return fmt.Sprintf("%d shards have no owner", n)
	}
	return ""
}

const firstEvery = time.Second

// lookEvery returns how often to look for what other servers have begun; zero: there are none.
func (m *member) lookEvery() time.Duration {
	if m.node == nil {
		return 0
	}
	return firstEvery
}

// whileFirst runs a task while this server is the one that does it, until the context ends.
func (m *member) whileFirst(ctx context.Context, task func(context.Context)) {
	if m.node == nil {
		task(ctx)
		return
	}
	for ctx.Err() == nil {
		if m.first() {
			m.untilOther(ctx, task)
		}
		clock.Wait(ctx, firstEvery)
	}
}

// amongOthers runs a task if others can join this server.
func (m *member) amongOthers(ctx context.Context, task func(context.Context)) {
	if m.node != nil {
		task(ctx)
	}
}

// untilOther runs a task until another server does it.
func (m *member) untilOther(ctx context.Context, task func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { task(ctx) })
	for m.first() && ctx.Err() == nil {
		clock.Wait(ctx, firstEvery)
	}
	cancel()
}

// checkCluster tells what the cluster lacks.
func (a *App) checkCluster() domain.Check {
	if a.member.node == nil {
		return domain.Check{Name: "cluster", OK: true}
	}
	return a.member.node.Check()
}

// awaitAlone waits, for a start that gives fires up, until no other server fires jobs.
func (a *App) awaitAlone(ctx context.Context) error {
	if !a.cfg.OnServer() || !a.cfg.ResetWatermark {
		return nil
	}
	_, err := cluster.Await(ctx, a.store.Shards(), clock.System{}, func(int) {
		a.log.Info("other servers fire jobs: --reset-watermark waits until they have ended", "data", a.store.name)
	})
	return err
}

// where names this server for a line of the log.
func (m *member) where() []any {
	if m.node == nil {
		return nil
	}
	self := m.node.Self
	where := []any{"node", self.Name, "role", self.Role}
	if !strings.HasSuffix(self.Address, self.Name) {
		where = append(where, "advertise", self.Address)
	}
	return where
}
