package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func tagged(tag string) string {
	return strings.TrimSuffix(minimal, "}") + `,"tags":["` + tag + `"]}`
}

// begins begins an operation.
func begins(t *testing.T, h http.Handler, body string) operationBody {
	t.Helper()
	var o operationBody
	res := call(t, h, "POST", "/jobs/bulk", body)
	res.into(t, 202, &o)
	if at := res.Header.Get("Location"); at != "/operations/"+o.ID {
		t.Errorf("Location %q of operation %s", at, o.ID)
	}
	return o
}

func operationOf(t *testing.T, h http.Handler, id string) (o operationBody) {
	t.Helper()
	call(t, h, "GET", "/operations/"+id, "").into(t, 200, &o)
	return o
}

// ended waits for the end of an operation.
func ended(t *testing.T, h http.Handler, id string) operationBody {
	t.Helper()
	until(t, h, "/operations/"+id, func(text string) bool { return !strings.Contains(text, `"endedAt":null`) })
	return operationOf(t, h, id)
}

// TestBulkOfARealEngine: an operation is carried out over the real engine and store, and the
// trail says what it has done.
func TestBulkOfARealEngine(t *testing.T) {
	h, x := realOfAdmin(t)
	other := create(t, h, never)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = create(t, h, strings.TrimSuffix(never, "}")+`,"tags":["a"]}`)
	}
	o := ended(t, h, begins(t, h, `{"action":"PAUSE","query":{"tag":"a"}}`).ID)
	if want := (countsBody{Matched: 3, Done: 3}); o.State != domain.OperationDone || o.Counts != want ||
		o.Query.Tag != "a" || o.MatchedAt == nil || o.By.Key != domain.AuthorEnv {
		t.Errorf("%+v", o)
	}
	var paused jobsBody
	call(t, h, "GET", "/jobs?isActive=false", "").into(t, 200, &paused)
	if len(paused.Jobs) != 3 {
		t.Errorf("%d jobs are paused", len(paused.Jobs))
	}
	trail := changesOf(t, h, "?operationId="+o.ID)
	for i, c := range trail.Changes {
		own := i == len(trail.Changes)-1
		if *c.OperationID != o.ID || (c.Action == domain.ActionBulk) != own ||
			own && (*c.Count != 3 || c.Detail != "PAUSE tag=a") || !own && c.Action != domain.ActionUpdate {
			t.Errorf("entry %d: %+v", i, c)
		}
	}
	if len(trail.Changes) != 4 {
		t.Errorf("%d entries", len(trail.Changes))
	}

	o = ended(t, h, begins(t, h, `{"action":"TRIGGER","ids":["`+ids[0]+`","`+ids[0]+`","`+ids[2]+`"]}`).ID)
	for range 2 {
		<-x.called
		x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	}
	if want := (countsBody{Matched: 2, Done: 2}); o.Counts != want || *o.Named != 2 || o.Query != nil {
		t.Errorf("%+v", o)
	}
	o = ended(t, h, begins(t, h, `{"action":"TAG","tags":{"add":[" b "],"remove":["a"]},
		"query":{"isActive":false}}`).ID)
	if o.Counts.Done != 3 || o.Tags.Add[0] != "b" {
		t.Errorf("%+v", o)
	}
	o = ended(t, h, begins(t, h, `{"action":"DELETE","query":{"tag":"b","host":"example.com"}}`).ID)
	if o.Counts.Done != 3 {
		t.Errorf("%+v", o)
	}
	o = ended(t, h, begins(t, h, `{"action":"RESUME","query":{},"all":true}`).ID)
	if want := (countsBody{Matched: 1, Unchanged: 1}); o.Counts != want {
		t.Errorf("%+v", o)
	}
	call(t, h, "GET", "/jobs/"+other, "").into(t, 200, &struct{}{})
	var list operationsBody
	call(t, h, "GET", "/operations?limit=2", "").into(t, 200, &list)
	var next operationsBody
	call(t, h, "GET", "/operations?limit=50&cursor="+list.NextCursor, "").into(t, 200, &next)
	if len(list.Operations) != 2 || list.Operations[0].ID != o.ID || len(next.Operations) != 3 ||
		next.NextCursor != "" {
		t.Errorf("%+v and %+v", list, next)
	}
}

// TestBulkDryRun: a dry run counts and shows jobs, in pages, and changes nothing.
func TestBulkDryRun(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for i := range 25 {
		create(t, h, tagged(fmt.Sprint("t", i%2)))
	}
	dry := func(rest string) (b dryRunBody) {
		t.Helper()
		call(t, h, "POST", "/jobs/bulk", `{"action":"DELETE","dryRun":true,`+rest+`}`).into(t, 200, &b)
		return b
	}
	if b := dry(`"query":{"tag":"t0"}`); b.Count != 13 || len(b.Jobs) != 13 || b.NextCursor != "" ||
		!b.Jobs[0].IsActive {
		t.Errorf("%+v", b)
	}
	all := dry(`"query":{},"all":true`)
	if all.Count != 25 || len(all.Jobs) != shownJobs || all.Jobs[0].Namespace != "default" {
		t.Errorf("%+v", all)
	}
	unknown := domain.NewJobID(1).String()
	if b := dry(`"ids":["` + all.Jobs[3].ID + `","` + unknown + `"]`); b.Count != 1 || b.NotFound != 1 ||
		b.Jobs[0].ID != all.Jobs[3].ID {
		t.Errorf("%+v", b)
	}
	var list operationsBody
	call(t, h, "GET", "/operations", "").into(t, 200, &list)
	if len(list.Operations) != 0 || f.count(t) != 25 {
		t.Errorf("%+v, %d jobs", list, f.count(t))
	}
}

// TestBulkBadInput: what is not meant is refused by name, and nothing is begun.
func TestBulkBadInput(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	many := strings.Repeat(`"`+id+`",`, 1_000) + `"` + id + `"`
	for body, field := range map[string]string{
		`{}`: "action", `{"action":"pause","query":{"tag":"a"}}`: "action",
		`{"action":null,"query":{"tag":"a"}}`:                                      "action",
		`{"action":"PAUSE"}`:                                                       "query",
		`{"action":"PAUSE","query":{}}`:                                            "query",
		`{"action":"DELETE","query":{},"all":false}`:                               "query",
		`{"action":"DELETE","query":{"tag":"a"},"all":true}`:                       "all",
		`{"action":"DELETE","ids":["` + id + `"],"all":true}`:                      "all",
		`{"action":"PAUSE","query":{"tag":"a"},"ids":["` + id + `"]}`:              "ids",
		`{"action":"PAUSE","ids":[]}`:                                              "ids",
		`{"action":"PAUSE","ids":[` + many + `]}`:                                  "ids",
		`{"action":"PAUSE","ids":["x"]}`:                                           "ids[0]",
		`{"action":"PAUSE","ids":[null]}`:                                          "ids[0]",
		`{"action":"PAUSE","query":{"tag":""}}`:                                    "query.tag",
		`{"action":"PAUSE","query":{"tag":" "}}`:                                   "query.tag",
		`{"action":"PAUSE","query":{"name":null}}`:                                 "query.name",
		`{"action":"PAUSE","query":{"isActive":"yes"}}`:                            "query.isActive",
		`{"action":"PAUSE","query":{"namespace":"A"}}`:                             "query.namespace",
		`{"action":"PAUSE","query":{"host":"a b"}}`:                                "query.host",
		`{"action":"PAUSE","query":{"q":"a"}}`:                                     "query.q",
		`{"action":"PAUSE","query":[]}`:                                            "query",
		`{"action":"TAG","query":{"tag":"a"}}`:                                     "action",
		`{"action":"TAG","query":{"tag":"a"},"tags":{}}`:                           "tags",
		`{"action":"TAG","query":{"tag":"a"},"tags":{"add":["b"],"remove":["b"]}}`: "tags.remove[0]",
		`{"action":"TAG","query":{"tag":"a"},"tags":{"add":["\u202e"]}}`:           "tags.add[0]",
		`{"action":"PAUSE","query":{"tag":"a"},"tags":{"add":["b"]}}`:              "tags",
		`{"action":"PAUSE","query":{"tag":"a"},"cursor":"x"}`:                      "cursor",
		`{"action":"PAUSE","query":{"tag":"a"},"cursor":"x","dryRun":true}`:        "cursor",
		`{"action":"PAUSE","query":{"tag":"a"},"dry":true}`:                        "dry",
	} {
		p := call(t, h, "POST", "/jobs/bulk", body).problem(t, 422)
		if len(p.Errors) == 0 || p.Errors[0].Field != field {
			t.Errorf("%.100s: %+v, want %s", body, p.Errors, field)
		}
	}
	var list operationsBody
	call(t, h, "GET", "/operations", "").into(t, 200, &list)
	if len(list.Operations) != 0 {
		t.Errorf("%+v", list)
	}
	call(t, h, "GET", "/operations/x", "").problem(t, 400)
	call(t, h, "GET", "/operations/"+id, "").problem(t, 404)
	call(t, h, "POST", "/operations/"+id+"/cancel", "").problem(t, 404)
	for range domain.MaxCallerOperations {
		begins(t, h, `{"action":"PAUSE","query":{"tag":"a"}}`)
	}
	call(t, h, "POST", "/jobs/bulk", `{"action":"PAUSE","query":{"tag":"a"}}`).problem(t, 409)
}

// TestBulkInANamespace: a confined key neither changes nor counts jobs of others, nor sees
// their operations.
func TestBulkInANamespace(t *testing.T) {
	w := newTenants(t)
	var counted dryRunBody
	call(t, w.billing, "POST", "/jobs/bulk", `{"action":"DELETE","query":{},"all":true,"dryRun":true}`).
		into(t, 200, &counted)
	if counted.Count != 1 || len(counted.Jobs) != 1 || counted.Jobs[0].ID != w.ours || counted.NextCursor != "" {
		t.Errorf("%+v", counted)
	}
	unknown := domain.NewJobID(1).String()
	for _, id := range []string{w.theirs, unknown} {
		var b dryRunBody
		call(t, w.billing, "POST", "/jobs/bulk", `{"action":"DELETE","ids":["`+id+`"],"dryRun":true}`).into(t, 200, &b)
		if b.Count != 0 || b.NotFound != 1 || len(b.Jobs) != 0 {
			t.Errorf("%s: %+v", id, b)
		}
		if o := begins(t, w.billing, `{"action":"DELETE","ids":["`+id+`"]}`); o.Counts != (countsBody{NotFound: 1}) ||
			o.Namespace != "billing" {
			t.Errorf("%s: %+v", id, o)
		}
	}
	call(t, w.billing, "POST", "/jobs/bulk", `{"action":"DELETE","query":{"namespace":"default"}}`).problem(t, 403)
	mine := begins(t, w.billing, `{"action":"PAUSE","query":{},"all":true}`)
	theirs := begins(t, w.admin, `{"action":"TAG","tags":{"add":["x"]},"query":{"namespace":"default"}}`)

	runs(t, w.bulk)
	if o := ended(t, w.billing, mine.ID); o.Counts != (countsBody{Matched: 1, Done: 1}) {
		t.Errorf("%+v", o)
	}
	if o := ended(t, w.admin, theirs.ID); o.Counts != (countsBody{Matched: 1, Done: 1}) {
		t.Errorf("%+v", o)
	}
	for path, method := range map[string]string{"": "GET", "/cancel": "POST"} {
		hidden := call(t, w.billing, method, "/operations/"+theirs.ID+path, "").problem(t, 404)
		none := call(t, w.billing, method, "/operations/"+unknown+path, "").problem(t, 404)
		if strings.ReplaceAll(hidden.Detail, theirs.ID, unknown) != none.Detail {
			t.Errorf("%+v, and of none %+v", hidden, none)
		}
	}
	var list operationsBody
	call(t, w.billing, "GET", "/operations", "").into(t, 200, &list)
	for _, o := range list.Operations {
		if o.Namespace != "billing" {
			t.Errorf("%+v", o)
		}
	}
	if len(list.Operations) != 3 {
		t.Errorf("%d operations", len(list.Operations))
	}
	for id, active := range map[string]bool{w.ours: false, w.theirs: true} {
		var j struct{ IsActive bool }
		call(t, w.admin, "GET", "/jobs/"+id, "").into(t, 200, &j)
		if j.IsActive != active {
			t.Errorf("job %s is active: %t", id, j.IsActive)
		}
	}
	call(t, w.admin, "GET", "/operations/"+mine.ID, "").into(t, 200, &operationBody{})
}

// TestBulkOnce: the same request begins one operation, and is answered with that.
func TestBulkOnce(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	create(t, h, minimal)
	again(t, h, "POST", "/jobs/bulk", `{"action":"PAUSE","query":{},"all":true}`, 202)
	var list operationsBody
	call(t, h, "GET", "/operations", "").into(t, 200, &list)
	if len(list.Operations) != 1 {
		t.Errorf("%d operations", len(list.Operations))
	}
	res := call(t, h, "POST", "/jobs/bulk", `{"action":"RESUME","query":{},"all":true}`,
		"Idempotency-Key: 8e03978e-40d5")
	if res.StatusCode != 422 || !strings.Contains(res.text, kindKeyReused.slug) {
		t.Errorf("another request: %d %s", res.StatusCode, res.text)
	}
	// A dry run makes nothing, so that it is not kept.
	for i := range 2 {
		var b dryRunBody
		res := call(t, h, "POST", "/jobs/bulk", `{"action":"PAUSE","query":{},"all":true,"dryRun":true}`,
			"Idempotency-Key: dry")
		if res.into(t, 200, &b); b.Count != 1+i || res.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%+v", b)
		}
		create(t, h, minimal)
	}
}

// TestBulkCancel: a request ends an operation, and the trail says who made it.
func TestBulkCancel(t *testing.T) {
	k := newKeyed(t)
	admin, editor := withKey{k, k.keys[domain.RoleAdmin]}, withKey{k, k.keys[domain.RoleEditor]}
	create(t, editor, minimal)
	o := begins(t, editor, `{"action":"PAUSE","query":{},"all":true}`)
	var asked operationBody
	call(t, admin, "POST", "/operations/"+o.ID+"/cancel", "").into(t, 200, &asked)
	if asked.CancelRequestedAt == nil || asked.EndedAt != nil || asked.State != domain.OperationMatching {
		t.Errorf("%+v", asked)
	}
	runs(t, k.f.bulk)
	if got := ended(t, editor, o.ID); got.State != domain.OperationCancelled || got.Counts.Done != 0 {
		t.Errorf("%+v", got)
	}
	call(t, editor, "POST", "/operations/"+o.ID+"/cancel", "").into(t, 200, &asked)
	call(t, admin, "GET", "/audit/changes?operationId="+o.ID+"&jobId="+o.ID, "").problem(t, 400)
	trail := changesOf(t, admin, "?operationId="+o.ID)
	if len(trail.Changes) != 2 || trail.Changes[0].Action != domain.ActionCancel ||
		trail.Changes[0].By.Key != k.ids[domain.RoleAdmin] || trail.Changes[1].By.Key != k.ids[domain.RoleEditor] {
		t.Errorf("%+v", trail.Changes)
	}
}
