package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withoutMembers returns the members of a JSON object but for some.
func withoutMembers(t *testing.T, text string, names ...string) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for _, name := range names {
		delete(all, name)
	}
	return all
}

// TestAnswersHaveTheJob: whatever makes or changes a job answers what GET answers after it,
// with the same tag.
func TestAnswersHaveTheJob(t *testing.T) {
	h := newAPI(t, newFixture(t))
	made := call(t, h, "POST", "/jobs", laidOver(`"headers":{"Authorization":"secret"}`))
	path := made.Header.Get("Location")
	for _, row := range []struct {
		method, path, body string
		status             int
		header             string
	}{
		{"PUT", path, `{"name":"a"}`, 200, "Prefer: return=representation"},
		{"PUT", path, `{"name":"a"}`, 200, "X-A: 1"}, // alters nothing
		{"PATCH", path, `{"name":"b"}`, 200, "X-A: 1"},
		{"POST", path + "/pause", "", 200, "X-A: 1"},
		{"POST", path + "/resume", "", 200, "X-A: 1"},
		{"GET", path, "", 200, "X-A: 1"},
	} {
		now := call(t, h, "GET", path, "")
		if diff := cmp.Diff(withoutMembers(t, now.text),
			withoutMembers(t, made.text, "message", "warnings")); diff != "" {
			t.Errorf("before %s %s (-read +answered):\n%s", row.method, row.path, diff)
		}
		if tag := made.Header.Get("ETag"); tag == "" || tag != now.Header.Get("ETag") {
			t.Errorf("tags %q and %q", tag, now.Header.Get("ETag"))
		}
		if strings.Contains(made.text, "secret\"") {
			t.Errorf("it shows the secret: %s", made.text)
		}
		made = call(t, h, row.method, row.path, row.body, row.header)
		all := withoutMembers(t, made.text)
		if made.StatusCode != row.status || all["id"] != all["jobId"] || all["id"] == nil {
			t.Errorf("%s %s: %d %s", row.method, row.path, made.StatusCode, made.text)
		}
		want := ""
		if strings.HasPrefix(row.header, "Prefer") {
			want = returnWhole
		}
		if got := made.Header.Get("Preference-Applied"); got != want {
			t.Errorf("%s: applied %q", row.header, got)
		}
	}
	var list jobsBody
	call(t, h, "GET", "/jobs", "").into(t, 200, &list)
	if list.Jobs[0].ID != list.Jobs[0].JobID {
		t.Errorf("listed: %+v", list.Jobs[0])
	}
}

// TestMinimalAnswers: with Prefer: return=minimal the job is not repeated.
func TestMinimalAnswers(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, prefer := range []string{"return=minimal", `respond-async, Return="minimal"; x=1`,
		"return=MINIMAL,return=representation"} {
		made := call(t, h, "POST", "/jobs", minimal, "Prefer: "+prefer)
		path := made.Header.Get("Location")
		for _, res := range []answer{
			made, call(t, h, "PUT", path, `{"name":"x"}`, "Prefer: "+prefer),
			call(t, h, "PATCH", path, `{"name":"y"}`, "Prefer: "+prefer),
			call(t, h, "POST", path+"/pause", "", "Prefer: "+prefer),
		} {
			rest := withoutMembers(t, res.text, "jobId", "message", "version", "effectiveFrom")
			if len(rest) != 0 || res.StatusCode > 201 || res.Header.Get("Preference-Applied") != returnMinimal ||
				res.Header.Get("ETag") == "" {
				t.Errorf("%s: %d %s, applied %q", prefer, res.StatusCode, res.text,
					res.Header.Get("Preference-Applied"))
			}
		}
	}
	for _, prefer := range []string{"return=none", "minimal", "xreturn=minimal", ""} {
		if res := call(t, h, "POST", "/jobs", minimal, "Prefer: "+prefer); !strings.Contains(res.text, `"spec"`) ||
			res.Header.Get("Preference-Applied") != "" {
			t.Errorf("%q: %s", prefer, res.text)
		}
	}
}

// TestMinimalAnswerOfAnImport: it has what was refused, and the counts.
func TestMinimalAnswerOfAnImport(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for body, want := range map[string]string{
		minimal + "\n{}\n" + minimal + "\n[]\n": `{"results":[{"index":1,`,
		minimal: `{"results":[],"imported":1,"refused":0,"updated":0,` +
			`"unchanged":0,"skipped":0}`,
	} {
		res := call(t, h, "POST", "/jobs/import", body, ndjson, "Prefer: return=minimal")
		var report importBody
		res.into(t, 200, &report)
		if !strings.HasPrefix(res.text, want) || res.Header.Get("Preference-Applied") != returnMinimal ||
			len(report.Results) != report.Refused || report.Imported != strings.Count(body, "hook") {
			t.Errorf("%s, applied %q", res.text, res.Header.Get("Preference-Applied"))
		}
	}
}

// TestNotModified: 304 is answered as long as all of the document is as it was.
func TestNotModified(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	path := "/jobs/" + create(t, h, minimal)
	tag := call(t, h, "GET", path, "").Header.Get("ETag")
	for _, row := range []struct {
		header string
		status int
	}{
		{"If-None-Match: " + tag, 304}, {"If-None-Match: W/" + tag, 304}, {`If-None-Match: "7", ` + tag, 304},
		{"If-None-Match: *", 304}, {`If-None-Match: "1"`, 304}, {"If-None-Match: 1", 304},
		{`If-None-Match: "1-0"`, 200}, {`If-None-Match: "2"`, 200}, {"If-None-Match: ", 400}, {"If-None-Match: x", 400},
		{"If-Match: " + tag, 200}, {`If-Match: "1"`, 200}, {`If-Match: "1-0"`, 200}, {"If-Match: *", 200},
		{`If-Match: "2"`, 412}, {"If-Match: x", 400},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			res := call(t, h, method, path, "", row.header)
			if res.StatusCode != row.status {
				t.Errorf("%s with %s: %d, want %d", method, row.header, res.StatusCode, row.status)
			}
			if row.status == 304 && (res.text != "" || res.Header.Get("ETag") != tag) {
				t.Errorf("%s with %s: %q, tag %s", method, row.header, res.text, res.Header.Get("ETag"))
			}
		}
	}
	call(t, h, "GET", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "", "If-None-Match: *").problem(t, 404)
	// Of another next fire, which the version does not tell.
	other := call(t, h, "GET", "/jobs/"+create(t, h, strings.Replace(minimal, "*/5", "*/7", 1)), "").Header.Get("ETag")
	if other == tag {
		t.Errorf("jobs with other next fires have one tag, %s", tag)
	}
	if res := call(t, h, "PUT", path, `{"name":"x"}`, "If-Match: "+other); res.StatusCode != 200 {
		t.Errorf("a change asks for the version alone: %d %s", res.StatusCode, res.text)
	}
	if res := call(t, h, "GET", path, "", "If-None-Match: "+tag); res.StatusCode != 200 {
		t.Errorf("after a change: %d", res.StatusCode)
	}
}

// TestDocumentOfAnyClientChangesNothing: what was read is sent back as it was read, and as
// other libraries write it.
func TestDocumentOfAnyClientChangesNothing(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	made := call(t, h, "POST", "/jobs",
		laidOver(`"body": {"b": [1.50, 20, {"ü<&>": null}], "a" : "x&y", "n":123456789012345678901},`+
			`"headers":{"Authorization":"secret","X-A":"<&>"},`+
			`"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]}`))
	path := made.Header.Get("Location")
	stored := string(f.job(t, strings.TrimPrefix(path, "/jobs/")).Current.Spec.Body)
	var decoded map[string]any
	dec := json.NewDecoder(strings.NewReader(call(t, h, "GET", path, "").text))
	dec.UseNumber()
	if err := dec.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	typed := decoded["spec"].(map[string]any)
	typed["tags"], typed["secretHeaders"], typed["startAt"], typed["tlsSkipVerify"] = []string{}, []string{}, 0, false
	sorted, err := json.MarshalIndent(decoded, "", "  ") // members in another order
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"as it was read":     call(t, h, "GET", path, "").text,
		"as it was answered": made.text,
		"by another library": string(sorted),
		"in other letters":   strings.Replace(string(sorted), "1.50", "1.5", 1),
	} {
		for _, method := range []string{"PUT", "PATCH"} {
			res := call(t, h, method, path, body)
			if all := withoutMembers(t, res.text); res.StatusCode != 200 || all["version"] != 1.0 {
				t.Errorf("%s, %s: %d %s", method, name, res.StatusCode, res.text)
			}
		}
	}
	if got := string(f.job(t, strings.TrimPrefix(path, "/jobs/")).Current.Spec.Body); got != stored {
		t.Errorf("the body is %s, and was %s", got, stored)
	}
	for member, wrong := range map[string]string{"id": `"x"`, "jobId": `"x"`, "message": `1`, "warnings": `[null]`,
		"createdAt": `1`, "error": `"x"`} {
		for _, method := range []string{"PUT", "PATCH"} {
			if p := call(t, h, method, path, `{"`+member+`":`+wrong+`}`).problem(t, 422); p.fields()[0] != member {
				t.Errorf("%s %s: %v", method, member, p.fields())
			}
		}
	}
	call(t, h, "PATCH", path, `{"createdAt":null}`).problem(t, 422) // a removal
	call(t, h, "PATCH", path, `{"spec":null}`).problem(t, 422)
}

// TestMergePatch is RFC 7396 over a job.
func TestMergePatch(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	path := "/jobs/" + create(t, h, laidOver(`"name":"a","tags":["x","y"],"retry":{"maxRetries":7,"delayMs":5},`+
		`"headers":{"Authorization":"secret","X-A":"1","X-B":"2"},"body":{"a":{"b":1,"c":[1,2]},"d":"e"}`))
	for _, row := range []struct{ name, body, holds, not string }{
		{"a field", `{"name":"b"}`, `"name":"b"`, ""},
		{"in spec", `{"spec":{"name":"c"},"isActive":false}`, `"name":"c"`, `"isActive":true`},
		{"null is the default", `{"name":null}`, `"spec"`, `"name"`},
		{"an object is merged", `{"retry":{"maxRetries":null,"backoff":"FIXED"}}`,
			`"maxRetries":3,"delayMs":5,"backoff":"FIXED"`, ""},
		{"one header", `{"headers":{"X-C":"3"}}`, `{"Authorization":"********","X-A":"1","X-B":"2","X-C":"3"}`, ""},
		{"a header goes", `{"spec":{"headers":{"x-a":null,"X-B":"4"}}}`,
			`{"Authorization":"********","X-B":"4","X-C":"3"}`, ""},
		{"a header of another case", `{"headers":{"x-b":"5"}}`, `"x-b":"5"`, `X-B`},
		{"the secret stays", `{"headers":{"Authorization":"********"}}`, `"Authorization":"********"`, ""},
		{"in the body", `{"body":{"a":{"b":null,"f":true},"d":2}}`, `"body":{"a":{"c":[1,2],"f":true},"d":2}`, ""},
		{"an array is replaced", `{"body":{"a":{"c":[3]}},"tags":["z"]}`, `"c":[3]`, `"x"`},
		{"the body is replaced", `{"body":"text"}`, `"body":"text"`, ""},
		{"by an object", `{"body":{"x":{"y":null,"z":1}}}`, `"body":{"x":{"z":1}}`, ""},
		{"the body goes", `{"body":null}`, `"spec"`, `"body"`},
		{"all headers go", `{"headers":null}`, `"spec"`, `"headers"`},
	} {
		res := call(t, h, "PATCH", path, row.body, "Content-Type: application/merge-patch+json")
		if res.StatusCode != 200 || !strings.Contains(res.text, row.holds) ||
			row.not != "" && strings.Contains(res.text, row.not) {
			t.Errorf("%s: %d %s", row.name, res.StatusCode, res.text)
		}
		if value, has := f.job(t, strings.TrimPrefix(path, "/jobs/")).Current.Spec.Headers["Authorization"]; has &&
			value != "secret" {
			t.Errorf("%s: the secret is %q", row.name, value)
		}
	}
	other := "/jobs/" + create(t, h, laidOver(`"headers":{"X-S":"secret","X-A":"1"},"secretHeaders":["X-S"]`))
	for body, field := range map[string]string{
		`{"headers":{"X-A":"2"},"secretHeaders":null}`: "secretHeaders", // would show X-S
		`{"secretHeaders":[]}`:                         "secretHeaders",
		`{"headers":{"X-A":1}}`:                        "headers.X-A",
		`{"headers":["X-A"]}`:                          "headers",
		`{"retry":5}`:                                  "retry",
		`{"schedule":null}`:                            "schedule",
	} {
		if p := call(t, h, "PATCH", other, body).problem(t, 422); p.fields()[0] != field {
			t.Errorf("%s: %+v", body, p)
		}
	}
	if res := call(t, h, "PATCH", other, `{"secretHeaders":null,"headers":{"X-S":null}}`); res.StatusCode != 200 {
		t.Errorf("a secret that goes with its name: %s", res.text)
	}
	res := call(t, h, "PATCH", other, `[]`, "Content-Type: application/json-patch+json")
	if res.problem(t, 415); !strings.Contains(res.Header.Get("Accept-Patch"), "application/merge-patch+json") {
		t.Errorf("Accept-Patch %q", res.Header.Get("Accept-Patch"))
	}
	call(t, h, "PATCH", other, `{"name":"x"}`, `If-Match: "9"`).problem(t, 412)
}
