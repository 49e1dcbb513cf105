package api

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// tenants is an API with a job in each of two namespaces, and an editor's key
// that is confined to one of them.
type tenants struct {
	*fixture
	admin, billing withKey
	ours, theirs   string // ids of jobs
}

func newTenants(t *testing.T, change ...func(*engine.Config)) *tenants {
	t.Helper()
	f := newFixture(t, change...)
	var key string
	h := newAPI(t, f, func(c *Config) {
		c.Keys = ring(t, f, key1)
		var err error
		if key, _, err = c.Keys.Create(t.Context(), domain.APIKey{Name: "CI", Role: domain.RoleEditor,
			Namespace: "billing"}); err != nil {
			t.Fatal(err)
		}
	})
	w := &tenants{fixture: f, admin: withKey{h, key1}, billing: withKey{h, key}}
	w.ours = create(t, w.billing, minimal)
	w.theirs = create(t, w.admin, minimal)
	return w
}

// record puts n failures of a job on record, one a second from the instant, each with an
// alert that a success half a second later ends. It returns the id of the first.
func (w *tenants) record(t *testing.T, job string, from int64, n int) string {
	t.Helper()
	id := jobID(t, job)
	var facts []domain.Execution
	for i := range int64(n) {
		failed := domain.Execution{
			FireKey: domain.FireKey{JobID: id, ScheduledAt: from + i*1000}, Version: 1, Status: domain.StatusFailed,
			StartedAt: from + i*1000, CompletedAt: from + i*1000 + 5, Error: "canary",
		}
		recovered := failed
		recovered.ScheduledAt += 500
		recovered.StartedAt, recovered.CompletedAt = failed.StartedAt+500, failed.CompletedAt+500
		recovered.Status, recovered.Error = domain.StatusSuccess, ""
		facts = append(facts, failed, recovered)
	}
	w.fixture.record(t, facts...)
	return facts[0].ID().String()
}

// TestAJobOfOthersDoesNotExist: every path that takes a job or an execution
// answers a confined key byte for byte as if there were none.
func TestAJobOfOthersDoesNotExist(t *testing.T) {
	w := newTenants(t)
	const nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	execution := map[string]string{w.theirs: w.record(t, w.theirs, 1000, 1), w.ours: w.record(t, w.ours, 1000, 1),
		nobody: domain.NewExecutionID(domain.JobID{1}, 5, 0).String()}
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/jobs/%s", ""}, {"PUT", "/jobs/%s", `{"name":"x"}`}, {"PUT", "/jobs/%s", `{"namespace":"billing"}`},
		{"POST", "/jobs/%s/pause", ""}, {"POST", "/jobs/%s/resume", ""}, {"POST", "/jobs/%s/trigger", ""},
		{"GET", "/jobs/%s/executions", ""}, {"GET", "/executions/%s", ""}, {"DELETE", "/jobs/%s", ""},
	} {
		ask := func(id string) answer {
			if strings.HasPrefix(c.path, "/executions") {
				id = execution[id]
			}
			return call(t, w.billing, c.method, fmt.Sprintf(c.path, id), c.body)
		}
		theirs, none := ask(w.theirs), ask(nobody)
		theirs.problem(t, 404)
		hide := func(a answer) string {
			return strings.NewReplacer(w.theirs, "ID", nobody, "ID", execution[w.theirs], "ID", execution[nobody],
				"ID").Replace(a.text)
		}
		if hide(theirs) != hide(none) {
			t.Errorf("%s %s tells that the job exists:\n%s\n%s", c.method, c.path, theirs.text, none.text)
		}
		if res := ask(w.ours); res.StatusCode/100 != 2 {
			t.Errorf("%s %s of the own namespace: %d %s", c.method, c.path, res.StatusCode, res.text)
		}
	}
	if n := w.job(t, w.theirs).Current.Number; n > 1 {
		t.Errorf("the job of others was changed: version %d", n)
	}
	if all, err := w.disk.History().ByJob(t.Context(), jobID(t, w.theirs),
		store.Page{Limit: 5}); err != nil || len(all) != 2 || len(w.LiveByJob(jobID(t, w.theirs), 5)) != 0 {
		t.Errorf("the job of others was triggered: %d executions, %v", len(all), err)
	}
	// Of a deleted job the history is still its namespace's alone.
	if res := call(t, w.admin, "DELETE", "/jobs/"+w.theirs, ""); res.StatusCode != 200 {
		t.Fatal(res.text)
	}
	call(t, w.billing, "GET", "/jobs/"+w.theirs+"/executions", "").problem(t, 404)
}

func TestCreatingElsewhereIsRefused(t *testing.T) {
	w := newTenants(t)
	if ns := w.job(t, w.ours).Current.Spec.Namespace; ns != "billing" {
		t.Errorf("a job without a namespace is in %q", ns)
	}
	if ns := w.job(t, w.theirs).Current.Spec.Namespace; ns != domain.DefaultNamespace {
		t.Errorf("an admin's is in %q", ns)
	}
	before := w.count(t)
	for _, ns := range []string{`"default"`, `"shipping"`, `null`} {
		doc := laidOver(`"namespace":` + ns)
		if p := call(t, w.billing, "POST", "/jobs", doc).problem(t, 403); p.Detail != "" {
			t.Errorf("%s: %q", ns, p.Detail)
		}
		var b importBody
		call(t, w.billing, "POST", "/jobs/import", "["+doc+"]").into(t, 200, &b)
		if b.Imported != 0 || b.Results[0].Error == nil || b.Results[0].Error.Status != 403 {
			t.Errorf("import into %s: %+v", ns, b)
		}
	}
	if w.count(t) != before {
		t.Error("something was stored")
	}
	var b importBody
	call(t, w.billing, "POST", "/jobs/import", minimal+"\n"+laidOver(`"namespace":"billing"`),
		"Content-Type: application/x-ndjson").into(t, 200, &b)
	if b.Imported != 2 {
		t.Errorf("%+v", b)
	}
	for _, r := range b.Results {
		if ns := w.job(t, r.JobID).Current.Spec.Namespace; ns != "billing" {
			t.Errorf("imported into %q", ns)
		}
	}
}

// TestListsAreSifted pages through every list with a confined key: its own jobs,
// all of them, in order, and nothing of the others, in cursors neither.
func TestListsAreSifted(t *testing.T) {
	t.Parallel()
	w := newTenants(t)
	id := jobID(t, w.theirs)
	w.record(t, w.ours, 1_000_000, 3)
	w.record(t, w.theirs, 2_000_000, 25_000) // more than one answer looks at
	w.record(t, w.ours, 90_000_000, 4)
	w.record(t, w.theirs, 91_000_000, 7)
	for path, list := range map[string]string{
		"/observability/executions/recent": "executions", "/observability/executions/failed": "executions",
		"/observability/alerts": "alerts",
	} {
		limits := []int{3, 1, 1000}
		if everyDocument > 1 {
			limits = limits[:1]
		}
		for _, limit := range limits {
			var got []string
			pages := 0
			for query := fmt.Sprintf("?limit=%d", limit); ; pages++ {
				var b object
				res := call(t, w.billing, "GET", path+query, "")
				res.into(t, 200, &b)
				for _, e := range b[list].([]any) {
					e := e.(object)
					got = append(got, fmt.Sprint(e["jobId"]))
				}
				next, _ := b["nextCursor"].(string)
				if next == "" {
					break
				}
				if raw, err := base64.RawURLEncoding.DecodeString(next); err != nil ||
					strings.Contains(string(raw), string(id[:])) {
					t.Fatalf("%s: the cursor names a job of others (%v)", path, err)
				}
				query = fmt.Sprintf("?limit=%d&cursor=%s", limit, next)
			}
			want := slices.Repeat([]string{w.ours}, 7)
			if strings.HasSuffix(path, "/recent") {
				want = slices.Repeat(want, 2) // the successes too
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, limit %d: %d items in %d pages, want %d", path, limit, len(got), pages, len(want))
			}
		}
		var all object
		call(t, w.admin, "GET", path+"?limit=1000", "").into(t, 200, &all)
		if n := len(all[list].([]any)); n != 1000 {
			t.Errorf("%s: an admin sees %d", path, n)
		}
	}
	var b executionsBody
	call(t, w.billing, "GET", "/observability/executions/failed?jobId="+w.theirs, "").into(t, 200, &b)
	if len(b.Executions) != 0 {
		t.Error("the failures of a job of others are listed")
	}
	export := call(t, w.billing, "GET", "/executions/export?from=1970-01-01T00:33:19Z&to=1970-01-02T01:16:43Z", "")
	if n := strings.Count(export.text, w.ours); export.StatusCode != 200 || n != 8 ||
		strings.Count(export.text, "\n") != n {
		t.Errorf("an export of the history: %d, %d lines, %d of them ours", export.StatusCode,
			strings.Count(export.text, "\n"), n)
	}
	for query, want := range map[string]int{"": 200, "?namespace=billing": 200, "?namespace=default": 403} {
		for _, path := range []string{"/jobs", "/jobs/export"} {
			res := call(t, w.billing, "GET", path+query, "")
			if res.StatusCode != want || strings.Contains(res.text, w.theirs) ||
				want == 200 && !strings.Contains(res.text, `"namespace":"billing"`) ||
				strings.Contains(res.text, `"namespace":"default"`) {
				t.Errorf("%s%s: %d %s", path, query, res.StatusCode, res.text)
			}
		}
	}
	for query, want := range map[string]int{"": 2, "?namespace=billing": 1, "?namespace=default": 1,
		"?namespace=nobody": 0} {
		var b jobsBody
		if call(t, w.admin, "GET", "/jobs"+query, "").into(t, 200, &b); len(b.Jobs) != want {
			t.Errorf("an admin lists %d jobs of %q, want %d", len(b.Jobs), query, want)
		}
	}
}

func TestWhatTellsOfAllIsNotForTheConfined(t *testing.T) {
	w := newTenants(t)
	for _, path := range []string{"/metrics", "/observability/metrics", "/audit", "/audit?jobId=" + w.ours, "/keys",
		"/audit/changes", "/hosts", "/hosts?host=http://x.test", "//hosts/", "/%68osts"} {
		call(t, w.billing, "GET", path, "").problem(t, 403)
	}
	for _, path := range []string{"/", "/docs", "/openapi.json", "/observability/health", "/healthz"} {
		if res := call(t, w.billing, "GET", path, ""); res.StatusCode != 200 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	p := call(t, w.admin, "POST", "/keys", `{"name":"x","role":"admin","namespace":"billing"}`).problem(t, 422)
	if !slices.Equal(p.fields(), []string{"namespace"}) {
		t.Errorf("a confined admin: %v", p.fields())
	}
	call(t, w.admin, "POST", "/keys", `{"name":"x","role":"viewer","namespace":"Billing"}`).problem(t, 422)
	if list := call(t, w.admin, "GET", "/keys", "").text; !strings.Contains(list, `"namespace":"billing"`) {
		t.Error(list)
	}
}

// TestAJobDoesNotMove: over the real engine and store, for an admin too.
func TestAJobDoesNotMove(t *testing.T) {
	h, _ := newReal(t)
	id := create(t, h, strings.TrimSuffix(never, "}")+`,"namespace":"billing"}`)
	for _, body := range []string{`{"namespace":"default"}`, `{"namespace":null}`,
		`{"name":"x","namespace":"shipping"}`} {
		if p := call(t, h, "PUT", "/jobs/"+id, body).problem(t, 422); !slices.Equal(p.fields(), []string{"namespace"}) {
			t.Errorf("%s: %v", body, p.fields())
		}
	}
	if res := call(t, h, "PUT", "/jobs/"+id, `{"namespace":"billing","name":"x"}`); res.StatusCode != http.StatusOK {
		t.Errorf("its own: %s", res.text)
	}
	if text := call(t, h, "GET", "/jobs/"+id, "").text; !strings.Contains(text, `"namespace":"billing"`) {
		t.Error(text)
	}
}

// TestCursorsHideJobs: a list of jobs may end its work at a job that a confined caller must not
// know of. Its cursor does not tell the id, leads on, and ends with the process.
func TestCursorsHideJobs(t *testing.T) {
	scopeOf := func(key string) *scope {
		sc, err := newScope(nil, [][]byte{[]byte(key)})
		if err != nil {
			t.Fatal(err)
		}
		return sc
	}
	const key = "a cursor key of exactly 32 bytes"
	sc, again, other := scopeOf(key), scopeOf(key), scopeOf("another cursor key with 32 bytes")
	h := &jobListRoutes{scope: sc}
	hidden, shown := domain.NewJobID(1), domain.NewJobID(2)
	open := t.Context()
	confined := context.WithValue(open, visitorKey{}, visitor{namespace: "billing"})
	for _, c := range []struct {
		ctx    context.Context
		page   view.JobPage
		sealed bool
	}{
		{open, view.JobPage{Next: hidden}, false},
		{confined, view.JobPage{Next: hidden}, true},
		{confined, view.JobPage{Next: shown, Jobs: []view.Job{{Job: domain.Job{ID: shown}}}}, false},
		{confined, view.JobPage{Next: hidden, Jobs: []view.Job{{Job: domain.Job{ID: shown}}}}, true},
	} {
		at, err := wire.ParseCursor(wire.CursorJobs, h.scope.afterJobs(c.ctx, &c.page))
		if err != nil {
			t.Fatal(err)
		}
		if (at.Job != c.page.Next) != c.sealed {
			t.Errorf("%+v: the cursor says %v", c.page, at)
		}
		if id, err := sc.spaces.seals.openedJob(at); err != nil || id != c.page.Next {
			t.Errorf("%+v: it leads to %v, %v", c.page, id, err)
		}
		if _, err := other.spaces.seals.openedJob(at); (err != nil) != c.sealed {
			t.Errorf("%+v: with another key: %v", c.page, err)
		}
		if id, err := again.spaces.seals.openedJob(at); err != nil || id != c.page.Next {
			t.Errorf("%+v: after a restart it leads to %v, %v", c.page, id, err)
		}
	}
}
