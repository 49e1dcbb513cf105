package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"pgregory.net/rapid"
)

func validSpec() domain.Spec {
	s := domain.DefaultSpec()
	s.Schedule, s.API, s.Type = "0 */5 * * * *", "https://example.com/hook", domain.AtLeastOnce
	return s
}

// fieldsOf returns the faults of an error as "field: message" lines.
func fieldsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || e.Code != domain.CodeInvalid {
		t.Fatalf("%v is no CodeInvalid error", err)
	}
	var out []string
	for _, f := range e.Fields {
		out = append(out, f.Field+": "+f.Message)
	}
	return out
}

// fullDoc returns a document that sets every field.
func fullDoc() domain.SpecDoc {
	return domain.SpecDoc{IsActive: false, Spec: domain.Spec{
		Schedule: "0 0 9 * * MON-FRI", API: "https://example.com/hook", Type: domain.AtMostOnce, Name: "Größe <b>",
		Tags: []string{"a", "b"}, Timezone: "Europe/Berlin", Method: "PUT", Headers: map[string]string{"X-A": "1"},
		SecretNames: []string{"X-A"},
		Body:        json.RawMessage(`{"a":[1,2.50]}`), TimeoutMs: 5,
		Retry:   domain.Retry{MaxRetries: 1, DelayMs: 2, Backoff: domain.BackoffFixed, MaxDelayMs: 3},
		Overlap: domain.OverlapQueue,
		Misfire: domain.Misfire{Policy: domain.MisfireSkip, MaxAgeMs: 4, MaxRuns: 5}, StartAt: 1_767_225_600_000,
		EndAt: 1_798_761_600_000, JitterMs: 8, DST: domain.DST{Gap: "SKIP", Fold: "BOTH"}, TLSSkipVerify: true,
		ClientCertificate: "bank",
	}}
}

func TestSpecDocRoundTrip(t *testing.T) {
	t.Parallel()
	plain := domain.NewSpecDoc()
	plain.Spec = validSpec()
	for _, in := range []domain.SpecDoc{fullDoc(), plain} {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		out := domain.NewSpecDoc()
		err = lay(&out, text, overOld)
		if out.SecretsSent = false; err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("%s\ncame back as %+v: %v", text, out, err)
		}
	}
}

// Every field of a spec is one of the document's, and under the same name.
func TestSpecFieldsAreComplete(t *testing.T) {
	t.Parallel()
	names := []string{"isActive", "pausedReason", "pausedUntil"}
	for i := range reflect.TypeFor[domain.Spec]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[domain.Spec]().Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	if known := sortedKeys(specFields); !slices.Equal(names, known) {
		t.Errorf("the spec has %v, the document takes %v", names, known)
	}
	if described := membersOf(reflect.TypeFor[JobSpec]()); !slices.Equal(names, described) {
		t.Errorf("the spec has %v, the schema describes %v", names, described)
	}
	for part, typ := range map[string]reflect.Type{
		"retry": reflect.TypeFor[RetrySpec](), "misfire": reflect.TypeFor[MisfireSpec](),
		"dst":     reflect.TypeFor[DstSpec](),
		"signing": reflect.TypeFor[SigningSpec](),
	} {
		if known, described := sortedKeys(specFields[part].members), membersOf(typ); !slices.Equal(known, described) {
			t.Errorf("%s takes %v, the schema describes %v", part, known, described)
		}
	}
	for name, typ := range map[string]reflect.Type{
		"retry": reflect.TypeFor[domain.Retry](), "misfire": reflect.TypeFor[domain.Misfire](),
		"dst": reflect.TypeFor[domain.DST](),
	} {
		var members []string
		for i := range typ.NumField() {
			members = append(members, typ.Field(i).Tag.Get("json"))
		}
		slices.Sort(members)
		if known := sortedKeys(specFields[name].members); !slices.Equal(members, known) {
			t.Errorf("%s has %v, the document takes %v", name, members, known)
		}
	}
}

// membersOf returns the names of a struct's fields in JSON.
func membersOf(typ reflect.Type) []string {
	var names []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestMerge(t *testing.T) {
	t.Parallel()
	d := domain.NewSpecDoc()
	for _, c := range []struct {
		name, text string
		want       func(*domain.SpecDoc) // of a full document; nil: unchanged
	}{
		{"nothing", `{}`, nil},
		{"one field", `{"name":"x"}`, func(w *domain.SpecDoc) { w.Name = "x" }},
		{"spaces around", " {\n\"timeoutMs\" : 17 }\n", func(w *domain.SpecDoc) { w.TimeoutMs = 17 }},
		{"active", `{"isActive":true}`, func(w *domain.SpecDoc) { w.IsActive = true }},
		{"part of an object", `{"retry":{"delayMs":9}}`, func(w *domain.SpecDoc) { w.Retry.DelayMs = 9 }},
		{"two objects", `{"misfire":{"maxRuns":1},"dst":{"fold":"FIRST"}}`,
			func(w *domain.SpecDoc) { w.Misfire.MaxRuns, w.DST.Fold = 1, "FIRST" }},
		{"headers are replaced", `{"headers":{"X-B":"2"}}`,
			func(w *domain.SpecDoc) { w.Headers = map[string]string{"X-B": "2"} }},
		{"tags are replaced", `{"tags":["c"]}`, func(w *domain.SpecDoc) { w.Tags = []string{"c"} }},
		{"the body is replaced", `{"body":"text"}`, func(w *domain.SpecDoc) { w.Body = json.RawMessage(`"text"`) }},
		{"null is the default", `{"retry":null,"method":null,"timezone":null}`,
			func(w *domain.SpecDoc) { w.Retry, w.Method, w.Timezone = d.Retry, d.Method, d.Timezone }},
		{"null is nothing where that is the default", `{"headers":null,"tags":null,"body":null,"startAt":null}`,
			func(w *domain.SpecDoc) { w.Headers, w.Tags, w.Body, w.StartAt = nil, nil, nil, 0 }},
		{"null inside an object", `{"retry":{"maxRetries":null},"misfire":{"policy":null},"dst":{"gap":null}}`,
			func(w *domain.SpecDoc) {
				w.Retry.MaxRetries, w.Misfire.Policy, w.DST.Gap = domain.DefaultMaxRetries,
					domain.MisfireRunAll, "AFTER"
			}},
		{"null activates", `{"isActive":null}`, func(w *domain.SpecDoc) { w.IsActive = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want, shared := fullDoc(), fullDoc(), fullDoc()
			before := got
			before.Tags, before.Headers, before.Body = got.Tags, got.Headers, got.Body
			if err := lay(&got, []byte(c.text), overOld); err != nil {
				t.Fatal(err)
			}
			if c.want != nil {
				c.want(&want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			if !reflect.DeepEqual(before, shared) {
				t.Error("the current version of the job has changed with its draft")
			}
		})
	}
}

func TestMergeFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want []string // field: part of the message
	}{
		{``, []string{": must be valid JSON"}},
		{`{`, []string{": must be valid JSON"}},
		{`{"name":"x"} {}`, []string{": must be valid JSON"}},
		{`null`, []string{": must be a JSON object"}},
		{`[]`, []string{": must be an object, not an array"}},
		{`"x"`, []string{": must be an object, not a string"}},
		{`{"name":1}`, []string{"name: must be a string, not a number"}},
		{`{"timeoutMs":"1"}`, []string{"timeoutMs: must be a whole number, not a string"}},
		{`{"timeoutMs":1.5}`, []string{"timeoutMs: must be a whole number, not 1.5"}},
		{`{"timeoutMs":1e30}`, []string{"timeoutMs: must be a whole number"}},
		{`{"isActive":"yes"}`, []string{"isActive: must be true or false, not a string"}},
		{`{"tags":"a"}`, []string{"tags: must be an array of strings, not a string"}},
		{`{"tags":[1]}`, []string{"tags[0]: must be a string, not a number"}},
		{`{"headers":["a"]}`, []string{"headers: must be an object, not an array"}},
		{`{"headers":{"X-A":1}}`, []string{"headers"}},
		{`{"retry":3}`, []string{"retry: must be an object with backoff, delayMs, maxDelayMs, maxRetries, " +
			"not a number"}},
		{`{"retry":{"maxRetries":"3"}}`, []string{"retry.maxRetries: must be a whole number, not a string"}},
		{`{"retry":{"times":3}}`, []string{"retry.times: is not a field of a job"}},
		{`{"retry":{"MAXRETRIES":3}}`, []string{`did you mean "maxRetries"?`}},
		{`{"dst":{"gap":1},"misfire":{"maxRuns":"all"}}`,
			[]string{"dst.gap: must be a string", "misfire.maxRuns: must be a whole number"}},
		{`{"url":"x","name":1}`, []string{"name: must be a string", "url: is not a field of a job"}},
		{`{"time_zone":"UTC"}`, []string{`time_zone: is not a field of a job; did you mean "timezone"?`}},
		{`{"Schedule":"x"}`, []string{`did you mean "schedule"?`}},
		{`{"schedul":"x"}`, []string{`did you mean "schedule"?`}},
		{`{"is-active":true}`, []string{`did you mean "isActive"?`}},
		{`{"completelyElse":1}`, []string{"completelyElse: is not a field of a job"}},
		{`{"` + strings.Repeat("x", 5000) + `":1}`, []string{"is not a field of a job"}},
	} {
		got, want := fullDoc(), fullDoc()
		faults := fieldsOf(t, lay(&got, []byte(c.text), overOld))
		if len(faults) != len(c.want) {
			t.Errorf("%.60s: %q, want %q", c.text, faults, c.want)
			continue
		}
		for i := range faults {
			if !strings.Contains(faults[i], c.want[i]) {
				t.Errorf("%.60s: %q, want %q", c.text, faults[i], c.want[i])
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%.60s: the document has changed", c.text)
		}
	}
}

// Whatever comes in: no panic, an error leaves the document alone, and what was
// taken comes back the same through JSON.
func FuzzSpecMerge(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"schedule":"* * * * * *","api":"http://a","type":"ATLEAST_ONCE"}`,
		`{"retry":{"maxRetries":1},"headers":{"a":"b"}}`,
		`{"body":"\u00fc","tags":["x"],"misfire":null}`, `[1]`, `{"retry":{"x":1},"nope":2}`,
		`{"body": {"a" : [1, 2]} }`, `{"name":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, before := fullDoc(), fullDoc()
		if err := lay(&d, data, overOld); err != nil {
			if domain.ErrorCode(err) != domain.CodeInvalid || !reflect.DeepEqual(d, before) {
				t.Fatalf("%v, and the document is %+v", err, d)
			}
			return
		}
		_ = d.Validate()
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		back := domain.NewSpecDoc()
		if err := lay(&back, text, overOld); err != nil {
			t.Fatalf("%s does not come back: %v", text, err)
		}
		again, err := json.Marshal(back)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("%s\ncame back as\n%s", text, again)
		}
	})
}

// What is taken without a decoder is what the decoder would have read.
func TestPlainText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "torn") {
			raw = raw[:rapid.IntRange(0, len(raw)).Draw(t, "length")]
		}
		text, plain := plainText(raw)
		if !plain {
			return
		}
		var want string
		if err := json.Unmarshal(raw, &want); err != nil || text != want {
			t.Fatalf("%s: %q, want %q (%v)", raw, text, want, err)
		}
	})
	for _, raw := range []string{`""`, `"* * * * * *"`, `"http://a.example/?x=1&y='2'"`} {
		if _, plain := plainText(json.RawMessage(raw)); !plain {
			t.Errorf("%s is not plain", raw)
		}
	}
}

// TestFewElementsAreNamed: a body of 1 MiB may have half a million wrong ones.
func TestFewElementsAreNamed(t *testing.T) {
	doc := domain.NewSpecDoc()
	err := Merge(&doc, []byte(`{"tags":[`+strings.Repeat("1,", 5_000)+`1]}`))
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || len(e.Fields) != maxElementFaults {
		t.Errorf("%.200v", err)
	}
}
