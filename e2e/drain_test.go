package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// TestDrainByName: a server that is drained by its name, through another one, fires nothing soon after and answers as
// before. Its jobs go on at the other one: no fire is lost, and none is sent twice. The only one that fires refuses. A
// drain ends when the server is resumed, and when it starts again.
func TestDrainByName(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	at := database.Database(t)
	east, west := servePostgres(t, at, "BELFRY_NODE_NAME=east"), servePostgres(t, at, "BELFRY_NODE_NAME=west/1")
	ids := east.importJobs(everySecond(60, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)
	fires := func(p *process) float64 { return p.metric("belfry_jobs") }
	eventually(t, "both fire their share", func() bool { return fires(west) > 20 && fires(east)+fires(west) == 60 })

	load := func(of string) *client.Load {
		t.Helper()
		shown, err := east.api.Cluster(t.Context())
		i := slices.IndexFunc(shown.Nodes, func(n client.Node) bool { return n.Name == of })
		if err != nil || i < 0 || *shown.Nodes[i].Protocol != *shown.Database.Protocol {
			t.Fatalf("%+v, %v", shown, err)
		}
		return shown.Nodes[i].Load
	}
	for _, node := range []string{"east", "west/1"} {
		eventually(t, "each server tells what it does", func() bool {
			l := load(node)
			return l != nil && l.FiresPerSecond > 10 && l.FiresPerSecond < 60 && l.DriftMs != nil
		})
	}

	env := cleanEnv("BELFRY_SERVER=" + east.url)
	code, out := runOut(t, env, "cluster", "drain", "west/1", "--wait")
	if code != 0 || out != "west/1 is draining and owns 0 shards\n" {
		t.Errorf("drain: exit code %d, %s", code, out)
	}
	eventually(t, "the other server fires all jobs", func() bool { return fires(east) == 60 && fires(west) == 0 })
	for _, p := range []*process{east, west} {
		eventually(t, "it is shown", func() bool {
			shown, err := p.api.Cluster(t.Context())
			i := slices.IndexFunc(shown.Nodes, func(n client.Node) bool { return n.Name == "west/1" })
			return err == nil && i >= 0 && shown.Nodes[i].State == "draining" && shown.Nodes[i].Shards == 0 &&
				shown.Shards.Owned == 64
		})
	}
	if _, err := west.api.DrainNode(t.Context(), "west/1"); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if status, _ := ask(t, "POST", west.url+"/jobs/"+ids[0]+"/trigger", "", ""); status != 202 {
		t.Errorf("a trigger at the server that drains answers %d", status)
	}
	if code, stderr := run(t, env, "cluster", "drain", "east"); code != 1 ||
		!strings.Contains(stderr, "no other server would fire the jobs") {
		t.Errorf("the last one: exit code %d, %s", code, stderr)
	}
	if code, stderr := run(t, env, "cluster", "drain", "south"); code != 1 || !strings.Contains(stderr, "HTTP 404") {
		t.Errorf("one that does not exist: exit code %d, %s", code, stderr)
	}

	if code, out := runOut(t, env, "cluster", "resume", "west/1"); code != 0 || !strings.Contains(out, "is active") {
		t.Errorf("resume: exit code %d, %s", code, out)
	}
	eventually(t, "it fires its share again", func() bool { return fires(west) > 20 && fires(east)+fires(west) == 60 })
	last := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	got.check(t, ids, first, last, func([]receiver.Entry) bool { return machine.longestMs() > 2_000 })
	checkRecord(t, west, ids[:20], first, last)

	sendSignal(west, syscall.SIGSTOP)
	// What it has said a moment ago may be shown once more.
	eventually(t, "nothing is told of a frozen server", func() bool { return load("west/1") == nil })
	sendSignal(west, syscall.SIGCONT)
	sendSignal(east, syscall.SIGSTOP)
	answered, body := ask(t, "POST", west.url+"/cluster/nodes/east/drain", "", "")
	if detail, _ := body["detail"].(string); answered != 503 || !strings.Contains(detail, "has not answered") {
		t.Errorf("a frozen server: %d %v", answered, body)
	}
	sendSignal(east, syscall.SIGCONT)
	shows := func(p *process, node, state string) {
		t.Helper()
		eventually(t, node+" is "+state, func() bool {
			shown, err := p.api.Cluster(t.Context())
			return err == nil && slices.ContainsFunc(shown.Nodes, func(n client.Node) bool {
				return n.Name == node && n.State == state
			})
		})
	}
	shows(west, "east", "draining") // the request reached it, the answer came too late
	if n, err := west.api.ResumeNode(t.Context(), "east"); err != nil || n.State != "active" {
		t.Errorf("%+v, %v", n, err)
	}
	shows(west, "east", "active")
	if _, err := east.api.DrainNode(t.Context(), "west/1"); err != nil {
		t.Error(err)
	}
	shows(east, "west/1", "draining")
	west.terminate()
	west = servePostgres(t, at, "BELFRY_NODE_NAME=west/1")
	shows(east, "west/1", "active")
}
