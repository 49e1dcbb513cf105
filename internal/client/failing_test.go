package client

import "testing"

func TestFailing(t *testing.T) {
	c := exchange{request: "GET /observability/failing?by=host&from=1&limit=3&to=2", answer: ok(`{"by":"host","from":1,
		"to":2,"complete":true,"failing":[{"host":"https://a:443","jobs":2,"open":1,"failures":9,"lastAt":2,
		"executionId":"e","httpStatus":500,"error":"x"}]}`)}.serve(t)
	got, err := c.Failures.Most(t.Context(), FailingFilter{By: "host", Limit: 3,
		TimeRange: TimeRange{From: "1", To: "2"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, FailingList{By: "host", From: 1, To: 2, Complete: true, Failing: []Failing{{Host: "https://a:443",
		Jobs: 2, Open: 1, Failures: 9, LastAt: 2, ExecutionID: "e", HTTPStatus: new(500), Error: new("x")}}})
}
