package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api/instants"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/google/go-cmp/cmp"
)

// counts are the integers of the document that are neither instants nor durations, by name.
var counts = strings.Fields(`active jobs gainedCount lostCount bodyBytes calls count done matched named notFound duration/s expected failed full http2 httpStatus idle imported
	index late limit lost lostCount maxRetries maxRuns missed moreNames number open opening overdue pending queued
	recentCalls recentFailures recentHour refused resumed retryCount skipped spans status streams succeeded successful
	times total unanswered unchanged unexpected unknown updated version waiting window worth connections
	free moving owned shards protocol inFlight retries success p50 p90 p99 max jobs allJobs failures attempts
	perMinute revision of percent`)

// kindOfInteger says what an integer is by its name; empty: it is not known.
func kindOfInteger(name string) string {
	switch {
	case strings.HasSuffix(name, "At"), slices.Contains([]string{"at", "from", "to", "timestamp", "notBefore",
		"notAfter", "effectiveFrom", "effectiveTo", "after", "nextFireBefore",
		"until", "activeUntil", "pausedUntil"}, name):
		return "instant"
	case strings.HasSuffix(name, "Ms"), strings.HasSuffix(name, "Seconds"), name == "duration",
		name == "p50", name == "p99": // in driftMs
		return "duration"
	case slices.Contains(counts, name):
		return "count"
	}
	return ""
}

// TestEveryIntegerIsClassified: an integer that the document gains is an instant, a duration
// or a count, and every instant is marked.
func TestEveryIntegerIsClassified(t *testing.T) {
	doc := openAPI(t)
	marked := 0
	var visit func(at, name string, v any)
	visit = func(at, name string, v any) {
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				visit(fmt.Sprintf("%s[%d]", at, i), name, e)
			}
		case object:
			if strings.Contains(fmt.Sprint(v["type"]), "integer") && !strings.Contains(at, ".headers.") {
				kind := kindOfInteger(name)
				isMarked := v["x-instant"] == instants.Format
				switch {
				case kind == "":
					t.Errorf("%s: is %s an instant (mark it: format:%q), a duration or a count? Say so in this test",
						at, name, instants.Format)
				case isMarked != (kind == "instant") && !strings.Contains(at, ".anyOf["): // which takes both forms
					t.Errorf("%s is marked as an instant: %t, and is %s by its name", at, isMarked, kind)
				case isMarked && v["format"] != "int64":
					t.Errorf("%s: generators do not know the format %v", at, v["format"])
				}
				if isMarked {
					marked++
				}
			}
			for key, e := range v {
				switch key {
				case "properties":
					for property, schema := range e.(object) {
						visit(at+"."+property, property, schema)
					}
				case "example", "examples", "default", "enum":
				case "parameters":
					for _, p := range e.([]any) {
						p := p.(object)
						visit(fmt.Sprintf("%s.%v", at, p["name"]), p["name"].(string), p["schema"])
					}
				default:
					visit(at+"."+key, name, e)
				}
			}
		}
	}
	visit("", "", doc)
	if marked < 30 {
		t.Errorf("only %d instants are marked", marked)
	}
}

var textForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// asNumbers returns an answer in text with its instants as numbers, by the schema.
func asNumbers(t *testing.T, schemas, schema object, at string, v any) any {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = schemas[ref[strings.LastIndexByte(ref, '/')+1:]].(object)
	}
	anyOf, _ := schema["anyOf"].([]any)
	isInstant := schema["x-instant"] != nil || len(anyOf) > 1 && strings.Contains(asJSON(anyOf), "date-time")
	switch value := v.(type) {
	case nil:
	case []any:
		items, _ := schema["items"].(object)
		for i := range value {
			value[i] = asNumbers(t, schemas, items, at+"[]", value[i])
		}
	case object:
		properties, _ := schema["properties"].(object)
		for name, e := range value {
			of, ok := properties[name].(object)
			if !ok {
				of, _ = schema["additionalProperties"].(object)
			}
			value[name] = asNumbers(t, schemas, of, at+"."+name, e)
		}
	case string:
		if !isInstant {
			break
		}
		if !textForm.MatchString(value) {
			t.Errorf("%s: %q", at, value)
		}
		ms, fault := wire.ParseInstant(value)
		if fault != "" {
			t.Errorf("%s: %q %s", at, value, fault)
		}
		return json.Number(fmt.Sprint(ms))
	default:
		if isInstant {
			t.Errorf("%s is an instant, and was answered as %v", at, v)
		}
	}
	return v
}

// TestEveryAnswerInBothForms: of each operation that takes the parameter the answer in text
// is the other one but for the instants, and they are the same instants.
func TestEveryAnswerInBothForms(t *testing.T) {
	f, begin := withOneRunning(t)
	keys := ring(t, f, key1)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = keys }), key1}
	expiring, _, err := keys.Create(t.Context(), domain.APIKey{Name: "x", Role: domain.RoleAdmin,
		ExpiresAt: f.now() + 1e9})
	if err != nil {
		t.Fatal(err)
	}
	begin(h)
	id := create(t, h, full)
	execution := seedHistory(t, f, id)[0].ID().String()
	key := seedChanges(t, f, id)
	keyed := call(t, h, "PUT", "/jobs/by-key/listed", minimal).id(t)
	f.record(t, historyOf(jobID(t, keyed))...)
	f.hosts = someHosts()
	group, message := seedNotices(t, f, id)
	var begun operationBody
	call(t, h, "POST", "/jobs/bulk", `{"action":"RESUME","ids":["`+id+`"]}`).into(t, 202, &begun)
	operation := begun.ID
	doc := parseJSON(t, call(t, h, "GET", "/openapi.json", "").text).(object)
	schemas := doc["components"].(object)["schemas"].(object)
	tried := map[string]bool{}
	for _, c := range []struct {
		method, path, body, template string
		repeats                      bool // the same answer twice
	}{
		{"GET", "/jobs?include=lastExecution", "", "/jobs", true},
		{"GET", "/jobs/export", "", "/jobs/export", true},
		{"POST", "/jobs/export?withSecrets=true", "", "/jobs/export", true},
		{"GET", "/jobs/" + id, "", "/jobs/{id}", true},
		{"GET", "/jobs/" + id + "/executions?limit=50", "", "/jobs/{id}/executions", true},
		{"GET", "/executions/" + execution, "", "/executions/{id}", true},
		{"GET", "/executions", "", "/executions", true},
		{"GET", "/executions/running", "", "/executions/running", false},
		{"GET", "/executions/export", "", "/executions/export", true},
		{"GET", "/observability/executions/recent", "", "/observability/executions/recent", true},
		{"GET", "/observability/executions/failed", "", "/observability/executions/failed", true},
		{"GET", "/observability/alerts", "", "/observability/alerts", true},
		{"GET", "/observability/metrics", "", "/observability/metrics", false},
		{"GET", "/observability/series?step=day", "", "/observability/series", false},
		{"GET", "/hosts", "", "/hosts", true},
		{"GET", "/audit?from=1767225600000&to=1767225700000", "", "/audit", true},
		{"GET", "/forecast?step=hour", "", "/forecast", true},
		{"GET", "/audit/changes", "", "/audit/changes", true},
		{"GET", "/keys", "", "/keys", true},
		{"POST", "/schedules/preview", `{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin","after":1767225600000}`,
			"/schedules/preview", true},
		{"POST", "/jobs", full, "/jobs", false},
		{"POST", "/jobs", strings.Replace(full, `"isActive":false`, `"isActive":true`, 1), "/jobs", false},
		{"PUT", "/jobs/" + id, `{"name":"x"}`, "/jobs/{id}", false},
		{"PATCH", "/jobs/" + id, `{"name":"y"}`, "/jobs/{id}", false},
		{"POST", "/jobs/" + id + "/pause", "", "/jobs/{id}/pause", false},
		{"POST", "/jobs/" + id + "/resume", "", "/jobs/{id}/resume", false},
		{"POST", "/keys", `{"name":"x","role":"viewer","expiresAt":1798761600000}`, "/keys", false},
		{"DELETE", "/keys/" + key, "", "/keys/{id}", false},
		{"PUT", "/jobs/by-key/a", minimal, "/jobs/by-key/{key}", false},
		{"GET", "/jobs/by-key/a", "", "/jobs/by-key/{key}", true},
		{"GET", "/jobs/by-key/listed/executions", "", "/jobs/by-key/{key}/executions", true},
		{"GET", "/jobs/by-key/listed/versions", "", "/jobs/by-key/{key}/versions", true},
		{"GET", "/jobs/" + id + "/versions", "", "/jobs/{id}/versions", true},
		{"POST", "/jobs/" + id + "/preview", `{"isActive":true,"schedule":"0 0 0 1 2 *"}`, "/jobs/{id}/preview", false},
		{"POST", "/jobs/" + id + "/versions/1/restore", "", "/jobs/{id}/versions/{version}/restore", false},
		{"PATCH", "/jobs/by-key/a", `{"name":"z"}`, "/jobs/by-key/{key}", false},
		{"POST", "/jobs/by-key/a/pause", "", "/jobs/by-key/{key}/pause", false},
		{"POST", "/jobs/by-key/a/resume", "", "/jobs/by-key/{key}/resume", false},
		{"DELETE", "/jobs/by-key/a", "", "/jobs/by-key/{key}", false},
		{"POST", "/jobs/bulk", `{"action":"PAUSE","ids":["` + id + `"]}`, "/jobs/bulk", false},
		{"GET", "/operations", "", "/operations", true},
		{"GET", "/operations/" + operation, "", "/operations/{id}", true},
		{"POST", "/operations/" + operation + "/cancel", "", "/operations/{id}/cancel", false},
		{"GET", "/observability/failing?from=1767139200000&to=1767225600000", "", "/observability/failing", true},
		{"GET", "/alerts/groups", "", "/alerts/groups", true},
		{"GET", "/alerts/groups/" + group, "", "/alerts/groups/{id}", true},
		{"POST", "/alerts/groups/" + group + "/acknowledge", "", "/alerts/groups/{id}/acknowledge", false},
		{"GET", "/notifications", "", "/notifications", true},
		{"POST", "/notifications/" + message + "/resend", "", "/notifications/{id}/resend", false},
		{"PUT", "/alerts/channels/ops", opsChannel, "/alerts/channels/{id}", false},
		{"GET", "/alerts/channels/ops", "", "/alerts/channels/{id}", true},
		{"GET", "/alerts/channels", "", "/alerts/channels", true},
		{"POST", "/alerts/channels/ops/test", "", "/alerts/channels/{id}/test", false},
		{"PUT", "/alerts/rules/pay", `{"when":{"kind":"FAILED_OF_LAST","count":3,"of":9}}`, "/alerts/rules/{id}",
			false},
		{"GET", "/alerts/rules/pay", "", "/alerts/rules/{id}", true},
		{"GET", "/alerts/rules", "", "/alerts/rules", true},
		{"POST", "/alerts/silences", `{"reason":"x","durationMs":60000}`, "/alerts/silences", false},
		{"PUT", "/alerts/silences/s", `{"reason":"x","durationMs":60000}`, "/alerts/silences/{id}", false},
		{"GET", "/alerts/silences/s", "", "/alerts/silences/{id}", true},
		{"GET", "/alerts/silences", "", "/alerts/silences", true},
		{"PUT", "/alerts/windows/w", `{"reason":"x","schedule":"@hourly","durationMs":60000}`, "/alerts/windows/{id}",
			false},
		{"GET", "/alerts/windows/w", "", "/alerts/windows/{id}", true},
		{"GET", "/alerts/windows", "", "/alerts/windows", true},
		{"DELETE", "/jobs/" + id, "", "/jobs/{id}", false},
		{"GET", "/me", "", "/me", true}, // with a key that expires, as all after it
		{"POST", "/session", `{"key":"` + expiring + `"}`, "/session", false},
	} {
		tried[c.method+" "+c.template] = true
		if c.template == "/me" {
			h.key = expiring
		}
		number := ""
		if c.repeats {
			number = call(t, h, c.method, c.path, c.body).text
		}
		at := c.path + "?time=rfc3339"
		if strings.Contains(c.path, "?") {
			at = c.path + "&time=rfc3339"
		}
		res := call(t, h, c.method, at, c.body)
		op := doc["paths"].(object)[c.template].(object)[strings.ToLower(c.method)].(object)
		content := op["responses"].(object)[fmt.Sprint(res.StatusCode)].(object)["content"].(object)
		media, ok := content[res.Header.Get("Content-Type")].(object)
		if !ok || res.StatusCode/100 != 2 {
			t.Errorf("%s %s: %d %.300s", c.method, at, res.StatusCode, res.text)
			continue
		}
		schema := media["schema"].(object)
		if line, ok := schema[reference.LinesKey].(object); ok {
			schema = line
		}
		var got, want []any
		for line := range strings.Lines(res.text) {
			got = append(got, asNumbers(t, schemas, schema, c.method+" "+c.template,
				parseJSON(t, line)))
		}
		for line := range strings.Lines(number) {
			want = append(want, parseJSON(t, line))
		}
		if diff := cmp.Diff(want, got); c.repeats && diff != "" {
			t.Errorf("%s %s (-numbers +text):\n%s", c.method, at, diff)
		}
		if len(got) == 0 || !strings.Contains(res.text, `Z"`) {
			t.Errorf("%s %s has no instant: %s", c.method, at, res.text)
		}
	}
	operations(doc, func(method, path string, op object) {
		parameters, _ := op["parameters"].([]any)
		takes := slices.ContainsFunc(parameters, func(p any) bool { return p.(object)["name"] == timeParam })
		if takes != tried[method+" "+path] {
			t.Errorf("%s %s has instants: %t, and is tried: %t", method, path, takes, !takes)
		}
	})
}

// TestWhatBelongsToAUserIsNotRewritten, however much it looks like ours.
func TestWhatBelongsToAUserIsNotRewritten(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	body := `{"createdAt":1,"startAt":1767225600000,"jobs":[{"createdAt":2,"spec":{"startAt":3}}],` +
		`"spec":{"startAt":4},` +
		`"at":"1767225600000","scheduledAt":1767225600000.0,"escaped\"createdAt":5}`
	made := laidOver(`"startAt":1767225600123,"name":"createdAt 1767225600000","tags":["createdAt","1767225600000"],` +
		`"headers":{"createdAt":"1767225600000","startAt":"1"},"body":` + body)
	id := create(t, h, made)
	for _, path := range []string{"/jobs", "/jobs/" + id, "/jobs/export", "/audit/changes"} {
		from := h
		if path == "/audit/changes" {
			from = withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
		}
		text := call(t, from, "GET", path+"?time=rfc3339", "").text
		for _, want := range []string{`"body":` + body, `"name":"createdAt 1767225600000"`,
			`"tags":["createdAt","1767225600000"]`, `"createdAt":"1767225600000"`, `"startAt":"1"`,
			`"startAt":"2026-01-01T00:00:00.123Z"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not have %s: %s", path, want, text)
			}
		}
	}
}

// TestADocumentInTextIsAcceptedBack: PUT, PATCH and import take what GET and export answer.
func TestADocumentInTextIsAcceptedBack(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, laidOver(`"startAt":1767225600123,"endAt":1798761600000,"name":"a"`))
	path := "/jobs/" + id
	for i, method := range []string{"PUT", "PATCH", "PUT"} {
		doc := call(t, h, "GET", path+"?time=rfc3339", "").text
		var same wire.Job
		call(t, h, method, path, doc).into(t, 200, &same)
		if same.Version != 1+i {
			t.Errorf("%s made version %d of a document without a change: %s", method, same.Version, doc)
		}
		var changed wire.Job
		doc = strings.Replace(doc, `"name":"`, `"name":"a`, 1)
		call(t, h, method, path, doc).into(t, 200, &changed)
		if changed.Version != 2+i || changed.Spec.StartAt != 1767225600123 {
			t.Errorf("%s: %+v", method, changed)
		}
		call(t, h, method, path, doc).problem(t, 409) // of the version before
	}
	doc := call(t, h, "GET", path+"?time=rfc3339", "").text
	created := regexp.MustCompile(`"createdAt":"([^"]+)"`).FindStringSubmatch(doc)[1]
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		t.Fatal(err)
	}
	for text, taken := range map[string]bool{
		at.In(time.FixedZone("", 7200)).Format("2006-01-02T15:04:05.000Z07:00"): true, // the same instant
		at.Add(time.Millisecond).Format("2006-01-02T15:04:05.000Z"):             false,
		strings.TrimSuffix(created, "Z") + "9Z":                                 false, // finer than the job's
		strings.TrimSuffix(created, "Z"):                                        false, "": false,
	} {
		res := call(t, h, "PUT", path, strings.Replace(doc, created, text, 1))
		if taken {
			res.into(t, 200, new(wire.Job))
			continue
		}
		if p := res.problem(t, 422); !slices.Equal(p.fields(), []string{"createdAt"}) ||
			!strings.Contains(p.Errors[0].Message, `"`+created+`"`) {
			t.Errorf("%q: %s", text, res.text)
		}
	}
	lines := call(t, h, "GET", "/jobs/export?time=rfc3339", "").text
	if report := imported(t, h, lines, ndjson); report.Imported != 1 {
		t.Errorf("%+v of %s", report, lines)
	}
	for _, j := range f.jobs(t) {
		if j.Current.Spec.StartAt != 1767225600123 || j.Current.Spec.EndAt != 1798761600000 {
			t.Errorf("%+v", j.Current.Spec)
		}
	}
}

// TestTagsOfBothForms: each form has a tag of its own for 304, and either is good for a
// condition of a change, which is about the version.
func TestTagsOfBothForms(t *testing.T) {
	h := newAPI(t, newFixture(t))
	path := "/jobs/" + create(t, h, minimal)
	number := call(t, h, "GET", path, "").Header.Get("ETag")
	text := call(t, h, "GET", path+"?time=rfc3339", "").Header.Get("ETag")
	if number == text || text == "" {
		t.Errorf("tags %s and %s", number, text)
	}
	for at, tags := range map[string]map[string]int{
		path: {number: 304, text: 200}, path + "?time=rfc3339": {number: 200, text: 304},
		path + "?time=unix-ms": {number: 304, text: 200},
	} {
		for tag, status := range tags {
			res := call(t, h, "GET", at, "", "If-None-Match: "+tag)
			if res.StatusCode != status || status == 304 && res.text != "" {
				t.Errorf("%s with %s: %d", at, tag, res.StatusCode)
			}
		}
	}
	for _, tag := range []string{text, number} {
		res := call(t, h, "PUT", path, `{"name":"`+tag[2:4]+`"}`, "If-Match: "+tag)
		if want := map[string]int{text: 200, number: 412}[tag]; res.StatusCode != want {
			t.Errorf("If-Match %s: %d, want %d", tag, res.StatusCode, want)
		}
	}
	saved := call(t, h, "PUT", path+"?time=rfc3339", `{"name":"z"}`).Header.Get("ETag")
	if res := call(t, h, "GET", path+"?time=rfc3339", "", "If-None-Match: "+saved); res.StatusCode != 304 {
		t.Errorf("the tag of the change: %d", res.StatusCode)
	}
}

// TestTheParameterTime is its truth table. Each path takes it, also where it makes no
// difference.
func TestTheParameterTime(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, minimal)
	for query, status := range map[string]int{
		"time=rfc3339": 200, "time=unix-ms": 200, "time=": 200, "time=%20rfc3339": 200, "time=RFC3339": 400,
		"time=iso": 400, "time=rfc3339&time=rfc3339": 400, "Time=rfc3339": 400,
	} {
		res := call(t, h, "GET", "/jobs/"+id+"?"+query, "")
		if res.StatusCode != status {
			t.Errorf("%s: %d", query, res.StatusCode)
		}
		if isText := strings.Contains(res.text, `"createdAt":"`); status == 200 &&
			isText != strings.Contains(query, "rfc") {
			t.Errorf("%s: %s", query, res.text)
		}
		if status == 400 && !strings.HasPrefix(query, "Time") {
			if p := res.problem(t, 400); !slices.Equal(p.fields(), []string{"time"}) {
				t.Errorf("%s: %s", query, res.text)
			}
		}
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/jobs/" + id + "/trigger", "", 202}, {"POST", "/jobs/import", "[" + minimal + "]", 200},
		{"GET", "/observability/health", "", 200}, {"GET", "/", "", 200}, {"GET", "/healthz", "", 200},
		{"HEAD", "/jobs/" + id, "", 200},
	} {
		if res := call(t, h, c.method, c.path+"?time=rfc3339", c.body); res.StatusCode != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, res.StatusCode, res.text)
		}
		if c.method != "HEAD" && c.path != "/healthz" {
			call(t, h, c.method, c.path+"?time=x", c.body).problem(t, 400)
		}
	}
}

// TestTheFormOfAnAnswerIsNoOtherRequest: a repeat with the same Idempotency-Key may ask for
// the other form.
func TestTheFormOfAnAnswerIsNoOtherRequest(t *testing.T) {
	h := newAPI(t, newFixture(t))
	first := call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: k")
	again := call(t, h, "POST", "/jobs?time=rfc3339", minimal, "Idempotency-Key: k")
	if first.StatusCode != 201 || again.StatusCode != 201 || again.Header.Get(headerReplayed) != "true" ||
		!strings.Contains(again.text, `"createdAt":"2026-`) {
		t.Errorf("%d, %d %s", first.StatusCode, again.StatusCode, again.text)
	}
}

// TestProblemsRepeatInstantsAsText: what the server has read as an instant. What was none is
// repeated as it was sent.
func TestProblemsRepeatInstantsAsText(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, c := range []struct{ path, query, body, want string }{
		{"/jobs", "?time=rfc3339", laidOver(`"endAt":"2025-01-01T00:00:00Z"`), `"value":"2025-01-01T00:00:00.000Z"`},
		{"/jobs", "", laidOver(`"endAt":"2025-01-01T00:00:00Z"`), `"value":1735689600000`},
		{"/jobs/bulk", "?time=rfc3339", `{"action":"PAUSE","all":true,"query":{},"pause":{"until":1735689600000}}`,
			`"value":"2025-01-01T00:00:00.000Z"`},
		{"/jobs/import", "?time=rfc3339", "[" + laidOver(`"endAt":1735689600000`) + "]",
			`"value":"2025-01-01T00:00:00.000Z"`},
		{"/jobs", "?time=rfc3339", laidOver(`"timeoutMs":1735689600000`), `"value":1735689600000`},
	} {
		if res := call(t, h, "POST", c.path+c.query, c.body); !strings.Contains(res.text, c.want) {
			t.Errorf("%s%s %s: %s", c.path, c.query, c.body, res.text)
		}
	}
	doc := openAPI(t)
	var named []string
	for _, schema := range []string{"JobSpec", "PreviewRequest", "NewKey", "PauseRequest"} {
		properties := doc["components"].(object)["schemas"].(object)[schema].(object)["properties"].(object)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if strings.Contains(asJSON(properties[name]), "date-time") {
				named = append(named, name)
			}
		}
	}
	slices.Sort(named)
	if known := slices.Sorted(slices.Values(instantFields)); !slices.Equal(named, known) {
		t.Errorf("requests have the instants %v, and problems know %v", named, known)
	}
}
