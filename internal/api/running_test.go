package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
)

func TestRunStates(t *testing.T) {
	for _, c := range []struct {
		e    domain.Execution
		want runState
	}{
		{domain.Execution{Status: domain.StatusRunning}, runInFlight},
		{domain.Execution{Status: domain.StatusRunning, NextAttemptAt: 5}, runInFlight},
		{domain.Execution{Status: domain.StatusPending}, runQueued},
		{domain.Execution{Status: domain.StatusPending, NextAttemptAt: 5}, runRetrying},
	} {
		if got := runStateOf(&c.e); got != c.want {
			t.Errorf("%+v: %s, want %s", c.e, got, c.want)
		}
	}
}

// someHeld is an executor whose calls to one host do not end before the test does.
type someHeld struct{ called, ends chan struct{} }

const heldHost = "https://held.example.com/"

// Do implements engine.Executor.
func (x someHeld) Do(call *domain.Call, out *domain.Outcome) {
	if strings.HasPrefix(call.Target(), heldHost) {
		x.called <- struct{}{}
		<-x.ends
	}
	succeeding{}.Do(call, out)
}

// withOneRunning returns a fixture and what makes an execution that goes on until the test ends.
func withOneRunning(t *testing.T) (f *fixture, begin func(h http.Handler)) {
	x := someHeld{make(chan struct{}, 1), make(chan struct{})}
	f = newFixture(t, func(c *engine.Config) { c.Executor = x })
	t.Cleanup(func() { close(x.ends) })
	return f, func(h http.Handler) {
		id := create(t, h, `{"schedule":"0 0 0 1 1 *","type":"ATLEAST_ONCE","api":"`+heldHost+`"}`)
		call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &triggeredBody{})
		<-x.called
	}
}

// What runs is listed with its state and for how long it has been under way.
func TestWhatRunsIsListed(t *testing.T) {
	x := heldTarget{make(chan domain.Call, 4), make(chan domain.Outcome, 4)}
	f := newFixture(t, func(c *engine.Config) { c.Executor = x })
	h := newAPI(t, f)
	trigger := func(doc string) (id string) {
		id = create(t, h, doc)
		call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &triggeredBody{})
		<-x.called
		return id
	}
	waits := strings.Replace(minimal, "{", `{"retry":{"maxRetries":1,"delayMs":600000,"maxDelayMs":600000},`, 1)
	retries := trigger(waits)
	x.outcome <- domain.Outcome{Verdict: domain.VerdictRetry, HTTPStatus: 503, Error: "busy"}
	retrying := "/executions/running?state=retrying"
	until(t, h, retrying, func(text string) bool { return strings.Contains(text, retries) })
	flies := trigger(minimal)
	t.Cleanup(func() { x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200} })
	f.clock.step(5 * time.Second)
	for query, want := range map[string][]string{
		"": {flies, retries}, "state=inFlight": {flies}, "state=retrying": {retries}, "state=queued": nil,
		"jobId=" + retries: {retries}, "state=inFlight&jobId=" + retries: nil,
		"jobId=" + domain.NewJobID(1).String(): nil,
	} {
		for _, limit := range []string{"", "&limit=1"} {
			got := walk(t, h, "/executions/running?"+query+limit, "executions", "jobId")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s%s: %v, want %v", query, limit, got, want)
			}
		}
	}
	var page runningBody
	call(t, h, "GET", retrying, "").into(t, 200, &page)
	if e := page.Executions[0]; e.State != runRetrying || e.ElapsedMs < 5_000 || e.RetryAt == nil ||
		*e.RetryAt != *e.NextAttempt || *e.RetryAt < e.ScheduledAt+600_000 || e.Status != domain.StatusPending ||
		*e.Error != "busy" {
		t.Errorf("%+v", e)
	}
	page = runningBody{}
	call(t, h, "GET", "/executions/running?state=inFlight", "").into(t, 200, &page)
	if e := page.Executions[0]; e.State != runInFlight || e.ElapsedMs < 5_000 || e.RetryAt != nil ||
		e.Status != domain.StatusRunning {
		t.Errorf("%+v", e)
	}
	for query, field := range map[string]string{"state=RUNNING": "state", "jobId=7": "jobId", "limit=0": "limit",
		"cursor=x": "cursor", "status=FAILED": "status"} {
		p := call(t, h, "GET", "/executions/running?"+query, "").problem(t, 400)
		if !slices.Equal(p.fields(), []string{field}) {
			t.Errorf("%s names %v", query, p.fields())
		}
	}
}

// A confined key sees what runs of its namespace alone, and the executions of its jobs.
func TestWhatRunsOfOthersIsNotListed(t *testing.T) {
	x := someHeld{make(chan struct{}, 2), make(chan struct{})}
	w := newTenants(t, func(c *engine.Config) { c.Executor = x })
	t.Cleanup(func() { close(x.ends) })
	w.record(t, w.ours, 1_000_000, 2)
	w.record(t, w.theirs, 2_000_000, 3)
	for _, job := range []string{w.ours, w.theirs} {
		call(t, w.admin, "PUT", "/jobs/"+job, `{"api":"`+heldHost+`"}`).into(t, 200, &struct{}{})
		call(t, w.admin, "POST", "/jobs/"+job+"/trigger", "").into(t, 202, &triggeredBody{})
		<-x.called
	}
	for path, want := range map[string]int{"/executions/running": 1, "/executions/running?jobId=" + w.ours: 1,
		"/executions/running?jobId=" + w.theirs: 0, "/executions?limit=1&jobId=" + w.theirs: 0} {
		got := walk(t, w.billing, path, "executions", "jobId")
		if len(got) != want || slices.Contains(got, w.theirs) {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := walk(t, w.admin, "/executions/running", "executions", "jobId"); len(got) != 2 {
		t.Errorf("of all jobs: %v", got)
	}
}

// A list of all jobs that is narrowed to one has what it has of it.
func TestExecutionsOfOneJobInTheListOfAll(t *testing.T) {
	_, h, id := seedExecutions(t)
	other := create(t, h, minimal)
	for _, limit := range []string{"1", "3", "100"} {
		got := walk(t, h, "/executions?jobId="+id+"&limit="+limit, "executions", "status")
		if want := []string{"RUNNING", "FAILED", "SUCCESS", "MISSED"}; !slices.Equal(got, want) {
			t.Errorf("limit %s: %v", limit, got)
		}
	}
	for _, id := range []string{other, domain.NewJobID(1).String()} {
		if got := walk(t, h, "/executions?jobId="+id, "executions", "status"); len(got) != 0 {
			t.Errorf("%s has %v", id, got)
		}
	}
	if p := call(t, h, "GET", "/executions?jobId=7", "").problem(t, 400); !slices.Equal(p.fields(), []string{"jobId"}) {
		t.Errorf("it names %v", p.fields())
	}
}
