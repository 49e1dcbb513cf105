package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

const byKey = "/jobs/by-key/a.1:b_c-d"

// withJobKey returns the document of a job with a key.
func withJobKey(key string, more ...string) string {
	return strings.TrimSuffix(minimal, "}") + strings.Join(append([]string{`,"key":"` + key + `"`}, more...), ",") + "}"
}

// TestJobsByKey: a job is made, read, changed, run and deleted by its key, and PUT says which of
// the two it has done.
func TestJobsByKey(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	call(t, h, "GET", byKey, "").problem(t, 404)
	call(t, h, "DELETE", byKey, "").problem(t, 404)
	call(t, h, "POST", byKey+"/trigger", "").problem(t, 404)
	for _, c := range [][2]string{{"PATCH", ""}, {"POST", "/pause"}, {"POST", "/resume"}, {"GET", "/executions"}} {
		body := ""
		if c[0] == "PATCH" {
			body = "{}"
		}
		call(t, h, c[0], byKey+c[1], body).problem(t, 404)
	}
	first := call(t, h, "PUT", byKey, minimal)
	id := first.id(t)
	if first.Header.Get("Location") != "/jobs/"+id || !strings.Contains(first.text, `"key":"a.1:b_c-d"`) {
		t.Errorf("%v %s", first.Header, first.text)
	}
	again := call(t, h, "PUT", byKey, minimal)
	var out savedBody
	if again.into(t, 200, &out); out.JobID != id || out.Version != 1 || f.count(t) != 1 {
		t.Errorf("%+v, %d jobs", out, f.count(t))
	}
	call(t, h, "PUT", byKey, `{"name":"changed"}`).into(t, 200, &out)
	if out.JobID != id || out.Version != 2 || out.Spec.Name != "changed" || out.Spec.API == "" {
		t.Errorf("%+v", out)
	}
	if res := call(t, h, "GET", "/v1"+byKey, ""); res.StatusCode != 200 {
		t.Errorf("/v1: %d %s", res.StatusCode, res.text)
	}
	byID, keyed := call(t, h, "GET", "/jobs/"+id, ""), call(t, h, "GET", byKey, "")
	if byID.text != keyed.text || keyed.StatusCode != 200 || keyed.Header.Get("ETag") != byID.Header.Get("ETag") {
		t.Errorf("by id\n%s\nby key\n%s", byID.text, keyed.text)
	}
	call(t, h, "PUT", byKey, keyed.text).into(t, 200, &out)
	if out.Version != 2 {
		t.Errorf("the whole document made version %d", out.Version)
	}
	if tag := keyed.Header.Get("ETag"); call(t, h, "GET", byKey, "", "If-None-Match: "+tag).StatusCode != 304 {
		t.Error("no 304")
	}
	var ran triggeredBody
	if call(t, h, "POST", byKey+"/trigger", "").into(t, 202, &ran); ran.JobID != id || ran.ExecutionID == "" {
		t.Errorf("%+v", ran)
	}
	var list jobsBody
	if call(t, h, "GET", "/jobs?key=a.1:b_c-d", "").into(t, 200, &list); len(list.Jobs) != 1 || list.Jobs[0].ID != id {
		t.Errorf("%+v", list)
	}
	if res := call(t, h, "GET", "/jobs/export?key=a.1:b_c-d", ""); strings.Count(res.text, "\n") != 1 {
		t.Error(res.text)
	}
	call(t, h, "DELETE", byKey, "").into(t, 200, &struct{}{})
	call(t, h, "PUT", byKey, keyed.text).problem(t, 409)
	if other := call(t, h, "PUT", byKey, minimal).id(t); other == id {
		t.Error("the deleted job is back")
	}
}

// TestConditionsByKey: they are evaluated for the job that has the key, and where there is none.
func TestConditionsByKey(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, c := range []struct {
		method, path, body, header string
		status                     int
	}{
		{"PUT", byKey, minimal, "If-Match: *", 412},
		{"PUT", byKey, minimal, `If-Match: "1"`, 412},
		{"PUT", byKey, minimal, "If-None-Match: x", 400},
		{"PUT", byKey, minimal, "If-None-Match: *", 201},
		{"PUT", byKey, minimal, "If-None-Match: *", 412},
		{"PUT", byKey, `{"name":"a"}`, "If-Match: *", 200},
		{"PUT", byKey, `{"name":"b"}`, `If-Match: "1"`, 412},
		{"PUT", byKey, `{"name":"b"}`, `If-Match: "1", "2"`, 200},
		{"PUT", byKey, `{"name":"c"}`, `If-None-Match: "3"`, 412},
		{"PUT", byKey, `{"name":"c"}`, `If-None-Match: "2"`, 200},
		{"GET", byKey, "", `If-Match: "1"`, 412},
		{"POST", byKey + "/trigger", "", `If-Match: "1"`, 412},
		{"POST", byKey + "/trigger", "", `If-Match: "4"`, 202},
		{"DELETE", byKey, "", `If-Match: "3"`, 412},
		{"DELETE", byKey, "", `If-Match: "4"`, 200},
		{"DELETE", byKey, "", `If-Match: "4"`, 404},
	} {
		if res := call(t, h, c.method, c.path, c.body, c.header); res.StatusCode != c.status {
			t.Errorf("%s %s with %s: %d, want %d: %s", c.method, c.path, c.header, res.StatusCode, c.status, res.text)
		}
	}
}

// TestWrongKeys: what cannot be a key, or is another's, is refused by the name of the field,
// and nothing is made or changed.
func TestWrongKeys(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	holder := create(t, h, withJobKey("taken"))
	plain := create(t, h, minimal)
	for _, c := range []struct {
		method, path, body string
		status             int
		field              string
	}{
		{"POST", "/jobs", withJobKey("taken"), 409, "key"},
		{"PUT", "/jobs/" + plain, `{"key":"taken"}`, 409, "key"},
		{"PATCH", "/jobs/" + plain, `{"spec":{"key":"taken"}}`, 409, "spec.key"},
		{"POST", "/jobs", withJobKey("a/b"), 422, "key"},
		{"POST", "/jobs", withJobKey(""), 422, "key"},
		{"POST", "/jobs", withJobKey(strings.Repeat("x", 129)), 422, "key"},
		{"PUT", "/jobs/by-key/a%2Fb", minimal, 400, "key"},
		{"GET", "/jobs/by-key/-a", "", 400, "key"},
		{"GET", "/jobs?key=a%20b", "", 400, "key"},
		{"GET", "/jobs/by-key/a?namespace=A", "", 400, "namespace"},
		{"PUT", "/jobs/by-key/new", withJobKey("other"), 422, "key"},
		{"PUT", "/jobs/by-key/taken", `{"key":"other"}`, 422, "key"},
		{"PUT", "/jobs/by-key/taken", `{"key":null}`, 422, "key"},
		{"PUT", "/jobs/by-key/new", strings.Replace(minimal, "{", `{"namespace":"b",`, 1), 422, "namespace"},
		{"PUT", "/jobs/by-key/new", `{"spec":{"schedule":"x"}}`, 422, "spec.schedule"},
	} {
		p := call(t, h, c.method, c.path, c.body).problem(t, c.status)
		if !slices.Contains(p.fields(), c.field) {
			t.Errorf("%s %s %s: fields %v, want %s", c.method, c.path, c.body, p.fields(), c.field)
		}
		if c.status == 409 && !strings.Contains(p.Errors[0].Message, holder) {
			t.Errorf("%s %s does not say whose the key is: %+v", c.method, c.path, p)
		}
	}
	if p := call(t, h, "PUT", "/jobs/"+plain, `{"key":"taken"}`, `If-Match: "1"`).problem(t,
		409); p.Code != "conflict" {
		t.Errorf("with a condition: %+v", p)
	}
	if n := f.count(t); n != 2 {
		t.Errorf("%d jobs", n)
	}
	for _, path := range []string{"/jobs/by-key", "/jobs/by-key/", "/jobs/by-key/a/halt", "/jobs/by-key/a/b/c"} {
		if res := call(t, h, "GET", path, ""); res.StatusCode != 404 && res.StatusCode != 400 {
			t.Errorf("GET %s: %d", path, res.StatusCode)
		}
	}
	res := call(t, h, "OPTIONS", "/jobs/by-key/executions", "")
	if allow := res.Header.Get("Allow"); allow != "DELETE, GET, HEAD, OPTIONS, PATCH, PUT" {
		t.Errorf("%d, Allow %s", res.StatusCode, allow)
	}
	if res := call(t, h, "POST", "/jobs/by-key/a", "{}"); res.StatusCode != 405 {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// TestKeysOfNamespaces: each namespace has its own, and a confined key sees no others.
func TestKeysOfNamespaces(t *testing.T) {
	w := newTenants(t)
	mine := call(t, w.billing, "PUT", byKey, minimal).id(t)
	other := call(t, w.admin, "PUT", byKey, minimal).id(t)
	if mine == other {
		t.Fatal("one job for two namespaces")
	}
	var got struct{ ID string }
	if call(t, w.admin, "GET", byKey+"?namespace=billing", "").into(t, 200, &got); got.ID != mine {
		t.Errorf("%s, want %s", got.ID, mine)
	}
	if call(t, w.admin, "GET", byKey, "").into(t, 200, &got); got.ID != other {
		t.Errorf("%s, want %s", got.ID, other)
	}
	if call(t, w.billing, "GET", byKey, "").into(t, 200, &got); got.ID != mine {
		t.Errorf("%s, want %s", got.ID, mine)
	}
	call(t, w.billing, "GET", byKey+"?namespace=default", "").problem(t, 403)
	call(t, w.billing, "DELETE", byKey+"?namespace=default", "").problem(t, 403)
	call(t, w.billing, "PUT", byKey+"?namespace=default", minimal).problem(t, 403)
	for want, h := range map[int]withKey{2: w.admin, 1: w.billing} {
		var list jobsBody
		if call(t, h, "GET", "/jobs?key=a.1:b_c-d", "").into(t, 200, &list); len(list.Jobs) != want {
			t.Errorf("%d jobs, want %d", len(list.Jobs), want)
		}
	}
}

// TestOneOfManyPuts: a hundred clients put one key at once. One makes the job.
func TestOneOfManyPuts(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.LineWait = time.Minute })
	f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.Delay, Delay: 20 * time.Millisecond})
	answers := make(chan answer, 100)
	var wait sync.WaitGroup
	for i := range cap(answers) {
		wait.Go(func() {
			answers <- call(t, h, "PUT", byKey, strings.Replace(minimal, "{", fmt.Sprintf(`{"name":"%d",`, i), 1))
		})
	}
	wait.Wait()
	close(answers)
	made, ids, versions := 0, map[string]bool{}, map[int]bool{}
	for res := range answers {
		var out savedBody
		if res.StatusCode == http.StatusCreated {
			made++
		} else if res.StatusCode != http.StatusOK {
			t.Errorf("%d %s", res.StatusCode, res.text)
		}
		res.into(t, res.StatusCode, &out)
		ids[out.JobID], versions[out.Version] = true, true
	}
	if made != 1 || len(ids) != 1 || len(versions) != 100 || f.count(t) != 1 {
		t.Errorf("%d made, %d ids, %d versions, %d jobs", made, len(ids), len(versions), f.count(t))
	}
}

// TestPutsAndDeletes: who makes, changes and deletes the job of one key at the same time gets
// answers that are true, and in the end the job is there or not, once.
func TestPutsAndDeletes(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.LineWait = time.Minute })
	var wait sync.WaitGroup
	for i := range 60 {
		wait.Go(func() {
			method, body, wants := "PUT", minimal, []int{200, 201}
			if i%3 == 0 {
				method, body, wants = "DELETE", "", []int{200, 404}
			}
			if res := call(t, h, method, byKey, body); !slices.Contains(wants, res.StatusCode) {
				t.Errorf("%s: %d %s", method, res.StatusCode, res.text)
			}
		})
	}
	wait.Wait()
	call(t, h, "PUT", byKey, minimal)
	if f.count(t) != 1 {
		t.Errorf("%d jobs", f.count(t))
	}
}

// TestPutsOfUnknownOutcome: the store does not say what became of the first one. The second one
// waits for that, and makes the job then, once.
func TestPutsOfUnknownOutcome(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		f := newFixture(t)
		h := newAPI(t, f)
		f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: fault, Times: 1})
		f.store.Add(faulty.Rule{Method: "Jobs.Get", Fault: faulty.FailBefore, Times: 1})
		call(t, h, "PUT", byKey, minimal).problem(t, 503)
		id := call(t, h, "PUT", byKey, minimal).id(t)
		var job struct{ NextFireAt *int64 }
		call(t, h, "GET", byKey, "").into(t, 200, &job)
		if parsed, _ := domain.ParseJobID(id); job.NextFireAt == nil || f.count(t) != 1 || parsed.IsZero() {
			t.Errorf("%v: %d jobs, next fire %v", fault, f.count(t), job.NextFireAt)
		}
	}
}

// TestEditsByKey: a job is patched, paused and resumed by its key, under the conditions of others, and
// its executions are listed.
func TestEditsByKey(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := call(t, h, "PUT", byKey, laidOver(`"headers":{"X-A":"1","X-B":"2"}`)).id(t)
	f.record(t, historyOf(jobID(t, id))...)
	var out savedBody
	for _, c := range []struct {
		method, path, body, tag string
		version                 int
		active                  bool
		message                 string
	}{
		{"PATCH", "", `{"headers":{"X-A":null},"key":"a.1:b_c-d"}`, `"1"`, 2, true, "Job updated"},
		{"PATCH", "", `{"spec":{"name":"n"}}`, "*", 3, true, "Job updated"},
		{"POST", "/pause", "", `"3"`, 4, false, "Job paused"},
		{"POST", "/pause", "", `"4"`, 4, false, "Job was paused already"},
		{"POST", "/resume", "", `"4"`, 5, true, "Job resumed"},
		{"POST", "/resume", "", "", 5, true, "Job was active already"},
	} {
		var head []string
		if c.tag != "" {
			head = []string{"If-Match: " + c.tag}
		}
		call(t, h, c.method, byKey+c.path, c.body, head...).into(t, 200, &out)
		if out.JobID != id || out.Version != c.version || out.IsActive != c.active || out.Message != c.message {
			t.Errorf("%s %s: %+v", c.method, c.path, out)
		}
	}
	if out.Spec.Headers["X-A"] != "" || out.Spec.Headers["X-B"] != "2" || out.Spec.Name != "n" {
		t.Errorf("%+v", out.Spec)
	}
	for _, c := range []struct {
		path, body string
		status     int
		field      string
	}{
		{"", `{"key":"other"}`, 422, "key"}, {"", `{"spec":{"key":null}}`, 422, "spec.key"},
		{"", `{"version":1,"name":"x"}`, 409, "version"}, {"", `{"schedule":"x"}`, 422, "schedule"},
		{"?namespace=B", `{}`, 400, "namespace"}, {"?keepSecrets=1", `{}`, 400, "keepSecrets"},
	} {
		p := call(t, h, "PATCH", byKey+c.path, c.body).problem(t, c.status)
		if !slices.Equal(p.fields(), []string{c.field}) {
			t.Errorf("PATCH %s %s names %v", c.path, c.body, p.fields())
		}
	}
	for _, path := range []string{"", "/pause", "/resume"} {
		method, body := "POST", ""
		if path == "" {
			method, body = "PATCH", `{"name":"x"}`
		}
		call(t, h, method, byKey+path, body, `If-Match: "1"`).problem(t, 412)
	}
	for query, want := range map[string]string{"": "FAILED SUCCESS MISSED", "?status=FAILED&limit=1": "FAILED",
		"?limit=1": "FAILED SUCCESS MISSED"} {
		if got := walk(t, h, byKey+"/executions"+query, "executions", "status"); strings.Join(got, " ") != want {
			t.Errorf("executions%s: %v", query, got)
		}
	}
	w := newTenants(t)
	call(t, w.admin, "PUT", "/jobs/by-key/theirs", minimal).id(t)
	for _, c := range [][3]string{{"PATCH", "", "{}"}, {"POST", "/pause", ""}, {"GET", "/executions", ""}} {
		call(t, w.billing, c[0], "/jobs/by-key/theirs"+c[1], c[2]).problem(t, 404)
		call(t, w.billing, c[0], "/jobs/by-key/theirs"+c[1]+"?namespace=default", c[2]).problem(t, 403)
	}
}
