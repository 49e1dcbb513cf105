package client

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"
)

const operationJSON = `{"id":"o","action":"TAG","state":"RUNNING","by":{"key":"k","name":"CI"},"named":2,` +
	`"counts":{"matched":4,"pending":1,"done":1,"unchanged":1,"skipped":0,"failed":1,"notFound":3},` +
	`"errors":[{"jobId":"j","message":"m"}],"createdAt":1,"matchedAt":2,"endedAt":null,"cancelRequestedAt":null}`

var wantOperation = Operation{
	ID: "o", Action: Tag, State: "RUNNING", By: OperationAuthor{"k", "CI"}, Named: 2,
	Counts: OperationCounts{Matched: 4, Pending: 1, Done: 1, Unchanged: 1, Failed: 1, NotFound: 3},
	Errors: []JobError{{"j", "m"}}, CreatedAt: 1, MatchedAt: new(int64(2)),
}

func TestOperationCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		exchange
		call func(*Client) (any, error)
		want any
	}{
		"by filter": {exchange{request: "POST /jobs/bulk", contentType: typeJSON, once: `"x"`,
			body:   `{"action":"PAUSE","query":{"isActive":true,"failing":false,"tag":"a","host":"h"}}`,
			answer: answer{202, typeJSON, operationJSON, nil}},
			func(c *Client) (any, error) {
				return c.Jobs.Bulk(WithIdempotencyKey(t.Context(), "x"), Bulk{Action: Pause,
					Filter: JobFilter{Active: new(true), Failing: new(false), Tag: "a", Host: "h"}})
			}, wantOperation},
		"by ids": {exchange{request: "POST /jobs/bulk", contentType: typeJSON,
			body:   `{"action":"TAG","ids":["1","2"],"tags":{"add":["a"],"remove":["b"]}}`,
			answer: answer{202, typeJSON, operationJSON, nil}},
			func(c *Client) (any, error) {
				return c.Jobs.Bulk(t.Context(), Bulk{Action: Tag, IDs: []string{"1", "2"}, AddTags: []string{"a"},
					RemoveTags: []string{"b"}})
			}, wantOperation},
		"of all": {exchange{request: "POST /jobs/bulk", contentType: typeJSON,
			body: `{"action":"DELETE","query":{},"all":true}`, answer: answer{202, typeJSON, operationJSON, nil}},
			func(c *Client) (any, error) { return c.Jobs.Bulk(t.Context(), Bulk{Action: Delete, All: true}) },
			wantOperation},
		"get": {exchange{request: "GET /operations/o", answer: ok(operationJSON)},
			func(c *Client) (any, error) { return c.Operations.Get(t.Context(), "o") }, wantOperation},
		"cancel": {exchange{request: "POST /operations/o/cancel", answer: ok(operationJSON)},
			func(c *Client) (any, error) { return c.Operations.Cancel(t.Context(), "o") }, wantOperation},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.call(tc.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, got, tc.want)
		})
	}
}

// TestPagesOfADryRunAreAdded: the server counts as far as one request may.
func TestPagesOfADryRunAreAdded(t *testing.T) {
	answers := []string{`{"count":7,"notFound":1,"jobs":[{"id":"1","name":"n","namespace":"d","isActive":true}],
		"nextCursor":"A"}`, `{"count":3,"jobs":[]}`}
	var cursors []string
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		var sent struct {
			DryRun bool   `json:"dryRun"`
			Cursor string `json:"cursor"`
		}
		text, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(text, &sent) != nil || !sent.DryRun {
			t.Errorf("%s, %v", text, err)
		}
		cursors = append(cursors, sent.Cursor)
		ok(answers[len(cursors)-1]).write(w)
	})
	got, err := c.Jobs.DryRun(t.Context(), Bulk{Action: Pause, Filter: JobFilter{Tag: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, DryRun{Count: 10, NotFound: 1, Jobs: []ShownJob{{"1", "n", "d", true}}})
	equal(t, cursors, []string{"", "A"})
}

// TestWaitEndsWithTheOperation, and tells each answer until then.
func TestWaitEndsWithTheOperation(t *testing.T) {
	states := []string{`{"id":"o","state":"MATCHING","endedAt":null}`, `{"id":"o","state":"RUNNING","endedAt":null}`,
		`{"id":"o","state":"DONE","endedAt":9}`}
	asked := 0
	c := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		ok(states[asked]).write(w)
		asked++
	})
	var seen []string
	got, err := c.Operations.Wait(t.Context(), "o", time.Millisecond,
		func(o *Operation) { seen = append(seen, o.State) })
	if err != nil || got.State != "DONE" || !got.Ended() {
		t.Errorf("%+v, %v", got, err)
	}
	equal(t, seen, []string{"MATCHING", "RUNNING", "DONE"})
}

func TestOperationsAreListedByPages(t *testing.T) {
	b := &pageServer{pages: []string{`{"operations":[{"id":"2"}],"nextCursor":"A"}`, `{"operations":[{"id":"1"}]}`}}
	got, err := collect(b.serve(t).Operations.List(t.Context(), 1), 0)
	if err != nil || len(got) != 2 || got[1].ID != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	equal(t, b.asked, []string{"/operations?limit=1", "/operations?cursor=A&limit=1"})
}
