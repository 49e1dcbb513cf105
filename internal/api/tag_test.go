package api

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestDocumentsThatHaveNotChanged: an execution, the reference and its page are 304 while they
// are what they were.
func TestDocumentsThatHaveNotChanged(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	facts := seedHistory(t, f, id)
	first, second := "/executions/"+facts[0].ID().String(), "/executions/"+facts[1].ID().String()
	other := call(t, h, "GET", second, "").Header.Get("ETag")
	for _, path := range []string{first, first + "?time=rfc3339", "/openapi.json", "/docs"} {
		res := call(t, h, "GET", path, "")
		tag := res.Header.Get("ETag")
		if res.StatusCode != 200 || !strings.HasPrefix(tag, `"`) || len(tag) < 10 || tag == other {
			t.Fatalf("%s: %d, ETag %s", path, res.StatusCode, tag)
		}
		for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			again := call(t, h, "GET", path, "", "If-None-Match: "+known)
			if again.StatusCode != 304 || again.text != "" || again.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %d, ETag %s, %.50s", path, known, again.StatusCode, again.Header.Get("ETag"),
					again.text)
			}
		}
		for _, unknown := range []string{other, `"x"`, "0"} {
			if again := call(t, h, "GET", path, "", "If-None-Match: "+unknown); again.StatusCode != 200 &&
				unknown != "0" || again.StatusCode == 304 {
				t.Errorf("%s with %s: %d", path, unknown, again.StatusCode)
			}
		}
		call(t, h, "GET", path, "", `If-None-Match: "x`).problem(t, 400)
	}
	if a, b := call(t, h, "GET", first, "").Header.Get("ETag"), call(t, h, "GET", first+"?time=rfc3339",
		"").Header.Get("ETag"); a == b {
		t.Errorf("both forms have the tag %s", a)
	}
}

// TestAnExecutionThatGoesOnHasAnotherTag: 304 says that it has not ended since.
func TestAnExecutionThatGoesOnHasAnotherTag(t *testing.T) {
	h, x := realOfAdmin(t)
	id := create(t, h, never)
	var run triggeredBody
	call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &run)
	path := "/executions/" + run.ExecutionID
	before := call(t, h, "GET", path, "").Header.Get("ETag")
	x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	for {
		res := call(t, h, "GET", path, "", "If-None-Match: "+before)
		if res.StatusCode == 200 && strings.Contains(res.text, `"SUCCESS"`) {
			break
		}
		if res.StatusCode != 200 && res.StatusCode != 304 {
			t.Fatalf("%d %s", res.StatusCode, res.text)
		}
	}
}

// TestCodesAreAsSpecificAsTheirSentences is the truth table of what programs read.
func TestCodesAreAsSpecificAsTheirSentences(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	long := strings.Repeat("a", 3000)
	for _, c := range []struct{ path, body, field, code, sentence string }{
		{"/jobs", laidOver(`"tags":[1]`), "tags[0]", "wrong-type",
			"must be a string, not a number: write it in quotes"},
		{"/jobs", laidOver(`"tags":[{}]`), "tags[0]", "wrong-type", "must be a string, not an object"},
		{"/jobs", laidOver(`"tags":5`), "tags", "wrong-type", "must be an array of strings, not a number"},
		{"/jobs", laidOver(`"tags":"a"`), "tags", "wrong-type", "must be an array of strings, not a string"},
		{"/jobs", laidOver(`"tags":["` + long + `"]`), "tags[0]", "too-long", ""},
		{"/jobs", laidOver(`"secretHeaders":[null]`), "secretHeaders[0]", "wrong-type", "not null"},
		{"/jobs", laidOver(`"secretHeaders":["` + long + `"]`), "secretHeaders[0]", "too-long", ""},
		{"/jobs", laidOver(`"secretHeaders":["a b"]`), "secretHeaders[0]", "wrong-format", ""},
		{"/jobs", laidOver(`"signing":{"secrets":[true]}`), "signing.secrets[0]", "wrong-type", "not a boolean"},
		{"/jobs", laidOver(`"retry":3`), "retry", "wrong-type",
			"an object with backoff, delayMs, maxDelayMs, maxRetries"},
		{"/jobs", laidOver(`"headers":[]`), "headers", "wrong-type", "must be an object, not an array"},
		{"/jobs", laidOver(`"timeoutMs":"5"`), "timeoutMs", "wrong-type", "not a string; leave the quotes out"},
		{"/jobs", laidOver(`"timeoutMs":1.5`), "timeoutMs", "wrong-type", ""},
		{"/jobs", laidOver(`"timeoutMs":0`), "timeoutMs", "out-of-range", ""},
		{"/jobs", laidOver(`"name":"` + long + `"`), "name", "too-long", ""},
		{"/jobs", laidOver(`"name":"a\u0007"`), "name", "wrong-format", ""},
		{"/jobs", laidOver(`"namespace":"` + long + `"`), "namespace", "too-long", ""},
		{"/jobs", laidOver(`"namespace":"A"`), "namespace", "wrong-format", ""},
		{"/jobs", laidOver(`"api":"http://a.test/` + long + `"`), "api", "too-long", ""},
		{"/jobs", laidOver(`"api":"ftp://a.test/"`), "api", "wrong-format", ""},
		{"/jobs", laidOver(`"schedule":"` + long + `"`), "schedule", "too-long", ""},
		{"/jobs", laidOver(`"schedule":"60 * * * * *"`), "schedule", "out-of-range", ""},
		{"/jobs", laidOver(`"schedule":"@at 2500-01-01T00:00:00Z"`), "schedule", "out-of-range", ""},
		{"/jobs", laidOver(`"schedule":"0 0 0 30 2 *"`), "schedule", "never-fires", ""},
		{"/jobs", laidOver(`"schedule":"x"`), "schedule", "wrong-format", ""},
		{"/jobs", laidOver(`"timezone":"Mars/X"`), "timezone", "not-found", ""},
		{"/jobs", laidOver(`"timezone":"` + long + `"`), "timezone", "too-long", ""},
		{"/jobs", laidOver(`"timezone":"../x y"`), "timezone", "wrong-format", ""},
		{"/schedules/preview", `{"schedule":"@hourly","dst":{"x":1}}`, "dst.x", "unknown", ""},
		{"/schedules/preview", `{"schedule":"@hourly","dst":{"gap":""}}`, "dst.gap", "not-a-choice", ""},
		{"/schedules/preview", `{"schedule":"@hourly","dst":{"gap":5}}`, "dst.gap", "wrong-type", "not a number"},
		{"/schedules/preview", `{"schedule":"@hourly","dst":5}`, "dst", "wrong-type", "an object with fold, gap"},
		{"/schedules/preview", `{"schedule":5}`, "schedule", "wrong-type", "must be a string, not a number"},
		{"/keys", `{"role":"viewer"}`, "name", "required", ""},
		{"/keys", `{"name":"x"}`, "role", "required", ""},
		{"/keys", `{"name":"` + long + `","role":"viewer"}`, "name", "too-long", ""},
		{"/keys", `{"name":"x","role":"viewer","namespace":"` + long + `"}`, "namespace", "too-long", ""},
		{"/keys", `{"name":"x","role":"boss"}`, "role", "not-a-choice", ""},
	} {
		p := call(t, h, "POST", c.path, c.body).problem(t, 422)
		if len(p.Errors) != 1 || p.Errors[0].Field != c.field || string(p.Errors[0].Code) != c.code ||
			!strings.Contains(p.Errors[0].Message, c.sentence) {
			t.Errorf("%s %.120s: %+v, want %s %s %s", c.path, c.body, p.Errors, c.field, c.code, c.sentence)
		}
	}
}
