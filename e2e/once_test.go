package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestKilledBeforeTheAnswer: a server dies between the commit of a request with an
// Idempotency-Key and its answer. The same request, sent again, gets the answer then, and
// what it made is there once.
func TestKilledBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	needFailing(t)
	body := `{"schedule":"0 0 1 1 *","type":"ATLEAST_ONCE","api":"http://127.0.0.1:9/"}`
	dir := t.TempDir()

	dying := serveWith(t, failing, dir, "BELFRY_FAILPOINT=edit.created=kill@1")
	dying.lose("/jobs", body)
	p := serve(t, dir)
	made := p.post("/jobs", body)
	if made.status != http.StatusCreated || made.replayed != "true" || p.countJobs() != 1 {
		t.Fatalf("%+v, %d jobs", made, p.countJobs())
	}
	p.kill()

	run := "/jobs/" + made.JobID + "/trigger"
	dying = serveWith(t, failing, dir, "BELFRY_FAILPOINT=engine.recorded=kill@1")
	dying.lose(run, "")
	p = serve(t, dir)
	for range 2 {
		if ran := p.post(run, ""); ran.status != http.StatusAccepted || ran.replayed != "true" ||
			ran.ExecutionID == "" {
			t.Errorf("%+v", ran)
		}
	}
	if n := p.countExecutions(made.JobID); n != 1 {
		t.Errorf("%d executions", n)
	}
	if other := p.post(run, "", "If-Match", `"1"`); other.status != http.StatusUnprocessableEntity {
		t.Errorf("another request: %+v", other)
	}
	p.kill()

	const all, chunk = 3_000, 2_000
	lines := strings.ReplaceAll(everySecond(all, "http://127.0.0.1:9/"), "* * * * * *", "0 0 1 1 *")
	dying = serveWith(t, failing, dir, "BELFRY_FAILPOINT=edit.created=kill@1")
	dying.lose("/jobs/import", lines)
	p = serve(t, dir)
	if n := p.countJobs(); n != 1+chunk {
		t.Errorf("%d jobs after the first commit", n)
	}
	for _, replayed := range []string{"", "true"} {
		if rest := p.post("/jobs/import", lines); rest.Imported != all || rest.replayed != replayed {
			t.Errorf("%+v", rest)
		}
	}
	if n := p.countJobs(); n != 1+all {
		t.Errorf("%d jobs in the end", n)
	}
}

// posted is what matters of an answer.
type posted struct {
	status   int
	replayed string

	JobID       string
	ExecutionID string
	Imported    int
}

// lose sends a request to a server that dies before it answers.
func (p *process) lose(path, body string) {
	p.t.Helper()
	if res, err := http.DefaultClient.Do(p.keyed(path, body)); err == nil {
		_ = res.Body.Close()
		p.t.Fatalf("a server that was to die answered %d", res.StatusCode)
	}
	<-p.exit
}

func (p *process) keyed(path, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", `"`+path+`"`)
	return r
}

func (p *process) post(path, body string, header ...string) (out posted) {
	p.t.Helper()
	r := p.keyed(path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	out.status, out.replayed = res.StatusCode, res.Header.Get("Idempotent-Replayed")
	return out
}

func (p *process) countExecutions(job string) (n int) {
	p.t.Helper()
	for _, err := range p.api.Executions.OfJob(p.t.Context(), job, 100) {
		if err != nil {
			p.t.Fatal(err)
		}
		n++
	}
	return n
}
