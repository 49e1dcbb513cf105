package client

import "testing"

func TestVersions(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"versions":[{"version":2,"effectiveFrom":5,"effectiveTo":null,"isActive":true,"spec":{"api":"http://x/"},
		  "changed":["api"],"by":{"key":"k","name":"n","requestId":"r"}}],"nextCursor":"A"}`,
		`{"versions":[{"version":1,"effectiveFrom":1,"effectiveTo":5,"isActive":false,"spec":{},"bodyCut":true,
		  "bodyBytes":9,"error":"e"}]}`,
	}}
	got, err := collect(b.serve(t).Versions.List(t.Context(), "j", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []Version{
		{Version: 2, EffectiveFrom: 5, IsActive: true, Spec: Spec{API: "http://x/"}, Changed: []string{"api"},
			By: &VersionAuthor{Key: "k", Name: "n", RequestID: "r"}},
		{Version: 1, EffectiveFrom: 1, EffectiveTo: new(int64(5)), BodyCut: true, BodyBytes: 9, Error: "e"},
	})
	for request, call := range map[string]func(*Client) (any, error){
		"GET /jobs/j/versions?limit=3": func(c *Client) (any, error) {
			return collect(c.Versions.List(t.Context(), "j", 3), 0)
		},
		"GET /jobs/by-key/k/versions?namespace=n": func(c *Client) (any, error) {
			return collect(c.Versions.ListByKey(t.Context(), JobKey{"n", "k"}, 0), 0)
		},
	} {
		if _, err := call(exchange{request: request, answer: ok(`{"versions":[]}`)}.serve(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestRestore(t *testing.T) {
	for request, keep := range map[string]bool{
		"POST /jobs/j/versions/3/restore": false, "POST /jobs/j/versions/3/restore?keepSecrets=true": true,
	} {
		got, err := exchange{request: request, answer: ok(`{"jobId":"j","message":"m","version":5}`)}.serve(t).
			Versions.Restore(t.Context(), "j", 3, 0, keep)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, Edit{Job: Job{Version: 5}, JobID: "j", Message: "m"})
	}
}
