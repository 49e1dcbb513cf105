package client

import "testing"

func TestTheTrailIsReadPageByPage(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"changes":[{"at":5,"by":{"key":"env"},"action":"UPDATE","jobId":"j","version":2,"executionId":null,` +
			`"count":null,"before":{"isActive":true}}],"nextCursor":"A"}`,
		`{"changes":[{"at":4,"by":{"key":"k","name":"CI"},"action":"IMPORT","jobId":null,"count":7}]}`,
	}}
	got, err := collect(b.serve(t).Trail(t.Context(), TrailFilter{TimeRange: TimeRange{From: "1"}, JobID: "j",
		PageSize: 1}), 0)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if e := got[0]; e.JobID != "j" || e.Version != 2 || e.Count != nil || string(e.Before) != `{"isActive":true}` {
		t.Errorf("%+v", e)
	}
	if e := got[1]; e.By.Name != "CI" || *e.Count != 7 || e.JobID != "" {
		t.Errorf("%+v", e)
	}
	equal(t, b.asked, []string{"/audit/changes?from=1&jobId=j&limit=1",
		"/audit/changes?cursor=A&from=1&jobId=j&limit=1"})
}
