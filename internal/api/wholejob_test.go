package api

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestLongBodiesInLists: a list has its bytes bounded and shows no long body; what it shows can be sent back and
// changes nothing of the body.
func TestLongBodiesInLists(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	long := `"` + strings.Repeat("b", 200_000) + `"`
	id := create(t, h, laidOver(`"name":"a","body":`+long))
	create(t, h, laidOver(`"body":"`+strings.Repeat("b", maxShownBody-2)+`"`))
	res := call(t, h, "GET", "/jobs", "")
	if !strings.Contains(res.text, `"bodyCut":true,"bodyBytes":200002`) || strings.Count(res.text, "bodyCut") != 1 ||
		len(res.text) > 10_000 {
		t.Errorf("%d bytes: %.500s", len(res.text), res.text)
	}
	if one := call(t, h, "GET", "/jobs/"+id, "").text; !strings.Contains(one, long) ||
		strings.Contains(one, "bodyCut") {
		t.Errorf("GET of the job: %.300s", one)
	}
	var list struct{ Jobs []json.RawMessage }
	if err := json.Unmarshal([]byte(res.text), &list); err != nil {
		t.Fatal(err)
	}
	doc := strings.Replace(string(list.Jobs[0]), `"name":"a"`, `"name":"b"`, 1)
	if res := call(t, h, "PUT", "/jobs/"+id, strings.Replace(doc, "200002", "200003", 1)); res.StatusCode != 422 {
		t.Errorf("another length: %d %s", res.StatusCode, res.text)
	}
	if res := call(t, h, "PUT", "/jobs/"+id, doc); res.StatusCode != 200 {
		t.Errorf("%d %s", res.StatusCode, res.text)
	}
	if one := call(t, h, "GET", "/jobs/"+id, "").text; !strings.Contains(one, long) ||
		!strings.Contains(one, `"name":"b"`) {
		t.Errorf("after the PUT: %.300s", one)
	}
	if all := call(t, h, "GET", "/jobs/export", "").text; !strings.Contains(all, long) {
		t.Error("the export has cut the body")
	}
}

// TestPagesEndWithTheirBytes: every job is on one page, no page is much longer than its bound, and the last one has no
// next.
func TestPagesEndWithTheirBytes(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	const jobs = 90
	filler := `"headers":{"X-A":"` + strings.Repeat("a", 30_000) + `"}`
	var lines strings.Builder
	for range jobs {
		lines.WriteString(laidOver(filler) + "\n")
	}
	call(t, h, "POST", "/jobs/import", lines.String(), "Content-Type: application/x-ndjson")
	ids := map[string]bool{}
	pages := 0
	for cursor := ""; ; {
		var page struct {
			Jobs       []struct{ ID string }
			NextCursor string
		}
		res := call(t, h, "GET", "/jobs?limit=1000&cursor="+cursor, "")
		if err := json.Unmarshal([]byte(res.text), &page); err != nil || len(res.text) > pageBytes+64<<10 {
			t.Fatalf("%v, %d bytes", err, len(res.text))
		}
		for _, j := range page.Jobs {
			ids[j.ID] = true
		}
		pages++
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if pages != 2 || len(ids) != jobs {
		t.Errorf("%d pages of %d jobs", pages, len(ids))
	}
}

// TestWholeDocumentInAPut: what was read can be sent back, and means what is
// altered in it.
func TestWholeDocumentInAPut(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, laidOver(`"name":"a","body":{"x":{"y":1,"y":2}},"headers":{"Authorization":"secret"},`+
		`"retry":{"maxRetries":7}`))
	path := "/jobs/" + id
	read := func() string { return call(t, h, "GET", path, "").text }
	altered := func(from, to string) string {
		text := read()
		if !strings.Contains(text, from) {
			t.Fatalf("%s has no %s", text, from)
		}
		return strings.Replace(text, from, to, 1)
	}
	stale := read()
	for _, row := range []struct {
		name, body string
		status     int
		holds      string
	}{
		{"as it was read", stale, 200, `"version":1`}, // nothing is altered
		{"a change", `{"jitterMs":5}`, 200, `"version":2`},
		{"of an old version", stale, 409, `"field":"version","code":"stale","message":"must be the job's ` +
			`current version, 2`},
	} {
		if res := call(t, h, "PUT", path, row.body); res.StatusCode != row.status ||
			!strings.Contains(res.text, row.holds) {
			t.Errorf("%s: %d %s", row.name, res.StatusCode, res.text)
		}
	}
	for _, row := range []struct {
		name, from, to string
		status         int
		holds          string
	}{
		{"another name", `"name":"a"`, `"name":"b"`, 200, `"version":3`},
		{"a wrong field in spec", `"maxRetries":7`, `"maxRetries":-7`, 422, `"field":"spec.retry.maxRetries"`},
		{"an unknown field in spec", `"maxRetries":7`, `"maxTries":7`, 422, `"field":"spec.retry.maxTries"`},
		{"a field in both places", `"isActive":true`, `"isActive":true,"name":"c"`, 422,
			`"field":"name","code":"duplicate","message":"is there twice, in spec too`},
		{"a field beside spec", `"isActive":true`, `"isActive":true,"timezone":"Europe/Berlin"`, 422,
			`"field":"timezone","code":"duplicate","message":"is there twice`},
		{"an unknown field beside spec", `"isActive":true`, `"active":true`, 422, `"field":"active"`},
		{"another creation", `"createdAt":`, `"createdAt":1`, 422,
			`"field":"createdAt","code":"read-only","message":"can only be read`},
		{"another id", `{"id":"0`, `{"id":"1`, 422, `"field":"id"`},
		{"another next fire", `"nextFireAt":`, `"nextFireAt":9`, 422, `"field":"nextFireAt"`},
		{"a name twice", `{"id":`, `{"spec":{},"id":`, 400,
			`"field":"spec","code":"duplicate","message":"is there twice`},
		{"no version", `"version":`, `"VERSION":`, 422, `"field":"VERSION"`},
		{"another timeout", `"timeoutMs":30000`, `"timeoutMs":5e3`, 200, ""},
		{"paused", `"isActive":true`, `"isActive":false`, 200, ""},
	} {
		if res := call(t, h, "PUT", path, altered(row.from, row.to)); res.StatusCode != row.status ||
			!strings.Contains(res.text, row.holds) {
			t.Errorf("%s: %d %s", row.name, res.StatusCode, res.text)
		}
	}
	got := read()
	for _, want := range []string{`"name":"b"`, `"timeoutMs":5000`, `"isActive":false`, `"maxRetries":7`, `"y":1,"y":2`,
		`"Authorization":"********"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s has no %s", got, want)
		}
	}
	for _, j := range f.jobs(t) {
		if value := j.Current.Spec.Headers["Authorization"]; value != "secret" {
			t.Errorf("the secret of %s is %q", j.ID, value)
		}
	}
	if res := call(t, h, "PUT", path, `{"version":99}`, `If-Match: "4"`); res.StatusCode != 409 {
		t.Errorf("a version that If-Match does not name: %d %s", res.StatusCode, res.text)
	}
	for _, row := range []struct{ method, path string }{{"POST", "/jobs"}, {"POST", "/jobs/import"}} {
		res := call(t, h, row.method, row.path, strings.ReplaceAll(got, "\n", ""))
		if !strings.Contains(res.text, `"field":"spec","code":"unknown","message":"is where the document of a job `+
			`has its fields`) ||
			strings.Contains(res.text, "createdAt") {
			t.Errorf("%s %s: %d %s", row.method, row.path, res.StatusCode, res.text)
		}
	}
}

// A body may hold numbers that no type of Go does: the document of such a job can be
// sent back, and a wrong member of it is refused as any other.
func TestWholeDocumentWithALargeNumber(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, number := range []string{"1e400", "-1e400", "1" + strings.Repeat("0", 400)} {
		id := create(t, h, laidOver(`"body":{"n":`+number+`}`))
		text := call(t, h, "GET", "/jobs/"+id, "").text
		if res := call(t, h, "PUT", "/jobs/"+id, text); res.StatusCode != 200 {
			t.Errorf("%.20s: %d %s", number, res.StatusCode, res.text)
		}
		if again := call(t, h, "GET", "/jobs/"+id, "").text; !strings.Contains(again, number) {
			t.Errorf("%.20s is not in %s", number, again)
		}
		call(t, h, "PATCH", "/jobs/"+id, `{"updatedAt":1.5}`).problem(t, 422)
	}
}
