package cluster_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cluster"
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
		old := speaks("old", 0)
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
		if err := cluster.Admit(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), "protocol 2") {
			t.Errorf("a build before is admitted: %v", err)
		}
		late := speaks("late", cluster.Protocol) // it was admitted before
		time.Sleep(time.Minute)
		if got := owns(late, a, b); got[0] != 0 || got[1]+got[2] != shardsOfTest {
			t.Errorf("with a late one the shares are %v", got)
		}
		if got := late.Check(); !strings.Contains(got.Warning, "speak protocol 2") {
			t.Errorf("it says %q", got.Warning)
		}
		for _, m := range []*machine{a, b, late} {
			m.quit(t)
		}
	})
}
