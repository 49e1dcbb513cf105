package client

import "testing"

func TestExecutionsAreListedByWhatTheyAre(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"executions":[{"id":"1"}],"nextCursor":"A"}`, `{"executions":[{"id":"2"}]}`,
	}}
	got, err := collect(b.serve(t).Executions.List(t.Context(), ExecutionFilter{
		Statuses: []string{"FAILED", "UNKNOWN"}, Manual: new(false), TimeRange: TimeRange{From: "1", To: "2"},
		PageSize: 7,
	}), 0)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	const query = "from=1&limit=7&manual=false&status=FAILED%2CUNKNOWN&to=2"
	equal(t, b.asked, []string{"/executions?" + query, "/executions?cursor=A&" + query})
	b = &pageServer{pages: []string{`{"executions":[]}`}}
	if _, err := collect(b.serve(t).Executions.List(t.Context(), ExecutionFilter{JobID: "j"}), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, b.asked, []string{"/jobs/j/executions"})
	for _, job := range []string{"", "j"} {
		b = &pageServer{pages: []string{`{"executions":[]}`}}
		f := ExecutionFilter{JobID: job, Host: "a:1", Statuses: []string{"FAILED"}}
		if _, err := collect(b.serve(t).Executions.List(t.Context(), f), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, b.asked, []string{map[string]string{"": "/executions?host=a%3A1&status=FAILED",
			"j": "/executions?host=a%3A1&jobId=j&status=FAILED"}[job]})
	}
	b = &pageServer{pages: []string{`{"executions":[]}`}}
	if _, err := collect(b.serve(t).Executions.List(t.Context(), ExecutionFilter{Job: JobKey{"eu", "k"},
		TimeRange: TimeRange{From: "1"}}), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, b.asked, []string{"/jobs/by-key/k/executions?from=1&namespace=eu"})
}

func TestWhatRunsIsListed(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"executions":[{"id":"1","status":"PENDING","state":"retrying","elapsedMs":7,"retryAt":9}],"nextCursor":"A"}`,
		`{"executions":[{"id":"2","state":"inFlight","retryAt":null}]}`,
	}}
	got, err := collect(b.serve(t).Executions.Running(t.Context(), RunningFilter{JobID: "j", State: "retrying",
		Host: "x", PageSize: 3}), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []Running{{Execution: Execution{ID: "1", Status: "PENDING"}, State: "retrying", ElapsedMs: 7,
		RetryAt: new(int64(9))}, {Execution: Execution{ID: "2"}, State: "inFlight"}})
	const query = "host=x&jobId=j&limit=3&state=retrying"
	equal(t, b.asked, []string{"/executions/running?" + query, "/executions/running?cursor=A&" + query})
}
