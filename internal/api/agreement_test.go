package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/wire"
)

// The document, the schema in it and the program say the same of every field and
// every parameter. For each one values are made of what the schema says: at each
// bound, beyond it, of every other type, null, absent, empty, in another spelling.
// Where the schema refuses, the program must, by name; where the schema takes,
// the program must, too, except for the texts whose rules no schema can say (a
// schedule, a zone, a URL): there it may refuse, by name.

// partlyInSchema are the fields of which a schema cannot say all.
var partlyInSchema = []string{"schedule", "api", "timezone", "clientCertificate", "headers", "secretHeaders",
	"signing.secrets", "pausedUntil"} // which may be past

// rightTexts are right values of fields whose schema does not lead to one.
var rightTexts = map[string]string{
	"schedule": `"@hourly"`, "api": `"https://example.com/x"`, "timezone": `"Europe/Berlin"`,
	"clientCertificate": `"bank"`,
	"headers":           `{"X-A":"1","X-B":""}`, "secretHeaders": `["X-A"]`,
	"signing.secrets": `["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]`,
}

// anyValues are values of every type, and those that are mistaken for others.
var anyValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `5000`, `5000.0`, `5e3`, `5.0e+3`, `50000e-1`, `5.5`, `1e-1`,
	`1e308`, `1e400`, `-1e400`, `9223372036854775808`,
	`""`, `" "`, `"\n"`, `"x"`, `"5000"`, `"true"`, `"null"`, `"ä"`, `"a\tb"`, `"a\u0000"`, `[]`, `{}`, `[null]`, `[1]`,
	`["x"]`, `["x","x"]`, `[""]`, `[" "]`, `["\n"]`, `[[]]`,
	`{"x":null}`, `{"x":1}`, `{"x":"y"}`, `{"x":["y"]}`, `{"gap":null}`,
}

var formatted = map[string][]string{
	"uuid": {
		`"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`, `"0192F0C1-2D3E-7A4B-8C5D-6E7F80910A1B"`,
		`"0192f0c12d3e7a4b8c5d6e7f80910a1b"`,
		`"{0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b}"`, `"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1g"`,
		`"urn:uuid:0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`,
	},
	"date-time": {
		`"2026-01-01T00:00:00Z"`, `"2026-01-01t00:00:00.123z"`, `"2026-01-01T00:00:00+02:00"`, `"2026-01-01T00:00:00"`,
		`"2026-01-01"`, `"2026-02-30T00:00:00Z"`,
		`"2026-01-01 00:00:00Z"`, `"2026-01-01T0:00:00Z"`, `"2026-01-01T00:00:00,5Z"`, `"2026-01-01T24:00:00Z"`,
		`"2026-01-01T00:00:00+0200"`, `"1767225600000"`,
		`1798761600`, `1798761600000`, `1798761600000.0`, `1.7987616e12`, `1798761600000000`, `1798761600000000000`,
	},
}

// valuesFor makes values of what a schema says.
func (s schemas) valuesFor(schema object) []string {
	schema = s.resolve(schema)
	var out []string
	for _, word := range slices.Sorted(maps.Keys(schema)) {
		switch rule := schema[word]; word {
		case "minimum", "maximum":
			n := rule.(json.Number)
			for _, step := range []int64{-1, 0, 1} {
				at := new(big.Rat).Add(ratOf(n), new(big.Rat).SetInt64(step)).FloatString(0)
				out = append(out, at, at+".0", at+"e0", at+".5", `"`+at+`"`)
			}
		case "enum":
			for _, w := range rule.([]any) {
				if text, is := w.(string); is {
					out = append(out, asJSON(text), asJSON(strings.ToLower(text)), asJSON(text+"\n"), asJSON(" "+text),
						asJSON(text+text), "["+asJSON(text)+"]")
				} else {
					out = append(out, asJSON(w))
				}
			}
		case "minLength", "maxLength":
			n, _ := rule.(json.Number).Int64()
			for _, letter := range []string{"a", "ä", "語", "😀"} {
				for _, length := range []int64{n - 1, n, n + 1} {
					out = append(out, asJSON(strings.Repeat(letter, int(max(0, length)))))
				}
			}
		case "maxItems", "maxProperties":
			n, _ := rule.(json.Number).Int64()
			for _, length := range []int64{n, n + 1} {
				items, members := make([]string, length), object{}
				for i := range items {
					items[i] = fmt.Sprintf("a%d", i)
					members[items[i]] = "x"
				}
				if out = append(out, asJSON(items)); length <= 100 { // larger objects are refused whatever they are
					out = append(out, asJSON(members))
				}
			}
		case "format":
			out = append(out, formatted[rule.(string)]...)
		case "pattern":
			out = append(out, `"a-b-1"`, `"A"`, `"a_b"`, `"a b"`, `"a\n"`, `"\ta"`, `"a\tb"`, `"a\u007fb"`, `"ä"`)
		case "items":
			for _, value := range s.valuesFor(rule.(object)) {
				out = append(out, "["+value+"]", "["+value+","+value+"]")
			}
		case "anyOf":
			for _, one := range rule.([]any) {
				out = append(out, s.valuesFor(one.(object))...)
			}
		}
	}
	return out
}

// fieldOf is a field of a request's body: its path, and how a value is put there.
type fieldOf struct {
	path   string
	schema object
	put    func(base object, value any)
}

// fields lists the fields of a body, those of objects in it too.
func (s schemas) fields(schema object) []fieldOf {
	var out []fieldOf
	properties := fieldsOf(schema, s.named)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		rule := properties[name].(object)
		out = append(out, fieldOf{name, rule, func(base object, value any) { base[name] = value }})
		for _, inner := range s.fields(rule) {
			out = append(out, fieldOf{name + "." + inner.path, inner.schema, func(base object, value any) {
				part := object{}
				inner.put(part, value)
				base[name] = part
			}})
		}
	}
	return out
}

// newSchemas reads the document with its numbers as they are written.
func newSchemas(t *testing.T, h interface{ get() string }) (schemas, object) {
	doc := parseJSON(t, h.get()).(object)
	return schemas{t, doc["components"].(object)["schemas"].(object)}, doc
}

type text string

func (x text) get() string { return string(x) }

// verdict says whether the program takes a value, and holds a refusal to naming
// the field.
func verdict(t *testing.T, what, path, sent string, res answer, status int) bool {
	t.Helper()
	if res.StatusCode/100 == status/100 {
		return true
	}
	refusal := 422
	if what == "POST "+sessionPath && res.StatusCode != refusal { // a wrong key, and too many of them
		if res.StatusCode != 401 && res.StatusCode != 413 && res.StatusCode != 429 {
			t.Errorf("%s %s=%.100s: %d", what, path, sent, res.StatusCode)
		}
		return false
	}
	if path == "version" { // of another version than the current one
		refusal = res.StatusCode
	}
	p := res.problem(t, refusal)
	names := func(f FieldProblem) bool {
		return f.Field == path || strings.HasPrefix(f.Field, path+".") || strings.HasPrefix(f.Field, path+"[") ||
			strings.HasPrefix(path, f.Field+".") && f.Field != ""
	}
	if !slices.ContainsFunc(p.Errors, names) {
		t.Errorf("%s %s=%.100s is refused under another name: %s", what, path, sent, res.text)
	}
	return false
}

// bodyOperation is an operation with a body, and how it is tried.
type bodyOperation struct {
	method, path, template, base string
	status                       int
	partly                       []string // beside partlyInSchema
}

var bodyOperations = func() []bodyOperation {
	paused := strings.TrimSuffix(minimal, "}") + `,"isActive":false}`
	// fixed; it is active; never fires; and what is as it is
	change := []string{"namespace", "isActive", "pausedReason", "pausedUntil"}
	for field := range reflect.TypeFor[wire.ReadOnly]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		change = append(change, name)
	}
	const silence = `{"reason":"x","durationMs":60000}`
	matching := []string{"match", "match.jobs", "match.namespace", "match.tag", "match.host", "reason", "startsAt",
		"endsAt", "durationMs"}
	return []bodyOperation{
		{"POST", "/jobs", "/jobs", paused, 201, nil},
		{"PUT", "/jobs/%s", "/jobs/{id}", `{}`, 200, change},
		// null is a removal of what cannot be removed
		{"PATCH", "/jobs/%s", "/jobs/{id}", `{}`, 200, append([]string{"spec"}, change...)},
		{"POST", "/jobs/%s/preview", "/jobs/{id}/preview", `{}`, 200, append([]string{"spec"}, change...)},
		{"POST", "/jobs/test", "/jobs/test", paused, 200, nil},
		{"POST", "/jobs/%s/test", "/jobs/{id}/test", `{}`, 200, append([]string{"spec"}, change...)},
		{"PUT", "/jobs/by-key/agreement%.0s", "/jobs/by-key/{key}", `{}`, 200, append([]string{"key"}, change...)},
		{"PATCH", "/jobs/by-key/agreement%.0s", "/jobs/by-key/{key}", `{}`, 200,
			append([]string{"key", "spec"}, change...)},
		{"POST", "/schedules/preview", "/schedules/preview", `{"schedule":"@hourly"}`, 200, nil},
		// as the other fields and the action allow; a host is a rule that no schema can say
		{"POST", "/jobs/bulk", "/jobs/bulk", `{"action":"PAUSE","query":{"tag":"x"},"dryRun":true}`, 200,
			[]string{"action", "ids", "all", "cursor", "tags", "tags.add", "tags.remove", "query", "query.host",
				"pause", "pause.until"}},
		{"POST", "/jobs/%s/pause", "/jobs/{id}/pause", `{"reason":"x"}`, 200, []string{"until"}}, // past
		{"POST", "/jobs/by-key/agreement%.0s/pause", "/jobs/by-key/{key}/pause", `{"reason":"x"}`, 200,
			[]string{"until"}},
		// past; as the other fields allow
		{"POST", "/keys", "/keys", `{"name":"x","role":"viewer"}`, 201, []string{"expiresAt", "role", "namespace"}},
		// as the kind wants them
		{"PUT", "/alerts/channels/agreement", "/alerts/channels/{id}",
			`{"kind":"WEBHOOK","secrets":{"url":"https://example.com/x"}}`, 200, []string{"kind", "options", "secrets",
				"signingSecrets", "templates", "templates.title", "templates.text"}},
		{"POST", "/alerts/channels/preview", "/alerts/channels/preview", `{}`, 200, []string{"title", "text"}},
		// as the kind and the other fields allow
		{"PUT", "/alerts/rules/agreement", "/alerts/rules/{id}", `{}`, 200, append([]string{"name", "when", "when.kind",
			"when.count", "when.of", "when.percent", "when.thresholdMs", "when.windowMs", "channels"}, matching...)},
		{"POST", "/alerts/silences", "/alerts/silences", silence, 201, matching},
		{"PUT", "/alerts/silences/agreement", "/alerts/silences/{id}", silence, 200, matching},
		{"PUT", "/alerts/windows/agreement", "/alerts/windows/{id}",
			`{"reason":"x","schedule":"@hourly","durationMs":60000}`, 200, matching},
		{"POST", "/session", "/session", `{"key":"` + key1 + `"}`, 201, []string{"key"}}, // others open nothing
	}
}()

// operations calls fn with each operation of the document.
func operations(doc object, fn func(method, path string, op object)) {
	paths := doc["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(paths[path].(object))) {
			fn(strings.ToUpper(method), path, paths[path].(object)[method].(object))
		}
	}
}

// TestEveryBodyIsTried: an operation that gains a body is compared, too.
func TestEveryBodyIsTried(t *testing.T) {
	operations(openAPI(t), func(method, path string, op object) {
		tried := path == "/jobs/import" || slices.ContainsFunc(bodyOperations,
			func(o bodyOperation) bool { return o.method == method && o.template == path })
		if has := op["requestBody"] != nil; has != tried {
			t.Errorf("%s %s has a body: %v, and is tried: %v", method, path, has, tried)
		}
	})
}

func TestSchemaAndProgramAgreeOnEveryField(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	s, doc := newSchemas(t, text(call(t, h, "GET", "/openapi.json", "").text))
	tried, taken := 0, 0
	for _, op := range bodyOperations {
		operation := doc["paths"].(object)[op.template].(object)[strings.ToLower(op.method)].(object)
		body := operation["requestBody"].(object)["content"].(object)["application/json"].(object)["schema"].(object)
		for _, field := range s.fields(body) {
			values := slices.Concat(anyValues, s.valuesFor(field.schema),
				[]string{rightTexts[strings.TrimPrefix(field.path, "spec.")]})
			slices.Sort(values)
			path := op.path
			if strings.Contains(op.path, "%") {
				f.clear(t)
				id := create(t, h, bodyOperations[0].base)
				call(t, h, "PUT", "/jobs/"+id, `{"key":"agreement"}`).into(t, 200, &struct{}{})
				path = fmt.Sprintf(op.path, id)
			}
			for _, value := range slices.Compact(values) {
				if value == "" {
					continue
				}
				if tried++; tried%everyDocument != 0 {
					continue
				}
				sent := parseJSON(t, op.base).(object)
				field.put(sent, parseJSON(t, value))
				bySchema := s.takes(body, sent)
				byProgram := verdict(t, op.method+" "+op.template, field.path, value,
					call(t, h, op.method, path, asJSON(sent)), op.status)
				place := strings.TrimPrefix(field.path, "spec.")
				partly := slices.Contains(partlyInSchema, place) || slices.Contains(op.partly, place)
				if byProgram {
					taken++
				}
				if bySchema != byProgram && (byProgram || !partly || value == rightTexts[place]) {
					t.Errorf("%s %s, %s = %.150s: the schema takes it: %v, the program: %v", op.method, op.template,
						field.path, value, bySchema, byProgram)
				}
			}
			// Absent.
			sent := parseJSON(t, op.base).(object)
			delete(sent, field.path)
			got := call(t, h, op.method, path, asJSON(sent)).StatusCode/100 == op.status/100
			if got != s.takes(body, sent) && (got || !slices.Contains(op.partly, field.path)) {
				t.Errorf("%s %s without %s: the schema takes it: %v, the program: %v", op.method, op.template,
					field.path, !got, got)
			}
		}
	}
	t.Logf("%d values, of which %d were sent and %d are taken", tried, tried/everyDocument, taken)
	if tried < 3_000 || taken < 500/everyDocument {
		t.Errorf("%d values, of which %d are taken: the document is not read right", tried, taken)
	}
}

// TestAnImportAgreesToo: the items of an import are what POST /jobs takes. A pause may be over: TestPauseThatIsPast.
func TestAnImportAgreesToo(t *testing.T) {
	h := newAPI(t, newFixture(t))
	s, _ := newSchemas(t, text(call(t, h, "GET", "/openapi.json", "").text))
	var lines []string
	made := 0
	for _, field := range s.fields(object{"$ref": "#/components/schemas/JobSpec"}) {
		for _, value := range slices.Concat(anyValues, s.valuesFor(field.schema)) {
			if made++; made%everyDocument != 0 {
				continue
			}
			sent := parseJSON(t, strings.TrimSuffix(minimal, "}")+`,"isActive":false}`).(object)
			field.put(sent, parseJSON(t, value))
			if line := asJSON(sent); !slices.Contains(lines, line) { // a key is of one job
				lines = append(lines, line)
			}
		}
	}
	report := imported(t, h, strings.Join(lines, "\n"), ndjson)
	h = newAPI(t, newFixture(t))
	for i, line := range lines {
		alone := call(t, h, "POST", "/jobs", line).StatusCode == 201
		if together := report.Results[i].Error == nil; alone != together &&
			(alone || !strings.Contains(line, `"pausedUntil"`)) {
			t.Errorf("%.200s: taken alone: %v, in an import: %v", line, alone, together)
		}
	}
}

// TestSchemaAndProgramAgreeOnEveryParameter does the same for queries. A text is
// read as what the schema asks for, if it can be.
func TestSchemaAndProgramAgreeOnEveryParameter(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	id := create(t, h, minimal)
	seedHistory(t, f, id)
	s, doc := newSchemas(t, text(call(t, h, "GET", "/openapi.json", "").text))
	tried := 0
	operations(doc, func(method, path string, op object) {
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			p := p.(object)
			name, rule := p["name"].(string), p["schema"].(object)
			if p["in"] != "query" {
				continue
			}
			values := slices.Concat(anyValues, s.valuesFor(rule), []string{"05", "+5", "0x5", "5_000", "TRUE", "yes"})
			for _, value := range values {
				var sent string
				var list []string
				switch {
				case rule["type"] == "array" && json.Unmarshal([]byte(value), &list) == nil:
					sent = strings.Join(list, ",")
				case json.Unmarshal([]byte(value), &sent) != nil:
					sent = value // no JSON string: the text itself
				}
				if strings.TrimSpace(sent) == "" || strings.TrimSpace(sent) != sent {
					continue // it is absent, or trimmed
				}
				tried++
				of := id
				if strings.HasPrefix(path, "/keys/") {
					of = "k7x2mq4a"
				}
				at := strings.NewReplacer("{id}", of, "{key}", "invoices", "{version}", "1").Replace(path) + "?" +
					name + "=" + url.QueryEscape(sent)
				res := call(t, h, method, at, bodyFor(op))
				bySchema, byProgram := s.takesText(rule, sent), res.StatusCode != 400
				// Unchanged; at most 31 days, or 1,500 steps; a URL; secrets take POST.
				partly := name == "cursor" || path == "/audit" || path == "/observability/series" ||
					path == "/forecast" || name == "host" ||
					name == "withSecrets" && method == "GET"
				if !byProgram {
					if p := res.problem(t, 400); !slices.Contains(p.fields(), name) &&
						!(partly && slices.Contains(p.fields(), "to")) {
						t.Errorf("%s is refused under another name: %s", at, res.text)
					}
				}
				if bySchema != byProgram && (byProgram || !partly) {
					t.Errorf("%.200s: the schema takes it: %v, the program: %v", at, bySchema, byProgram)
				}
			}
		}
	})
	if tried < 1_000 {
		t.Errorf("only %d values were tried", tried)
	}
}

// TestSchemaAndProgramAgreeOnEveryPath does the same for what is in paths: a
// value that the schema refuses is a 400 that names the parameter, and one that
// it takes is nobody's or somebody's id, but never wrong.
func TestSchemaAndProgramAgreeOnEveryPath(t *testing.T) {
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	s, doc := newSchemas(t, text(call(t, h, "GET", "/openapi.json", "").text))
	tried := 0
	operations(doc, func(method, path string, op object) {
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			p := p.(object)
			name, rule := p["name"].(string), p["schema"].(object)
			if p["in"] != "path" {
				continue
			}
			more := []string{"k7x2mq4a", "K7X2MQ4A", "k7x2mq4", "k7x2mq4aa", "k7x2mq41", "k7x2-q4a", "bel_k7x2mq4a_X",
				"a/b", "..", "%", "\u00e4"}
			for _, value := range slices.Concat(anyValues, s.valuesFor(rule), more) {
				var sent string
				if json.Unmarshal([]byte(value), &sent) != nil {
					sent = value
				}
				if strings.TrimSpace(sent) == "" || strings.TrimSpace(sent) != sent || sent == ".." {
					continue // another path, or trimmed
				}
				tried++
				at := strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(sent))
				at = strings.NewReplacer("{id}", "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "{version}", "1").Replace(at)
				res := call(t, h, method, at, bodyFor(op))
				if res.StatusCode == 400 {
					if p := res.problem(t, 400); !slices.Equal(p.fields(), []string{name}) {
						t.Errorf("%s %s is refused under another name: %s", method, at, res.text)
					}
				}
				if bySchema, byProgram := s.takesText(rule, sent), res.StatusCode != 400; bySchema != byProgram {
					t.Errorf("%s %.200s: the schema takes it: %v, the program: %v, %s", method, at, bySchema,
						byProgram, res.text)
				}
			}
		}
	})
	if tried < 400 {
		t.Errorf("only %d values were tried", tried)
	}
}

// takesText reports whether a schema takes the text of a parameter.
func (s schemas) takesText(rule object, sent string) bool {
	if s.takes(rule, sent) {
		return true
	}
	if rule["type"] == "array" { // with commas between its elements
		var list []any
		for word := range strings.SplitSeq(sent, ",") {
			list = append(list, strings.TrimSpace(word))
		}
		return s.takes(rule, list)
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(sent))
	dec.UseNumber()
	if dec.Decode(&v) != nil || dec.More() {
		return false
	}
	switch v.(type) {
	case json.Number, bool:
		return s.takes(rule, v)
	}
	return false
}
