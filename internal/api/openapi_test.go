package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/google/go-cmp/cmp"
)

// object is JSON that is walked by hand.
type object = map[string]any

func openAPI(t *testing.T) object {
	t.Helper()
	var doc object
	res := call(t, newAPI(t, idleFixture(t)), "GET", "/openapi.json", "")
	res.into(t, 200, &doc)
	if ct := res.Header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
	return doc
}

// TestDocumentPaths holds every path with its parameters, bodies and statuses.
func TestDocumentPaths(t *testing.T) {
	doc := openAPI(t)
	if v := doc["openapi"]; v != "3.1.0" {
		t.Errorf("openapi %v", v)
	}
	var out strings.Builder
	paths := doc["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(paths[path].(object))) {
			op := paths[path].(object)[method].(object)
			fmt.Fprintf(&out, "%s %s (%s)\n", strings.ToUpper(method), path, op["operationId"])
			if parameters, ok := op["parameters"].([]any); ok {
				for _, p := range parameters {
					fmt.Fprintf(&out, "  %s %s\n", p.(object)["in"], p.(object)["name"])
				}
			}
			if body, ok := op["requestBody"].(object); ok {
				fmt.Fprintf(&out, "  body %s\n", strings.Join(slices.Sorted(maps.Keys(body["content"].(object))), " "))
			}
			fmt.Fprintf(&out, "  answers %s\n", strings.Join(slices.Sorted(maps.Keys(op["responses"].(object))), " "))
		}
	}
	golden(t, "paths.txt", out.String())
}

// leads reports whether a reference leads to an object of the document.
func leads(doc object, ref string) bool {
	at := doc
	for _, name := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at, _ = at[name].(object)
	}
	return at != nil
}

// TestDocumentIsComplete walks over the whole document: whatever a user reads
// has words, every reference leads somewhere, and every schema is used.
func TestDocumentIsComplete(t *testing.T) {
	doc := openAPI(t)
	schemas := doc["components"].(object)["schemas"].(object)
	used := map[string]bool{}
	var visit func(at string, v any)
	visit = func(at string, v any) {
		switch v := v.(type) {
		case []any:
			for i, e := range v {
				visit(fmt.Sprintf("%s[%d]", at, i), e)
			}
		case object:
			if ref, ok := v["$ref"].(string); ok {
				used[strings.TrimPrefix(ref, "#/components/schemas/")] = true
				if !leads(doc, ref) {
					t.Errorf("%s: %s leads nowhere", at, ref)
				}
			}
			if properties, ok := v["properties"].(object); ok {
				for name, p := range properties {
					if text, ok := p.(object)["description"].(string); !ok || text == "" {
						t.Errorf("%s.%s has no description", at, name)
					}
				}
			}
			for name, e := range v {
				visit(at+"."+name, e)
			}
		}
	}
	visit("", doc)
	for name := range schemas {
		if !used[name] {
			t.Errorf("schema %s is not used", name)
		}
	}
	for path, item := range doc["paths"].(object) {
		for method, op := range item.(object) {
			for _, field := range []string{"summary", "description", "operationId", "tags", "responses"} {
				if op.(object)[field] == nil {
					t.Errorf("%s %s has no %s", method, path, field)
				}
			}
			secured := op.(object)["security"] == nil
			open := path == "/healthz" || path == "/readyz" || path == sessionPath && method == "post" ||
				path == oidcPath || path == callbackPath
			if open == secured {
				t.Errorf("%s %s: security %v", method, path, op.(object)["security"])
			}
		}
	}
}

// TestFieldsHaveExamplesAndUnits: every scalar of an answer shows an example,
// and every number that is a time says its unit.
func TestFieldsHaveExamplesAndUnits(t *testing.T) {
	unit := regexp.MustCompile(`(?i)millisecond|seconds`)
	for name, s := range openAPI(t)["components"].(object)["schemas"].(object) {
		properties, _ := s.(object)["properties"].(object)
		for field, p := range properties {
			p := p.(object)
			text, _ := p["description"].(string)
			timed := strings.HasSuffix(field, "At") || strings.HasSuffix(field, "Ms") || field == "duration" ||
				strings.HasPrefix(field, "effective")
			if (timed || strings.Contains(text, "clock change")) && fmt.Sprint(p["type"]) == "integer" &&
				!unit.MatchString(text) {
				t.Errorf("%s.%s does not say its unit: %q", name, field, text)
			}
			if p["$ref"] == nil && p["examples"] == nil && p["default"] == nil && p["enum"] == nil &&
				p["type"] == "string" &&
				field != "nextCursor" && field != "title" && p["format"] == nil && name != "Problem" {
				t.Errorf("%s.%s has no example", name, field)
			}
		}
	}
}

// TestSpecSchemaIsTheSpec holds the documented job and the domain's together:
// names, types and defaults.
func TestSpecSchemaIsTheSpec(t *testing.T) {
	schemas := openAPI(t)["components"].(object)["schemas"].(object)
	whole := domain.NewSpecDoc()
	if err := wire.Merge(&whole, []byte(full)); err != nil {
		t.Fatal(err)
	}
	whole.Key = "invoices" // of one job: others are made of the same document
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var want, defaults object
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	want["pausedReason"], want["pausedUntil"] = "moved", float64(base+3_600_000) // an active job has none
	if text, err = json.Marshal(domain.NewSpecDoc()); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &defaults); err != nil {
		t.Fatal(err)
	}
	properties := func(name string) object { return schemas[name].(object)["properties"].(object) }
	names := func(o object) []string { return slices.Sorted(maps.Keys(o)) }
	for schema, value := range map[string]object{
		"JobSpec": want, "RetrySpec": want["retry"].(object), "MisfireSpec": want["misfire"].(object),
		"DstSpec":     want["dst"].(object),
		"SigningSpec": want["signing"].(object),
	} {
		if diff := cmp.Diff(names(value), names(properties(schema))); diff != "" {
			t.Errorf("%s (-domain +document):\n%s", schema, diff)
		}
	}
	for schema, value := range map[string]object{
		"JobSpec": defaults, "RetrySpec": defaults["retry"].(object), "MisfireSpec": defaults["misfire"].(object),
		"DstSpec": defaults["dst"].(object),
	} {
		for name, p := range properties(schema) {
			if def, ok := p.(object)["default"]; ok && value[name] != nil && !reflect.DeepEqual(def, value[name]) {
				t.Errorf("%s.%s: default %v, the domain says %v", schema, name, def, value[name])
			}
		}
	}
}

// TestDocumentedLimitsAreTheRules: the bounds of the document are those that
// the domain keeps.
func TestDocumentedLimitsAreTheRules(t *testing.T) {
	schemas := openAPI(t)["components"].(object)["schemas"].(object)
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct{ schema, wrap string }{
		{"JobSpec", "%s"}, {"RetrySpec", `"retry":{%s}`}, {"MisfireSpec", `"misfire":{%s}`},
	} {
		for name, p := range schemas[tc.schema].(object)["properties"].(object) {
			for bound, step := range map[string]float64{"minimum": -1, "maximum": 1} {
				limit, ok := p.(object)[bound].(float64)
				if !ok || name == "endAt" {
					continue
				}
				at := laidOver(fmt.Sprintf(tc.wrap, fmt.Sprintf("%q:%.0f", name, limit)))
				beyond := laidOver(fmt.Sprintf(tc.wrap, fmt.Sprintf("%q:%.0f", name, limit+step)))
				if res := call(t, h, "POST", "/jobs", at); res.StatusCode != 201 {
					t.Errorf("%s.%s at its %s: %s", tc.schema, name, bound, res.text)
				}
				call(t, h, "POST", "/jobs", beyond).problem(t, 422)
			}
		}
	}
}

func TestDocsPageIsSelfContained(t *testing.T) {
	res := call(t, newAPI(t, idleFixture(t)), "GET", "/docs", "")
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "text/html; charset=utf-8" {
		t.Fatalf("%d, %s", res.StatusCode, ct)
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy,
		"default-src 'none'; style-src 'sha256-") {
		t.Errorf("policy %q", policy)
	}
	handler := regexp.MustCompile(` on\w+=`)
	for _, m := range regexp.MustCompile(`<[^>]*>`).FindAllString(res.text, -1) {
		if handler.MatchString(m) {
			t.Errorf("the page holds %s", m)
		}
		for _, tag := range []string{"<script", "<link", "<img", "<iframe", "<object", "@import", "url(", "ZgotmplZ"} {
			if strings.Contains(m, tag) {
				t.Errorf("the page holds %s", m)
			}
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(res.text, -1) {
		if ids[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:href|src|action)="([^"]*)"`).FindAllStringSubmatch(res.text, -1) {
		anchor, inside := strings.CutPrefix(m[1], "#")
		if !inside && m[1] != "/openapi.json" || inside && !ids[anchor] {
			t.Errorf("the page leads to %s", m[1])
		}
	}
	for _, k := range kinds {
		if !ids["problem-"+k.slug] {
			t.Errorf("the page does not explain %s", k.slug)
		}
	}
	for _, want := range []string{"/jobs/{id}/executions", "sha256" + "", "retry.maxRetries", "Europe/Berlin"} {
		if want != "sha256" && !strings.Contains(res.text, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}

// TestEveryCodeHasAStatus: a code that the domain gains must be mapped here.
func TestEveryCodeHasAStatus(t *testing.T) {
	for _, code := range []domain.Code{
		domain.CodeInvalid, domain.CodeNotFound, domain.CodeConflict, domain.CodeUnavailable, domain.CodeInternal,
	} {
		if kindOfCode[code].status < 400 {
			t.Errorf("%s has no status", code)
		}
	}
	if p := problemOf(&domain.Error{Code: "new", Message: "canary"}); p.Status != 500 ||
		strings.Contains(p.Error(), "canary") {
		t.Errorf("an unknown code: %v", p)
	}
}
