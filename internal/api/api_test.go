package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; if that is meant, run with -update (-file +got):\n%s", file, diff)
	}
}

// answer is a response that was read.
type answer struct {
	*http.Response
	text string
}

// call sends a request to the handler. A body is sent as JSON unless header
// says otherwise ("Name: value").
func call(t testing.TB, h http.Handler, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(text)}
}

// into decodes the answer, which must have the status.
func (a answer) into(t testing.TB, status int, v any) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.text)
	}
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%v in %s", err, a.text)
	}
}

// problem decodes the answer, which must be a problem document of the status.
func (a answer) problem(t testing.TB, status int) Problem {
	t.Helper()
	var p Problem
	a.into(t, status, &p)
	if ct := a.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
	if p.Status != status || p.Title == "" || !strings.HasPrefix(p.Type, "/docs#problem-") {
		t.Errorf("not a whole problem: %s", a.text)
	}
	if problemPath+p.Code != p.Type {
		t.Errorf("the code is not that of the type: %s", a.text)
	}
	if h := a.Header; status == http.StatusTooManyRequests && p.Code != kindKeysFull.slug &&
		(h.Get("Retry-After") == "" ||
			!strings.Contains(h.Get("RateLimit"), `";r=0;t=`) || !strings.Contains(h.Get("RateLimit-Policy"), `";q=`)) {
		t.Errorf("a client is not told when to come again: %v", h)
	}
	wantFieldsForPrograms(t, p.Errors)
	return p
}

// fields returns the names of the fields that the problem is about.
func (p *Problem) fields() []string {
	var names []string
	for _, f := range p.Errors {
		names = append(names, f.Field)
	}
	slices.Sort(names)
	return names
}

const (
	minimal = `{"schedule":"0 */5 * * * *","api":"https://example.com/hook","type":"ATLEAST_ONCE"}`
	full    = `{
		"schedule":"0 30 2 * * *","api":"https://example.com/hook?x=1","type":"ATMOST_ONCE","name":"Größe","namespace":"default","tags":["a","b"],
		"timezone":"Europe/Berlin","method":"PUT","headers":{"X-A":"1"},"secretHeaders":["X-B"],"body":{"n":[1,2,{"k":null}]},"timeoutMs":500,
		"retry":{"maxRetries":1,"delayMs":2,"backoff":"FIXED","maxDelayMs":3},"overlap":"SKIP",
		"misfire":{"policy":"SKIP","maxAgeMs":5,"maxRuns":6},"startAt":1767225600000,"endAt":7000000000000,"jitterMs":9,
		"dst":{"gap":"SKIP","fold":"BOTH"},"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]},"tlsSkipVerify":true,"prepare":false,"clientCertificate":"bank","isActive":false}`
)

// create registers a job and returns its id.
func create(t testing.TB, h http.Handler, body string) string {
	t.Helper()
	var out savedBody
	call(t, h, "POST", "/jobs", body).into(t, 201, &out)
	return out.JobID
}

func TestJobLifecycle(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)

	res := call(t, h, "POST", "/jobs", minimal)
	var made savedBody
	res.into(t, 201, &made)
	if _, err := domain.ParseJobID(made.JobID); err != nil || made.EffectiveFrom != f.now()+1 ||
		made.Message != "Job created successfully" {
		t.Errorf("created: %s", res.text)
	}
	path := "/jobs/" + made.JobID
	if got := res.Header.Get("Location"); got != path {
		t.Errorf("Location %q, want %q", got, path)
	}

	var job wire.Job
	res = call(t, h, "GET", path, "")
	res.into(t, 200, &job)
	if job.ID != made.JobID || !job.IsActive || job.Version != 1 || job.NextFireAt == nil ||
		!strings.HasPrefix(res.Header.Get("ETag"), `"1-`) {
		t.Errorf("read: %s, ETag %s", res.text, res.Header.Get("ETag"))
	}

	var changed savedBody
	res = call(t, h, "PUT", path, `{"name":"renamed","isActive":false}`)
	res.into(t, 200, &changed)
	if changed.Version != 2 || changed.JobID != made.JobID || res.Header.Get("ETag") != `"2"` {
		t.Errorf("updated: %s", res.text)
	}
	call(t, h, "GET", path, "").into(t, 200, &job)
	if job.Spec.Name != "renamed" || job.IsActive || job.NextFireAt != nil ||
		job.Spec.API != "https://example.com/hook" {
		t.Errorf("after the update: %+v", job)
	}

	var gone deletedBody
	call(t, h, "DELETE", path, "").into(t, 200, &gone)
	deleted := f.now()
	if gone.JobID != made.JobID || gone.EffectiveTo != deleted+1 {
		t.Errorf("deleted: %+v", gone)
	}
	for _, method := range []string{"GET", "DELETE"} {
		call(t, h, method, path, "").problem(t, 404)
	}
	call(t, h, "PUT", path, `{"name":"x"}`).problem(t, 404)
	call(t, h, "POST", path+"/trigger", "").problem(t, 404)
}

func TestPauseAndResumeAreIdempotent(t *testing.T) {
	h := newAPI(t, newFixture(t))
	path := "/jobs/" + create(t, h, minimal)
	for _, step := range []struct {
		action  string
		version int
		message string
	}{
		{"resume", 1, "Job was active already"},
		{"pause", 2, "Job paused"},
		{"pause", 2, "Job was paused already"},
		{"resume", 3, "Job resumed"},
	} {
		var out savedBody
		res := call(t, h, "POST", path+"/"+step.action, "")
		res.into(t, 200, &out)
		if out.Version != step.version || out.Message != step.message ||
			!strings.HasPrefix(res.Header.Get("ETag"), strings.TrimSuffix(etag(step.version), `"`)) {
			t.Errorf("%s: %+v, want version %d, %q", step.action, out, step.version, step.message)
		}
	}
}

func TestIfMatch(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct {
		tag    string
		status int
	}{
		{`"1"`, 200}, {`1`, 200}, {`*`, 200}, {`"2"`, 412}, {`7`, 412}, {`W/"1"`, 412},
		{`"1", "2"`, 200}, {`"7",, "1" ,`, 200}, {`W/"1", "1"`, 200}, {`"a,1", 1`, 200}, {`"2", "3"`, 412},
		{`W/"1", "2"`, 412},
		{`"x"`, 412}, {`"1,2"`, 412}, {`"01"`, 412}, {`""`, 412}, {`"99999999999999999999"`, 412},
		{`99999999999999999999`, 412},
		{`0`, 400}, {`-1`, 400}, {`01`, 400}, {`x`, 400}, {``, 400}, {`,`, 400}, {`"1" "2"`, 400}, {`"1", *`, 400},
		{`*, *`, 400}, {`"1`, 400}, {`W/1`, 400}, {`w/"1"`, 400},
	} {
		for _, method := range []string{"PUT", "DELETE", "pause", "trigger"} {
			path := "/jobs/" + create(t, h, minimal)
			verb, at, body := method, path, ""
			switch method {
			case "PUT":
				body = `{"name":"x"}`
			case "pause", "trigger":
				verb, at = "POST", path+"/"+method
			}
			res := call(t, h, verb, at, body, "If-Match: "+tc.tag)
			if method == "trigger" && tc.status == 200 && res.StatusCode == 202 {
				continue
			}
			if tc.status != 200 {
				if p := res.problem(t, tc.status); !slices.Equal(p.fields(), []string{"If-Match"}) {
					t.Errorf("%s %s: fields %v", method, tc.tag, p.fields())
				}
			}
			var job wire.Job
			if after := call(t, h, "GET", path, ""); after.StatusCode == 200 {
				after.into(t, 200, &job)
			}
			if touched := job.Version != 1; res.StatusCode != tc.status || touched != (tc.status == 200) {
				t.Errorf("%s with %s: status %d, touched %v; want %d", method, tc.tag, res.StatusCode,
					touched, tc.status)
			}
		}
	}
}

func TestConflictWithoutIfMatch(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	path := "/jobs/" + create(t, h, minimal)
	f.store.Add(faulty.Rule{Method: "Jobs.Update", Err: domain.Conflict("somebody else was first")})
	if p := call(t, h, "PUT", path, `{"name":"x"}`).problem(t, 409); p.Detail != "somebody else was first" {
		t.Errorf("%+v", p)
	}
}

func TestTrigger(t *testing.T) {
	x := heldTarget{make(chan domain.Call, 1), make(chan domain.Outcome, 1)}
	h := newAPI(t, newFixture(t, func(c *engine.Config) { c.Executor = x }))
	id := create(t, h, minimal)
	var out triggeredBody
	res := call(t, h, "POST", "/jobs/"+id+"/trigger", "")
	res.into(t, 202, &out)
	if res.Header.Get("Location") != "/executions/"+out.ExecutionID || out.JobID != id {
		t.Errorf("%s, Location %s", res.text, res.Header.Get("Location"))
	}
	<-x.called
	var e executionWithAttempts
	call(t, h, "GET", "/executions/"+out.ExecutionID, "").into(t, 200, &e)
	if e.Status != domain.StatusRunning || !e.Manual || e.CompletedAt != nil {
		t.Errorf("%+v", e)
	}
	x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
}

func TestSpecSurvivesTheRoundTrip(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var job struct{ Spec map[string]any }
	call(t, h, "GET", "/jobs/"+create(t, h, full), "").into(t, 200, &job)
	var want map[string]any
	if err := json.Unmarshal([]byte(full), &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "isActive")
	want["signing"] = map[string]any{"secrets": []any{"********"}}
	if diff := cmp.Diff(want, job.Spec); diff != "" {
		t.Error(diff)
	}
}

func TestListJobsPagesAndFilters(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var ids []string
	for i := range 7 {
		body := minimal
		if i%2 == 0 {
			body = strings.Replace(body, "{", `{"tags":["even"],"name":"Even `+string(rune('A'+i))+`",`, 1)
		}
		if i == 3 {
			body = strings.Replace(body, "{", `{"isActive":false,`, 1)
		}
		ids = append(ids, create(t, h, body))
	}
	for _, tc := range []struct {
		query string
		want  []string
	}{
		{"limit=3", ids},
		{"limit=7", ids},
		{"limit=1", ids},
		{"", ids},
		{"limit=2&tag=even", []string{ids[0], ids[2], ids[4], ids[6]}},
		{"text=even%20c", []string{ids[2]}},
		{"isActive=false", []string{ids[3]}},
		{"limit=2&isActive=true", slices.Delete(slices.Clone(ids), 3, 4)},
		{"tag=none", nil},
	} {
		if got := walk(t, h, "/jobs?"+tc.query, "jobs", "id"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.query, got, tc.want)
		}
	}
}

// walk follows nextCursor and returns one field of every entry.
func walk(t *testing.T, h http.Handler, path, list, field string) []string {
	t.Helper()
	var got []string
	cursor := ""
	for range 100 {
		var page map[string]any
		call(t, h, "GET", path+cursor, "").into(t, 200, &page)
		entries, ok := page[list].([]any)
		if !ok {
			t.Fatalf("no list in %v", page)
		}
		for _, e := range entries {
			got = append(got, e.(map[string]any)[field].(string))
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return got
		}
		sep := "&"
		if !strings.Contains(path, "?") {
			sep = "?"
		}
		cursor = sep + "cursor=" + next
	}
	t.Fatal("the list has no end")
	return nil
}

// TestAnswerFields holds the names of the fields of every answer: the contract.
func TestAnswerFields(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	f.health = &domain.Health{Ready: true, Checks: []domain.Check{{Name: "store", OK: true},
		{Name: "timetable", OK: true}}}
	id := create(t, h, full)
	execution := seedHistory(t, f, id)[0].ID().String()
	seedChanges(t, f, id)
	f.hosts = someHosts()
	var out strings.Builder
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/jobs", minimal},
		{"PUT", "/jobs/" + id, `{"name":"y"}`},
		{"GET", "/jobs/" + id, ""},
		{"GET", "/jobs?limit=1", ""},
		{"POST", "/jobs/" + id + "/pause", ""},
		{"POST", "/jobs/" + id + "/resume", ""},
		{"POST", "/jobs/" + id + "/trigger", ""},
		{"GET", "/jobs/" + id + "/executions?limit=1", ""},
		{"GET", "/executions/" + execution, ""},
		{"POST", "/jobs/import", "[" + minimal + ",{}]"},
		{"POST", "/schedules/preview", `{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin"}`},
		{"GET", "/observability/metrics", ""},
		{"GET", "/observability/health", ""},
		{"GET", "/observability/alerts?limit=1", ""},
		{"GET", "/observability/executions/recent?limit=1", ""},
		{"GET", "/observability/executions/failed?limit=1", ""},
		{"GET", "/hosts", ""},
		{"GET", "/cluster", ""},
		{"GET", "/healthz", ""},
		{"GET", "/readyz", ""},
		{"GET", "/", ""},
		{"GET", "/jobs/x", ""},
		{"DELETE", "/jobs/" + id, ""},
		{"POST", "/keys", `{"name":"x","role":"viewer"}`},
		{"GET", "/keys", ""}, {"GET", "/me", ""}, {"GET", "/settings", ""},
		{"GET", "/audit/changes", ""},
	} {
		res := call(t, h, c.method, c.path, c.body)
		var v any
		if err := json.Unmarshal([]byte(res.text), &v); err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		out.WriteString(c.method + " " + strings.NewReplacer(id, "{id}", execution,
			"{id}").Replace(c.path) + "\n")
		shape(&out, "  ", v)
	}
	golden(t, "answers.txt", out.String())
}

// shape writes the names of fields and the types of values.
func shape(out *strings.Builder, indent string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out.WriteString(indent + name + "\n")
			shape(out, indent+"  ", v[name])
		}
	case []any:
		for _, e := range v[:min(2, len(v))] {
			out.WriteString(indent + "-\n")
			shape(out, indent+"  ", e)
		}
	}
}

func TestFaultsOfTheStore(t *testing.T) {
	id := "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"
	gets := []string{"/jobs", "/jobs/" + id, "/jobs/export", "/jobs/" + id + "/executions", "/observability/metrics",
		"/observability/alerts",
		"/observability/executions/recent", "/observability/executions/failed", "/executions/export"}
	for _, tc := range []struct {
		fault  error
		status int
	}{
		{domain.Unavailable(errors.New("canary-cause"), "the store cannot commit"), 503},
		{errors.New("canary-cause"), 503},
		{&domain.Error{Code: domain.CodeInternal, Message: "canary-cause"}, 500},
	} {
		f := newFixture(t)
		f.fail(tc.fault)
		var log bytes.Buffer
		h := newAPI(t, f, logTo(&log))
		for _, path := range gets {
			res := call(t, h, "GET", path, "")
			p := res.problem(t, tc.status)
			if strings.Contains(res.text, "canary") {
				t.Errorf("%s tells the cause: %s", path, res.text)
			}
			if tc.status == 503 && res.Header.Get("Retry-After") == "" {
				t.Errorf("%s: 503 without Retry-After", path)
			}
			if id := res.Header.Get(front.RequestIDHeader); !strings.Contains(log.String(),
				`"request failed","http_status":`+strconv.Itoa(tc.status)) || !strings.Contains(log.String(), id) {
				t.Errorf("%s: the request %q is not in the log", path, id)
			}
			if tc.status == 500 && (p.Instance == "" || !strings.Contains(log.String(), p.Instance)) {
				t.Errorf("%s: instance %q is not in the log", path, p.Instance)
			}
		}
		if !strings.Contains(log.String(), "canary-cause") {
			t.Error("the cause is not in the log")
		}
	}
}

// A page may end between the lost fires of a job and its failures of the same
// instant: the next one begins with the failures.
func TestAlertPageEndsAtLostFires(t *testing.T) {
	f := newFixture(t)
	job := domain.NewJobID(1)
	f.lose(t, 7, domain.Loss{JobID: job, ScheduledAt: 4}, domain.Loss{JobID: job, ScheduledAt: 5})
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: job, ScheduledAt: 6}, Version: 1,
		Status: domain.StatusFailed, CompletedAt: 7, Error: "HTTP 500"})
	h := newAPI(t, f)
	var kinds []string
	cursor := ""
	for range 3 {
		var page struct {
			Alerts     []struct{ Kind string }
			NextCursor string
		}
		res := call(t, h, "GET", "/observability/alerts?limit=1"+cursor, "")
		if err := json.Unmarshal([]byte(res.text), &page); err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res.StatusCode, err)
		}
		for _, a := range page.Alerts {
			kinds = append(kinds, a.Kind)
		}
		if page.NextCursor == "" {
			break
		}
		cursor = "&cursor=" + page.NextCursor
	}
	if !slices.Equal(kinds, []string{"LOST", "FAILURES"}) {
		t.Errorf("kinds %v, want LOST and FAILURES", kinds)
	}
}
