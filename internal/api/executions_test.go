package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const base = 1_767_225_600_000

// seedHistory gives the job a fact of every kind, two alerts and counters.
func seedHistory(f *fake, id string) domain.JobID {
	job, err := domain.ParseJobID(id)
	if err != nil {
		panic(err)
	}
	key := func(at int64) domain.FireKey { return domain.FireKey{JobID: job, ScheduledAt: at} }
	f.facts = []domain.Execution{
		{FireKey: key(base + 60_000), Version: 1, Status: domain.StatusFailed, StartedAt: base + 60_001,
			CompletedAt: base + 63_000,
			HTTPStatus:  500, Error: "500 Internal Server Error", RetryCount: 1, Attempts: []domain.Attempt{
				{Number: 1, StartedAt: base + 60_001, CompletedAt: base + 60_100, Error: "connect: connection refused"},
				{Number: 2, StartedAt: base + 62_000, CompletedAt: base + 63_000, HTTPStatus: 500,
					Error: "500 Internal Server Error"},
			}},
		{FireKey: key(base), Version: 1, Status: domain.StatusSuccess, StartedAt: base + 2, CompletedAt: base + 145,
			HTTPStatus: 200},
		{FireKey: key(base - 60_000), Version: 1, Status: domain.StatusMissed, CompletedAt: base,
			Missed: &domain.MissedRange{From: base - 600_000, Count: 10}},
	}
	f.alerts = []domain.Alert{
		{JobID: job, FirstAt: base, LastAt: base + 63_000, Count: 3, Execution: f.facts[0].ID(),
			HTTPStatus: 500, Error: "x"},
		{JobID: job, FirstAt: base - 9, LastAt: base - 5, RecoveredAt: base - 1, Count: 1, Execution: f.facts[1].ID()},
	}
	f.totals[0] = store.Totals{ByStatus: map[domain.Status]int64{
		domain.StatusSuccess: 197, domain.StatusFailed: 2, domain.StatusUnknown: 1, domain.StatusSkipped: 4,
		domain.StatusMissed: 10,
	}, DurationMs: 1000, Timed: 3}
	f.totals[1] = store.Totals{ByStatus: map[domain.Status]int64{
		domain.StatusSuccess: 50, domain.StatusFailed: 2, domain.StatusUnknown: 1, domain.StatusMissed: 7,
	}}
	return job
}

func TestJobExecutionsMergeLiveAndFacts(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	job := seedHistory(f, id)
	f.facts = f.facts[:2]
	live := func(at, nonce int64, s domain.Status) domain.Execution {
		return domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: at, Nonce: nonce},
			Version: 1, Status: s}
	}
	f.live = []domain.Execution{
		live(base+120_000, 0, domain.StatusRunning),
		live(base+60_000, 0, domain.StatusRunning), // ended by now: the fact wins
		live(base+60_000, 5, domain.StatusPending), // a trigger in the same millisecond
		live(base-120_000, 0, domain.StatusPending),
	}
	want := []string{"RUNNING", "PENDING", "FAILED", "SUCCESS", "PENDING"}
	for limit := 1; limit <= 6; limit++ {
		path := fmt.Sprintf("/jobs/%s/executions?limit=%d", id, limit)
		if got := walk(t, h, path, "executions", "status"); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	if got := walk(t, h, "/jobs/"+id+"/executions", "executions", "status"); !slices.Equal(got, want) {
		t.Errorf("default limit: %v", got)
	}
}

func TestDefaultLimits(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	job := seedHistory(f, id)
	f.facts = nil
	for i := range int64(60) {
		f.facts = append(f.facts, domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: base + i*1000},
			Status: domain.StatusFailed})
	}
	for path, want := range map[string]int{
		"/jobs/" + id + "/executions":               5,
		"/observability/executions/recent":          50,
		"/observability/executions/failed":          50,
		"/observability/executions/failed?limit=60": 60,
	} {
		var page executionsBody
		call(t, h, "GET", path, "").into(t, 200, &page)
		if len(page.Executions) != want || (page.NextCursor != "") != (want < 60) {
			t.Errorf("%s: %d entries, cursor %q, want %d", path, len(page.Executions), page.NextCursor, want)
		}
		if page.Executions[0].ScheduledAt != base+59_000 {
			t.Errorf("%s starts at %d", path, page.Executions[0].ScheduledAt)
		}
	}
}

func TestExecutionsOfDeletedAndUnknownJobs(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	var page executionsBody
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	if page.Executions == nil || len(page.Executions) != 0 {
		t.Errorf("a job without history must answer []: %+v", page)
	}
	seedHistory(f, id)
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, &deletedBody{})
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	if len(page.Executions) != 3 {
		t.Errorf("a deleted job answers %d executions, want 3", len(page.Executions))
	}
	f.facts = nil
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	call(t, h, "GET", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b/executions", "").problem(t, 404)
	call(t, h, "GET", "/executions/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "").problem(t, 404)
}

func TestExecutionDocument(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	seedHistory(f, id)
	read := func(i int) executionWithAttempts {
		var e executionWithAttempts
		call(t, h, "GET", "/executions/"+f.facts[i].ID().String(), "").into(t, 200, &e)
		return e
	}
	failed := read(0)
	if len(failed.Attempts) != 2 || *failed.Duration != 2999 || failed.RetryCount != 1 || *failed.HTTPStatus != 500 ||
		failed.Attempts[0].HTTPStatus != nil || *failed.Attempts[1].HTTPStatus != 500 || failed.Manual {
		t.Errorf("failed: %+v", failed)
	}
	ok := read(1)
	if len(ok.Attempts) != 1 || ok.Attempts[0].Number != 1 || *ok.Duration != 143 || ok.Error != nil {
		t.Errorf("success: %+v", ok)
	}
	missed := read(2)
	if missed.Missed == nil || missed.Missed.Count != 10 || missed.StartedAt != nil || missed.Duration != nil ||
		len(missed.Attempts) != 0 {
		t.Errorf("missed: %+v", missed)
	}
	// A live one that is a fact too is answered as the fact.
	again := f.facts[1]
	again.Status = domain.StatusRunning
	f.live = append(f.live, again)
	if e := read(1); e.Status != domain.StatusSuccess {
		t.Errorf("the fact must win, got %s", e.Status)
	}
}

func TestMetrics(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	create(t, h, full) // paused
	seedHistory(f, create(t, h, minimal))
	var m metricsBody
	call(t, h, "GET", "/observability/metrics", "").into(t, 200, &m)
	want := metricsBody{
		Jobs: jobCounts{Total: 2, Active: 1},
		Executions: executionCounts{Total: 214, Successful: 197, Failed: 2, Unknown: 1, Skipped: 4, Missed: 10,
			SuccessRate: "98.50%", RecentHour: 60, AverageDurationMs: 333.33},
		Alerts: alertCounts{RecentFailures: 3}, Timestamp: m.Timestamp,
	}
	if m != want || m.Timestamp < base {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
}

func TestPercent(t *testing.T) {
	for _, tc := range []struct {
		part, whole int64
		want        string
	}{
		{0, 0, "0.00%"}, {0, 5, "0.00%"}, {5, 5, "100.00%"}, {985, 1000, "98.50%"}, {1, 3, "33.33%"}, {2, 3, "66.66%"},
		{999_999, 1_000_000, "99.99%"}, {1<<62 - 1, 1 << 62, "99.99%"}, {1, 1 << 62, "0.00%"},
	} {
		if got := percent(tc.part, tc.whole); got != tc.want {
			t.Errorf("percent(%d, %d) = %s, want %s", tc.part, tc.whole, got, tc.want)
		}
	}
}

func TestAlerts(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	seedHistory(f, id)
	if got := walk(t, h, "/observability/alerts?limit=1", "alerts", "jobId"); len(got) != 2 {
		t.Errorf("%d alerts over two pages, want 2", len(got))
	}
	var page alertsBody
	call(t, h, "GET", "/observability/alerts?open=true", "").into(t, 200, &page)
	if len(page.Alerts) != 1 || !page.Alerts[0].Open || page.Alerts[0].Count != 3 || page.Alerts[0].RecoveredAt != nil {
		t.Errorf("open: %+v", page)
	}
	call(t, h, "GET", "/observability/alerts", "").into(t, 200, &page)
	if len(page.Alerts) != 2 || page.Alerts[1].Open || *page.Alerts[1].RecoveredAt != base-1 ||
		page.Alerts[1].HTTPStatus != nil {
		t.Errorf("all: %+v", page)
	}
}

func TestFailedOfOneJob(t *testing.T) {
	f := newFake()
	h := newAPI(t, f)
	id := create(t, h, minimal)
	seedHistory(f, id)
	path := "/observability/executions/failed?jobId="
	if got := walk(t, h, path+id, "executions", "status"); !slices.Equal(got, []string{"FAILED"}) {
		t.Errorf("%v", got)
	}
	if got := walk(t, h, path+"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "executions", "status"); len(got) != 0 {
		t.Errorf("another job: %v", got)
	}
	if p := call(t, h, "GET", path+"x", "").problem(t, 400); !slices.Equal(p.fields(), []string{"jobId"}) {
		t.Errorf("%v", p.fields())
	}
}
