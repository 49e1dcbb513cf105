package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
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
		*got.Database.Replication != "asynchronous" || *got.Database.Protocol != 1 || *got.Nodes[1].Protocol != 1 ||
		!slices.Equal(got.Nodes[1].Differs, []string{"retention"}) || got.Nodes[1].Load != nil ||
		!reflect.DeepEqual(got.Nodes[0].Load, &loadBody{1250.4, &driftBody{1, 9}, 12, 0}) {
		t.Errorf("%+v", got)
	}
	if got := needs("GET", "/cluster"); got != domain.RoleViewer {
		t.Errorf("it takes the role %s", got)
	}
	if !tellsOfAll("/cluster") {
		t.Error("a confined key sees the servers")
	}
}

// TestDrain: a server is drained and resumed by its name. What it refuses is told, and so is a name that is
// none.
func TestDrain(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	for path, want := range map[string]string{"west-1/drain": view.NodeDraining, "west-1/resume": view.NodeActive,
		"east-1/resume": view.NodeActive} {
		for range 2 {
			var got nodeBody
			call(t, h, "POST", "/cluster/nodes/"+path, "").into(t, 200, &got)
			if name, _, _ := strings.Cut(path, "/"); got.Name != name || got.State != want {
				t.Errorf("%s: %+v", path, got)
			}
		}
	}
	call(t, h, "POST", "/cluster/nodes/east-1/drain", "").problem(t, 409)
	call(t, h, "POST", "/cluster/nodes/nobody/drain", "").problem(t, 404)
	call(t, h, "GET", "/cluster/nodes/east-1/drain", "").problem(t, 405)
	wantDrainEntries(t, f.disk, "NODE_DRAIN west-1 env", 2, "NODE_RESUME west-1 env", 2, "NODE_RESUME east-1 env", 2)
	for _, path := range []string{"/cluster/nodes/a/drain", "/cluster/nodes/a/resume"} {
		if got := needs("POST", path); got != domain.RoleAdmin {
			t.Errorf("%s takes the role %s", path, got)
		}
		if !tellsOfAll(path) {
			t.Errorf("a confined key may do %s", path)
		}
	}
}

// wantDrainEntries compares how many entries of the trail there are of each kind: action, name of the server, author.
func wantDrainEntries(t *testing.T, s store.Store, want ...any) {
	t.Helper()
	found, err := s.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range found {
		got[string(c.Action)+" "+c.Detail+" "+c.By.Key]++
	}
	for i := 0; i < len(want); i += 2 {
		if got[want[i].(string)] != want[i+1] || len(got) != len(want)/2 {
			t.Errorf("%s: %v", want[i], got)
		}
	}
}

// onTheMachine asks as a program on the machine of a server without keys does: as an admin.
func onTheMachine(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = at(r, "127.0.0.1:3000")
		r.Host = "localhost"
		h.ServeHTTP(w, r)
	})
}

// TestDrainOfAnotherNode: the request reaches the node that it names, whichever node takes it, and is done
// once. A node that cannot be reached, or is silent, is distinguished from one that does not exist.
func TestDrainOfAnotherNode(t *testing.T) {
	ofTwo(t, func(t *testing.T, c *cluster) {
		a := onTheMachine(c.a)
		for _, want := range []bool{true, true, false} {
			verb := map[bool]string{true: "drain", false: "resume"}[want]
			var got nodeBody
			call(t, a, "POST", "/v1/cluster/nodes/b/"+verb, "").into(t, 200, &got)
			if c.b.drains != want || c.a.drains || got.Name != "b" {
				t.Errorf("%s: a drains: %v, b: %v; %+v", verb, c.a.drains, c.b.drains, got)
			}
		}
		call(t, a, "POST", "/cluster/nodes/a/drain", "").into(t, 200, new(nodeBody))
		if n := c.forwardedBy(c.a, "answered"); n != 3 || !c.a.drains || c.b.drains {
			t.Errorf("%d requests were sent on; a drains: %v, b: %v", n, c.a.drains, c.b.drains)
		}
		wantDrainEntries(t, c.a.disk, "NODE_DRAIN b loopback", 2, "NODE_RESUME b loopback", 1,
			"NODE_DRAIN a loopback", 1)
		call(t, a, "POST", "/cluster/nodes/c/drain", "").problem(t, 404)
	})
	for name, want := range map[string]string{
		"refuses": "cannot be reached at http://b.test", "loses the answer": "try again",
	} {
		ofTwo(t, func(t *testing.T, c *cluster) {
			c.between = networks[name]
			got := call(t, onTheMachine(c.a), "POST", "/cluster/nodes/b/drain", "").problem(t, 503)
			if !strings.Contains(got.Detail, want) || !strings.Contains(got.Detail, "server b ") {
				t.Errorf("a network that %s: %s", name, got.Detail)
			}
			if c.b.drains != (name == "loses the answer") || c.a.drains {
				t.Errorf("a network that %s: a drains: %v, b: %v", name, c.a.drains, c.b.drains)
			}
		})
	}
}
