package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// request is one row of a table: what a client sends, and what it must get.
type request struct {
	name         string
	method, path string
	header       http.Header
	body         string
	status       int
	holds        []string // parts of the answer
	lacks        []string
}

// jsonHead is the header of a JSON body.
var jsonHead = http.Header{"Content-Type": {"application/json"}}

// send makes the request of a row and checks the answer, which it returns.
func (row request) send(t *testing.T, base string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(row.method, base+row.path, strings.NewReader(row.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range row.header {
		req.Header[name] = values
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	if res.StatusCode != row.status {
		t.Errorf("%s: status %d, want %d: %s", row.name, res.StatusCode, row.status, text)
	}
	for _, part := range row.holds {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s: the answer has no %q: %s", row.name, part, text)
		}
	}
	for _, part := range row.lacks {
		if strings.Contains(string(text), part) {
			t.Errorf("%s: the answer has %q: %s", row.name, part, text)
		}
	}
	return res, string(text)
}

// jobWith returns a job that is not due while the test runs, with further
// members laid over it.
func jobWith(members string) string {
	job := map[string]any{"schedule": "0 0 0 1 1 *", "api": "http://127.0.0.1:9/hook", "type": "ATLEAST_ONCE"}
	if err := json.Unmarshal([]byte("{"+members+"}"), &job); err != nil {
		panic(err)
	}
	text, err := json.Marshal(job)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestWarningsComeWithTheAnswer(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	const second, either = "fires 60 times in each minute that matches", "both day fields are restricted"
	_, quiet := request{"an unambiguous schedule", "POST", "/jobs", jsonHead, jobWith(""), 201, nil,
		[]string{"warnings"}}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(quiet), &made); err != nil {
		t.Fatal(err)
	}
	for _, row := range []request{
		{"create", "POST", "/jobs", jsonHead, jobWith(`"schedule":"* 5 * * * *"`), 201,
			[]string{`"warnings":["` + second}, nil},
		{"change", "PUT", "/jobs/" + made.JobID, jsonHead, `{"schedule":"0 0 0 13 * 5"}`, 200,
			[]string{`"warnings":["` + either}, nil},
		{"another change", "PUT", "/jobs/" + made.JobID, jsonHead, `{"name":"x"}`, 200, []string{either}, nil},
		{"import", "POST", "/jobs/import", jsonHead, "[" + jobWith(`"schedule":"* 5 * * * *"`) + "," +
			jobWith("") + "]", 200,
			[]string{`"warnings":["` + second, `"imported":2`}, nil},
		{"preview", "POST", "/schedules/preview", jsonHead, `{"schedule":"* 5 * * * *"}`, 200, []string{second}, nil},
	} {
		row.send(t, p.url)
	}
}

func TestValuesAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	_, text := request{"a job", "POST", "/jobs", jsonHead, jobWith(""), 201, nil, nil}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	job := "/jobs/" + made.JobID
	post := func(name, members string, status int, holds ...string) request {
		return request{name, "POST", "/jobs", jsonHead, jobWith(members), status, holds, nil}
	}
	raw := func(name, members string, status int, holds ...string) request {
		return request{name, "PUT", job, jsonHead, "{" + members + "}", status, holds, nil}
	}
	shows := func(name string, holds ...string) request { return request{name, "GET", job, nil, "", 200, holds, nil} }
	get := func(name, path string, status int, holds ...string) request {
		return request{name, "GET", path, nil, "", status, holds, nil}
	}
	for _, row := range []request{
		raw("a whole number with a point", `"timeoutMs":5000.0`, 200),
		shows("is that number", `"timeoutMs":5000,`),
		raw("a whole number with an exponent", `"retry":{"maxRetries":0.4e1,"delayMs":5e3}`, 200),
		shows("is that number", `"maxRetries":4,`, `"delayMs":5000,`),
		raw("a fraction", `"timeoutMs":5.5`, 422, `"field":"timeoutMs"`, "must be a whole number, not 5.5"),
		raw("a number without end", `"timeoutMs":1e400`, 422, `"field":"timeoutMs"`, "within the limits"),
		raw("minus zero", `"jitterMs":-0`, 200),
		raw("a number in quotes", `"timeoutMs":"5000"`, 422, `"field":"timeoutMs"`, "leave the quotes out"),
		raw("a bool in quotes", `"isActive":"true"`, 422, `"field":"isActive"`, "leave the quotes out"),
		raw("a header that is null", `"headers":{"X-Token":null}`, 422, `"field":"headers.X-Token"`,
			"must be a string, not null"),
		raw("a tag that is null", `"tags":[null]`, 422, `"field":"tags[0]"`, "not null"),
		raw("null for a default", `"timeoutMs":null,"headers":null,"retry":null,"retry":null`, 400, `"field":"retry"`,
			"is there twice"),
		raw("null for a default", `"timeoutMs":null,"headers":null,"retry":null`, 200),
		shows("is the default", `"timeoutMs":30000,`, `"maxRetries":3,`),
		raw("a word in small letters", `"type":"atleast_once"`, 422, "did you mean ATLEAST_ONCE?"),
		raw("a word with a line break", `"method":"POST\n"`, 422, "did you mean POST?"),
		raw("line breaks of a shell", `"schedule":"0 0 0 1 1 *\n","api":"http://127.0.0.1:9/\n","timezone":"UTC\n",`+
			`"name":"x\n","headers":{"X-A":"1\n"}`, 200),
		shows("are gone", `"schedule":"0 0 0 1 1 *",`, `"api":"http://127.0.0.1:9/",`, `"X-A":"1"`, `"name":"x"`),

		raw("seconds", `"startAt":1798761600`, 422, `"field":"startAt"`,
			"milliseconds? 1798761600 seconds are 1798761600000 milliseconds, 2027-01-01T00:00:00Z"),
		raw("microseconds", `"endAt":1798761600000000`, 422, `"field":"endAt"`, "microseconds are 1798761600000"),
		raw("RFC 3339", `"startAt":"2027-01-01T01:00:00+01:00","endAt":"2190-01-01T00:00:00Z"`, 200),
		shows("is milliseconds in an answer", `"startAt":1798761600000,`),
		raw("RFC 3339 without an offset", `"startAt":"2027-01-01T01:00:00"`, 422, "has no offset"),
		raw("an end before the start", `"endAt":"2026-12-01T00:00:00Z"`, 422, `"field":"endAt"`,
			"must be after startAt"),
		raw("no window", `"startAt":0,"endAt":null`, 200),
		get("an export in seconds", "/executions/export?from=1798761600", 400, `"field":"from"`,
			"milliseconds? 1798761600 seconds are"),
		get("an export backwards", "/executions/export?from=1798761600001&to=1798761600000", 400, `"field":"to"`,
			"must not be before from"),
		get("an export in RFC 3339 with its plus lost", "/executions/export?from=2026-01-01T00:00:00+01:00", 200),
		get("an audit backwards", "/audit?from=1798761600001&to=1798761600000", 400, `"field":"to"`,
			"must not be before from"),
		get("an audit in seconds", "/audit?from=1798761600", 400, `"field":"from"`, "milliseconds?"),
		get("the trail in nanoseconds", "/audit/changes?from=1798761600000000000", 400, `"field":"from"`,
			"nanoseconds are 1798761600000"),
		{"a preview in milliseconds", "POST", "/schedules/preview", jsonHead,
			`{"schedule":"@hourly","after":1798761600000,"count":1.0}`, 200,
			[]string{`"utc":"2027-01-01T01:00:00Z"`}, nil},
		{"a preview in seconds", "POST", "/schedules/preview", jsonHead, `{"schedule":"@hourly","after":1798761600}`,
			422, []string{"milliseconds?"}, nil},
		{"a key in seconds", "POST", "/keys", jsonHead, `{"name":"x","role":"viewer","expiresAt":1798761600}`, 422,
			[]string{`"field":"expiresAt"`, "milliseconds?"}, nil},

		post("no scheme", `"api":"localhost:4444/x"`, 422, `"field":"api"`, "did you mean http://localhost:4444/x?"),
		post("a host alone", `"api":"example.com"`, 422, "did you mean http://example.com?"),
		post("a colon too few", `"api":"https//example.com/x"`, 422, "did you mean https://example.com/x?"),
		post("a method before it", `"api":"POST https://example.com/x"`, 422, "did you mean https://example.com/x?"),
		get("a filter with a line break", "/jobs?text=127.0.0.1%0A&namespace=default%0A", 200, `"jobs":[{`),
		post("another protocol", `"api":"ftp://example.com/"`, 422, "must be an http or https URL"),
		raw("a host of another script", `"api":"http://bücher.example/ok"`, 200),
		shows("is called by its ASCII name", `"api":"http://xn--bcher-kva.example/ok"`),
		post("an address in wide digits is seen by the rules for targets", `"api":"http://１６９.２５４.１６９.２５４/"`, 201,
			"cloud metadata"),
		raw("a name beyond ASCII", `"name":"Äpfel für ΣΊΣΥΦΟΣ"`, 200),
		get("is found in other letters", "/jobs?text=%C3%A4PFEL+F%C3%9CR+%CF%83%CE%AF%CF%83%CF%85%CF%86%CE%BF%CF%82",
			200, `"name":"Äpfel für ΣΊΣΥΦΟΣ"`),
		get("an id with a line break", job+"%0A", 200),
		get("the executions of one", job+"%0A/executions?limit=5.0", 200),
		get("a limit in quotes", "/jobs?limit=%225%22", 400, `"field":"limit"`),
	} {
		row.send(t, p.url)
	}
}

// tagged is jsonHead with a conditional header.
func tagged(name, value string) http.Header {
	h := jsonHead.Clone()
	h[name] = []string{value}
	return h
}

// TestWhatWasReadCanBeSentBack: the document of a job is a change of it, and tags
// say of which version.
func TestWhatWasReadCanBeSentBack(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	_, text := request{"a job", "POST", "/jobs", jsonHead, jobWith(`"headers":{"X-Token":"canary"},"tags":["a"]`), 201,
		nil, nil}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	job := "/jobs/" + made.JobID
	res, read := request{"read", "GET", job, nil, "", 200, nil, nil}.send(t, p.url)
	with := func(from, to string) string {
		if !strings.Contains(read, from) {
			t.Fatalf("%s has no %s", read, from)
		}
		return strings.Replace(read, from, to, 1)
	}
	for _, row := range []request{
		{"as it is", "PUT", job, jsonHead, read, 200, []string{`"version":1`}, nil},
		{"as it was answered", "PUT", job, jsonHead, text, 200, []string{`"version":1`, `"spec":`, made.JobID}, nil},
		{"a short answer", "PUT", job, tagged("Prefer", "return=minimal"), read, 200, []string{`"version":1`},
			[]string{`"spec"`}},
		{"that is known", "GET", job, tagged("If-None-Match", res.Header.Get("ETag")), "", 304, nil, nil},
		{"a merge patch", "PATCH", job, http.Header{"Content-Type": {"application/merge-patch+json"}},
			`{"spec":{"headers":{"X-None":null}}}`, 200, []string{`"version":1`, `"X-Token":"********"`}, nil},
		{"a JSON patch", "PATCH", job, http.Header{"Content-Type": {"application/json-patch+json"}}, `[]`, 415,
			[]string{"application/merge-patch+json"}, nil},
		{"a condition that is not supported", "DELETE", job, tagged("If-Unmodified-Since", "x"), "", 400,
			[]string{`"field":"If-Unmodified-Since"`, "send If-Match"}, nil},
		{"a body of a run", "POST", job + "/trigger", jsonHead, `{"body":1}`, 400, []string{`"field":"body"`}, nil},
		{"with a wrong field", "PUT", job, jsonHead, with(`"timeoutMs":30000`, `"timeoutMs":0`), 422,
			[]string{`"field":"spec.timeoutMs"`}, nil},
		{"with another creation", "PUT", job, jsonHead, with(`"createdAt":`, `"createdAt":1`), 422,
			[]string{`"field":"createdAt"`, "can only be read"}, nil},
		{"a field beside spec", "PATCH", job, jsonHead, with(`"isActive":true`, `"isActive":true,"name":"x"`), 200,
			[]string{`"version":2`}, nil},
		{"of an old version", "PUT", job, jsonHead, with(`"timeoutMs":30000`, `"timeoutMs":1`), 409,
			[]string{`"field":"version"`, "read the job again"}, nil},
		{"the rest is as it was", "GET", job, nil, "", 200,
			[]string{`"name":"x"`, `"timeoutMs":30000`, `"tags":["a"]`, `"X-Token":"********"`}, nil},
		{"an idempotency key", "POST", "/jobs", tagged("Idempotency-Key", "a"), jobWith(""), 201, nil, nil},
		{"the same for an import", "POST", "/jobs/import", tagged("Idempotency-Key", "a"), jobWith(""), 422,
			[]string{`"field":"Idempotency-Key"`}, nil},
		{"one of a change", "PUT", job, tagged("Idempotency-Key", "a"), `{}`, 200, nil, nil},
		{"one of several tags", "PUT", job, tagged("If-Match", `"1", W/"2", "2"`), `{"tags":["b"]}`, 200,
			[]string{`"version":3`}, nil},
		{"none of several tags", "PUT", job, tagged("If-Match", `"1", "2"`), `{"tags":["c"]}`, 412,
			[]string{`"field":"If-Match"`}, nil},
		{"a weak tag", "DELETE", job, tagged("If-Match", `W/"3"`), "", 412, nil, nil},
		{"no tag", "DELETE", job, tagged("If-Match", ""), "", 400, []string{`"field":"If-Match"`}, nil},
		{"a pause of an old version", "POST", job + "/pause", tagged("If-Match", `"2"`), "", 412, nil, nil},
		{"a run of an old version", "POST", job + "/trigger", tagged("If-Match", `"2"`), "", 412, nil, nil},
		{"only if it is new", "PUT", job, tagged("If-None-Match", "*"), `{"tags":["c"]}`, 412,
			[]string{`"field":"If-None-Match"`}, nil},
		{"as a new job", "POST", "/jobs", jsonHead, read, 422, []string{`"field":"spec"`, "send what is in it"},
			[]string{"createdAt"}},
	} {
		row.send(t, p.url)
	}
	_, all := request{"its secret", "POST", "/jobs/export?withSecrets=true", nil, "", 200, nil, nil}.send(t, p.url)
	if !strings.Contains(all, `"X-Token":"canary"`) {
		t.Errorf("the secret is lost: %s", all)
	}
}

// TestTheNextAttemptIsTold: an execution that waits for its retry says when that
// is due, before and after a restart.
func TestTheNextAttemptIsTold(t *testing.T) {
	t.Parallel()
	tg, dir := newTarget(t), t.TempDir()
	p := serve(t, dir)
	retries, delay := 3, int64(3_600_000)
	job := byHand(tg.url + "/status/503")
	job.Retry = &client.Retry{MaxRetries: &retries, DelayMs: &delay, Backoff: "FIXED"}
	made, err := p.api.Jobs.Create(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	run, err := p.api.Jobs.Trigger(t.Context(), made.JobID)
	if err != nil {
		t.Fatal(err)
	}
	waits := func() int64 {
		var e client.Execution
		eventually(t, "the execution waits for its retry", func() bool {
			if e, err = p.api.Executions.Get(t.Context(), run.ExecutionID); err != nil {
				t.Fatal(err)
			}
			return e.NextAttemptAt != nil
		})
		if len(e.Attempts) != 1 || *e.NextAttemptAt != *e.Attempts[0].CompletedAt+delay || e.Status != "PENDING" {
			t.Errorf("%+v, due at %d", e, *e.NextAttemptAt)
		}
		return *e.NextAttemptAt
	}
	due := waits()
	request{"of the job", "GET", "/jobs/" + made.JobID + "/executions", nil, "", 200,
		[]string{fmt.Sprintf(`"nextAttemptAt":%d`, due)}, nil}.send(t, p.url)
	if code := p.terminate(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	p = serve(t, dir)
	if again := waits(); again != due {
		t.Errorf("after a restart the retry is due at %d, not %d", again, due)
	}
}

// TestRefusalsHideSecrets: what is refused, and the log of it, repeats nothing
// that may be a secret.
func TestRefusalsHideSecrets(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir(), "LOG_LEVEL=debug")
	hidden := []string{"canary"}
	for _, api := range []string{
		"http://u:canary@example.com/", "u:canary@example.com:80/", "//u:canary@h/x", "ftp://u:canary@h/",
		"http://u:canary%zz@h/", "http://u:can/canary@h/",
	} {
		request{api, "POST", "/jobs", jsonHead, jobWith(fmt.Sprintf(`"api":%q`, api)), 422, []string{`"field":"api"`},
			hidden}.send(t, p.url)
	}
	for _, row := range []request{
		{"a header as a name", "POST", "/jobs", jsonHead, jobWith(`"headers":{"Authorization: canary":"x"}`), 422,
			[]string{"Authorization..."}, hidden},
		{"a wrong value", "POST", "/jobs", jsonHead, jobWith(`"headers":{"Authorization":"canary\u0001"}`), 422,
			[]string{`"field":"headers.Authorization"`}, hidden},
		{"a secret header with its value", "POST", "/jobs", jsonHead, jobWith(`"secretHeaders":["X-A: canary"]`), 422,
			[]string{`"value":"X-A..."`}, hidden},
		{"a signing secret", "POST", "/jobs", jsonHead, jobWith(`"signing":{"secrets":["canary"]}`), 422,
			[]string{"signing.secrets[0]"}, hidden},
		{"a key as the id of one", "DELETE", "/keys/bel_k7x2mq4a_canary", nil, "", 400,
			[]string{`"field":"id"`}, hidden},
	} {
		row.send(t, p.url)
	}
	eventually(t, "the last request is in the log",
		func() bool { return strings.Contains(p.log(), "/keys/bel_k7x2mq4a_********") })
	if strings.Contains(p.log(), "canary") {
		t.Errorf("the log holds it: %s", p.log())
	}
	code, _, stderr := runAll(t, cleanEnv(), "keys", "list", "--server", "http://u:canary%zz@127.0.0.1:1")
	if code == 0 || strings.Contains(stderr, "canary") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// statusLine begins an answer.
var statusLine = regexp.MustCompile(`HTTP/1\.[01] \d{3} `)

// TestNothingIsHiddenBehindARequest: where a proxy may see the end of a request
// elsewhere, what comes behind it is not served.
func TestNothingIsHiddenBehindARequest(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	const head = "Host: localhost\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
	const both = head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	for request, answers := range map[string]int{
		"GET /healthz HTTP/1.1\r\n" + head + "\r\n":                      2,
		"POST /jobs HTTP/1.1\r\n" + head + "Content-Length: 2\r\n\r\n{}": 2,
		"POST /jobs HTTP/1.1\r\n" + both:                                 1,
		"POST /jobs HTTP/1.0\r\n" + both:                                 1,
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request+"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: "+
			"close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) { // it has left the second request unread
			t.Fatal(err)
		}
		if n := len(statusLine.FindAll(got, -1)); n != answers {
			t.Errorf("%q: %d answers, want %d: %q", request, n, answers, got)
		}
		_ = c.Close()
	}
}
