package client

import "testing"

func TestEveryFilterOfJobsIsSent(t *testing.T) {
	b := &pageServer{pages: []string{`{"jobs":[{"id":"2","lastExecution":{"status":"FAILED"}}]}`}}
	jobs, err := collect(b.serve(t).Jobs.List(t.Context(), JobFilter{Failing: new(false), Namespace: "eu", Key: "k",
		Name: "a b", Host: "https://x.example", Newest: true, LastExecution: true,
		DueBefore: "7", NeverRan: new(true)}), 0)
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	if jobs[0].LastExecution == nil || jobs[0].LastExecution.Status != "FAILED" {
		t.Errorf("%+v", jobs[0])
	}
	equal(t, b.asked, []string{"/jobs?failing=false&host=https%3A%2F%2Fx.example&include=lastExecution&key=k&" +
		"name=a+b&namespace=eu&neverRan=true&nextFireBefore=7&sort=-id"})
}

func TestTheOrderOfJobsIsSent(t *testing.T) {
	b := &pageServer{pages: []string{`{"jobs":[]}`}}
	f := JobFilter{Sort: "nextFireAt", Tag: "x"}
	if _, err := collect(b.serve(t).Jobs.List(t.Context(), f), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, b.asked, []string{"/jobs?sort=nextFireAt&tag=x"})
}

func TestCountsOfPagesAreAdded(t *testing.T) {
	b := &pageServer{pages: []string{`{"jobs":[],"count":7,"nextCursor":"A"}`, `{"jobs":[],"count":3}`}}
	n, err := b.serve(t).Jobs.Count(t.Context(), JobFilter{Tag: "x", Newest: true, DueBefore: "7",
		Sort: "nextFireAt"})
	if err != nil || n != 10 {
		t.Errorf("%d, %v", n, err)
	}
	equal(t, b.asked, []string{"/jobs?count=true&nextFireBefore=7&tag=x",
		"/jobs?count=true&cursor=A&nextFireBefore=7&tag=x"})
	if n, err := b.serve(t).Jobs.Count(t.Context(), JobFilter{}); err == nil {
		t.Errorf("%d of a list that broke off", n)
	}
}
