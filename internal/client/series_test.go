package client

import "testing"

func TestSeries(t *testing.T) {
	b := &pageServer{pages: []string{`{"step":"hour","from":1,"to":9,"points":[{"at":1,"executions":{"success":2,` +
		`"failed":3,"skipped":4,"missed":5,"unknown":6},"retries":7,"driftMs":{"p50":1,"p90":2,"p99":3,"max":4},` +
		`"max":0}]}`}}
	got, err := b.serve(t).Series(t.Context(), SeriesFilter{Step: "hour", JobID: "j",
		TimeRange: TimeRange{"1", "9"}})
	if err != nil {
		t.Fatal(err)
	}
	p := got.Points[0]
	if got.Step != "hour" || got.From != 1 || got.To != 9 || p.At != 1 || p.Executions.Success != 2 ||
		p.Executions.Failed != 3 || p.Executions.Skipped != 4 || p.Executions.Missed != 5 ||
		p.Executions.Unknown != 6 ||
		p.Retries != 7 || *p.DriftMs != (Distribution{1, 2, 3, 4}) || p.DurationMs != nil {
		t.Errorf("%+v", got)
	}
	equal(t, b.asked, []string{"/observability/series?from=1&jobId=j&step=hour&to=9"})
}
