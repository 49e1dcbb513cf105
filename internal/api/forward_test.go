package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// jobRequest is a request about a job.
type jobRequest struct{ method, path, body string }

// jobRequests has each operation that is sent on. ID stands for the id of the job; its key is k.
var jobRequests = map[string]jobRequest{
	"put":            {"PUT", "/jobs/ID", `{"name":"x"}`},
	"patch":          {"PATCH", "/jobs/ID", `{"name":"y"}`},
	"pause":          {"POST", "/jobs/ID/pause", ""},
	"resume":         {"POST", "/v1/jobs/ID/resume", ""},
	"trigger":        {"POST", "/v1/jobs/ID/trigger", ""},
	"list":           {"GET", "/jobs/ID/executions", ""},
	"put by key":     {"PUT", "/jobs/by-key/k", `{"name":"z"}`},
	"patch by key":   {"PATCH", "/jobs/by-key/k?namespace=default", `{"name":"w"}`},
	"pause by key":   {"POST", "/jobs/by-key/k/pause", ""},
	"resume by key":  {"POST", "/jobs/by-key/k/resume", ""},
	"trigger by key": {"POST", "/jobs/by-key/k/trigger", ""},
	"list by key":    {"GET", "/jobs/by-key/k/executions", ""},
	"restore":        {"POST", "/jobs/ID/versions/1/restore", ""},
	"delete":         {"DELETE", "/jobs/ID", ""},
	"delete by key":  {"DELETE", "/v1/jobs/by-key/k", ""},
}

func (q jobRequest) send(t testing.TB, n *node, id string, header ...string) answer {
	t.Helper()
	path := strings.ReplaceAll(q.path, "ID", id)
	if q.method == "PATCH" {
		header = append(header, "Content-Type: application/merge-patch+json")
	}
	return call(t, n, q.method, path, q.body, header...)
}

// entries returns the entries of the trail about a job, newest first.
func (c *cluster) entries(id string) []domain.Change {
	c.t.Helper()
	found, err := c.a.disk.Changes().List(c.t.Context(), store.ChangeQuery{JobID: jobID(c.t, id), To: domain.Forever,
		Limit: 100})
	c.ok(err)
	return found
}

// A request about a job of another node is answered by that, as if the client had asked there: under
// its id, in the caller's name, with the path that the client used.
func TestRequestsReachTheOwner(t *testing.T) {
	for name, q := range jobRequests {
		t.Run(name, func(t *testing.T) {
			ofTwo(t, func(t *testing.T, c *cluster) {
				id := c.jobOf(c.b, `,"key":"k"`)
				makeReady(t, c, name, id)
				before := time.Now()
				got := q.send(t, c.a, id, "X-Request-Id: r-77")
				if got.StatusCode/100 != 2 || time.Since(before) > 100*time.Millisecond {
					t.Fatalf("after %s: %d %s", time.Since(before), got.StatusCode, got.text)
				}
				if n := c.forwardedBy(c.a, "answered"); n != 1 {
					t.Fatalf("%d requests were sent on", n)
				}
				if ids := got.Header.Values("X-Request-Id"); len(ids) != 1 || ids[0] != "r-77" {
					t.Errorf("the answer has the ids %v", ids)
				}
				if q.method == "GET" {
					return
				}
				e := c.entries(id)[0]
				if e.RequestID != "r-77" || e.By.Key != domain.AuthorAnonymous || e.By.Address != "192.0.2.1" {
					t.Errorf("the entry of the trail: %+v", e)
				}
				if q.path[:3] == "/v1" && name == "trigger" && got.Header.Get("Location")[:4] != "/v1/" {
					t.Errorf("Location is %s", got.Header.Get("Location"))
				}
			})
		})
	}
}

// What an owner of an older version would not look at is not sent to it. The rest is.
func TestRequestsThatAnOlderOwnerWouldMisread(t *testing.T) {
	for _, q := range []struct {
		method, path, body string
		sent               float64
	}{
		{"POST", "/jobs/{id}/pause", `{"reason":"x"}`, 0},
		{"POST", "/jobs/by-key/k/pause", `{"until":"2199-01-01T00:00:00Z"}`, 0},
		{"PUT", "/jobs/{id}", `{"isActive":false,"pausedReason":"x"}`, 0},
		{"POST", "/jobs/{id}/versions/1/restore", "", 0},
		{"PUT", "/jobs/{id}", `{"isActive":false}`, 1},
		{"POST", "/jobs/{id}/pause", "", 1},
		{"POST", "/jobs/{id}/resume", "", 1},
	} {
		ofTwo(t, func(t *testing.T, c *cluster) {
			id := c.jobOf(c.b, `,"key":"k"`)
			c.b.self.Older = true
			call(t, c.a, q.method, strings.ReplaceAll(q.path, "{id}", id), q.body).into(t, 200, new(any))
			if n := c.forwardedBy(c.a, "answered"); float64(n) != q.sent {
				t.Errorf("%s %s %s: %v requests were sent on", q.method, q.path, q.body, n)
			}
		})
	}
}

// What the owner refuses is refused, in its words. A request that names no job of another node
// stays where it is.
func TestRefusalsOfTheOwner(t *testing.T) {
	ofTwo(t, func(t *testing.T, c *cluster) {
		id := c.jobOf(c.b, "")
		call(t, c.a, "PUT", "/jobs/"+id, `{"schedule":"x"}`).problem(t, 422)
		call(t, c.a, "PUT", "/jobs/"+id, `{"name":"x"}`, `If-Match: "7"`).problem(t, 412)
		if n := c.forwardedBy(c.a, "answered"); n != 2 {
			t.Errorf("%d requests were sent on", n)
		}
		call(t, c.a, "PUT", "/jobs/"+id, `{"name":`).problem(t, 400)
		call(t, c.a, "PUT", "/jobs/7", `{"name":"x"}`).problem(t, 400)
		call(t, c.a, "PUT", "/jobs/"+id, `name`, "Content-Type: text/plain").problem(t, 415)
		call(t, c.a, "POST", "/jobs/by-key/none/pause", "").problem(t, 404)
		if n := c.forwardedBy(c.a, "answered"); n != 3 {
			t.Errorf("%d requests were sent on; one of them has a broken body", n)
		}
		mine := c.jobOf(c.a, "")
		before := c.forwardedBy(c.a, "answered")
		call(t, c.a, "POST", "/jobs/"+mine+"/pause", "").into(t, 200, new(any))
		if n := c.forwardedBy(c.a, "answered"); n != before {
			t.Error("a request about a job of this node was sent on")
		}
	})
}

// A node that cannot be reached, or does not answer, is done without: the change is made once, under
// one identity, whatever the owner has made of it.
func TestRequestsWithoutAnAnswer(t *testing.T) {
	made := 0
	for _, fault := range slices.Sorted(maps.Keys(networks)) {
		between := networks[fault]
		for _, name := range slices.Sorted(maps.Keys(jobRequests)) {
			q := jobRequests[name]
			if made++; made%everyDocument != 0 {
				continue
			}
			t.Run(fault+", "+name, func(t *testing.T) {
				ofTwo(t, func(t *testing.T, c *cluster) {
					c.between = between
					withoutAnswer(t, c, name, q)
				})
			})
		}
	}
}

// makeReady lets a request of that name have something to change.
func makeReady(t *testing.T, c *cluster, name, id string) {
	t.Helper()
	if name == "resume" || name == "resume by key" || name == "restore" {
		call(t, c.b, "POST", "/jobs/"+id+"/pause", "").into(t, 200, new(any))
	}
}

func withoutAnswer(t *testing.T, c *cluster, name string, q jobRequest) {
	t.Helper()
	between := c.between
	c.between = nil
	id := c.jobOf(c.b, `,"key":"k"`)
	makeReady(t, c, name, id)
	before, version := len(c.entries(id)), c.versionOf(id)
	c.between = between
	answered := make(chan answer, 1)
	condition := fmt.Sprintf("If-Match: \"%d\"", version)
	if strings.Contains(q.path, "e") { // a list of versions is compared in another place
		condition += `, "99"`
	}
	go func() { answered <- q.send(t, c.a, id, condition) }()
	c.pass(3 * time.Second)
	var got answer
	select {
	case got = <-answered:
	default:
		t.Fatal("no answer")
	}
	if got.StatusCode/100 != 2 {
		t.Fatalf("%d %s", got.StatusCode, got.text)
	}
	if q.method == "GET" {
		if got.Header.Get(headerLive) != "partial" {
			t.Errorf("the answer does not tell that it lacks what runs: %v", got.Header)
		}
		return
	}
	if n := len(c.entries(id)) - before; n != 1 {
		t.Errorf("%d entries in the trail: %+v", n, c.entries(id))
	}
	if name == "trigger" || name == "trigger by key" {
		c.pass(3 * time.Second)
		var body triggeredBody
		c.ok(json.Unmarshal([]byte(got.text), &body))
		if n := c.calls.Load(); n != 1 {
			t.Errorf("the job was called %d times", n)
		}
		call(t, c.a, "GET", "/executions/"+body.ExecutionID, "").into(t, 200, new(any))
		return
	}
	if now := c.versionOf(id); now != version+1 {
		t.Errorf("version %d after %d", now, version)
	}
}

// versionOf returns how many versions a job has had, its end included.
func (c *cluster) versionOf(id string) int {
	c.t.Helper()
	versions, err := c.a.disk.Jobs().Versions(c.t.Context(), jobID(c.t, id), store.TimingOnly)
	c.ok(err)
	last := versions[len(versions)-1]
	if last.EffectiveTo != domain.Forever {
		return last.Number + 1
	}
	return last.Number
}

// What runs at one node is shown by each. An answer that lacks what a silent node knows says so.
func TestWhatRunsIsShownByAnyNode(t *testing.T) {
	ofTwo(t, func(t *testing.T, c *cluster) {
		id := c.jobOf(c.b, "")
		c.hold = make(chan struct{})
		defer close(c.hold)
		var made triggeredBody
		call(t, c.a, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &made)
		c.pass(time.Second)
		lists := []string{"/executions", "/executions?status=RUNNING", "/jobs/" + id + "/executions",
			"/executions?jobId=" + id, "/executions/running", "/executions/running?state=inFlight&jobId=" + id}
		for _, n := range []*node{c.a, c.b} {
			var x executionWithAttempts
			call(t, n, "GET", "/executions/"+made.ExecutionID, "").into(t, 200, &x)
			if x.Status != domain.StatusRunning {
				t.Errorf("node %s: %+v", n.self.Name, x)
			}
			for _, list := range lists {
				var found executionsBody
				got := call(t, n, "GET", list, "")
				got.into(t, 200, &found)
				if len(found.Executions) != 1 || found.Executions[0].ID != made.ExecutionID ||
					got.Header.Get(headerLive) != "" {
					t.Errorf("node %s, %s: %+v, %v", n.self.Name, list, found, got.Header)
				}
			}
			var j struct {
				NextFireAt *int64 `json:"nextFireAt"`
			}
			call(t, n, "GET", "/jobs/"+id, "").into(t, 200, &j)
			want := time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
			if j.NextFireAt == nil || *j.NextFireAt != want {
				t.Errorf("node %s: the next fire is %v", n.self.Name, j.NextFireAt)
			}
		}
		c.between = networks["refuses"]
		got := call(t, c.a, "GET", "/executions/"+made.ExecutionID, "")
		got.problem(t, 404)
		if got.Header.Get(headerLive) != "partial" {
			t.Errorf("the answer does not tell that a node is silent: %v", got.Header)
		}
		for _, list := range append(lists, "/hosts") {
			if got := call(t, c.a, "GET", list, ""); got.StatusCode != 200 || got.Header.Get(headerLive) != "partial" {
				t.Errorf("%s: %d %v", list, got.StatusCode, got.Header)
			}
		}
	})
}
