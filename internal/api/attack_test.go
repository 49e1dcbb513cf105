package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// wrongValues are laid into every field of every body and into every
// parameter. Some are right for some fields: the test asks only that the
// server keeps its head.
var wrongValues = []any{
	nil, true, false, 0, -1, 1.5, 1e308, json.Number("99999999999999999999999"), json.Number("-9223372036854775808"),
	"", " ", "\x00", "null", "true", "0", "-1", "NaN", "../../etc/passwd", "<script>alert(1)</script>", "' OR 1=1 --",
	"${jndi:ldap://x}",
	"\r\nX-Injected: 1", strings.Repeat("A", 70_000), strings.Repeat("9", 400), strings.Repeat("é", 3000),
	"\U0001F514\u202e\ufeff", "٣",
	[]any{}, []any{nil}, []any{[]any{[]any{}}}, object{}, object{"a": object{"a": object{}}}, object{"": ""},
	object{"__proto__": 1},
	json.RawMessage(strings.Repeat("[", 60) + strings.Repeat("]", 60)),
	json.RawMessage(strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)),
	json.RawMessage(strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)),
	json.RawMessage("[" + strings.Repeat("0,", 4_000) + "0]"),
	json.RawMessage(`{"` + strings.Repeat("k", 5_000) + `":1}`), json.RawMessage("1" + strings.Repeat("0", 400)),
	json.RawMessage(`"\ud800"`),
}

// TestAttackByDocument walks over the OpenAPI document and sends every wrong
// value to every parameter and every field, leaves each field out, and adds
// some that are not there. No answer is a 5xx, every refusal is a problem
// document, and nobody waits.
func TestAttackByDocument(t *testing.T) {
	t.Parallel()
	t.Run("over the store in memory", func(t *testing.T) {
		t.Parallel()
		attackByDocument(t, ofAdmin(t, newFixture(t)))
	})
	t.Run("over the real store", func(t *testing.T) {
		t.Parallel()
		stopped := make(chan struct{})
		t.Cleanup(func() { close(stopped) }) // after the engine has stopped: newReal comes later
		h, x := realOfAdmin(t)
		go func() { // jobs that are triggered
			for {
				select {
				case <-x.called:
					x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
				case <-stopped:
					return
				}
			}
		}()
		attackByDocument(t, h)
	})
}

func attackByDocument(t *testing.T, h http.Handler) {
	doc := openAPI(t)
	schemas := doc["components"].(object)["schemas"].(object)
	id := create(t, h, minimal)
	made := 0
	slowest := time.Duration(0)
	send := func(method, path, body string, header ...string) {
		t.Helper()
		if made++; made%everyDocument != 0 {
			return
		}
		to := h
		if place, _, _ := strings.Cut(path, "?"); place == "/events" { // a stream ends with its client alone
			to = gone{h}
		}
		start := time.Now()
		res := call(t, to, method, path, body, header...)
		took := time.Since(start)
		if slowest = max(slowest, took); took > 10*time.Second { // 1 s on a machine of one's own
			t.Errorf("%s %.80s took %v", method, path, took)
		}
		if res.StatusCode == 503 && saysHealth(path) {
			return // after a stall it is true
		}
		if res.StatusCode >= 500 {
			t.Errorf("%s %.80s %.200s: %d", method, path, body, res.StatusCode)
		}
		if res.StatusCode >= 400 {
			res.problem(t, res.StatusCode)
		}
		if len(res.text) > 1<<20+100*len(body) { // an import answers for each item
			t.Errorf("%s %.80s: an answer of %d bytes", method, path, len(res.text))
		}
	}
	for path, item := range doc["paths"].(object) {
		for method, op := range item.(object) {
			method, op := strings.ToUpper(method), op.(object)
			at := strings.ReplaceAll(path, "{id}", id)
			parameters, _ := op["parameters"].([]any)
			for _, p := range parameters {
				name, in := p.(object)["name"].(string), p.(object)["in"].(string)
				for _, value := range wrongTexts() {
					switch in {
					case "query":
						send(method, at+"?"+name+"="+value.encoded, "")
					case "path":
						send(method, strings.ReplaceAll(path, "{"+name+"}", value.encoded), bodyFor(op))
					case "header":
						send(method, at, bodyFor(op), name+": "+value.plain)
					}
				}
			}
			send(method, at+"?unknown=1", bodyFor(op))
			send(method, at+"?"+strings.Repeat("a=1&", 1_000), bodyFor(op))
			send(method, at, "")
			if content, ok := op["requestBody"].(object); ok {
				attackBody(content["content"].(object)["application/json"].(object)["schema"].(object), schemas,
					func(body string) {
						send(method, at, body)
					})
				if _, lines := content["content"].(object)["application/x-ndjson"]; lines {
					for _, value := range wrongTexts() {
						send(method, at, value.json+"\n"+minimal+"\n"+value.plain, ndjson)
					}
				}
			}
		}
	}
	if made < 3000 {
		t.Errorf("only %d requests were made: the document is not read right", made)
	}
	t.Logf("%d requests, of which %d were sent; the slowest took %v", made, made/everyDocument, slowest)
	until(t, h, "/readyz", func(text string) bool { return strings.Contains(text, `"status":"ready"`) })
}

// gone is a server whose clients are gone before they have an answer.
type gone struct{ http.Handler }

// ServeHTTP implements http.Handler.
func (g gone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	g.Handler.ServeHTTP(w, r.WithContext(ctx))
}

// saysHealth reports whether the path asks how the server is.
func saysHealth(path string) bool {
	path, _, _ = strings.Cut(path, "?")
	return path == "/readyz" || path == "/observability/health"
}

// bodyFor is a body that is right as far as it goes, where the operation takes
// one.
func bodyFor(op object) string {
	if op["requestBody"] == nil {
		return ""
	}
	return `{"name":"x"}`
}

// attackBody sends every wrong value as the body, and in every field of it, to
// two levels.
func attackBody(schema, schemas object, send func(string)) {
	if schema["type"] == "array" {
		attackBody(schema["items"].(object), schemas, func(body string) { send("[" + body + "," + minimal + "]") })
		return
	}
	for _, value := range wrongTexts() {
		send(value.json)
	}
	fields := fieldsOf(schema, schemas)
	whole := object{}
	if err := json.Unmarshal([]byte(full), &whole); err != nil {
		panic(err)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		without := maps.Clone(whole)
		delete(without, name)
		send(asJSON(without))
		send(laidOver(asJSON(name+"X") + ":1"))
		send(laidOver(asJSON(strings.ToUpper(name)) + ":null"))
		for inner := range fieldsOf(fields[name].(object), schemas) {
			send(laidOver(fmt.Sprintf("%q:{%q:1}", name, inner+"X")))
		}
		for _, value := range wrongTexts() {
			send(laidOver(asJSON(name) + ":" + value.json))
		}
		for inner := range fieldsOf(fields[name].(object), schemas) {
			for _, value := range wrongTexts() {
				send(laidOver(fmt.Sprintf("%q:{%q:%s}", name, inner, value.json)))
			}
		}
	}
}

// fieldsOf returns the properties of a schema, by its reference if need be.
func fieldsOf(schema, schemas object) object {
	if ref, ok := schema["$ref"].(string); ok {
		schema = schemas[ref[strings.LastIndexByte(ref, '/')+1:]].(object)
	}
	if all, ok := schema["anyOf"].([]any); ok {
		return fieldsOf(all[0].(object), schemas)
	}
	properties, _ := schema["properties"].(object)
	return properties
}

// wrongText is a wrong value as it is sent.
type wrongText struct{ plain, encoded, json string }

var wrongTexts = sync.OnceValue(func() (all []wrongText) {
	for _, value := range wrongValues {
		plain := textOf(value)
		all = append(all, wrongText{plain, percentEncode(plain), asJSON(value)})
	}
	return all
})

// textOf is a value as it stands in a parameter.
func textOf(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw)
	}
	return fmt.Sprint(v)
}

func asJSON(v any) string {
	if raw, ok := v.(json.RawMessage); ok {
		return string(raw) // it is deeper than json.Marshal takes
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// percentEncode writes every byte as %XX: whatever it is, it is one segment.
func percentEncode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02X", text[i])
	}
	return b.String()
}

// TestAnswersKeepTheirSchema checks answers against what the document says of
// them: types, required fields, no other fields, the listed words.
func TestAnswersKeepTheirSchema(t *testing.T) {
	f, begin := withOneRunning(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	doc := openAPI(t)
	begin(h)
	id := create(t, h, full)
	execution := seedHistory(t, f, id)[0].ID().String()
	key := seedChanges(t, f, id)
	f.hosts = someHosts()
	for _, c := range []struct{ method, path, body, template string }{
		{"POST", "/jobs", minimal, "/jobs"},
		{"POST", "/jobs", `{}`, "/jobs"},
		{"GET", "/jobs", "", "/jobs"},
		{"GET", "/jobs?limit=0", "", "/jobs"},
		{"GET", "/jobs/" + id, "", "/jobs/{id}"},
		{"PUT", "/jobs/" + id, `{"name":"x"}`, "/jobs/{id}"},
		{"POST", "/jobs/" + id + "/pause", "", "/jobs/{id}/pause"},
		{"POST", "/jobs/" + id + "/resume", "", "/jobs/{id}/resume"},
		{"POST", "/jobs/" + id + "/trigger", "", "/jobs/{id}/trigger"},
		{"GET", "/jobs/" + id + "/executions?limit=2", "", "/jobs/{id}/executions"},
		{"GET", "/executions/" + execution, "", "/executions/{id}"},
		{"GET", "/executions/running", "", "/executions/running"},
		{"POST", "/jobs/import", "[" + minimal + `,{"x":1}]`, "/jobs/import"},
		{"POST", "/schedules/preview", `{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin"}`, "/schedules/preview"},
		{"GET", "/observability/metrics", "", "/observability/metrics"},
		{"GET", "/observability/health", "", "/observability/health"},
		{"GET", "/observability/alerts", "", "/observability/alerts"},
		{"GET", "/observability/executions/recent", "", "/observability/executions/recent"},
		{"GET", "/observability/executions/failed", "", "/observability/executions/failed"},
		{"GET", "/observability/series?step=day", "", "/observability/series"},
		{"GET", "/hosts", "", "/hosts"},
		{"GET", "/cluster", "", "/cluster"},
		{"GET", "/healthz", "", "/healthz"},
		{"GET", "/readyz", "", "/readyz"},
		{"GET", "/", "", "/"},
		{"DELETE", "/jobs/" + id, "", "/jobs/{id}"},
		{"GET", "/jobs/" + id, "", "/jobs/{id}"},
		{"POST", "/keys", `{"name":"x","role":"viewer"}`, "/keys"},
		{"POST", "/keys", `{}`, "/keys"},
		{"GET", "/keys", "", "/keys"},
		{"GET", "/me", "", "/me"},
		{"GET", "/settings", "", "/settings"},
		{"GET", "/audit/changes", "", "/audit/changes"},
		{"DELETE", "/keys/" + key, "", "/keys/{id}"},
		{"DELETE", "/keys/" + key[1:] + "7", "", "/keys/{id}"},
	} {
		res := call(t, h, c.method, c.path, c.body)
		op := doc["paths"].(object)[c.template].(object)[strings.ToLower(c.method)].(object)
		described, ok := op["responses"].(object)[fmt.Sprint(res.StatusCode)].(object)
		if !ok {
			t.Errorf("%s %s: %d is not described", c.method, c.path, res.StatusCode)
			continue
		}
		media, ok := described["content"].(object)[res.Header.Get("Content-Type")].(object)
		if !ok {
			t.Errorf("%s %s: %s is not described", c.method, c.path, res.Header.Get("Content-Type"))
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(res.text), &v); err != nil {
			t.Fatal(err)
		}
		conform(t, c.method+" "+c.template, v, media["schema"].(object), doc["components"].(object)["schemas"].(object))
	}
}

// conform is as much of JSON Schema as the document uses.
func conform(t *testing.T, at string, v any, schema, schemas object) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = schemas[ref[strings.LastIndexByte(ref, '/')+1:]].(object)
	}
	if types := schema["type"]; types != nil && !strings.Contains(fmt.Sprint(types), typeName(v)) &&
		!(typeName(v) == "integer" && types == "number") {
		t.Errorf("%s: %v is no %v", at, v, types)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		t.Errorf("%s: %v is none of %v", at, v, enum)
	}
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			conform(t, fmt.Sprintf("%s[%d]", at, i), e, schema["items"].(object), schemas)
		}
	case object:
		properties, _ := schema["properties"].(object)
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				t.Errorf("%s has no %s", at, name)
			}
		}
		for name, e := range v {
			described, ok := properties[name].(object)
			if !ok {
				described, ok = schema["additionalProperties"].(object)
			}
			if ok {
				conform(t, at+"."+name, e, described, schemas)
			} else if closed, is := schema["additionalProperties"].(bool); is && !closed {
				t.Errorf("%s.%s is not described", at, name)
			}
		}
	}
}

func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	}
	return "object"
}
