package client

import "testing"

func TestAudit(t *testing.T) {
	c := exchange{
		request: "GET /audit?from=1&jobId=" + id1 + "&to=2026-01-01T00%3A00%3A00Z",
		answer: ok(`{"from":1,"to":2,"expected":3,"succeeded":2,"failed":0,"skipped":0,"missed":0,"unknown":0,` +
			`"pending":0,"late":1,` +
			`"unexpected":0,"lostCount":1,"lost":[{"jobId":"` + id1 +
			`","executionId":"e","scheduledAt":2,"version":4}]}`),
	}.serve(t)
	got, err := c.Audit(t.Context(), AuditRequest{From: "1", To: "2026-01-01T00:00:00Z", JobID: id1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Audit{
		From: 1, To: 2, Expected: 3, Succeeded: 2, Late: 1, LostCount: 1,
		Lost: []LostFire{{JobID: id1, ExecutionID: "e", ScheduledAt: 2, Version: 4}},
	})
}
