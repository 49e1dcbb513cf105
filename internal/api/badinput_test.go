package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// wrongSpecs holds a wrong value for every field of a job, and the fields that
// the answer must name. Each is laid over a document that is right.
var wrongSpecs = []struct {
	name, json string
	fields     []string
}{
	{"schedule: number", `"schedule":5`, []string{"schedule"}},
	{"schedule: null", `"schedule":null`, []string{"schedule"}},
	{"schedule: empty", `"schedule":""`, []string{"schedule"}},
	{"schedule: junk", `"schedule":"every tuesday"`, []string{"schedule"}},
	{"schedule: out of range", `"schedule":"60 * * * * *"`, []string{"schedule"}},
	{"schedule: never", `"schedule":"0 0 0 30 2 *"`, []string{"schedule"}},
	{"schedule: past", `"schedule":"@at 2001-01-01T00:00:00Z"`, []string{"schedule"}},
	{"schedule: huge", `"schedule":"` + strings.Repeat("1,", 5000) + `1 * * * *"`, []string{"schedule"}},
	{"schedule: unicode digits", `"schedule":"٥ * * * *"`, []string{"schedule"}},
	{"schedule: control", `"schedule":"0 \u0000 * * *"`, []string{"schedule"}},
	{"api: number", `"api":1`, []string{"api"}},
	{"api: empty", `"api":""`, []string{"api"}},
	{"api: ftp", `"api":"ftp://example.com/"`, []string{"api"}},
	{"api: javascript", `"api":"javascript:alert(1)"`, []string{"api"}},
	{"api: relative", `"api":"/hook"`, []string{"api"}},
	{"api: no host", `"api":"http://"`, []string{"api"}},
	{"api: user", `"api":"http://u:p@example.com/"`, []string{"api"}},
	{"api: port", `"api":"http://example.com:99999/"`, []string{"api"}},
	{"api: space", `"api":"http://example.com/a b"`, []string{"api"}},
	{"api: line break", `"api":"http://example.com/\r\nX: y"`, []string{"api"}},
	{"api: huge", `"api":"http://example.com/` + strings.Repeat("x", 3000) + `"`, []string{"api"}},
	{"type: wrong", `"type":"SOMETIMES"`, []string{"type"}},
	{"type: lower case", `"type":"atleast_once"`, []string{"type"}},
	{"type: array", `"type":["ATLEAST_ONCE"]`, []string{"type"}},
	{"namespace: number", `"namespace":1`, []string{"namespace"}},
	{"namespace: empty", `"namespace":""`, []string{"namespace"}},
	{"namespace: capitals", `"namespace":"Billing"`, []string{"namespace"}},
	{"namespace: path", `"namespace":"../default"`, []string{"namespace"}},
	{"namespace: line break", `"namespace":"a\n"`, []string{"namespace"}},
	{"namespace: long", `"namespace":"` + strings.Repeat("a", 64) + `"`, []string{"namespace"}},
	{"name: object", `"name":{}`, []string{"name"}},
	{"name: long", `"name":"` + strings.Repeat("ä", 201) + `"`, []string{"name"}},
	{"name: control", `"name":"a\u0007b"`, []string{"name"}},
	{"tags: string", `"tags":"a"`, []string{"tags"}},
	{"tags: numbers", `"tags":[1]`, []string{"tags[0]"}},
	{"tags: empty one", `"tags":["a",""]`, []string{"tags[1]"}},
	{"tags: twice", `"tags":["a","a"]`, []string{"tags[1]"}},
	{"tags: many", `"tags":["` + strings.Join(strings.Split(strings.Repeat("x", 33), ""), `1","`) + `"]`, nil},
	{"timezone: unknown", `"timezone":"Mars/Olympus"`, []string{"timezone"}},
	{"timezone: path", `"timezone":"../../etc/passwd"`, []string{"timezone"}},
	{"timezone: number", `"timezone":1`, []string{"timezone"}},
	{"method: wrong", `"method":"BREW"`, []string{"method"}},
	{"method: lower case", `"method":"post"`, []string{"method"}},
	{"headers: array", `"headers":[]`, []string{"headers"}},
	{"headers: number", `"headers":{"X-A":1}`, []string{"headers.X-A"}},
	{"headers: null", `"headers":{"X-A":null,"X-B":"1"}`, []string{"headers.X-A"}},
	{"headers: reserved", `"headers":{"Host":"x"}`, []string{"headers.Host"}},
	{"headers: ours", `"headers":{"Belfry-Job-Id":"x"}`, []string{"headers.Belfry-Job-Id"}},
	{"headers: injection", `"headers":{"X-A":"1\r\nX-B: 2"}`, []string{"headers.X-A"}},
	{"headers: name", `"headers":{"X A":"1"}`, []string{"headers"}},
	{"headers: case", `"headers":{"X-A":"1","x-a":"2"}`, nil},
	{"body: with GET", `"method":"GET","body":{}`, []string{"body"}},
	{"body: large", `"body":"` + strings.Repeat("x", 300<<10) + `"`, []string{"body"}},
	{"timeoutMs: zero", `"timeoutMs":0`, []string{"timeoutMs"}},
	{"timeoutMs: negative", `"timeoutMs":-1`, []string{"timeoutMs"}},
	{"timeoutMs: string", `"timeoutMs":"30s"`, []string{"timeoutMs"}},
	{"timeoutMs: fraction", `"timeoutMs":1.5`, []string{"timeoutMs"}},
	{"timeoutMs: huge", `"timeoutMs":1e300`, []string{"timeoutMs"}},
	{"timeoutMs: beyond int64", `"timeoutMs":99999999999999999999`, []string{"timeoutMs"}},
	{"retry: number", `"retry":3`, []string{"retry"}},
	{"retry: unknown", `"retry":{"tries":3}`, []string{"retry.tries"}},
	{"retry.maxRetries: negative", `"retry":{"maxRetries":-1}`, []string{"retry.maxRetries"}},
	{"retry.maxRetries: many", `"retry":{"maxRetries":101}`, []string{"retry.maxRetries"}},
	{"retry.delayMs: huge", `"retry":{"delayMs":999999999999}`, []string{"retry.delayMs"}},
	{"retry.backoff: wrong", `"retry":{"backoff":"SLOW"}`, []string{"retry.backoff"}},
	{"retry: all at once", `"retry":{"maxRetries":-1,"delayMs":-1,"maxDelayMs":-1,"backoff":""}`,
		[]string{"retry.backoff", "retry.delayMs", "retry.maxDelayMs", "retry.maxRetries"}},
	{"overlap: wrong", `"overlap":"MAYBE"`, []string{"overlap"}},
	{"misfire: array", `"misfire":[1]`, []string{"misfire"}},
	{"misfire.policy: wrong", `"misfire":{"policy":"NO"}`, []string{"misfire.policy"}},
	{"misfire.maxAgeMs: zero", `"misfire":{"maxAgeMs":0}`, []string{"misfire.maxAgeMs"}},
	{"misfire.maxRuns: negative", `"misfire":{"maxRuns":-5}`, []string{"misfire.maxRuns"}},
	{"startAt: string", `"startAt":"2026-01-01"`, []string{"startAt"}},
	{"startAt: negative", `"startAt":-1`, []string{"startAt"}},
	{"endAt: before startAt", `"startAt":2000000000000,"endAt":1999999999999`, []string{"endAt"}},
	{"endAt: past", `"endAt":1700000000000`, []string{"endAt"}},
	{"startAt: seconds", `"startAt":1798761600`, []string{"startAt"}},
	{"endAt: microseconds", `"endAt":1798761600000000`, []string{"endAt"}},
	{"jitterMs: negative", `"jitterMs":-1`, []string{"jitterMs"}},
	{"jitterMs: long", `"jitterMs":86400001`, []string{"jitterMs"}},
	{"dst: string", `"dst":"AFTER"`, []string{"dst"}},
	{"dst.gap: wrong", `"dst":{"gap":"NEVER"}`, []string{"dst.gap"}},
	{"dst.fold: wrong", `"dst":{"fold":"ALL"}`, []string{"dst.fold"}},
	{"signing: string", `"signing":"whsec_x"`, []string{"signing"}},
	{"signing: unknown", `"signing":{"secret":"whsec_x"}`, []string{"signing.secret"}},
	{"signing.secrets: string", `"signing":{"secrets":"whsec_x"}`, []string{"signing.secrets"}},
	{"signing.secrets: number", `"signing":{"secrets":[1]}`, []string{"signing.secrets[0]"}},
	{"signing.secrets: wrong", `"signing":{"secrets":["whsec_x"]}`, []string{"signing.secrets[0]"}},
	{"signing.secrets: a mask", `"signing":{"secrets":["********"]}`, []string{"signing.secrets[0]"}},
	{"clientCertificate: number", `"clientCertificate":1`, []string{"clientCertificate"}},
	{"clientCertificate: unknown", `"clientCertificate":"none"`, []string{"clientCertificate"}},
	{"clientCertificate: unknown, beside another fault", `"clientCertificate":"none","timeoutMs":0`,
		[]string{"clientCertificate", "timeoutMs"}},
	{"clientCertificate: for http", `"clientCertificate":"bank","api":"http://example.com/"`,
		[]string{"clientCertificate"}},
	{"tlsSkipVerify: string", `"tlsSkipVerify":"yes"`, []string{"tlsSkipVerify"}},
	{"isActive: string", `"isActive":"true"`, []string{"isActive"}},
	{"isActive: number", `"isActive":1`, []string{"isActive"}},
	{"unknown field", `"cron":"x"`, []string{"cron"}},
	{"unknown field in another case", `"Schedule":"* * * * *"`, []string{"Schedule"}},
	{"unknown unicode field", `"schedülé":1`, []string{"schedülé"}},
	{"unknown empty field", `"":1`, []string{""}},
	{"proto", `"__proto__":{"isAdmin":true}`, []string{"__proto__"}},
	{"several at once", `"type":5,"foo":1,"method":"X","timeoutMs":-1,"retry":{"x":1},"overlap":"Y"`,
		[]string{"foo", "method", "overlap", "retry.x", "timeoutMs", "type"}},
}

// laidOver puts wrong members into a document that is right.
func laidOver(wrong string) string {
	doc := "{" + wrong
	for name, value := range map[string]string{
		"schedule": `"0 */5 * * * *"`, "api": `"https://example.com/hook"`, "type": `"ATLEAST_ONCE"`,
	} {
		if !strings.Contains(wrong, `"`+name+`":`) {
			doc += `,"` + name + `":` + value
		}
	}
	return doc + "}"
}

func TestWrongSpecs(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, tc := range wrongSpecs {
		t.Run(tc.name, func(t *testing.T) {
			f.clear(t)
			res := call(t, h, "POST", "/jobs", laidOver(tc.json))
			p := res.problem(t, 422)
			if tc.fields != nil && !slices.Equal(p.fields(), tc.fields) {
				t.Errorf("POST names %q, want %q", p.fields(), tc.fields)
			}
			for _, e := range p.Errors {
				if e.Message == "" {
					t.Errorf("%s: no message", e.Field)
				}
			}
			if p.Detail == "" || len(p.Errors) == 0 || len(res.text) > 8<<10 {
				t.Errorf("%d bytes: %.300s", len(res.text), res.text)
			}
			if f.count(t) != 0 {
				t.Error("something was stored")
			}
			testWrongUpdate(t, h, tc.json, tc.fields)
		})
	}
}

// testWrongUpdate sends the wrong members to a job that is right, beside one
// that is right: nothing may change.
func testWrongUpdate(t *testing.T, h http.Handler, wrong string, fields []string) {
	t.Helper()
	path := "/jobs/" + create(t, h, minimal)
	before := call(t, h, "GET", path, "").text
	body := "{" + wrong + `,"jitterMs":0}`
	if strings.Contains(wrong, "jitterMs") {
		body = "{" + wrong + "}"
	}
	p := call(t, h, "PUT", path, body).problem(t, 422)
	if fields != nil && !slices.Equal(p.fields(), fields) {
		t.Errorf("PUT names %q, want %q", p.fields(), fields)
	}
	if after := call(t, h, "GET", path, "").text; after != before {
		t.Errorf("PUT changed the job:\n%s\n%s", before, after)
	}
}

func TestMissingFields(t *testing.T) {
	h := newAPI(t, newFixture(t))
	p := call(t, h, "POST", "/jobs", `{}`).problem(t, 422)
	if want := []string{"api", "schedule", "type"}; !slices.Equal(p.fields(), want) {
		t.Errorf("named %v, want %v", p.fields(), want)
	}
}

// malformed holds bodies that are no document at all.
var malformed = []struct{ name, body, detail string }{
	{"cut", `{"schedule":"0 `, "not valid JSON"},
	{"no JSON", `schedule=x`, "not valid JSON"},
	{"array", `[` + minimal + `]`, "must be a JSON object"},
	{"string", `"x"`, "must be a JSON object"},
	{"number", `17`, "must be a JSON object"},
	{"null", `null`, "must be a JSON object"},
	{"blank", " \n ", "empty"},
	{"two documents", minimal + minimal, "not valid JSON"},
	{"trailing text", minimal + " x", "not valid JSON"},
	{"trailing comma", `{"name":"x",}`, "not valid JSON"},
	{"comment", `{"name":"x" /* y */}`, "not valid JSON"},
	{"single quotes", `{'name':'x'}`, "not valid JSON"},
	{"NaN", `{"timeoutMs":NaN}`, "not valid JSON"},
	{"two byte order marks", "\ufeff\ufeff" + minimal, "not valid JSON"},
	{"a byte order mark alone", "\ufeff", "empty"},
	{"Latin-1", "{\"name\":\"Gr\xf6\xdfe\"}", "not valid UTF-8: its byte 12 belongs to no character"},
	{"UTF-16", "\xff\xfe{\x00}\x00", "is UTF-16 (little endian): it must be JSON in UTF-8"},
	{"UTF-16 without a mark", "\x00{\x00}", "is UTF-16 (big endian)"},
	{"UTF-32", "{\x00\x00\x00}\x00\x00\x00", "is UTF-32 (little endian)"},
	{"gzip that is not announced", "\x1f\x8b\x08\x00\x00\x00\x00", "is compressed with gzip"},
	{"half of a character", `{"name":"a\ud83d"}`, "name holds half of a character"},
	{"the other half", `{"tags":["x","\ude00b"]}`, "tags[1] holds half of a character"},
	{"half of a character in a header", `{"headers":{"X-A":"\ud800"}}`, "headers.X-A holds half of a character"},
	{"half of a character in a name", `{"headers":{"X-\ud800":"1"}}`, "holds half of a character"},
	{"half of a character in a text body", `{"body":"\ud83dx\ude00"}`, "body holds half of a character"},
	{"name twice", `{"name":"a","name":"b"}`, "twice"},
	{"name twice, escaped", `{"name":"a","n\u0061me":"b"}`, "twice"},
	{"nested name twice", `{"retry":{"delayMs":1,"delayMs":2}}`, "retry.delayMs is there twice"},
	{"deep", `{"body":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested deeper"},
	{"very deep", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), "not valid JSON"},
	{"wide", `{` + strings.Repeat(`"x":1,`, 1) + wide(101) + `}`, "more than 100 members"},
}

func wide(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	return strings.Join(names, ",")
}

func TestMalformedBodies(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, tc := range malformed {
		f.clear(t)
		path := "/jobs/" + create(t, h, minimal)
		before := call(t, h, "GET", path, "").text
		for _, c := range []struct{ method, path string }{{"POST", "/jobs"}, {"PUT", path},
			{"POST", "/schedules/preview"}} {
			p := call(t, h, c.method, c.path, tc.body).problem(t, 400)
			if !strings.Contains(p.Detail, tc.detail) || len(p.Detail) > 500 {
				t.Errorf("%s, %s %s: %q", tc.name, c.method, c.path, p.Detail)
			}
		}
		if f.count(t) != 1 || call(t, h, "GET", path, "").text != before {
			t.Errorf("%s: something was stored", tc.name)
		}
	}
	p := call(t, h, "POST", "/jobs", "", "Content-Type: application/json").problem(t, 400)
	if !strings.Contains(p.Detail, "empty") {
		t.Errorf("no body: %q", p.Detail)
	}
}

func TestContentTypes(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, tc := range []struct {
		ct     string
		status int
	}{
		{"application/json", 201}, {"application/json; charset=utf-8", 201}, {"Application/JSON;charset=UTF-8", 201},
		{"application/json; charset=utf8", 201},
		{"", 415}, {"text/plain", 415}, {"text/json", 415}, {"application/x-www-form-urlencoded", 415},
		{"multipart/form-data", 415},
		{"application/json; charset=latin1", 415}, {"application/x-ndjson", 415}, {"application/", 415}, {";;;", 415},
		{"application/json, text/plain", 415},
	} {
		f.clear(t)
		res := call(t, h, "POST", "/jobs", minimal, "Content-Type: "+tc.ct)
		if res.StatusCode != tc.status || f.count(t) != map[int]int{201: 1, 415: 0}[tc.status] {
			t.Errorf("%q: %d", tc.ct, res.StatusCode)
		}
		if tc.status == 415 {
			if p := res.problem(t, 415); !slices.Equal(p.fields(), []string{"Content-Type"}) ||
				res.Header.Get("Accept") == "" {
				t.Errorf("%q: %v", tc.ct, p)
			}
		}
	}
}

// TestContentEncodings: what is compressed is refused by the name of the header,
// whatever the type.
func TestContentEncodings(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	for _, tc := range []struct {
		coding string
		status int
		hint   string
	}{
		{"", 201, ""}, {"identity", 201, ""}, {"Identity", 201, ""}, {"identity, identity", 201, ""},
		{"gzip", 415, "not compressed"}, {"GZIP", 415, "not compressed"}, {"br", 415, "not compressed"},
		{"identity, zstd", 415, "not compressed"}, {"x", 415, "not compressed"},
		{"utf-8", 415, "a charset belongs into Content-Type"}, {"UTF8", 415, "a charset belongs into Content-Type"},
	} {
		for path, body := range map[string]string{"/jobs": minimal, "/jobs/import": "[" + minimal + "]"} {
			f.clear(t)
			res := call(t, h, "POST", path, body, "Content-Encoding: "+tc.coding)
			if tc.status == 201 {
				if res.StatusCode/100 != 2 || f.count(t) != 1 {
					t.Errorf("%s, %q: %d %s", path, tc.coding, res.StatusCode, res.text)
				}
				continue
			}
			p := res.problem(t, tc.status)
			if !slices.Equal(p.fields(), []string{"Content-Encoding"}) || !strings.Contains(p.Detail, tc.hint) ||
				f.count(t) != 0 {
				t.Errorf("%s, %q: %v", path, tc.coding, p)
			}
			if wants := res.Header.Get("Accept-Encoding"); tc.hint == "not compressed" && wants != "identity" {
				t.Errorf("%s, %q: Accept-Encoding %q", path, tc.coding, wants)
			}
		}
	}
}

func TestBodyLimit(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.MaxBody = 1000 })
	sized := func(n int) string { return minimal + strings.Repeat(" ", n-len(minimal)) }
	if res := call(t, h, "POST", "/jobs", sized(1000)); res.StatusCode != 201 {
		t.Errorf("at the limit: %d", res.StatusCode)
	}
	call(t, h, "POST", "/jobs", sized(1001)).problem(t, 413)
	call(t, h, "PUT", "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", sized(1001)).problem(t, 413)
	call(t, h, "POST", "/schedules/preview", sized(1001)).problem(t, 413)
	if f.count(t) != 1 {
		t.Errorf("%d jobs", f.count(t))
	}
}

func TestWrongParameters(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, minimal)
	lists := []string{"/jobs", "/jobs/" + id + "/executions", "/observability/alerts",
		"/observability/executions/recent", "/observability/executions/failed"}
	for _, path := range lists {
		for _, tc := range []struct{ query, field string }{
			{"limit=0", "limit"}, {"limit=-1", "limit"}, {"limit=9007199254740992", "limit"}, {"limit=x", "limit"},
			{"limit=1.5", "limit"},
			{"limit=99999999999999999999", "limit"}, {"limit=5&limit=6", "limit"}, {"limit=%D9%A5", "limit"},
			{"limit=0x5", "limit"},
			{"cursor=x", "cursor"}, {"cursor=" + strings.Repeat("A", 50), "cursor"}, {"cursor=%00", "cursor"},
			{"foo=1", "foo"}, {"Limit=5", "Limit"}, {"limit[]=5", "limit[]"}, {"offset=1", "offset"},
		} {
			p := call(t, h, "GET", path+"?"+tc.query, "").problem(t, 400)
			if !slices.Equal(p.fields(), []string{tc.field}) {
				t.Errorf("%s?%s names %v", path, tc.query, p.fields())
			}
		}
		call(t, h, "GET", path+"?a;b", "").problem(t, 400)
		call(t, h, "GET", path+"?%zz", "").problem(t, 400)
	}
	for query, field := range map[string]string{
		"/hosts?limit=0": "limit", "/hosts?limit=1e9x": "limit", "/jobs?sort=names": "sort",
		"/jobs?sort=-tag": "sort", "/jobs?count=yes": "count", "/jobs?failing=1": "failing", "/jobs?host=a/b": "host",
		"/jobs?name=" + strings.Repeat("n", 201): "name", "/hosts?sort=name": "sort", "/hosts?host=x": "host",
		"/hosts?host=ftp://x": "host", "/hosts?host=http://" + strings.Repeat("x", 300): "host",
		"/hosts?cursor=x":    "cursor",
		"/jobs?isActive=yes": "isActive", "/jobs?isActive=1": "isActive", "/observability/alerts?open=TRUE": "open",
		"/jobs?namespace=Billing": "namespace", "/jobs?tag=" + strings.Repeat("x", 201): "tag",
		"/jobs?text=" + strings.Repeat("x", 201): "text",
		"/jobs/export?limit=5":                   "limit", "/observability/metrics?x=1": "x",
	} {
		if p := call(t, h, "GET", query, "").problem(t, 400); !slices.Equal(p.fields(), []string{field}) {
			t.Errorf("%.40s names %v", query, p.fields())
		}
	}
}

func TestWrongIDs(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, id := range []string{
		"1", "x", "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1", "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1bb",
		"0192f0c12d3e7a4b8c5d6e7f80910a1b",
		"{0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b}", "urn:uuid:0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b",
		"zzzzzzzz-2d3e-7a4b-8c5d-6e7f80910a1b",
		"%00", "' OR 1=1", "import", strings.Repeat("a", 3000),
	} {
		id = strings.ReplaceAll(id, " ", "%20")
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/jobs/%s", ""}, {"PUT", "/jobs/%s", `{"name":"x"}`}, {"DELETE", "/jobs/%s", ""},
			{"POST", "/jobs/%s/pause", ""},
			{"POST", "/jobs/%s/resume", ""}, {"POST", "/jobs/%s/trigger", ""}, {"GET", "/jobs/%s/executions", ""},
			{"GET", "/executions/%s", ""},
		} {
			p := call(t, h, c.method, fmt.Sprintf(c.path, id), c.body).problem(t, http.StatusBadRequest)
			if !slices.Equal(p.fields(), []string{"id"}) {
				t.Errorf("%s %s names %v", c.method, fmt.Sprintf(c.path, id), p.fields())
			}
		}
	}
	// Letter case is no difference.
	id := strings.ToUpper(create(t, h, minimal))
	if res := call(t, h, "GET", "/jobs/"+id, ""); res.StatusCode != 200 {
		t.Errorf("upper case: %d", res.StatusCode)
	}
}

func TestLargeValuesAreNotEchoed(t *testing.T) {
	h := newAPI(t, newFixture(t))
	res := call(t, h, "POST", "/jobs", laidOver(`"method":"`+strings.Repeat("é", 100_000)+`"`))
	p := res.problem(t, 422)
	if len(res.text) > 2000 || !strings.HasSuffix(p.Errors[0].Value.(string), "…") {
		t.Errorf("%d bytes", len(res.text))
	}
	res = call(t, h, "POST", "/jobs", laidOver(`"headers":{"Authorization":"secret-canary\u0001"}`))
	if res.problem(t, 422); strings.Contains(res.text, "canary") {
		t.Error("the value of a header is echoed")
	}
}
