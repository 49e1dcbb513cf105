package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// target accepts imports like a server: every item becomes a job, except those that
// contain the word "bad".
type target struct {
	key      string   // of the import
	keys     []string // of the requests
	requests []int    // items of each
	largest  int      // bytes
	answer   func(n int, w http.ResponseWriter) bool
}

func (g *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method+" "+r.URL.Path != "POST /jobs/import" ||
		r.Header.Get("Content-Type") != "application/x-ndjson" {
		http.Error(w, "no import", http.StatusBadRequest)
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	g.keys = append(g.keys, r.Header.Get("Idempotency-Key"))
	g.requests, g.largest = append(g.requests, len(lines)), max(g.largest, len(body))
	if g.answer != nil && g.answer(len(g.requests), w) {
		return
	}
	var report client.ImportReport
	for i, line := range lines {
		result := client.ImportResult{Index: i, JobID: "j"}
		if strings.Contains(line, "bad") {
			result = client.ImportResult{Index: i, Error: &client.Problem{Title: "refused", Detail: "it is bad"}}
		}
		report.Results = append(report.Results, result)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(report)
}

// run imports a file against the target and returns what the user sees.
func (g *target) run(t *testing.T, in io.Reader) (out, errs string, err error) {
	t.Helper()
	server := httptest.NewServer(g)
	defer server.Close()
	c, cerr := client.New(server.URL, "")
	if cerr != nil {
		t.Fatal(cerr)
	}
	defer c.Close()
	var o, e bytes.Buffer
	r := &remote{in: in, out: &o, err: &e}
	err = r.importFile(t.Context(), c, "-", g.key, client.Refuse)
	return o.String(), strings.ReplaceAll(e.String(), server.URL, "SERVER"), err
}

func TestImportIsSentInChunks(t *testing.T) {
	g := &target{}
	out, _, err := g.run(t, strings.NewReader(strings.Repeat("{}\n", 2*chunkItems+1)))
	if err != nil || out != "imported 10001, refused 0\n" || fmt.Sprint(g.requests) != "[5000 5000 1]" {
		t.Errorf("%q, %v in %v", out, err, g.requests)
	}
}

// Each request of an import has its own key, the same whenever the file is imported.
func TestAnImportWithAKey(t *testing.T) {
	g := &target{key: `a"b`, answer: func(n int, _ http.ResponseWriter) bool {
		if n == 2 || n == 3 { // net/http repeats what was sent on a connection that was kept
			panic(http.ErrAbortHandler)
		}
		return false
	}}
	in := strings.Repeat("{}\n", chunkItems+5)
	_, _, err := g.run(t, strings.NewReader(in))
	if err == nil || !strings.Contains(err.Error(), "; run the same command again to import the rest; until then") {
		t.Errorf("%v", err)
	}
	out, _, err := g.run(t, strings.NewReader(in))
	if want := `["a\"b-1" "a\"b-2" "a\"b-2" "a\"b-1" "a\"b-2"]`; err != nil || out != "imported 5005, refused 0\n" ||
		fmt.Sprint(g.keys) != want {
		t.Errorf("%q, %v with the keys %v, want %s", out, err, g.keys, want)
	}
}

func TestChunksAreBoundedInBytes(t *testing.T) {
	g := &target{}
	item := `{"body":"` + strings.Repeat("x", chunkBytes/4) + `"}`
	out, _, err := g.run(t, strings.NewReader(strings.Repeat(item+"\n", 10)))
	if err != nil || out != "imported 10, refused 0\n" || len(g.requests) != 4 || g.largest > chunkBytes {
		t.Errorf("%q, %v in %v of at most %d bytes", out, err, g.requests, g.largest)
	}
}

func TestRefusedItemsAreToldByTheirPlace(t *testing.T) {
	g := &target{}
	var in strings.Builder
	for i := range chunkItems + 10 {
		if i == 3 || i == chunkItems+1 {
			in.WriteString("{\"bad\":1}\n\n")
		} else {
			in.WriteString("{}\n")
		}
	}
	in.WriteString(strings.Repeat("x", maxItem+1) + "\n{}\n")
	out, errs, err := g.run(t, strings.NewReader(in.String()))
	f, ok := errors.AsType[*failure](err)
	if !ok || f.code != exitRefused || out != "imported 5009, refused 3\n" {
		t.Errorf("%q, %v", out, err)
	}
	// The long line is found while the chunk before it is still collected.
	want := "line 4: it is bad\nline 5013: is longer than 8 MiB\nline 5003: it is bad\n"
	if errs != want {
		t.Errorf("got\n%swant\n%s", errs, want)
	}
}

func TestWhatBreaksAnImport(t *testing.T) {
	two := strings.Repeat("{}\n", chunkItems+5)
	for name, tc := range map[string]struct {
		in     string
		answer func(n int, w http.ResponseWriter) bool
		want   string
	}{
		"the connection is cut": {two, func(n int, _ http.ResponseWriter) bool {
			if n == 2 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, "; whether line 5001 to 5005 was imported is not known; until then imported 5000, refused 0"},
		"cut at the first": {"{}\n", func(int, http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
			"; whether line 1 was imported is not known"},
		"the server is busy": {two, func(n int, w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"title":"Too much at a time","detail":"4 imports are under way."}`)
			return true
		}, "standard input: 4 imports are under way. (HTTP 429)"},
		"an answer for other items": {"{}\n{}\n", func(_ int, w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"results":[{"index":0,"jobId":"j"}]}`)
			return true
		}, "standard input: the server answered for 1 of 2 items from line 1 on"},
		"a file that breaks off": {"[{},{},", nil, "standard input: index 2: the array has no end; until then " +
			"imported 2, refused 0"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &target{answer: tc.answer}
			out, _, err := g.run(t, strings.NewReader(tc.in))
			if err == nil || !strings.Contains(err.Error(), tc.want) || out != "" {
				t.Errorf("%q, %v, want %s", out, err, tc.want)
			}
			if f, ok := errors.AsType[*failure](err); ok && f.code != exitFailure {
				t.Errorf("exit code %d", f.code)
			}
		})
	}
}

func TestASignalEndsAnImport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	given := make(chan struct{}) // no answer before the import has given up: it could win
	g := &target{answer: func(int, http.ResponseWriter) bool { cancel(); <-given; return false }}
	server := httptest.NewServer(g)
	defer server.Close()
	defer close(given)
	c, err := client.New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := &remote{in: strings.NewReader("{}\n"), out: io.Discard, err: io.Discard}
	if err := r.importFile(ctx, c, "-", "", client.Refuse); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, 1<<20, true)
	p.at(1 << 19)
	if got := out.String(); !strings.Contains(got, "importing") || !strings.Contains(got, "%") {
		t.Errorf("no bar: %q", got)
	}
	p.end()
	if got := out.String(); !strings.HasSuffix(strings.TrimRight(got, " "), "\r") {
		t.Errorf("the bar is left behind: %q", got)
	}

	out.Reset()
	unknown := newProgress(&out, -1, true)
	unknown.at(5)
	unknown.end()
	if !strings.Contains(out.String(), "importing") {
		t.Errorf("no sign of life: %q", out.String())
	}

	out.Reset()
	hidden := newProgress(&out, 10, false)
	hidden.at(5)
	hidden.clear()
	hidden.end()
	if out.Len() != 0 {
		t.Errorf("a bar where nobody looks: %q", out.String())
	}
}
