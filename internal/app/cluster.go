package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/peerview"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// members knows the servers on the database: this one, and others if it is one of a server. It
// implements api.Members.
type members struct {
	app     *App
	version string
	url     func() string // of this server
	recent  *telemetry.Recent
}

// Cluster implements api.Members.
func (m *members) Cluster(ctx context.Context) view.Cluster {
	if m.app.member.node == nil {
		return m.alone(ctx)
	}
	v := m.app.member.node.View()
	loads := (&peerview.Asker{Peers: m.app.member.peers}).Loads(ctx)
	loads[v.Self] = loadOf(m.recent.Load())
	return clusterOf(v, m.app.store.replication(ctx), loads)
}

func loadOf(l telemetry.Load) view.Load {
	shown := view.Load{FiresPerSecond: l.FiresPerSecond, InFlight: l.InFlight, Queued: l.Queued}
	if l.Drift != nil {
		shown.DriftP50Ms, shown.DriftP99Ms = &l.Drift.P50, &l.Drift.P99
	}
	return shown
}

// SetDraining implements api.Members.
func (m *members) SetDraining(_ context.Context, name string, drains bool) (view.Node, error) {
	node := m.app.member.node
	if node == nil {
		return view.Node{}, domain.Conflict("the database is files of this server: no other one could fire its jobs")
	}
	shown := clusterOf(node.View(), "", map[int64]view.Load{node.Self.Token: loadOf(m.recent.Load())})
	i := slices.IndexFunc(shown.Nodes, func(n view.Node) bool { return n.Self && n.Name == name })
	if i < 0 { // it is asked before its first look
		return view.Node{}, domain.Unavailable(nil, "the server has just started")
	}
	if err := node.AskToDrain(drains); err != nil {
		return view.Node{}, err
	}
	n := shown.Nodes[i]
	n.State = view.NodeActive
	if node.Draining() {
		n.State = view.NodeDraining
	}
	return n, nil
}

// alone is a server that no other can join.
func (m *members) alone(ctx context.Context) view.Cluster {
	load := loadOf(m.recent.Load())
	self := view.Node{
		Load: &load,
		Name: m.app.cfg.NodeName(portOf(m.app)), Address: m.url(), Role: cluster.RoleAll, Version: m.version,
		State: view.NodeActive, Self: true, Shards: 1,
	}
	if rows, err := m.app.store.Shards().Peek(ctx); err == nil {
		lag := max(0, clock.NowMs(clock.System{})-rows[0].Watermark)
		self.LagMs = &lag
	}
	return view.Cluster{
		Nodes:  []view.Node{self},
		Shards: view.ShardCounts{Total: 1, Owned: 1}, Database: view.Database{Kind: "sqlite"},
	}
}

// clusterOf tells what a node has seen at its last look, and what each does that has reported it, by their tokens.
func clusterOf(v *cluster.View, replication string, loads map[int64]view.Load) view.Cluster {
	latency, ahead := milliseconds(v.Latency), milliseconds(v.Ahead)
	c := view.Cluster{
		Nodes: make([]view.Node, len(v.Nodes)), Shards: view.ShardCounts{Total: len(v.Shards)},
		Database: view.Database{
			Kind: "postgresql", LatencyMs: &latency, ClockAheadMs: &ahead, Protocol: v.Protocol,
			Replication: replication,
		},
	}
	for i := range v.Nodes {
		n := &v.Nodes[i]
		c.Nodes[i] = view.Node{
			Name: n.Name, Address: n.Address, Role: n.Role, Version: n.Build, State: stateOf(n),
			Self: n.Token == v.Self, SeenMs: n.Age.Milliseconds(), Protocol: n.Protocol, Differs: n.Unlike,
		}
		if load, told := loads[n.Token]; told && n.Role != cluster.RoleAPI && !n.Gone {
			c.Nodes[i].Load = &load
		}
		for j := range v.Shards {
			sh := &v.Shards[j]
			if sh.State != cluster.Owned || sh.Owner != n.Token {
				continue
			}
			lag := max(0, v.Clock-sh.Watermark)
			if c.Nodes[i].Shards++; c.Nodes[i].LagMs == nil || lag > *c.Nodes[i].LagMs {
				c.Nodes[i].LagMs = &lag
			}
		}
	}
	for i := range v.Shards {
		switch v.Shards[i].State {
		case cluster.Owned:
			c.Shards.Owned++
		case cluster.Free:
			c.Shards.Free++
		case cluster.Orphaned:
			c.Shards.Moving++
		}
	}
	slices.SortFunc(c.Nodes, func(a, b view.Node) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SeenMs, b.SeenMs))
	})
	return c
}

func stateOf(n *cluster.NodeView) string {
	switch {
	case n.Gone:
		return view.NodeGone
	case n.Draining:
		return view.NodeDraining
	}
	return view.NodeActive
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// meter adds the metrics of a server that shares its database: what it has seen at its last look.
func (m *member) meter(metrics *telemetry.Metrics) {
	if m.node == nil {
		return
	}
	now := func() view.Cluster { return clusterOf(m.node.View(), "", nil) }
	metrics.SamplesFunc(telemetry.MetricNodes, "Servers on the database.", "state", func() []telemetry.Sample {
		counts := map[string]float64{}
		for _, n := range now().Nodes {
			counts[n.State]++
		}
		return []telemetry.Sample{
			{Label: view.NodeActive, Value: counts[view.NodeActive]},
			{Label: view.NodeDraining, Value: counts[view.NodeDraining]},
			{Label: view.NodeGone, Value: counts[view.NodeGone]},
		}
	})
	metrics.SamplesFunc(telemetry.MetricShards, "Shards of the database.", "state", func() []telemetry.Sample {
		s := now().Shards
		return []telemetry.Sample{{Label: "owned", Value: float64(s.Owned)}, {Label: "free", Value: float64(s.Free)},
			{Label: "moving", Value: float64(s.Moving)}}
	})
	metrics.GaugeFunc(telemetry.MetricOwnedShards, "Shards whose jobs this server fires.",
		func() float64 { v := m.node.View(); return float64(v.Owned(v.Self)) })
	metrics.CountersFunc(telemetry.MetricShardMoves, "Shards that this server has taken, or given to others.", "what",
		func() []telemetry.Sample {
			taken, given := m.node.Moves()
			return []telemetry.Sample{{Label: "taken", Value: float64(taken)}, {Label: "given", Value: float64(given)}}
		})
	metrics.GaugeFunc(telemetry.MetricDatabaseLatency, "How long the last look at the database took.",
		func() float64 { return m.node.View().Latency.Seconds() })
}
