package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// tenants is an API with a job in each of two namespaces, and an editor's key
// that is confined to one of them.
type tenants struct {
	*fake
	admin, billing withKey
	ours, theirs   string // ids of jobs
}

func newTenants(t *testing.T) *tenants {
	t.Helper()
	f := newFake()
	var key string
	h := newAPI(t, f, func(c *Config) {
		c.Keys = ring(t, f, key1)
		var err error
		if key, _, err = c.Keys.Create(t.Context(), domain.APIKey{Name: "CI", Role: domain.RoleEditor,
			Namespace: "billing"}); err != nil {
			t.Fatal(err)
		}
	})
	w := &tenants{fake: f, admin: withKey{h, key1}, billing: withKey{h, key}}
	w.ours = create(t, w.billing, minimal)
	w.theirs = create(t, w.admin, minimal)
	return w
}

func (w *tenants) id(t *testing.T, text string) domain.JobID {
	t.Helper()
	id, err := domain.ParseJobID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// record puts n facts of a job into the history, one a second from the instant,
// all of them failures with an alert each.
func (w *tenants) record(t *testing.T, job string, from int64, n int) {
	t.Helper()
	id := w.id(t, job)
	for i := range int64(n) {
		e := domain.Execution{
			FireKey: domain.FireKey{JobID: id, ScheduledAt: from + i*1000}, Version: 1, Status: domain.StatusFailed,
			StartedAt: from + i*1000, CompletedAt: from + i*1000 + 5, Error: "canary",
		}
		w.facts = append(w.facts, e)
		w.alerts = append(w.alerts, domain.Alert{JobID: id, FirstAt: e.CompletedAt, LastAt: e.CompletedAt, Count: 1,
			Execution: e.ID()})
	}
}

// TestAJobOfOthersDoesNotExist: every path that takes a job or an execution
// answers a confined key byte for byte as if there were none.
func TestAJobOfOthersDoesNotExist(t *testing.T) {
	w := newTenants(t)
	const nobody = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	w.record(t, w.theirs, 1000, 1)
	w.record(t, w.ours, 1000, 1)
	execution := map[string]string{w.theirs: w.facts[0].ID().String(), w.ours: w.facts[1].ID().String(),
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
	// Of a deleted job the history is still its namespace's alone.
	if res := call(t, w.admin, "DELETE", "/jobs/"+w.theirs, ""); res.StatusCode != 200 {
		t.Fatal(res.text)
	}
	call(t, w.billing, "GET", "/jobs/"+w.theirs+"/executions", "").problem(t, 404)
	if j := w.jobs[w.id(t, w.theirs)]; j.Current.Number > 1 || len(w.live) != 1 {
		t.Error("the job of others was changed or triggered")
	}
}

func TestCreatingElsewhereIsRefused(t *testing.T) {
	w := newTenants(t)
	if ns := w.jobs[w.id(t, w.ours)].Current.Spec.Namespace; ns != "billing" {
		t.Errorf("a job without a namespace is in %q", ns)
	}
	if ns := w.jobs[w.id(t, w.theirs)].Current.Spec.Namespace; ns != domain.DefaultNamespace {
		t.Errorf("an admin's is in %q", ns)
	}
	before := len(w.jobs)
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
	if len(w.jobs) != before {
		t.Error("something was stored")
	}
	var b importBody
	call(t, w.billing, "POST", "/jobs/import", minimal+"\n"+laidOver(`"namespace":"billing"`),
		"Content-Type: application/x-ndjson").into(t, 200, &b)
	if b.Imported != 2 {
		t.Errorf("%+v", b)
	}
	for _, r := range b.Results {
		if ns := w.jobs[w.id(t, r.JobID)].Current.Spec.Namespace; ns != "billing" {
			t.Errorf("imported into %q", ns)
		}
	}
}

// TestListsAreSifted pages through every list with a confined key: its own jobs,
// all of them, in order, and nothing of the others, in cursors neither.
func TestListsAreSifted(t *testing.T) {
	t.Parallel()
	w := newTenants(t)
	id := w.id(t, w.theirs)
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
			if want := slices.Repeat([]string{w.ours}, 7); !slices.Equal(got, want) {
				t.Errorf("%s, limit %d: %d items in %d pages, want 7", path, limit, len(got), pages)
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
	if n := strings.Count(export.text, w.ours); export.StatusCode != 200 || n != 4 ||
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
		"/audit/changes"} {
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
