package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// quit ends a node in good order.
func (m *machine) quit(t *testing.T) {
	t.Helper()
	if err := m.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	m.kill()
	<-m.ended
	if err := m.Leave(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestDifferentSettingsAreTold: a node whose settings are not those of a node that fires jobs says which
// parts differ from whose, and goes on. When they are the same again it says nothing.
func TestDifferentSettingsAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		with := func(name, role, egress string) *machine {
			return g.startWith("", name, role, 0, func(c *cluster.Config) {
				c.Settings = func() cluster.Fingerprint {
					return cluster.NewFingerprint([][]byte{[]byte("key")}, map[string][]string{
						"egress": {egress}, "signing": {"whsec_secret"},
					})
				}
			})
		}
		a, b := with("a", cluster.RoleAll, "public"), with("b", cluster.RoleScheduler, "any")
		c, silent := with("c", cluster.RoleAPI, "public"), g.start("silent", cluster.RoleAll, 0)
		time.Sleep(time.Minute)
		for m, want := range map[*machine]string{
			a: "egress (b)", b: "egress (a)", c: "egress (b)", silent: "",
		} {
			got := m.Check()
			if !strings.HasSuffix(got.Warning, want) || (got.Warning == "") != (want == "") || !got.OK {
				t.Errorf("%s says %q, want %q", m.Self.Name, got.Warning, want)
			}
		}
		if total(a, b, silent) != shardsOfTest || len(b.owner.Owned()) == 0 {
			t.Errorf("the shares are %v", owns(a, b, silent))
		}
		b.quit(t)
		b2 := with("b", cluster.RoleScheduler, "public")
		time.Sleep(time.Minute)
		for _, m := range []*machine{a, b2, c, silent} {
			if got := m.Check(); got.Warning != "" {
				t.Errorf("%s says %q although they agree", m.Self.Name, got.Warning)
			}
		}
		for _, m := range []*machine{a, b2, c, silent} {
			m.quit(t)
		}
	})
}

// TestProtocolRises: the protocol of a database rises when the last node is gone that does not speak
// it. From then on a node of a build before owns nothing, and its start is refused.
func TestProtocolRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		speaks := func(name string, protocol int) *machine {
			return g.startWith("", name, cluster.RoleAll, 0, func(c *cluster.Config) { c.Self.Protocol = protocol })
		}
		nodes := g.disk.Join().Nodes()
		reached := func(want int) {
			t.Helper()
			time.Sleep(time.Minute)
			if got, err := nodes.Protocol(t.Context()); err != nil || got != want {
				t.Fatalf("the protocol is %d, want %d: %v", got, want, err)
			}
		}
		old := speaks("old", cluster.Protocol)
		reached(cluster.Protocol)
		if err := cluster.Admit(t.Context(), nodes); err != nil {
			t.Error(err)
		}
		a, b := speaks("a", cluster.Protocol+2), speaks("b", cluster.Protocol+1)
		reached(cluster.Protocol)
		if total(a, b, old) != shardsOfTest || len(old.owner.Owned()) == 0 {
			t.Errorf("during the upgrade the shares are %v", owns(a, b, old))
		}
		old.quit(t)
		reached(cluster.Protocol + 1)
		newer := fmt.Sprint("protocol ", cluster.Protocol+1)
		if err := cluster.Admit(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), newer) {
			t.Errorf("a build before is admitted: %v", err)
		}
		late := speaks("late", cluster.Protocol) // it was admitted before
		time.Sleep(time.Minute)
		if got := owns(late, a, b); got[0] != 0 || got[1]+got[2] != shardsOfTest {
			t.Errorf("with a late one the shares are %v", got)
		}
		if got := late.Check(); !strings.Contains(got.Warning, "speak "+newer) {
			t.Errorf("it says %q", got.Warning)
		}
		for _, m := range []*machine{a, b, late} {
			m.quit(t)
		}
	})
}

// TestRequire: what an older node would lose is refused while its row is there, and possible at once after that, also
// on a database whose protocol nobody has raised yet.
func TestRequire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		next := g.startWith("", "next", cluster.RoleAll, 0, func(c *cluster.Config) {})
		time.Sleep(100 * time.Millisecond)
		if err := cluster.Require(t.Context(), next.Node, cluster.Protocol, "x"); err != nil {
			t.Errorf("alone on a new database: %v", err)
		}
		next.quit(t)

		g = newGroup(t)
		old := g.startWith("", "old", cluster.RoleAll, 0, func(c *cluster.Config) { c.Self.Protocol = 1 })
		next = g.startWith("", "next", cluster.RoleAll, 0, func(c *cluster.Config) {})
		time.Sleep(time.Minute)
		err := cluster.Require(t.Context(), next.Node, cluster.ProtocolPauses, "no pause has an end")
		if domain.ErrorCode(err) != domain.CodeUnavailable ||
			!strings.Contains(err.Error(), "no pause has an end: a server of") {
			t.Errorf("beside an older one: %v", err)
		}
		old.quit(t)
		for range 2 { // the first one by the row that is gone, the second one by what it has seen
			if err := cluster.Require(t.Context(), next.Node, cluster.ProtocolPauses, "x"); err != nil {
				t.Errorf("after the older one has gone: %v", err)
			}
			time.Sleep(time.Minute)
		}
		next.quit(t)
	})
}

// TestAKilledOlderNode: what an older node would lose is possible a minute after it was killed. Nodes of this build are
// remembered for longer.
func TestAKilledOlderNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		old := g.startWith("", "old", cluster.RoleAll, 0, func(c *cluster.Config) { c.Self.Protocol = 1 })
		same := g.start("same", cluster.RoleAll, 0)
		next := g.start("next", cluster.RoleAll, 0)
		time.Sleep(time.Minute)
		old.kill()
		same.kill()
		<-old.ended
		<-same.ended
		require := func() error { return cluster.Require(t.Context(), next.Node, cluster.ProtocolPauses, "x") }
		time.Sleep(50 * time.Second)
		if err := require(); err == nil {
			t.Error("the older node may be frozen, and is not waited for")
		}
		time.Sleep(20 * time.Second)
		if err := require(); err != nil {
			t.Errorf("the older node was killed more than a minute ago: %v", err)
		}
		if _, found := next.View().Node(old.Self.Token); found {
			t.Error("its row is still there")
		}
		if n, found := next.View().Node(same.Self.Token); !found || !n.Gone {
			t.Errorf("a node of the same build that was killed then: %v, %+v", found, n)
		}
		next.quit(t)
	})
}

// raisedMeanwhile raises the protocol just before a node is seen for the first time.
type raisedMeanwhile struct {
	store.Nodes

	to   int
	once sync.Once
}

// Seen implements store.Nodes.
func (r *raisedMeanwhile) Seen(ctx context.Context, self store.Node) (nodes []store.Node, err error) {
	r.once.Do(func() { err = r.RaiseProtocol(ctx, r.to) })
	if err != nil {
		return nil, err
	}
	return r.Nodes.Seen(ctx, self)
}

// TestProtocolRisesDuringAStart: a node that starts owns nothing if the protocol is raised before its row is there.
func TestProtocolRisesDuringAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		late := g.startWith("", "late", cluster.RoleAll, 0, func(c *cluster.Config) {
			c.Nodes = &raisedMeanwhile{Nodes: c.Nodes, to: cluster.Protocol + 1}
		})
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			if n := len(late.owner.Owned()); n != 0 {
				t.Fatalf("it owns %d shards", n)
			}
		}
		late.quit(t)
	})
}

// looked counts the looks of a node.
type looked struct {
	store.Shards

	times atomic.Int64
}

// Peek implements store.Shards.
func (l *looked) Peek(ctx context.Context) ([]store.Shard, error) {
	l.times.Add(1)
	return l.Shards.Peek(ctx)
}

// TestDrainAndResume: a node that somebody asks to drain owns nothing soon after and looks once a second,
// not more; its health says so. It owns its share again when it is to go on. The only one that is left to fire
// jobs refuses, and one that is about to end does not go on.
func TestDrainAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		var looks looked
		a := g.startWith("", "a", cluster.RoleAll, 0, func(c *cluster.Config) {
			looks.Shards = c.Shards
			c.Shards = &looks
		})
		b, api := g.start("b", cluster.RoleAll, 0), g.start("api", cluster.RoleAPI, 0)
		time.Sleep(time.Minute)
		for range 2 {
			if err := a.AskToDrain(true); err != nil {
				t.Fatal(err)
			}
		}
		if !a.Draining() || b.Draining() {
			t.Error("it does not say that it drains")
		}
		time.Sleep(5 * time.Second)
		if got := owns(a, b); got[0] != 0 || got[1] != shardsOfTest || g.longest > 300*time.Millisecond {
			t.Errorf("the shares are %v, and a shard had no owner for %s", got, g.longest)
		}
		if got := a.Check(); !strings.Contains(got.Warning, "this server drains") || !got.OK {
			t.Errorf("health: %+v", got)
		}
		if n, err := api.View().Named("a"); err != nil || !n.Draining {
			t.Errorf("others see %+v, %v", n, err)
		}
		if err := b.AskToDrain(true); err == nil || !strings.Contains(err.Error(), "no other server would fire") {
			t.Errorf("the last one drains: %v", err)
		}
		before := looks.times.Load()
		time.Sleep(10 * time.Second)
		if got := looks.times.Load() - before; got > 11 {
			t.Errorf("without shards it looks %d times in 10 s", got)
		}
		for range 2 {
			if err := a.AskToDrain(false); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if got := owns(a, b); got[0] != shardsOfTest/2 || total(a, b) != shardsOfTest || a.Check().Warning != "" {
			t.Errorf("after it goes on the shares are %v; health: %+v", got, a.Check())
		}
		a.quit(t)
		if err := a.AskToDrain(false); err == nil || len(a.owner.Owned()) > 0 {
			t.Errorf("a node that ends goes on: %v", err)
		}
		b.quit(t)
		api.quit(t)
	})
}
