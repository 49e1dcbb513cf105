package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// withSecrets is a job with a header that is secret by its name and one that
// the job names.
const withSecrets = `{"schedule":"0 0 0 1 1 *","api":"https://example.com/hook","type":"ATLEAST_ONCE","retry":{"maxRetries":0},
	"headers":{"Authorization":"Bearer canary-1","X-Own":"canary-2","Accept":"text/plain"},"secretHeaders":["x-own"]}`

// shownHeaders returns the headers of the job as GET shows them.
func shownHeaders(t *testing.T, text string) map[string]string {
	t.Helper()
	var body struct {
		Spec struct{ Headers map[string]string }
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatal(err)
	}
	return body.Spec.Headers
}

// TestSecretsAreMasked: no answer shows a secret but the export that was asked
// for it, and what a target is sent is the value.
func TestSecretsAreMasked(t *testing.T) {
	h, x := realOfAdmin(t)
	id := create(t, h, withSecrets)
	sent := func() map[string]string {
		t.Helper()
		var out triggeredBody
		call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &out)
		made := <-x.called
		x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
		until(t, h, "/executions/"+out.ExecutionID, func(text string) bool { return strings.Contains(text, "SUCCESS") })
		return made.Headers
	}
	if got := sent(); got["Authorization"] != "Bearer canary-1" || got["X-Own"] != "canary-2" {
		t.Errorf("sent %v", got)
	}
	masked := map[string]string{"Authorization": domain.Mask, "X-Own": domain.Mask, "Accept": "text/plain"}
	whole := call(t, h, "GET", "/jobs/"+id, "").text
	if got := shownHeaders(t, whole); got["Authorization"] != domain.Mask || got["X-Own"] != domain.Mask ||
		got["Accept"] != "text/plain" {
		t.Errorf("shown %v, want %v", got, masked)
	}

	// What was shown is sent back: the values stay, the rest changes.
	headers, err := json.Marshal(shownHeaders(t, whole))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{`{"name":"x"}`, `{"name":"y","headers":` + string(headers) + `}`} {
		call(t, h, "PUT", "/jobs/"+id, change).into(t, 200, &savedBody{})
		if got := sent(); got["Authorization"] != "Bearer canary-1" || got["X-Own"] != "canary-2" {
			t.Errorf("after %s: sent %v", change, got)
		}
	}
	// No change shows what it has not sent.
	refused := call(t, h, "PUT", "/jobs/"+id, `{"secretHeaders":[]}`)
	if p := refused.problem(t, 422); len(p.Errors) != 1 || p.Errors[0].Field != "secretHeaders" {
		t.Errorf("%+v", p)
	}
	for _, path := range []string{
		"/jobs", "/jobs/" + id, "/jobs/export", "/jobs/export?withSecrets=false", "/jobs?text=canary",
		"/jobs/" + id + "/executions",
		"/observability/executions/recent", "/observability/metrics", "/metrics", "/audit",
	} {
		if res := call(t, h, "GET", path, ""); res.StatusCode != 200 || strings.Contains(res.text, "canary") {
			t.Errorf("GET %s: %d %s", path, res.StatusCode, res.text)
		}
	}
	export := call(t, h, "POST", "/jobs/export?withSecrets=true", "").text
	if !strings.Contains(export, `"Bearer canary-1"`) || !strings.Contains(export, `"canary-2"`) {
		t.Errorf("an export with secrets: %s", export)
	}
	call(t, h, "GET", "/jobs/export?withSecrets=maybe", "").problem(t, 400)
}

// TestMasksAreNotImported: a masked export cannot become a job that sends the
// mask, and a new job cannot be made of one.
func TestMasksAreNotImported(t *testing.T) {
	h := ofAdmin(t, newFixture(t))
	create(t, h, withSecrets)
	var report importBody
	call(t, h, "POST", "/jobs/import", call(t, h, "GET", "/jobs/export", "").text, ndjson).into(t, 200, &report)
	if report.Refused != 1 || len(report.Results[0].Error.Errors) != 2 ||
		report.Results[0].Error.Errors[0].Field != "headers.Authorization" ||
		!strings.Contains(report.Results[0].Error.Errors[0].Message, "--with-secrets") {
		t.Errorf("%+v", report)
	}
	call(t, h, "POST", "/jobs/import", call(t, h, "POST", "/jobs/export?withSecrets=true", "").text,
		ndjson).into(t, 200, &report)
	if report.Imported != 1 {
		t.Errorf("%+v", report)
	}
	p := call(t, h, "POST", "/jobs", laidOver(`"headers":{"X-Api-Key":"********"}`)).problem(t, 422)
	if len(p.Errors) != 1 || p.Errors[0].Field != "headers.X-Api-Key" {
		t.Errorf("%+v", p)
	}
}
