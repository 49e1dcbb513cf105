package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api/exampletest"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
)

func TestCutVersion(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/jobs": "/jobs", "/v1": "/", "/v1/": "/", "/v1/v1/jobs": "/v1/jobs", "/v1/jobs/v1": "/jobs/v1",
		"/jobs": "/jobs", "/": "/", "": "", "/v10/jobs": "/v10/jobs", "/v2/jobs": "/v2/jobs", "/V1/jobs": "/V1/jobs",
		"/api/v1/jobs": "/api/v1/jobs", "v1/jobs": "v1/jobs",
	} {
		if got, _ := cutVersion(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	for target, want := range map[string]string{
		"/v1/a%2Fb": "/a/b /a%2Fb", "/%761/jobs": "/v1/jobs /%761/jobs", "/v1/jobs?x=/v1": "/jobs ",
	} {
		r := withoutVersion(httptest.NewRequest("GET", target, http.NoBody))
		if got := r.URL.Path + " " + r.URL.RawPath; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}

// Every path is the same with /v1 before it: each example is answered in the same way, and what an answer names begins
// with it too. Metrics know one name of each path.
func TestEveryPathHasAVersion(t *testing.T) {
	all, err := reference.Examples()
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	h := withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	f.hosts = someHosts()
	id := create(t, h, minimal)
	seedHistory(t, f, id)
	seedNotices(t, f, id)
	p, locations := playing(t, h), 0
	p.Send = func(r exampletest.Request) (exampletest.Answer, error) {
		header := []string{"Content-Type: " + r.ContentType}
		if r.ContentType == "" {
			header = nil
		}
		for name, value := range r.Headers {
			header = append(header, name+": "+value)
		}
		res := call(t, h, r.Method, "/v1"+r.Target, r.Body, header...)
		if at := res.Header.Get("Location"); at != "" {
			locations++
			if !strings.HasPrefix(at, "/v1/") {
				t.Errorf("%s %s: Location %s", r.Method, r.Target, at)
			} else if r.Method == "POST" && call(t, h, "GET", at, "").StatusCode >= 500 {
				t.Errorf("%s %s: Location %s leads nowhere", r.Method, r.Target, at)
			}
		}
		return exampletest.Answer{Status: res.StatusCode, ContentType: res.Header.Get("Content-Type"),
			Body: res.text}, nil
	}
	for i := range all {
		if _, differences, err := p.Play(&all[i]); err != nil || len(differences) > 0 {
			t.Errorf("/v1 before %s: %v, %v", all[i].Request, err, differences)
		}
	}
	if locations < 3 {
		t.Errorf("%d answers had a Location", locations)
	}
	if text := call(t, h, "GET", "/v1/metrics", "").text; strings.Contains(text, "/v1") {
		t.Error("metrics know a path by two names")
	}
	if text := call(t, h, "GET", "/v1", "").text; !strings.Contains(text, `"jobs":"/v1/jobs"`) {
		t.Errorf("the index under /v1: %s", text)
	}
}

// Keys and roles are asked for by the path without the version.
func TestTheVersionOpensNothing(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f, key1)
	h := newAPI(t, f, func(c *Config) { c.Keys = keys })
	editor, _, err := keys.Create(context.Background(), domain.APIKey{Name: "x", Role: domain.RoleEditor})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, key string
		status    int
	}{
		{"/v1/healthz", "", 200}, {"/v1/readyz", "", 200}, {"/v1/jobs", "", 401}, {"/v1/keys", "", 401},
		{"/v1/v1/healthz", "", 401}, {"/v1/jobs", editor, 200}, {"/v1/keys", editor, 403},
		{"/v1/audit/changes", editor, 403}, {"/v1/keys", key1, 200}, {"/v1/v1/keys", editor, 404},
		{"/v1/../keys", editor, 404}, {"/v1/nothing", key1, 404}, {"/v2/jobs", key1, 404},
	} {
		res := call(t, h, "GET", tc.path, "", "Authorization: Bearer "+tc.key)
		if res.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", tc.path, res.StatusCode, tc.status)
		}
	}
	// One request by two names has one Idempotency-Key.
	first := call(t, h, "POST", "/jobs", minimal, "Authorization: Bearer "+key1, "Idempotency-Key: a")
	again := call(t, h, "POST", "/v1/jobs", minimal, "Authorization: Bearer "+key1, "Idempotency-Key: a")
	if again.Header.Get("Idempotent-Replayed") != "true" || again.StatusCode != 201 || first.text != again.text {
		t.Errorf("under /v1: %d %s", again.StatusCode, again.text)
	}
}

// TestDeprecation: an operation that is going to go says so in its answers, refusals too, and in the document.
func TestDeprecation(t *testing.T) {
	f := idleFixture(t)
	rt := newRouter(newGuard(&Config{Keys: ring(t, f), Open: true, Clock: f.clock, Log: discard,
		Metrics: f.metrics}), newRoom(1000, 0), f.metrics, discard, "1")
	rt.deprecated = map[string]deprecation{
		"old": {time.UnixMilli(base), time.UnixMilli(base).AddDate(1, 0, 0), "/new"},
		"odd": {since: time.UnixMilli(base), instead: "/docs"},
	}
	type output struct{ Body struct{} }
	handle := func(context.Context, *struct{}) (*output, error) { return &output{}, nil }
	for _, id := range []string{"old", "odd", "new"} {
		register(rt, huma.Operation{OperationID: id, Method: "GET", Path: "/" + id}, handle)
	}
	for target, want := range map[string][3]string{
		"/old":     {"@1767225600", "Fri, 01 Jan 2027 00:00:00 GMT", `</new>; rel="deprecation"`},
		"/old?x=1": {"@1767225600", "Fri, 01 Jan 2027 00:00:00 GMT", `</new>; rel="deprecation"`},
		"/v1/odd":  {"@1767225600", "", `</docs>; rel="deprecation"`},
		"/new":     {},
	} {
		res := call(t, rt, "GET", target, "")
		if got := [3]string{res.Header.Get("Deprecation"), res.Header.Get("Sunset"), res.Header.Get("Link")}; got !=
			want || res.StatusCode >= 500 || res.StatusCode == 404 {
			t.Errorf("%s: %d %q, want %q", target, res.StatusCode, got, want)
		}
	}
	for id, want := range map[string]bool{"old": true, "odd": true, "new": false} {
		if op := rt.huma.OpenAPI().Paths["/"+id].Get; op.Deprecated != want {
			t.Errorf("%s: deprecated %v", id, op.Deprecated)
		}
	}
	for id, d := range deprecations { // the policy: a year at least
		if !d.sunset.IsZero() && d.sunset.Before(d.since.AddDate(1, 0, 0)) || d.instead == "" {
			t.Errorf("%s: %+v", id, d)
		}
	}
}

// TestAChangeHasNoDefaults: a client that fills in the defaults of a schema would change what its caller did not name.
func TestAChangeHasNoDefaults(t *testing.T) {
	s, doc := newSchemas(t, text(call(t, newAPI(t, idleFixture(t)), "GET", "/openapi.json", "").text))
	operations(doc, func(method, path string, op object) {
		if method != "PUT" && method != "PATCH" || strings.HasPrefix(path, "/alerts/") { // which is replaced as a whole
			return
		}
		for contentType, media := range op["requestBody"].(object)["content"].(object) {
			at := fmt.Sprintf("%s %s %s", method, path, contentType)
			s.wantNoDefaults(at, media.(object)["schema"].(object))
		}
	})
	for _, name := range []string{"RetryChange", "MisfireChange", "DstChange", "SigningChange"} {
		if s.named[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
}

func (s schemas) wantNoDefaults(at string, schema object) {
	schema = s.resolve(schema)
	if schema["default"] != nil {
		s.t.Errorf("%s has a default", at)
	}
	if required, _ := schema["required"].([]any); len(required) > 0 && at != "" {
		s.t.Errorf("%s needs %v", at, required)
	}
	all, _ := schema["anyOf"].([]any)
	for _, one := range all {
		s.wantNoDefaults(at, one.(object))
	}
	properties, _ := schema["properties"].(object)
	for name, p := range properties {
		s.wantNoDefaults(at+"."+name, p.(object))
	}
}

// TestRequestsAreBounded: whatever a request may hold has a limit in the document: texts, numbers, lists and objects.
// The linter's rules of the same kind ask it of answers, too, and are off.
func TestRequestsAreBounded(t *testing.T) {
	s, doc := newSchemas(t, text(call(t, newAPI(t, idleFixture(t)), "GET", "/openapi.json", "").text))
	operations(doc, func(method, path string, op object) {
		parameters, _ := op["parameters"].([]any)
		for _, p := range parameters {
			name := p.(object)["name"].(string)
			if p.(object)["in"] == "header" || name == "cursor" { // the limits of a request's head bound them
				continue
			}
			s.wantBounds(method+" "+path+" "+name, p.(object)["schema"].(object), nil)
		}
		if body, ok := op["requestBody"].(object); ok {
			for _, media := range body["content"].(object) {
				if schema := media.(object)["schema"].(object); schema[reference.LinesKey] == nil {
					s.wantBounds(method+" "+path, schema, nil)
				}
			}
		}
	})
}

// freeFields are bounded by the limit of the body or of all headers together. Members of answers are sent back as they
// were read.
var freeFields = []string{"body", "error", "message", "items"}

func (s schemas) wantBounds(at string, schema object, seen []string) {
	if ref, ok := schema["$ref"].(string); ok {
		if slices.Contains(seen, ref) {
			return
		}
		seen = append(seen, ref)
	}
	schema = s.resolve(schema)
	if slices.Contains(freeFields, at[strings.LastIndexByte(at, '.')+1:]) && schema["type"] != "object" ||
		isTrue(schema["readOnly"]) {
		return
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return schema[w] != nil })
	}
	types, several := schema["type"].([]any)
	if !several {
		types = []any{schema["type"]}
	}
	for _, typ := range types {
		ok := true
		switch typ {
		case "string":
			ok = has("maxLength", "enum", "format") || strings.Contains(fmt.Sprint(schema["pattern"]), "{")
		case "integer", "number":
			ok = has("enum") || has("minimum") && has("maximum")
		case "array":
			ok = has("maxItems")
		case "object":
			others, said := schema["additionalProperties"].(bool)
			ok = said && !others || has("maxProperties")
		}
		if !ok {
			s.t.Errorf("%s (%v) has no limit in the document", at, typ)
		}
	}
	if items, ok := schema["items"].(object); ok {
		s.wantBounds(at+".items", items, seen)
	}
	all, _ := schema["anyOf"].([]any)
	for _, one := range all {
		s.wantBounds(at, one.(object), seen)
	}
	properties, _ := schema["properties"].(object)
	for name, p := range properties {
		s.wantBounds(at+"."+name, p.(object), seen)
	}
}

func isTrue(v any) bool {
	yes, _ := v.(bool)
	return yes
}
