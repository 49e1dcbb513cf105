package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// manyInputs returns what gives each input of a fuzz target an API without jobs. What
// depends on the inputs before it would change the coverage of an input, and the fuzzer
// would take it for interesting. So the engine is idle: no goroutine goes on beside an
// input; and deleted jobs are dropped from the store.
func manyInputs(f *testing.F, api func(testing.TB, *fixture) http.Handler) func(testing.TB) (*fixture, http.Handler) {
	x := idleFixture(f)
	h := api(f, x)
	later := x.now() + 48*time.Hour.Milliseconds()
	if err := x.disk.Shards().ResetWatermark(f.Context(), later); err != nil {
		f.Fatal(err)
	}
	return func(t testing.TB) (*fixture, http.Handler) {
		t.Helper()
		x.clear(t)
		if _, err := x.disk.History().Expire(context.Background(), later); err != nil {
			t.Fatal(err)
		}
		return x, h
	}
}

// FuzzSpec sends any body to POST /jobs. Whatever it is, the answer is a job
// or a problem document, never a 5xx, and only a job is stored; what is stored
// can be exported and imported again.
func FuzzSpec(f *testing.F) {
	f.Add(minimal)
	f.Add(full)
	for _, tc := range wrongSpecs {
		if len(tc.json) < 200 {
			f.Add(laidOver(tc.json))
		}
	}
	for _, tc := range malformed {
		if len(tc.body) < 500 {
			f.Add(tc.body)
		}
	}
	next := manyInputs(f, ofAdmin)
	f.Fuzz(func(t *testing.T, body string) {
		f, h := next(t)
		res := call(t, h, "POST", "/jobs", body, "Content-Type: application/json")
		if res.StatusCode != 201 {
			p := res.problem(t, res.StatusCode)
			if p.Status != 400 && p.Status != 422 && p.Status != 413 || f.count(t) != 0 {
				t.Errorf("%d with %d jobs for %q", p.Status, f.count(t), body)
			}
			return
		}
		export := call(t, h, "POST", "/jobs/export?withSecrets=true", "").text
		var report importBody
		call(t, h, "POST", "/jobs/import", export, ndjson).into(t, 200, &report)
		if f.count(t) != 2 || report.Imported != 1 {
			t.Errorf("the export %q of %q cannot be imported: %+v", export, body, report)
		}
	})
}

// FuzzImport sends any body as an import, in both content types. The report
// adds up, as many jobs are stored as it says, and a body that encoding/json
// reads as an array has one result for each element.
func FuzzImport(f *testing.F) {
	for _, body := range []string{
		"[" + minimal + "," + minimal + "]", minimal + "\n" + minimal, "[]", "[1,{},null]", "[" + minimal + ",{oops}]",
		"[" + minimal, "[" + minimal + "}", `["]}\""]`, "\r\n{}\n\n[]", `[{"body":[[],{}]}]`, "[,]", "[{}] x", ">\x00",
	} {
		f.Add(body)
	}
	next := manyInputs(f, func(t testing.TB, f *fixture) http.Handler {
		return newAPI(t, f, func(c *Config) { c.MaxBody = 4096 })
	})
	f.Fuzz(func(t *testing.T, body string) {
		for _, header := range []string{"Content-Type: application/json", ndjson} {
			f, h := next(t)
			res := call(t, h, "POST", "/jobs/import", body, header)
			if onlySpace(body) || res.StatusCode == 400 { // empty, or in another encoding
				if res.problem(t, 400); f.count(t) != 0 || json.Valid([]byte(body)) {
					t.Errorf("%q is refused, %d jobs", body, f.count(t))
				}
				continue
			}
			var report importBody
			res.into(t, 200, &report)
			if len(report.Results) != report.Imported+report.Refused || f.count(t) != report.Imported {
				t.Errorf("%q: %d results, %d jobs, %+v", body, len(report.Results), f.count(t), report)
			}
			var array []json.RawMessage
			if json.Unmarshal([]byte(body), &array) == nil && array != nil && len(array) != len(report.Results) {
				t.Errorf("%q has %d items, %d results", body, len(array), len(report.Results))
			}
		}
	})
}

// onlySpace reports whether a text holds nothing but what JSON calls white
// space.
func onlySpace(text string) bool { return strings.Trim(text, " \t\r\n") == "" }

// BenchmarkCreate is what the API adds to a create: an engine in memory, no
// network.
func BenchmarkCreate(b *testing.B) {
	h := newAPI(b, newFixture(b))
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/jobs", strings.NewReader(minimal))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 201 {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkImport is what the API adds to each item of an import.
func BenchmarkImport(b *testing.B) {
	h := newAPI(b, newFixture(b))
	body := "[" + strings.Repeat(minimal+",", 9_999) + minimal + "]"
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r := httptest.NewRequest("POST", "/jobs/import", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "items/s")
}
