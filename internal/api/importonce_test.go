package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// manyItems returns the items of an import of two commits and a half. Some are refused, when
// they are read or when they are committed.
func manyItems() []string {
	items := make([]string, 5_000)
	for i := range items {
		items[i] = minimal
		switch i % 1_000 {
		case 3:
			items[i] = `{"x":1}`
		case 7:
			items[i] = strings.Replace(minimal, "0 */5 * * * *", "0 0 0 30 2 *", 1)
		}
	}
	return items
}

const importRefused, importMade = 10, 4_990

// TestAnImportIsResumed: one that ends in the middle, by a commit that fails, makes the rest
// when it comes again, and nothing twice; the items must be the same.
func TestAnImportIsResumed(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	items := manyItems()
	body := "[" + strings.Join(items, ",") + "]"
	send := func(body string) answer {
		return call(t, h, "POST", "/jobs/import", body, "Idempotency-Key: a")
	}
	f.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.FailBefore, Skip: 1, Times: 1})
	send(body).problem(t, 503)
	half := f.count(t)
	if half == 0 || half >= importMade/2 {
		t.Fatalf("%d jobs after the first commit", half)
	}
	for name, other := range map[string]string{
		"an item":     strings.Replace(body, "ATLEAST", "ATMOST", 1),
		"fewer items": "[" + strings.Join(items[:100], ",") + "]",
	} {
		if p := send(other).problem(t, 422); p.Type != "/docs#problem-idempotency-key-reused" {
			t.Errorf("another %s: %+v", name, p)
		}
	}
	call(t, h, "POST", "/jobs", minimal, "Idempotency-Key: a").problem(t, 422)
	if f.count(t) != half {
		t.Errorf("%d jobs were made by another import", f.count(t)-half)
	}

	rest := send(body)
	checkImport(t, f, rest)
	if rest.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the rest was made only now")
	}
	whole := send(body)
	checkImport(t, f, whole)
	if whole.text != rest.text || whole.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v, the answers are equal: %v", whole.Header, whole.text == rest.text)
	}
	send(strings.TrimSuffix(body, "]")+","+minimal+"]").problem(t, 422)
	checkImport(t, f, send(body))
}

func checkImport(t *testing.T, f *fixture, res answer) {
	t.Helper()
	var out importBody
	res.into(t, http.StatusOK, &out)
	ids := map[string]bool{}
	for i, r := range out.Results {
		if r.Index != i || (r.Error == nil) != (r.JobID != "") {
			t.Fatalf("%+v", r)
		}
		if r.Error != nil && len(r.Error.Errors) == 0 {
			t.Errorf("item %d: %+v", i, r.Error)
		}
		ids[r.JobID] = true
	}
	if out.Imported != importMade || out.Refused != importRefused || len(ids) != importMade+1 ||
		f.count(t) != importMade {
		t.Errorf("%d imported, %d refused, %d ids, %d jobs", out.Imported, out.Refused, len(ids), f.count(t))
	}
}

// TestSmallImports: whatever an import is, it is the same again.
func TestSmallImports(t *testing.T) {
	for name, body := range map[string]string{
		"an array": "[" + minimal + "," + minimal + "]", "lines": minimal + "\n\n" + minimal, "nothing": "[]",
		"only refused": `[{}]`, "no end": "[" + minimal, "broken": "[" + minimal + ",}",
		"a line that is broken": minimal + "\n{\n" + minimal,
	} {
		f := newFixture(t)
		h := newAPI(t, f)
		first := call(t, h, "POST", "/jobs/import", body, "Idempotency-Key: a")
		n := f.count(t)
		for range 2 {
			if res := call(t, h, "POST", "/jobs/import", body, "Idempotency-Key: a"); res.text != first.text ||
				first.StatusCode != 200 || f.count(t) != n {
				t.Errorf("%s: %d jobs, then %d\n%s\n%s", name, n, f.count(t), first.text, res.text)
			}
		}
	}
	h := newAPI(t, newFixture(t))
	call(t, h, "POST", "/jobs/import", minimal, "Idempotency-Key: a b").problem(t, 400)
	for range 2 {
		call(t, h, "POST", "/jobs/import", " ", "Idempotency-Key: a").problem(t, 400)
	}
}
