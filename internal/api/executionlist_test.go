package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
)

// seedExecutions puts facts of a job on record, and a run of it that has not ended. They are, newest
// first: RUNNING (by hand), FAILED, SUCCESS, MISSED.
func seedExecutions(t *testing.T) (f *fixture, h http.Handler, id string) {
	t.Helper()
	x := heldTarget{make(chan domain.Call, 2), make(chan domain.Outcome, 2)}
	f = newFixture(t, func(c *engine.Config) { c.Executor = x })
	h = newAPI(t, f)
	id = create(t, h, minimal)
	f.record(t, historyOf(jobID(t, id))...)
	f.clock.step(time.Hour)
	call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &triggeredBody{})
	<-x.called
	t.Cleanup(func() { x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200} })
	return f, h, id
}

func TestListExecutionsByWhatTheyAre(t *testing.T) {
	_, h, id := seedExecutions(t)
	for query, want := range map[string]string{
		"": "RUNNING FAILED SUCCESS MISSED", "status=FAILED": "FAILED", "status=RUNNING,PENDING": "RUNNING",
		"status=SUCCESS,%20RUNNING": "RUNNING SUCCESS", "status=SKIPPED": "", "manual=true": "RUNNING",
		"manual=false": "FAILED SUCCESS MISSED", "manual=false&status=RUNNING": "",
		"from=1767225600000":                            "RUNNING FAILED SUCCESS",
		"from=2026-01-01T00:00:00Z&to=1767225600001":    "SUCCESS",
		"to=2026-01-01T00:00:00Z":                       "MISSED",
		"from=1767225660001&status=RUNNING,FAILED":      "RUNNING",
		"status=FAILED,MISSED&manual=false&from=0&to=0": "",
	} {
		for _, path := range []string{"/executions", "/jobs/" + id + "/executions"} {
			for _, limit := range []int{1, 2, 1000} {
				got := walk(t, h, fmt.Sprintf("%s?limit=%d&%s", path, limit, query), "executions", "status")
				if strings.Join(got, " ") != want {
					t.Errorf("%s?%s, limit %d: %v, want %s", path, query, limit, got, want)
				}
			}
		}
	}
	const host = "example.com"
	for query, want := range map[string]string{
		"host=" + host: "RUNNING FAILED SUCCESS MISSED", "host=other.test": "",
		"host=" + host + "&status=FAILED":                 "FAILED",
		"host=" + host + "&jobId=" + id + "&manual=false": "FAILED SUCCESS MISSED", "host=other.test&jobId=" + id: "",
	} {
		for _, limit := range []int{1, 1000} {
			got := walk(t, h, fmt.Sprintf("/executions?limit=%d&%s", limit, query), "executions", "status")
			if strings.Join(got, " ") != want {
				t.Errorf("%s, limit %d: %v, want %s", query, limit, got, want)
			}
		}
	}
	for host, want := range map[string]int{host: 1, "other.test": 0} {
		if got := walk(t, h, "/executions/running?host="+host, "executions", "status"); len(got) != want {
			t.Errorf("running at %s: %v", host, got)
		}
	}
	for _, path := range []string{"/executions", "/executions/running"} {
		if p := call(t, h, "GET", path+"?host=a/b", "").problem(t, 400); !slices.Equal(p.fields(), []string{"host"}) {
			t.Errorf("%s names %v", path, p.fields())
		}
	}
	for query, field := range map[string]string{
		"status=DONE": "status", "status=failed": "status", "status=FAILED,": "status",
		"status=FAILED&status=MISSED":         "status",
		"from=1767225600002&to=1767225600001": "to",
		"from=x":                              "from", "to=-1x": "to", "manual=1": "manual",
		"cursor=x": "cursor", "limit=0": "limit",
	} {
		for _, path := range []string{"/executions", "/jobs/" + id + "/executions"} {
			if p := call(t, h, "GET", path+"?"+query, "").problem(t, 400); !slices.Equal(p.fields(), []string{field}) {
				t.Errorf("%s?%s names %v", path, query, p.fields())
			}
		}
	}
	call(t, h, "GET", "/jobs/"+domain.NewJobID(1).String()+"/executions?status=FAILED", "").problem(t, 404)
}

// TestWhatHasEndedIsListedAsBefore: the list of what has ended has nothing that goes on.
func TestWhatHasEndedIsListedAsBefore(t *testing.T) {
	_, h, _ := seedExecutions(t)
	got := walk(t, h, "/observability/executions/recent", "executions", "status")
	if want := []string{"FAILED", "SUCCESS", "MISSED"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestExecutionsOfOthersAreNotListed: neither what has ended nor what goes on.
func TestExecutionsOfOthersAreNotListed(t *testing.T) {
	w := newTenants(t)
	w.record(t, w.ours, 1_000_000, 3)
	w.record(t, w.theirs, 2_000_000, 300)
	for _, job := range []string{w.ours, w.theirs} {
		call(t, w.admin, "POST", "/jobs/"+job+"/trigger", "").into(t, 202, &triggeredBody{})
	}
	for query, want := range map[string]int{"limit=2": 7, "limit=1000": 7, "limit=1000&manual=true": 1,
		"limit=1000&status=FAILED": 3, "limit=1000&from=1970-01-01T00:16:40Z&to=1970-01-01T00:16:41Z": 2} {
		got := walk(t, w.billing, "/executions?"+query, "executions", "jobId")
		if len(got) != want || slices.Contains(got, w.theirs) {
			t.Errorf("%s: %d executions, want %d", query, len(got), want)
		}
	}
}

// TestNamespacesAreLookedUpWithinABound: a page for a confined key ends when too many jobs had to be
// looked up for it, and leads on.
func TestNamespacesAreLookedUpWithinABound(t *testing.T) {
	w := newTenants(t)
	w.record(t, w.ours, 1_000_000, 1)
	var facts []domain.Execution
	for i := range int64(2*siftLooks + 100) {
		facts = append(facts, domain.Execution{FireKey: domain.FireKey{JobID: domain.NewJobID(base + i),
			ScheduledAt: base + i}, Version: 1, Status: domain.StatusSuccess, CompletedAt: base + i + 1})
	}
	w.fixture.record(t, facts...)
	var got []string
	pages, cursor := 0, ""
	for ; pages == 0 || cursor != ""; pages++ {
		before := w.store.Count("Jobs.Versions").Calls
		var b executionsBody
		call(t, w.billing, "GET", "/executions?limit=10"+cursor, "").into(t, 200, &b)
		for _, e := range b.Executions {
			got = append(got, e.JobID)
		}
		if n := w.store.Count("Jobs.Versions").Calls - before; n > siftLooks {
			t.Errorf("page %d: %d jobs were looked up", pages, n)
		}
		if cursor = ""; b.NextCursor != "" {
			cursor = "&cursor=" + b.NextCursor
		}
	}
	if want := []string{w.ours, w.ours}; !slices.Equal(got, want) || pages < 3 {
		t.Errorf("%v in %d pages", got, pages)
	}
}
