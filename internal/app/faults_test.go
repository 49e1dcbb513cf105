package app

import (
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestFaults(t *testing.T) {
	const now = int64(1_800_000_000_000)
	well := domain.Check{Name: "store", OK: true, Warning: "busy"}
	node := func(name string, gone bool) cluster.NodeView {
		return cluster.NodeView{Node: store.Node{Name: name}, Gone: gone, Age: 9 * time.Second}
	}
	shards := func(watermarks ...int64) (all []cluster.ShardView) {
		for i, w := range watermarks {
			all = append(all, cluster.ShardView{Number: i, State: cluster.Owned, Watermark: w})
		}
		return all
	}
	for _, c := range []struct {
		name      string
		checks    []domain.Check
		watermark int64
		others    *cluster.View
		want      []alert.Fault
	}{
		{"nothing", []domain.Check{well}, now - 59_000, nil, nil},
		{"it starts", []domain.Check{well, {Name: "engine", Detail: "reading the record"}}, 0, nil, nil},
		{"the store", []domain.Check{{Name: "store", Detail: "it does not commit"}}, now, nil,
			[]alert.Fault{{Subject: "store", Text: "it does not commit"}}},
		{"the watermark", nil, now - 61_000, nil,
			[]alert.Fault{{Subject: "watermark", Text: "fires are on record up to 1m1s ago"}}},
		{"that of another node", nil, now, &cluster.View{Shards: shards(now, 0, now-120_000)},
			[]alert.Fault{{Subject: "watermark", Text: "fires are on record up to 2m0s ago"}}},
		{"nodes", nil, now, &cluster.View{Nodes: []cluster.NodeView{node("n1", false), node("n2", true)}},
			[]alert.Fault{{Subject: "node n2", Text: "it has had no beat for 9s"}}},
		{"a shard without an owner", nil, now, &cluster.View{Shards: []cluster.ShardView{{State: cluster.Free}}},
			[]alert.Fault{{Subject: "shards", Text: "1 have no owner"}}},
	} {
		if got := faultsOf(c.checks, c.watermark, c.others, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
