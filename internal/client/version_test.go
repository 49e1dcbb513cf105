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

func TestPreviewOfAChange(t *testing.T) {
	const text = `{"version":2,"isActive":true,"spec":{"api":"http://x/"},"changes":["schedule"],"description":"d",
		"next":[{"at":1,"utc":"u","local":"l","clockChange":"gap"}],"fires":{"from":1,"to":9,"truncated":true,
		"gainedCount":3,"lostCount":4,"gained":[{"at":5,"utc":"u","local":"l"}],"lost":[]},"warnings":["w"],
		"dstShifts":[]}`
	want := ChangePreview{
		Version: 2, IsActive: true, Spec: Spec{API: "http://x/"}, Changes: []string{"schedule"}, Description: "d",
		Next: []Instant{{1, "u", "l", "gap"}}, Warnings: []string{"w"}, DSTShifts: []Shift{},
		Fires: ChangedFires{From: 1, To: 9, Truncated: true, GainedCount: 3, LostCount: 4,
			Gained: []Instant{{5, "u", "l", ""}}, Lost: []Instant{}},
	}
	got, err := exchange{request: "POST /jobs/j/preview", contentType: typePatch, body: `{"name":null}`,
		answer: ok(text)}.serve(t).Versions.Preview(t.Context(), "j", Change{"name": nil})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
	got, err = exchange{request: "POST /jobs/j/preview", contentType: typePatch, body: `{"version":3}`,
		answer: ok(text)}.serve(t).Versions.PreviewRestore(t.Context(), "j", 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, want)
}
