package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
)

const base = 1_767_225_600_000

// seedHistory puts a fact of every kind of the job on record, newest first, and a lost
// fire of another job.
func seedHistory(t *testing.T, f *fixture, id string) []domain.Execution {
	t.Helper()
	facts := historyOf(jobID(t, id))
	f.record(t, facts...)
	f.lose(t, base-5, domain.Loss{JobID: domain.NewJobID(1), ScheduledAt: base - 9})
	return facts
}

func historyOf(job domain.JobID) []domain.Execution {
	key := func(at int64) domain.FireKey { return domain.FireKey{JobID: job, ScheduledAt: at} }
	return []domain.Execution{
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
}

func TestJobExecutionsMergeLiveAndFacts(t *testing.T) {
	x := heldTarget{make(chan domain.Call, 2), make(chan domain.Outcome, 2)}
	f := newFixture(t, func(c *engine.Config) { c.Executor = x })
	h := newAPI(t, f)
	id := create(t, h, minimal)
	facts := historyOf(jobID(t, id))[:2]
	facts[0].ScheduledAt = base + 500
	f.record(t, facts...)
	trigger := func() {
		call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &triggeredBody{})
		<-x.called
	}
	trigger()
	f.clock.step(time.Second)
	trigger()
	want := []string{"RUNNING", "FAILED", "RUNNING", "SUCCESS"}
	for limit := 1; limit <= 6; limit++ {
		path := fmt.Sprintf("/jobs/%s/executions?limit=%d", id, limit)
		if got := walk(t, h, path, "executions", "status"); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
	if got := walk(t, h, "/jobs/"+id+"/executions", "executions", "status"); !slices.Equal(got, want) {
		t.Errorf("default limit: %v", got)
	}
	for range 2 {
		x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	}
}

func TestDefaultLimits(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	for i := range int64(60) {
		f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, id), ScheduledAt: base + i*1000},
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
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	var page executionsBody
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	if page.Executions == nil || len(page.Executions) != 0 {
		t.Errorf("a job without history must answer []: %+v", page)
	}
	seedHistory(t, f, id)
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, &deletedBody{})
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	if len(page.Executions) != 3 {
		t.Errorf("a deleted job answers %d executions, want 3", len(page.Executions))
	}
	id = create(t, h, minimal)
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, &deletedBody{})
	call(t, h, "GET", "/jobs/"+id+"/executions", "").into(t, 200, &page)
	call(t, h, "GET", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b/executions", "").problem(t, 404)
	call(t, h, "GET", "/executions/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "").problem(t, 404)
}

func TestExecutionDocument(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	facts := seedHistory(t, f, id)
	read := func(i int) executionWithAttempts {
		var e executionWithAttempts
		call(t, h, "GET", "/executions/"+facts[i].ID().String(), "").into(t, 200, &e)
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
}

// recordCounters puts 214 executions on record, of which 60 have ended in the last hour
// and three took a second together.
func recordCounters(t *testing.T, f *fixture, job domain.JobID) {
	t.Helper()
	var facts []domain.Execution
	for _, row := range []struct {
		status   domain.Status
		n, took  int64
		ended    int64
		ofMissed int64
	}{
		{domain.StatusSuccess, 147, 0, base - 7_200_000, 0}, {domain.StatusSuccess, 48, 0, base - 60_000, 0},
		{domain.StatusSuccess, 1, 333, base - 60_000, 0}, {domain.StatusSuccess, 1, 334, base - 60_000, 0},
		{domain.StatusFailed, 1, 333, base - 60_000, 0}, {domain.StatusFailed, 1, 0, base - 60_000, 0},
		{domain.StatusUnknown, 1, 0, base - 60_000, 0}, {domain.StatusSkipped, 4, 0, base - 7_200_000, 0},
		{domain.StatusMissed, 1, 0, base - 7_200_000, 3}, {domain.StatusMissed, 1, 0, base - 60_000, 7},
	} {
		for range row.n {
			e := domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: base - 8_000_000 +
				int64(len(facts))}, Version: 1, Status: row.status, CompletedAt: row.ended}
			if row.took > 0 {
				e.StartedAt = row.ended - row.took
			}
			if row.ofMissed > 0 {
				e.Missed = &domain.MissedRange{From: e.ScheduledAt - 100_000, Count: row.ofMissed}
			}
			facts = append(facts, e)
		}
	}
	f.record(t, facts...)
}

func TestMetrics(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	create(t, h, full) // paused
	recordCounters(t, f, jobID(t, create(t, h, minimal)))
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
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	facts := historyOf(jobID(t, id))
	for range 3 {
		f.record(t, facts[0])
		facts[0].Nonce++
	}
	over := domain.FireKey{JobID: domain.NewJobID(1), ScheduledAt: base - 9}
	f.record(t, domain.Execution{FireKey: over, Version: 1, Status: domain.StatusUnknown, CompletedAt: base - 5})
	over.ScheduledAt++
	f.record(t, domain.Execution{FireKey: over, Version: 1, Status: domain.StatusSuccess, CompletedAt: base - 1})
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
	for query, want := range map[string]string{"jobId=" + id: id, "jobId=" + over.JobID.String(): over.JobID.String(),
		"jobId=" + domain.NewJobID(2).String(): "", "open=true&jobId=" + over.JobID.String(): ""} {
		got := strings.Join(walk(t, h, "/observability/alerts?limit=1&"+query, "alerts", "jobId"), " ")
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if p := call(t, h, "GET", "/observability/alerts?jobId=x", "").problem(t, 400); !slices.Equal(p.fields(),
		[]string{"jobId"}) {
		t.Errorf("%v", p.fields())
	}
}

func TestFailedOfOneJob(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	seedHistory(t, f, id)
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
