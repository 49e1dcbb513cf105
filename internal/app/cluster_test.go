package app

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/google/go-cmp/cmp"
)

// What a node has seen is shown by name, with the shards of each, and how far the oldest of their
// watermarks is behind.
func TestClusterOf(t *testing.T) {
	t.Parallel()
	v := &cluster.View{
		Self: 7, Clock: 10_000, Latency: 1500 * time.Microsecond, Ahead: -2 * time.Millisecond,
		Protocol: 3,
		Nodes: []cluster.NodeView{
			{Node: store.Node{Token: 3, Name: "c", Role: "api"}, Gone: true, Age: 8 * time.Second},
			{Node: store.Node{Token: 5, Name: "b", Role: "all", Draining: true, Protocol: 4}, Age: time.Second,
				Unlike: []string{"egress"}},
			{Node: store.Node{Token: 7, Name: "a", Role: "all", Address: "http://a", Build: "1"}},
		},
		Shards: []cluster.ShardView{
			{Number: 0, State: cluster.Owned, Owner: 7, Watermark: 9_500},
			{Number: 1, State: cluster.Owned, Owner: 7, Watermark: 8_000},
			{Number: 2, State: cluster.Owned, Owner: 5, Watermark: 10_500},
			{Number: 3, State: cluster.Free, Owner: 7},
			{Number: 4, State: cluster.Orphaned, Owner: 3, Watermark: 1},
		},
	}
	lag, none, latency, ahead := int64(2_000), int64(0), 1.5, -2.0
	load := view.Load{FiresPerSecond: 2.5, Queued: 1}
	want := view.Cluster{
		Nodes: []view.Node{
			{Name: "a", Address: "http://a", Role: "all", Version: "1", State: view.NodeActive, Self: true, Shards: 2,
				LagMs: &lag, Load: &load},
			{Name: "b", Role: "all", State: view.NodeDraining, SeenMs: 1_000, Shards: 1, LagMs: &none, Protocol: 4,
				Differs: []string{"egress"}},
			{Name: "c", Role: "api", State: view.NodeGone, SeenMs: 8_000},
		},
		Shards: view.ShardCounts{Total: 5, Owned: 3, Free: 1, Moving: 1},
		Database: view.Database{Kind: "postgresql", LatencyMs: &latency, ClockAheadMs: &ahead, Protocol: 3,
			Replication: "synchronous"},
	}
	loads := map[int64]view.Load{7: load, 3: load, 9: load}
	if diff := cmp.Diff(want, clusterOf(v, "synchronous", loads)); diff != "" {
		t.Error(diff)
	}
}
