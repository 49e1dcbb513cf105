package api

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// The servers on the database are shown as this one has seen them.
func TestClusterIsShown(t *testing.T) {
	f := newFixture(t)
	var got clusterBody
	call(t, newAPI(t, f), "GET", "/cluster", "").into(t, 200, &got)
	if len(got.Nodes) != 2 || !got.Nodes[0].Self || got.Nodes[0].Shards != 40 || *got.Nodes[0].Lag != 380 ||
		got.Nodes[1].Lag != nil || got.Nodes[1].State != view.NodeDraining ||
		got.Shards != (shardsBody{64, 40, 1, 23}) || *got.Database.Latency != 0.6 || *got.Database.ClockAhead != -1.5 ||
		*got.Database.Replication != "asynchronous" {
		t.Errorf("%+v", got)
	}
	if got := needs("GET", "/cluster"); got != domain.RoleViewer {
		t.Errorf("it takes the role %s", got)
	}
	if !tellsOfAll("/cluster") {
		t.Error("a confined key sees the servers")
	}
}
