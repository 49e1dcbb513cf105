package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/bulk"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// heldTarget is an executor whose calls wait until the test lets them end.
type heldTarget struct {
	called  chan domain.Call
	outcome chan domain.Outcome
}

// Do implements engine.Executor.
func (x heldTarget) Do(call *domain.Call, out *domain.Outcome) {
	x.called <- *call
	*out = <-x.outcome
}

// newReal returns the API over the real engine and the real store.
func newReal(t *testing.T, change ...func(*Config)) (http.Handler, heldTarget) {
	t.Helper()
	ctx := context.Background()
	metrics := telemetry.NewMetrics()
	db, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(t.TempDir(), "jobs.db"), Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	x := heldTarget{make(chan domain.Call, 16), make(chan domain.Outcome, 16)}
	e, err := engine.New(engine.Config{Store: db, Executor: x, Clock: clock.System{}, Metrics: metrics, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	ed, err := edit.New(edit.Config{Owner: e, Store: db, Clock: clock.System{}, Metrics: metrics, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.Open(ctx, access.Config{Store: db.Keys(), Clock: clock.System{}, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Editor: ed, Store: db, Keys: keys, Open: true, Clock: clock.System{}, Metrics: metrics, Log: discard,
		Program:            Program{Version: "1.2.3", StartedAt: time.Now()},
		ClientCertificates: Certificates{Names: []string{"bank"}},
		Cluster:            Cluster{Members: new(fixture)},
	}
	for _, fn := range change {
		fn(&c)
	}
	c.View = viewOf(t, c.Store, e)
	runner, err := bulk.New(bulk.Config{Store: c.Store, Editor: ed, Executions: c.View, Authors: authorsOf(&c),
		Clock: c.Clock, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	c.Bulk, c.Tests = runner, testsBy(t, c.Clock, answering{})
	runs(t, runner)
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h, x
}

// runs carries out operations until the test ends.
func runs(t *testing.T, r *bulk.Runner) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// never is a job that is not due while the test runs.
const never = `{"schedule":"0 0 0 1 1 *","api":"https://example.com/hook","type":"ATLEAST_ONCE",` +
	`"retry":{"maxRetries":0}}`

// until asks again until the answer is as wanted; the engine records results
// in a goroutine of its own, and tells nobody outside when.
func until(t *testing.T, h http.Handler, path string, wanted func(text string) bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		res := call(t, h, "GET", path, "")
		if wanted(res.text) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s never was as wanted; the last answer: %s", path, res.text)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func TestExecutionFromTriggerToRecord(t *testing.T) {
	h, x := newReal(t)
	id := create(t, h, never)
	var out triggeredBody
	call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &out)
	made := <-x.called
	if made.ExecutionID.String() != out.ExecutionID || made.Key.JobID.String() != id {
		t.Errorf("called %s of %s, answered %s", made.ExecutionID, made.Key.JobID, out.ExecutionID)
	}
	// Under way: in the list of the job, and by its id.
	path := "/executions/" + out.ExecutionID
	until(t, h, path, func(text string) bool { return strings.Contains(text, `"status":"RUNNING"`) })
	if got := walk(t, h, "/jobs/"+id+"/executions", "executions", "id"); !slices.Equal(got, []string{out.ExecutionID}) {
		t.Errorf("the list holds %v", got)
	}
	x.outcome <- domain.Outcome{Verdict: domain.VerdictFinal, HTTPStatus: 404, Error: "404 Not Found: no such hook"}
	until(t, h, path, func(text string) bool { return strings.Contains(text, `"status":"FAILED"`) })
	var e executionWithAttempts
	call(t, h, "GET", path, "").into(t, 200, &e)
	if len(e.Attempts) != 1 || *e.HTTPStatus != 404 || !e.Manual || e.JobID != id ||
		*e.Attempts[0].Error != "404 Not Found: no such hook" {
		t.Errorf("%+v", e)
	}
	// On record: in every list, counted, and an alert.
	for _, list := range []string{
		"/jobs/" + id + "/executions", "/observability/executions/recent",
		"/observability/executions/failed", "/observability/executions/failed?jobId=" + id,
	} {
		if got := walk(t, h, list, "executions", "id"); !slices.Equal(got, []string{out.ExecutionID}) {
			t.Errorf("%s holds %v", list, got)
		}
	}
	// A read sees a fact as soon as it is committed, a moment before the engine knows that it is.
	until(t, h, "/observability/alerts?open=true", func(text string) bool {
		return strings.Contains(text, `"executionId":"`+out.ExecutionID+`"`)
	})
	if got := walk(t, h, "/observability/alerts?open=true", "alerts", "executionId"); !slices.Equal(got,
		[]string{out.ExecutionID}) {
		t.Errorf("alerts: %v", got)
	}
	var m metricsBody
	until(t, h, "/observability/metrics", func(text string) bool {
		m = metricsBody{}
		return json.Unmarshal([]byte(text), &m) == nil && m.Executions.Failed > 0
	})
	if m.Jobs != (jobCounts{1, 1}) || m.Executions.Failed != 1 || m.Executions.RecentHour != 1 ||
		m.Alerts.RecentFailures != 1 || m.Executions.SuccessRate != "0.00%" {
		t.Errorf("%+v", m)
	}
	// Its history outlives the job.
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, &deletedBody{})
	if got := walk(t, h, "/jobs/"+id+"/executions", "executions", "id"); !slices.Equal(got, []string{out.ExecutionID}) {
		t.Errorf("after the delete: %v", got)
	}
}

func TestPagesOfARealStore(t *testing.T) {
	h, x := newReal(t)
	id := create(t, h, never)
	var want []string
	for range 7 {
		var out triggeredBody
		call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &out)
		<-x.called
		x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
		until(t, h, "/executions/"+out.ExecutionID,
			func(text string) bool { return strings.Contains(text, `"status":"SUCCESS"`) })
		want = append(want, out.ExecutionID)
	}
	for _, list := range []string{"/jobs/" + id + "/executions?limit=", "/observability/executions/recent?limit="} {
		for limit := 1; limit <= 8; limit++ {
			got := walk(t, h, fmt.Sprint(list, limit), "executions", "id")
			slices.Sort(got)
			if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(got, sorted) {
				t.Errorf("%s%d: %v, want %v", list, limit, got, sorted)
			}
		}
	}
}

func TestJobsOfARealStore(t *testing.T) {
	h, _ := realOfAdmin(t)
	report := imported(t, h, strings.Repeat(never+"\n", 2*exportPage+3)+
		strings.NewReplacer("\n", "", "\t", "").Replace(full), ndjson)
	if report.Refused != 0 {
		t.Fatalf("%+v", report.Results[len(report.Results)-1])
	}
	if got := walk(t, h, "/jobs?limit=700", "jobs", "id"); len(got) != 2*exportPage+4 || !slices.IsSorted(got) {
		t.Errorf("%d jobs, sorted: %v", len(got), slices.IsSorted(got))
	}
	if got := walk(t, h, "/jobs?isActive=false&tag=b&text=gr%C3%B6", "jobs", "id"); len(got) != 1 {
		t.Errorf("%d jobs found, want 1", len(got))
	}
	export := call(t, h, "POST", "/jobs/export?withSecrets=true", "").text
	again, _ := realOfAdmin(t)
	if report := imported(t, again, export, ndjson); report.Imported != 2*exportPage+4 {
		t.Errorf("imported %d", report.Imported)
	}
	// Jobs of one import share a millisecond: their order is by chance.
	sorted := func(text string) []string { return slices.Sorted(strings.SplitSeq(text, "\n")) }
	if got := call(t, again, "POST", "/jobs/export?withSecrets=true", "").text; !slices.Equal(sorted(got),
		sorted(export)) {
		t.Error("the export of the copy differs")
	}
}

func TestEditsOfARealEngine(t *testing.T) {
	h, _ := newReal(t)
	path := "/jobs/" + create(t, h, never)
	for _, step := range []struct {
		method, path, body string
		version            int
	}{
		{"PUT", "", `{"name":"a"}`, 2},
		{"PUT", "", `{"name":"a"}`, 2}, // nothing changes: no version
		{"POST", "/pause", "", 3},
		{"POST", "/pause", "", 3},
		{"POST", "/resume", "", 4},
		{"POST", "/resume", "", 4},
		{"PUT", "", `{"retry":{"maxRetries":9},"headers":{"X-A":"1"}}`, 5},
	} {
		var out savedBody
		call(t, h, step.method, path+step.path, step.body).into(t, 200, &out)
		if out.Version != step.version {
			t.Errorf("%s %s: version %d, want %d", step.method, step.path, out.Version, step.version)
		}
	}
	var job wire.Job
	call(t, h, "GET", path, "").into(t, 200, &job)
	if job.Version != 5 || job.Spec.Retry.MaxRetries != 9 || job.Spec.Retry.DelayMs != domain.DefaultRetryDelayMs ||
		job.NextFireAt == nil {
		t.Errorf("%+v", job)
	}
	call(t, h, "PUT", path, `{"name":"b"}`, `If-Match: "4"`).problem(t, 412)
	call(t, h, "DELETE", path, "", `If-Match: "4"`).problem(t, 412)
	call(t, h, "PUT", path, `{"name":"b"}`, `If-Match: "5"`).into(t, 200, &savedBody{})
	call(t, h, "DELETE", path, "", `If-Match: "6"`).into(t, 200, &deletedBody{})
	call(t, h, "PUT", path, `{"name":"c"}`).problem(t, 404)
	call(t, h, "POST", path+"/resume", "").problem(t, 404)
}

func TestHealthOfARealEngine(t *testing.T) {
	h, _ := newReal(t)
	var body healthBody
	call(t, h, "GET", "/observability/health", "").into(t, 200, &body)
	if body.Status != "healthy" || len(body.Checks) < 2 || !body.Checks["store"].OK {
		t.Errorf("%+v", body)
	}
	call(t, h, "GET", "/readyz", "").into(t, 200, &readyBody{})
}
