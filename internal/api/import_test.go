package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

const ndjson = "Content-Type: application/x-ndjson"

// imported sends an import and returns its report, of which it checks the sums
// and the order.
func imported(t *testing.T, h http.Handler, body string, header ...string) importBody {
	t.Helper()
	var report importBody
	call(t, h, "POST", "/jobs/import", body, header...).into(t, 200, &report)
	var made, refused int
	for i, r := range report.Results {
		if r.Index != i || (r.JobID == "") == (r.Error == nil) {
			t.Errorf("result %d: %+v", i, r)
		}
		if r.Error == nil {
			made++
		} else if refused++; r.Error.Title == "" || r.Error.Status < 400 {
			t.Errorf("result %d: error %+v", i, r.Error)
		}
	}
	if made != report.Imported || refused != report.Refused {
		t.Errorf("report says %d and %d, results %d and %d", report.Imported, report.Refused, made, refused)
	}
	return report
}

// outcome draws a report: + for a job, the status for an error.
func (b importBody) outcome() string {
	var marks []string
	for _, r := range b.Results {
		if r.Error == nil {
			marks = append(marks, "+")
		} else {
			marks = append(marks, fmt.Sprint(r.Error.Status))
		}
	}
	return strings.Join(marks, " ")
}

func TestImportOutcomes(t *testing.T) {
	long := strings.Replace(minimal, "{", `{"name":"`+strings.Repeat("x", 2000)+`",`, 1)
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.MaxBody = 1000 })
	for _, tc := range []struct{ name, body, want string }{
		{"array", "[" + minimal + "," + minimal + "]", "+ +"},
		{"array with white space", " \n[ " + minimal + "\t,\r\n" + minimal + " ] \n", "+ +"},
		{"empty array", "[]", ""},
		{"one bad item", "[" + minimal + `,{"schedule":"x"},` + minimal + "]", "+ 422 +"},
		{"items of other types", `[1,"a",null,[],true,` + minimal + `]`, "400 400 400 400 400 +"},
		{"brackets in a string", "[" + strings.Replace(minimal, "{", `{"name":"]}[{\",\\",`, 1) + "]", "+"},
		{"nested array in the body", "[" + strings.Replace(minimal, "{", `{"body":[[1,[2]],{"a":[]}],`, 1) + "]", "+"},
		{"item too long", "[" + minimal + "," + long + "," + minimal + "]", "+ 413 +"},
		{"syntax error in the middle", "[" + minimal + ",{oops}," + minimal + "]", "+ 400"},
		{"missing comma", "[" + minimal + " " + minimal + "]", "+ 400"},
		{"two items without comma", "[" + minimal + minimal + "]", "400"},
		{"trailing comma", "[" + minimal + ",]", "+ 400"},
		{"leading comma", "[," + minimal + "]", "400"},
		{"no end", "[" + minimal, "+ 400"},
		{"no end after a comma", "[" + minimal + ",", "+ 400"},
		{"cut in an item", "[" + minimal + "," + minimal[:20], "+ 400"},
		{"wrong bracket", "[" + minimal + "}", "+ 400"},
		{"closing bracket as an item", "[}", "400"},
		{"text after the end", "[" + minimal + "] x", "+ 400"},
		{"two arrays", "[" + minimal + "][" + minimal + "]", "+ 400"},
		{"name twice in an item", `[{"name":"a","name":"b"},` + minimal + "]", "400 +"},
		{"not UTF-8 in an item", "[{\"name\":\"\xff\"}," + minimal + "]", "400 +"},
		{"lines", minimal + "\n" + minimal + "\n", "+ +"},
		{"lines without the last line feed", minimal + "\n" + minimal, "+ +"},
		{"lines with CRLF and blanks", "\r\n" + minimal + "\r\n\r\n  \r\n" + minimal + "\r\n", "+ +"},
		{"a bad line", minimal + "\n{oops\n" + minimal, "+ 400 +"},
		{"a line of another type", minimal + "\n17\n[]\n" + minimal, "+ 400 400 +"},
		{"a line too long", minimal + "\n" + long + "\n" + minimal, "+ 413 +"},
		{"a last line too long", minimal + "\n" + long, "+ 413"},
		{"two documents on a line", minimal + minimal + "\n" + minimal, "400 +"},
	} {
		for _, header := range []string{"Content-Type: application/json", ndjson} {
			f.clear(t)
			report := imported(t, h, tc.body, header)
			if got := report.outcome(); got != tc.want {
				t.Errorf("%s (%s): %q, want %q", tc.name, header, got, tc.want)
			}
			if f.count(t) != report.Imported {
				t.Errorf("%s: %d jobs, %d imported", tc.name, f.count(t), report.Imported)
			}
		}
	}
}

func TestImportRefusals(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.MaxImport = 1000 })
	for _, body := range []string{" ", "\n\n"} {
		call(t, h, "POST", "/jobs/import", body).problem(t, 400)
	}
	call(t, h, "POST", "/jobs/import", "[]", "Content-Type: text/csv").problem(t, 415)
	call(t, h, "POST", "/jobs/import?x=1", "[]").problem(t, 400)
	call(t, h, "POST", "/jobs/import", "["+strings.Repeat(" ", 1000)+"]").problem(t, 413)
	if f.count(t) != 0 {
		t.Error("something was stored")
	}
}

// A body whose length was not announced is cut at the limit: what came before
// is imported.
func TestImportOverTheLimitWithoutLength(t *testing.T) {
	for _, sep := range []string{",", "\n"} {
		f := newFixture(t)
		h := newAPI(t, f, func(c *Config) { c.MaxImport = 1000 })
		body := strings.TrimSuffix(strings.Repeat(minimal+sep, 100), sep)
		if sep == "," {
			body = "[" + body + "]"
		}
		r := httptest.NewRequest("POST", "/jobs/import", io.MultiReader(strings.NewReader(body))) // hides the length
		r.ContentLength = -1
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var report importBody
		if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
			t.Fatal(err, w.Body)
		}
		last := report.Results[len(report.Results)-1]
		if w.Code != 200 || report.Imported != 1000/(len(minimal)+1) || report.Refused != 1 ||
			last.Error.Status != 413 {
			t.Errorf("%q: %d, %+v", sep, w.Code, report)
		}
	}
}

func TestImportOf100000(t *testing.T) {
	n := 100_000
	if testing.Short() || everyDocument > 1 {
		n = 10_000
	}
	bad := n / 1000
	var body strings.Builder
	body.WriteString("[")
	for i := range n {
		if i > 0 {
			body.WriteString(",")
		}
		if i%1000 == 999 {
			body.WriteString(`{"schedule":"x","api":"http://example.com/","type":"ATLEAST_ONCE"}`)
			continue
		}
		fmt.Fprintf(&body, `{"schedule":"%d */5 * * * *","api":"http://example.com/%d","type":"ATLEAST_ONCE"}`, i%60, i)
	}
	body.WriteString("]")
	f := newFixture(t)
	h := newAPI(t, f)
	report := imported(t, h, body.String())
	if report.Imported != n-bad || report.Refused != bad || f.count(t) != n-bad {
		t.Errorf("imported %d, refused %d, stored %d", report.Imported, report.Refused, f.count(t))
	}
	if commits := f.store.Count("Jobs.Create").Calls; commits != n/edit.ChunkDocs {
		t.Errorf("%d commits", commits)
	}
	for _, i := range []int{0, 4711, n - 2} {
		got, want := f.job(t, report.Results[i].JobID).Current.Spec.API, fmt.Sprintf("http://example.com/%d", i)
		if got != want {
			t.Errorf("item %d became %s", i, got)
		}
	}
}

func TestImportCutsChunksByBytes(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	big := strings.Replace(minimal, "{", `{"body":"`+strings.Repeat("x", 200<<10)+`",`, 1)
	imported(t, h, strings.Repeat(big+"\n", 45), ndjson)
	if commits := f.store.Count("Jobs.Create").Calls; commits != 5 {
		t.Errorf("%d commits of 45 documents of 200 KiB", commits)
	}
}

func TestImportWhenTheStoreFails(t *testing.T) {
	f := newFixture(t)
	f.store.Add(faulty.Rule{Method: "Jobs.Create", Err: domain.Unavailable(errors.New("disk full"), "cannot commit")})
	h := newAPI(t, f)
	report := imported(t, h, "["+minimal+`,{},`+minimal+"]")
	if got := report.outcome(); got != "503 422 503" ||
		report.Results[0].Error.Detail != "the job could not be stored" {
		t.Errorf("%s: %+v", got, report.Results[0].Error)
	}
}

// gate is a store whose Create waits.
type gate struct {
	store.Store

	entered, open chan struct{}
}

func (g gate) Jobs() store.Jobs { return gateJobs{g.Store.Jobs(), g} }

type gateJobs struct {
	store.Jobs

	gate gate
}

func (j gateJobs) Create(ctx context.Context, versions []domain.Version) error {
	j.gate.entered <- struct{}{}
	<-j.gate.open
	return j.Jobs.Create(ctx, versions)
}

func TestImportsAtATimeAreLimited(t *testing.T) {
	g := gate{entered: make(chan struct{}), open: make(chan struct{})}
	h := newAPI(t, newFixture(t, func(c *engine.Config) {
		g.Store = c.Store
		c.Store = g
	}))
	done := make(chan int)
	for range maxImports {
		go func() {
			done <- call(t, h, "POST", "/jobs/import", "["+minimal+"]").StatusCode
		}()
		<-g.entered
	}
	res := call(t, h, "POST", "/jobs/import", "["+minimal+"]")
	if res.problem(t, 429); res.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(g.open)
	for range maxImports {
		if status := <-done; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	go func() { <-g.entered }()
	imported(t, h, "["+minimal+"]") // there is a place again
}

func TestImportEndsWithItsClient(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequest("POST", "/jobs/import", strings.NewReader("["+minimal+"]")).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if f.count(t) != 0 {
		t.Error("an import went on without its client")
	}
}

func TestErrorsOfAnImportAreBounded(t *testing.T) {
	var r importReport
	p := kindInvalid.problem("%s", strings.Repeat("x", 1<<20))
	for range 20 {
		r.refuse(r.add(), p)
	}
	if r.bytes > maxErrorBytes+2<<20 || len(r.errors) >= 20 {
		t.Errorf("%d errors of %d bytes are kept", len(r.errors), r.bytes)
	}
	w := httptest.NewRecorder()
	r.write(w)
	var report importBody
	if err := json.Unmarshal(w.Body.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 20 || report.Results[19].Error.Status != 422 || report.Results[19].Error.Detail != "" {
		t.Errorf("%d results", len(report.Results))
	}
}

func TestItemsOfAnImportAreBounded(t *testing.T) {
	run := importRun{importRoute: &importRoute{editor: newFixture(t).edit, rules: new(jobRules), log: discard},
		w: httptest.NewRecorder()}
	run.report.jobs, run.report.outcomes = make([]domain.JobID, maxImportItems), make([]edit.Outcome, maxImportItems)
	items, err := newImportReader(strings.NewReader(minimal), 1000, domain.NewSpecDoc())
	if err != nil {
		t.Fatal(err)
	}
	if err := run.all(context.Background(), items); err != nil {
		t.Fatal(err)
	}
	if n := len(run.report.jobs); n != maxImportItems+1 || run.report.counts[edit.Made] != 0 {
		t.Errorf("%d items, %d imported", n, run.report.counts[edit.Made])
	}
}

func TestExportCanBeImported(t *testing.T) {
	from := newFixture(t)
	h := ofAdmin(t, from)
	for i := range 2*exportPage + 7 {
		body := minimal
		switch i % 3 {
		case 1:
			body = full
		case 2:
			body = strings.Replace(minimal, "{", `{"body":"text <&> \u2028 é","method":"PATCH",`, 1)
		}
		create(t, h, body)
	}
	res := call(t, h, "POST", "/jobs/export?withSecrets=true", "")
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "application/x-ndjson" {
		t.Fatalf("%d, %s", res.StatusCode, ct)
	}
	to := newFixture(t)
	copied := ofAdmin(t, to)
	report := imported(t, copied, res.text, ndjson)
	if report.Imported != 2*exportPage+7 || report.Refused != 0 {
		t.Errorf("imported %d, refused %d", report.Imported, report.Refused)
	}
	// Jobs of one import share a millisecond: their order is by chance.
	sorted := func(text string) []string { return slices.Sorted(strings.SplitSeq(text, "\n")) }
	if again := call(t, copied, "POST", "/jobs/export?withSecrets=true", ""); !slices.Equal(sorted(again.text),
		sorted(res.text)) {
		t.Error("the export of the copy differs")
	}
	filtered := call(t, h, "GET", "/jobs/export?isActive=false", "").text
	if n := strings.Count(filtered, "\n"); n != (2*exportPage+7)/3 {
		t.Errorf("%d paused jobs", n)
	}
}

// TestImportMarks: a byte order mark is no part of an import, nor of a line where
// files were put together; what is not UTF-8 is named.
func TestImportMarks(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	const mark = "\ufeff"
	for body, want := range map[string]int{
		mark + minimal: 1, mark + minimal + "\n" + mark + minimal + "\r\n": 2, mark + "[" + minimal + "]": 1,
		mark + "\n [" + minimal + "]": 1,
	} {
		f.clear(t)
		if res := call(t, h, "POST", "/jobs/import", body); res.StatusCode != 200 || f.count(t) != want {
			t.Errorf("%q: %d jobs, %s", body, f.count(t), res.text)
		}
	}
	f.clear(t)
	for body, want := range map[string]string{
		"\xff\xfe[\x00]\x00": "is UTF-16 (little endian)", "\x00{\x00}": "is UTF-16 (big endian)",
		"\x1f\x8b\x08\x00": "is compressed with gzip", mark: "is empty",
	} {
		if p := call(t, h, "POST", "/jobs/import", body).problem(t, 400); !strings.Contains(p.Detail, want) {
			t.Errorf("%q: %q", body, p.Detail)
		}
	}
	if f.count(t) != 0 {
		t.Errorf("%d jobs", f.count(t))
	}
}
