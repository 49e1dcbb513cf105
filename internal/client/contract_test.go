package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
)

const jobJSON = `{"id":"` + id1 + `","spec":{"schedule":"0 0 * * * ` +
	`*","api":"http://x/","type":"ATLEAST_ONCE","timezone":"UTC",` +
	`"method":"POST","timeoutMs":30000,"retry":{"maxRetries":0,"delayMs":1000,"backoff":"LINEAR",` +
	`"maxDelayMs":3600000},` +
	`"overlap":"ALLOW","misfire":{"policy":"RUN_ALL","maxAgeMs":1,"maxRuns":2},"dst":{"gap":"AFTER","fold":"FIRST"}},` +
	`"createdAt":1767225600000,"updatedAt":1767225600001,"isActive":true,"version":3,"effectiveFrom":1767225600002,` +
	`"nextFireAt":null}`

var wantJob = Job{
	ID: id1, CreatedAt: 1767225600000, UpdatedAt: 1767225600001, IsActive: true, Version: 3,
	EffectiveFrom: 1767225600002,
	Spec: Spec{
		Schedule: "0 0 * * * *", API: "http://x/", Type: "ATLEAST_ONCE", Timezone: "UTC", Method: "POST",
		TimeoutMs: 30_000,
		Retry: &Retry{MaxRetries: new(0), DelayMs: new(int64(1000)), Backoff: "LINEAR",
			MaxDelayMs: new(int64(3_600_000))},
		Overlap: "ALLOW", Misfire: &Misfire{"RUN_ALL", 1, 2}, DST: &DST{"AFTER", "FIRST"},
	},
}

const editJSON = `{"jobId":"` + id1 + `","message":"done","version":2,"effectiveFrom":5}`

var wantEdit = Edit{JobID: id1, Message: "done", Job: Job{Version: 2, EffectiveFrom: 5}}

func TestCreateJobSendsOnlyWhatIsSet(t *testing.T) {
	c := exchange{
		request: "POST /jobs", contentType: "application/json", once: ownKey,
		body: `{"schedule":"@hourly","api":"http://x/","type":"ATMOST_ONCE","retry":{"maxRetries":0},` +
			`"isActive":false,"body":{"a":[1]}}`,
		answer: answer{201, typeJSON, editJSON, nil},
	}.serve(t)
	got, err := c.Jobs.Create(t.Context(), Spec{
		Schedule: "@hourly", API: "http://x/", Type: "ATMOST_ONCE", Retry: &Retry{MaxRetries: new(0)},
		IsActive: new(false), Body: json.RawMessage(`{"a":[1]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, wantEdit)
}

func TestJobCalls(t *testing.T) {
	path := " /jobs/" + id1
	for name, tc := range map[string]struct {
		exchange
		call func(*Client) (any, error)
		want any
	}{
		"get": {exchange{request: "GET" + path, answer: ok(jobJSON)},
			func(c *Client) (any, error) { return c.Jobs.Get(t.Context(), id1) }, wantJob},
		"update": {exchange{request: "PUT" + path, contentType: typeJSON, body: `{"name":null,"isActive":true}`,
			answer: ok(editJSON)},
			func(c *Client) (any, error) {
				return c.Jobs.Update(t.Context(), id1, 0, Change{"name": nil, "isActive": true})
			}, wantEdit},
		"update one version": {exchange{request: "PUT" + path, contentType: typeJSON, ifMatch: `"7"`, body: `{}`,
			answer: ok(editJSON)},
			func(c *Client) (any, error) { return c.Jobs.Update(t.Context(), id1, 7, Change{}) }, wantEdit},
		"patch": {exchange{request: "PATCH" + path, contentType: typePatch, ifMatch: `"7"`,
			body:   `{"headers":{"X":null}}`,
			answer: ok(strings.TrimSuffix(jobJSON, "}") + `,"jobId":"` + id1 + `","message":"done"}`)},
			func(c *Client) (any, error) {
				return c.Jobs.Patch(t.Context(), id1, 7, Change{"headers": Change{"X": nil}})
			}, Edit{Job: wantJob, JobID: id1, Message: "done"}},
		"delete": {exchange{request: "DELETE" + path,
			answer: ok(`{"jobId":"` + id1 + `","message":"gone","effectiveTo":9}`)},
			func(c *Client) (any, error) { return c.Jobs.Delete(t.Context(), id1, 0) },
			Edit{JobID: id1, Message: "gone", EffectiveTo: 9}},
		"delete one version": {exchange{request: "DELETE" + path, ifMatch: `"2"`, answer: ok(editJSON)},
			func(c *Client) (any, error) { return c.Jobs.Delete(t.Context(), id1, 2) }, wantEdit},
		"pause": {exchange{request: "POST" + path + "/pause", answer: ok(editJSON)},
			func(c *Client) (any, error) { return c.Jobs.Pause(t.Context(), id1) }, wantEdit},
		"resume": {exchange{request: "POST" + path + "/resume", answer: ok(editJSON)},
			func(c *Client) (any, error) { return c.Jobs.Resume(t.Context(), id1) }, wantEdit},
		"put by key": {exchange{request: "PUT /jobs/by-key/a.b?namespace=billing", contentType: typeJSON,
			body:   `{"name":"n"}`,
			answer: answer{200, typeJSON, editJSON, nil}},
			func(c *Client) (any, error) {
				return c.Jobs.PutByKey(t.Context(), JobKey{"billing", "a.b"}, 0, Spec{Name: "n"})
			}, wantEdit},
		"create by key": {exchange{request: "PUT /jobs/by-key/a.b", contentType: typeJSON, body: `{"name":"n"}`,
			answer: answer{201, typeJSON, editJSON, nil}},
			func(c *Client) (any, error) {
				return c.Jobs.CreateByKey(t.Context(), JobKey{Key: "a.b"}, Spec{Name: "n"})
			}, wantEdit},
		"get by key": {exchange{request: "GET /jobs/by-key/a.b", answer: answer{200, typeJSON, jobJSON, nil}},
			func(c *Client) (any, error) { return c.Jobs.GetByKey(t.Context(), JobKey{Key: "a.b"}) }, wantJob},
		"delete by key": {exchange{request: "DELETE /jobs/by-key/a.b", answer: answer{200, typeJSON, editJSON, nil}},
			func(c *Client) (any, error) { return c.Jobs.DeleteByKey(t.Context(), JobKey{Key: "a.b"}, 0) }, wantEdit},
		"patch by key": {exchange{request: "PATCH /jobs/by-key/a.b?namespace=billing", contentType: typePatch,
			ifMatch: `"7"`, body: `{"name":null}`, answer: ok(editJSON)},
			func(c *Client) (any, error) {
				return c.Jobs.ByKey(JobKey{"billing", "a.b"}).Patch(t.Context(), 7, Change{"name": nil})
			}, wantEdit},
		"pause by key": {exchange{request: "POST /jobs/by-key/a.b/pause?namespace=billing", answer: ok(editJSON)},
			func(c *Client) (any, error) {
				return c.Jobs.ByKey(JobKey{"billing", "a.b"}).Pause(t.Context())
			}, wantEdit},
		"resume by key": {exchange{request: "POST /jobs/by-key/a.b/resume", answer: ok(editJSON)},
			func(c *Client) (any, error) { return c.Jobs.ByKey(JobKey{Key: "a.b"}).Resume(t.Context()) }, wantEdit},
		"trigger by key": {exchange{request: "POST /jobs/by-key/a.b/trigger", once: ownKey,
			answer: answer{202, typeJSON, `{"executionId":"e","jobId":"j","message":"m"}`, nil}},
			func(c *Client) (any, error) { return c.Jobs.TriggerByKey(t.Context(), JobKey{Key: "a.b"}) },
			Triggered{"e", "j", "m"}},
		"trigger": {exchange{request: "POST" + path + "/trigger", once: ownKey,
			answer: answer{202, typeJSON, `{"executionId":"e","jobId":"j","message":"m"}`, nil}},
			func(c *Client) (any, error) { return c.Jobs.Trigger(t.Context(), id1) }, Triggered{"e", "j", "m"}},
		"trigger once": {exchange{request: "POST" + path + "/trigger", once: `"a \"b\\"`,
			answer: answer{202, typeJSON, `{"executionId":"e","jobId":"j","message":"m"}`, nil}},
			func(c *Client) (any, error) {
				return c.Jobs.Trigger(WithIdempotencyKey(t.Context(), `a "b\`), id1)
			}, Triggered{"e", "j", "m"}},
		"a key is for POST": {exchange{request: "GET" + path, answer: ok(jobJSON)},
			func(c *Client) (any, error) { return c.Jobs.Get(WithIdempotencyKey(t.Context(), "a"), id1) }, wantJob},
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

func TestExecution(t *testing.T) {
	c := exchange{request: "GET /executions/e", answer: ok(`{"id":"e","jobId":"j","status":"FAILED","scheduledAt":1,"startedAt":2,
		"completedAt":5,"duration":3,"httpStatus":null,"error":"refused","retryCount":1,"version":4,"manual":true,
		"attempts":[{"number":1,"startedAt":2,"completedAt":3,"httpStatus":500,"error":"500"},
			{"number":2,"startedAt":4,"completedAt":null,"httpStatus":null,"error":null}]}`)}.serve(t)
	got, err := c.Executions.Get(t.Context(), "e")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Execution{
		ID: "e", JobID: "j", Status: "FAILED", ScheduledAt: 1, StartedAt: new(int64(2)), CompletedAt: new(int64(5)),
		Duration: new(int64(3)), Error: new("refused"), RetryCount: 1, Version: 4, Manual: true,
		Attempts: []Attempt{
			{Number: 1, StartedAt: 2, CompletedAt: new(int64(3)), HTTPStatus: new(500), Error: new("500")},
			{Number: 2, StartedAt: 4},
		},
	})
}

// collect ranges over a list until its end or its error.
func collect[T any](list iter.Seq2[T, error], most int) ([]T, error) {
	var out []T
	for item, err := range list {
		if err != nil {
			return out, err
		}
		if out = append(out, item); len(out) == most {
			break
		}
	}
	return out, nil
}

// pageServer serves pages in turn and keeps what was asked.
type pageServer struct {
	pages []string
	asked []string
}

func (b *pageServer) serve(t *testing.T) *Client {
	return connect(t, func(w http.ResponseWriter, r *http.Request) {
		b.asked = append(b.asked, r.URL.RequestURI())
		if len(b.asked) > len(b.pages) {
			answer{500, typeProblem, `{"detail":"no more pages"}`, nil}.write(w)
			return
		}
		ok(b.pages[len(b.asked)-1]).write(w)
	})
}

func TestListsAreReadPageByPage(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"jobs":[{"id":"1"},{"id":"2"}],"nextCursor":"A"}`, `{"jobs":[],"nextCursor":"B"}`, `{"jobs":[{"id":"3"}]}`,
	}}
	jobs, err := collect(b.serve(t).Jobs.List(t.Context(),
		JobFilter{Active: new(true), Tag: "a b", Text: "x&y", PageSize: 2}), 0)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	equal(t, ids, []string{"1", "2", "3"})
	equal(t, b.asked, []string{
		"/jobs?isActive=true&limit=2&tag=a+b&text=x%26y",
		"/jobs?cursor=A&isActive=true&limit=2&tag=a+b&text=x%26y",
		"/jobs?cursor=B&isActive=true&limit=2&tag=a+b&text=x%26y",
	})
}

func TestAListEndsWhereTheCallerStops(t *testing.T) {
	b := &pageServer{pages: []string{`{"executions":[{"id":"1"},{"id":"2"}],"nextCursor":"A"}`}}
	got, err := collect(b.serve(t).Executions.OfJob(t.Context(), "j", 2), 2)
	if err != nil || len(got) != 2 || len(b.asked) != 1 {
		t.Errorf("%d items of %v, %v", len(got), b.asked, err)
	}
}

func TestAListThatBreaksIsAnError(t *testing.T) {
	b := &pageServer{pages: []string{`{"executions":[{"id":"1"}],"nextCursor":"A"}`}}
	got, err := collect(b.serve(t).Executions.Recent(t.Context(), 0), 0)
	if p, isProblem := errors.AsType[*Problem](err); len(got) != 1 || !isProblem || p.Status != 500 {
		t.Errorf("%d items, %v", len(got), err)
	}
	round := &pageServer{pages: []string{`{"alerts":[],"nextCursor":"A"}`, `{"alerts":[],"nextCursor":"A"}`,
		`{"alerts":[]}`}}
	if _, err := collect(round.serve(t).Alerts(t.Context(), false, 0), 0); !errors.Is(err, errSameCursor) {
		t.Errorf("a list that goes in circles: %v", err)
	}
}

func TestListPaths(t *testing.T) {
	for want, call := range map[string]func(*Client) error{
		"/jobs/j/executions?limit=5": func(c *Client) error {
			_,
				err := collect(c.Executions.OfJob(t.Context(), "j", 5), 0)
			return err
		},
		"/observability/executions/recent": func(c *Client) error {
			_, err := collect(c.Executions.Recent(t.Context(), 0), 0)
			return err
		},
		"/observability/executions/failed": func(c *Client) error {
			_, err := collect(c.Executions.Failed(t.Context(), "", 0), 0)
			return err
		},
		"/observability/executions/failed?jobId=j": func(c *Client) error {
			_, err := collect(c.Executions.Failed(t.Context(), "j", 0), 0)
			return err
		},
		"/observability/alerts?limit=1&open=true": func(c *Client) error {
			_, err := collect(c.Alerts(t.Context(), true, 1), 0)
			return err
		},
	} {
		b := &pageServer{pages: []string{`{}`}}
		if err := call(b.serve(t)); err != nil {
			t.Error(err)
		}
		equal(t, b.asked, []string{want})
	}
}

func TestImport(t *testing.T) {
	for _, form := range []Format{Lines, Array} {
		c := exchange{
			request: "POST /jobs/import", contentType: string(form), body: "whatever\nit is",
			answer: ok(`{"results":[{"index":0,"jobId":"a"},{"index":1,"error":{"title":"t","status":422,` +
				`"errors":[{"field":"api","message":"is required"}]}}],"imported":1,"refused":1}`),
		}.serve(t)
		got, err := c.Jobs.Import(t.Context(), form, strings.NewReader("whatever\nit is"))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, ImportReport{Imported: 1, Refused: 1, Results: []ImportResult{
			{Index: 0, JobID: "a"},
			{Index: 1, Error: &Problem{Title: "t", Status: 422,
				Errors: []FieldError{{Field: "api", Message: "is required"}}}},
		}})
	}
}

func TestExport(t *testing.T) {
	c := exchange{
		request: "POST /jobs/export?tag=x&withSecrets=true", answer: answer{contentType: typeLines, body: "{}\n{}\n"},
	}.serve(t)
	var out bytes.Buffer
	n, err := c.Jobs.Export(t.Context(), ExportFilter{JobFilter{Tag: "x"}, true}, &out)
	if err != nil || n != 6 || out.String() != "{}\n{}\n" {
		t.Errorf("%d bytes, %q, %v", n, out.String(), err)
	}
}

func TestExportExecutions(t *testing.T) {
	c := exchange{
		request: "GET /executions/export?from=5&to=2026-01-01T00%3A00%3A00Z",
		answer:  answer{contentType: typeLines, body: "{}\n{}\n"},
	}.serve(t)
	var out bytes.Buffer
	n, err := c.Executions.Export(t.Context(), TimeRange{From: "5", To: "2026-01-01T00:00:00Z"}, &out)
	if err != nil || n != 6 || out.String() != "{}\n{}\n" {
		t.Errorf("%d bytes, %q, %v", n, out.String(), err)
	}
	all := exchange{request: "GET /executions/export", answer: answer{contentType: typeLines}}.serve(t)
	if n, err := all.Executions.Export(t.Context(), TimeRange{}, &out); err != nil || n != 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestExportWithSecrets(t *testing.T) {
	c := exchange{
		request: "POST /jobs/export?withSecrets=true", answer: answer{contentType: typeLines, body: "{}\n"},
	}.serve(t)
	if _, err := c.Jobs.Export(t.Context(), ExportFilter{WithSecrets: true}, io.Discard); err != nil {
		t.Error(err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestExportThatIsNotComplete(t *testing.T) {
	cut := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		answer{contentType: typeLines, body: strings.Repeat("{}\n", 10_000)}.write(w)
		panic(http.ErrAbortHandler)
	})
	if _, err := cut.Jobs.Export(t.Context(), ExportFilter{}, &bytes.Buffer{}); !errors.Is(err, ErrAnswer) {
		t.Errorf("a connection cut on the way: %v", err)
	}
	page := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		answer{contentType: "text/html", body: "hi"}.write(w)
	})
	if _, err := page.Jobs.Export(t.Context(), ExportFilter{}, &bytes.Buffer{}); !errors.Is(err, ErrAnswer) {
		t.Errorf("a web page: %v", err)
	}
	whole := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		answer{contentType: typeLines, body: "{}\n"}.write(w)
	})
	if _, err := whole.Jobs.Export(t.Context(), ExportFilter{}, fullDisk{}); err == nil || errors.Is(err, ErrAnswer) {
		t.Errorf("a full disk: %v", err)
	}
}

func TestHealth(t *testing.T) {
	c := exchange{request: "GET /observability/health", answer: answer{
		503, typeJSON, `{"status":"unhealthy","checks":{"store":{"ok":false,"detail":"disk ` +
			`full"}},"version":"1","uptimeSeconds":2}`, nil,
	}}.serve(t)
	got, err := c.Health(t.Context())
	if err != nil || got.Healthy() {
		t.Errorf("%+v, %v", got, err)
	}
	equal(t, got, Health{"unhealthy", map[string]Check{"store": {Detail: "disk full"}}, "1", "", 2})
	busy := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		answer{503, typeProblem, `{"detail":"stopping"}`, nil}.write(w)
	})
	if _, err := busy.Health(t.Context()); err == nil || err.Error() != "stopping (HTTP 503)" {
		t.Errorf("a problem instead: %v", err)
	}
}

func TestReady(t *testing.T) {
	for body, want := range map[string]Readiness{
		`{"status":"ready"}`:                       {Status: "ready"},
		`{"status":"unready","failing":["store"]}`: {Status: "unready", Failing: []string{"store"}},
		`{"status":"ready","warning":["jobs"]}`:    {Status: "ready", Warning: []string{"jobs"}},
	} {
		status := 200
		if !want.Ready() {
			status = 503
		}
		got, err := exchange{request: "GET /readyz", answer: answer{status, typeJSON, body, nil}}.serve(
			t).Ready(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
	}
}

func TestMetricsAndAlerts(t *testing.T) {
	c := exchange{request: "GET /observability/metrics", answer: ok(`{"jobs":{"total":12,"active":11},
		"executions":{"total":200,"successful":197,"failed":3,"successRate":"98.50%","recentHour":60,"averageDurationMs":143.25},
		"alerts":{"recentFailures":1},"timestamp":7}`)}.serve(t)
	m, err := c.Metrics(t.Context())
	if err != nil || m.Jobs.Active != 11 || m.Executions.SuccessRate != "98.50%" ||
		m.Executions.AverageDurationMs != 143.25 ||
		m.Alerts.RecentFailures != 1 || m.Timestamp != 7 {
		t.Errorf("%+v, %v", m, err)
	}
	b := &pageServer{pages: []string{`{"alerts":[{"jobId":"j","executionId":"e","open":true,"count":3,"firstAt":1,` +
		`"lastAt":2,"recoveredAt":null,"httpStatus":500,"error":"x"}]}`}}
	alerts, err := collect(b.serve(t).Alerts(t.Context(), false, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, alerts, []Alert{{JobID: "j", ExecutionID: "e", Open: true, Count: 3, FirstAt: 1, LastAt: 2,
		HTTPStatus: new(500), Error: new("x")}})
	b = &pageServer{pages: []string{`{"alerts":[]}`}}
	f := AlertFilter{JobID: "j", OpenOnly: true, PageSize: 3}
	if _, err := collect(b.serve(t).Failures.Alerts(t.Context(), f), 0); err != nil {
		t.Fatal(err)
	}
	equal(t, b.asked, []string{"/observability/alerts?jobId=j&limit=3&open=true"})
}

func TestPreview(t *testing.T) {
	c := exchange{
		request: "POST /schedules/preview", contentType: typeJSON,
		body: `{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin","count":1}`,
		answer: ok(`{"description":"At 02:30:00 every day.","next":[{"at":1,"utc":"u","local":"l"}],"warnings":["w"],
			"dstShifts":[{"at":2,"date":"2026-03-29","kind":"gap","effect":"e"}]}`),
	}.serve(t)
	got, err := c.Preview(t.Context(), PreviewRequest{Schedule: "0 30 2 * * *", Timezone: "Europe/Berlin", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Preview{"At 02:30:00 every day.", []Instant{{At: 1, UTC: "u", Local: "l"}}, []string{"w"},
		[]Shift{{2, "2026-03-29", "gap", "e"}}})
}
