package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// doWith makes a request with headers and returns the status and how long it took.
func doWith(t *testing.T, method, url, body string, header ...string) (status int, took time.Duration) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	begun := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, time.Since(begun)
}

// TestPostgresAnyNodeChangesAnyJob: a server that owns no job answers every request about one. While the
// owner lives it is the owner that does what is asked. While the owner is frozen, and after it was
// killed, the change is made in the database: a job that was paused sends nothing once that is
// answered, and what was triggered runs once.
func TestPostgresAnyNodeChangesAnyJob(t *testing.T) {
	t.Parallel()
	database, tg := newPostgres(t), newTarget(t)
	url := database.Database(t)
	owner, api := servePostgres(t, url), servePostgres(t, url, "BELFRY_ROLE=api")
	ids := api.importJobs(everySecond(12, tg.url+"/ok"))
	fires := func(n float64) func() bool { return func() bool { return owner.metric("belfry_jobs") == n } }
	eventually(t, "the owner fires what was imported elsewhere", fires(12))
	eventually(t, "calls arrive", func() bool { return len(tg.entries(t)) > 24 })

	shown, err := api.api.Cluster(t.Context())
	if err != nil || len(shown.Nodes) != 2 || shown.Shards.Owned != 64 || shown.Database.Kind != "postgresql" ||
		shown.Database.LatencyMs == nil || *shown.Database.Replication != "asynchronous" {
		t.Errorf("%+v, %v", shown, err)
	}
	for name, want := range map[string]float64{"belfry_cluster_owned_shards": 64, "belfry_cluster_nodes": 2,
		"belfry_cluster_shard_moves_total": 64} {
		if got := owner.metric(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, n := range shown.Nodes {
		if n.State != "active" || n.Self != (n.Role == "api") || (n.Shards == 64) == n.Self || n.Address == "" {
			t.Errorf("%+v", n)
		}
	}
	quiet := map[string]int64{} // since when, by id
	pause := func(id string, most time.Duration) {
		t.Helper()
		status, took := doWith(t, "POST", api.url+"/jobs/"+id+"/pause", "")
		if status != 200 || took > most {
			t.Fatalf("a pause answers %d after %s", status, took)
		}
		quiet[id] = time.Now().UnixMilli()
	}
	pause(ids[0], 3*time.Second)
	for range 2 {
		status, _ := doWith(t, "POST", api.url+"/jobs/"+ids[1]+"/trigger", "", "Idempotency-Key", "k1")
		if status != 202 {
			t.Fatalf("a trigger answers %d", status)
		}
	}
	if n := api.metric("belfry_cluster_forwarded_total"); n != 3 {
		t.Errorf("%v requests were sent on to the owner", n)
	}

	sendSignal(owner, syscall.SIGSTOP)
	pause(ids[2], 12*time.Second)
	status, took := doWith(t, "PUT", api.url+"/jobs/"+ids[3], `{"name":"changed"}`)
	if status != 200 || took > 3*time.Second {
		t.Errorf("a change answers %d after %s", status, took)
	}
	if status, _ := doWith(t, "POST", api.url+"/jobs/"+ids[4]+"/trigger", ""); status != 202 {
		t.Fatalf("a trigger answers %d", status)
	}
	sendSignal(owner, syscall.SIGCONT)
	eventually(t, "the owner goes on", func() bool { return countSince(t, tg, time.Now().UnixMilli()-1_500) > 5 })
	pass(time.Now().UnixMilli() + 3_000)

	owner.kill()
	if status, _ := doWith(t, "POST", api.url+"/jobs/"+ids[5]+"/trigger", ""); status != 202 {
		t.Fatalf("a trigger answers %d", status)
	}
	if status, _ := doWith(t, "DELETE", api.url+"/jobs/"+ids[6], ""); status != 200 {
		t.Fatalf("a deletion answers %d", status)
	}
	quiet[ids[6]] = time.Now().UnixMilli()
	owner = servePostgres(t, url)
	eventually(t, "the next owner fires what is there", fires(11))
	pass(time.Now().UnixMilli() + 4_000)

	calls := map[string]int{}
	for _, e := range tg.entries(t) {
		calls[e.ExecutionID.String()]++
		if since := quiet[e.JobID.String()]; since != 0 && e.ReceivedAt > since+100 {
			t.Errorf("job %s was called %d ms after it was stopped", e.JobID, e.ReceivedAt-since)
		}
	}
	for _, i := range []int{1, 4, 5} {
		_, body := ask(t, "GET", api.url+"/jobs/"+ids[i]+"/executions?manual=true", "", "")
		found, _ := body["executions"].([]any)
		if len(found) != 1 {
			t.Fatalf("job %d was triggered once: %v", i, body)
		}
		x, _ := found[0].(map[string]any)
		if id, _ := x["id"].(string); x["status"] != "SUCCESS" || calls[id] != 1 {
			t.Errorf("job %d: %v was called %d times", i, x, calls[id])
		}
	}
	if status, body := ask(t, "GET", api.url+"/jobs/"+ids[3], "", ""); status != 200 || body["version"] != float64(2) {
		t.Errorf("%d %v", status, body)
	}
}

// countSince returns how many calls were received since an instant.
func countSince(t *testing.T, tg *target, at int64) int { return len(tg.since(t, at)) }

// sendSignal sends a signal to a server.
func sendSignal(p *process, s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}
