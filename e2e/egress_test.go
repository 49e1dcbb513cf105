package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// ended triggers a job and waits for its execution.
func (p *process) ended(id string) client.Execution {
	p.t.Helper()
	return p.endOf(p.triggered(id))
}

// triggered starts an execution of a job and returns its id.
func (p *process) triggered(id string) string {
	p.t.Helper()
	run, err := p.api.Jobs.Trigger(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return run.ExecutionID
}

// endOf waits for the end of an execution.
func (p *process) endOf(id string) (e client.Execution) {
	p.t.Helper()
	eventually(p.t, "the execution ends", func() bool {
		var err error
		if e, err = p.api.Executions.Get(p.t.Context(), id); err != nil {
			p.t.Fatal(err)
		}
		return e.Status != "PENDING" && e.Status != "RUNNING"
	})
	return e
}

// said returns the error of an execution.
func said(e client.Execution) string {
	if e.Error == nil {
		return ""
	}
	return *e.Error
}

// metrics returns what a scrape gets.
func (p *process) metrics(t *testing.T) string {
	t.Helper()
	res, err := http.Get(p.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// byHand is a job that only a trigger runs.
func byHand(api string) client.Spec {
	return client.Spec{Schedule: "0 0 0 1 1 *", API: api, Type: "ATLEAST_ONCE"}
}

// A public server does not call its own network: it says so when the job is
// made, and again in the record, at once and without a retry.
func TestPublicServerCallsNothingPrivate(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	p := serve(t, t.TempDir(), "BELFRY_EGRESS=public")
	made, err := p.api.Jobs.Create(t.Context(), byHand(tg.url+"/ok"))
	if err != nil {
		t.Fatal(err)
	}
	const rule = "127.0.0.1 is a loopback address (127.0.0.0/8), and egress is public"
	if len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], rule) {
		t.Errorf("warnings %q, want one that says %q", made.Warnings, rule)
	}
	e := p.ended(made.JobID)
	if e.Status != "FAILED" || e.RetryCount != 0 || said(e) != "not sent: the target is refused: "+rule {
		t.Errorf("execution %+v, want FAILED without a retry", e)
	}
	tg.stop() // the log is complete
	if got := tg.entries(t); len(got) != 0 {
		t.Errorf("the target got %d requests", len(got))
	}
	tg.resume(t)

	if text := p.metrics(t); !strings.Contains(text, "\nbelfry_refused_targets_total 1\n") {
		t.Error("the refusal is not counted once")
	}

	opened := serve(t, t.TempDir(), "BELFRY_EGRESS=public", "BELFRY_EGRESS_ALLOW=127.0.0.0/8")
	made, err = opened.api.Jobs.Create(t.Context(), byHand(tg.url+"/ok"))
	if err != nil || len(made.Warnings) != 0 {
		t.Fatalf("%v, warnings %q", err, made.Warnings)
	}
	if e := opened.ended(made.JobID); e.Status != "SUCCESS" {
		t.Errorf("execution %+v, want SUCCESS", e)
	}
}

// A server as a newcomer starts it calls this machine, but neither itself nor
// a metadata service.
func TestOwnAPIAndMetadataAreNeverCalled(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	for url, rule := range map[string]string{
		p.url + "/jobs":                      "is where Belfry itself listens",
		"http://169.254.169.254/latest/":     "cloud metadata",
		"http://[::ffff:169.254.169.254]/":   "cloud metadata",
		"http://[64:ff9b::169.254.169.254]/": "cloud metadata",
		"http://0.0.0.0/":                    "unspecified",
	} {
		made, err := p.api.Jobs.Create(t.Context(), byHand(url))
		if err != nil {
			t.Fatal(err)
		}
		if len(made.Warnings) != 1 {
			t.Errorf("%s: warnings %q, want one", url, made.Warnings)
		}
		e := p.ended(made.JobID)
		if e.Status != "FAILED" || e.RetryCount != 0 || !strings.Contains(said(e), "the target is refused: ") ||
			!strings.Contains(said(e), rule) {
			t.Errorf("%s: execution %+v, want FAILED by %q", url, e, rule)
		}
	}
}

// A target on this machine by a name that no resolver and no hosts file knows.
func TestLocalhostNamesAreThisMachine(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	_, port, ok := strings.Cut(strings.TrimPrefix(tg.url, "http://"), ":")
	if !ok {
		t.Fatalf("the target is at %s", tg.url)
	}
	p := serve(t, t.TempDir())
	for _, name := range []string{"localhost", "hooks.belfry.localhost", "LOCALHOST"} {
		made, err := p.api.Jobs.Create(t.Context(), byHand("http://"+name+":"+port+"/ok"))
		if err != nil {
			t.Fatal(err)
		}
		if e := p.ended(made.JobID); e.Status != "SUCCESS" {
			t.Errorf("%s: execution %+v, %s", name, e, said(e))
		}
	}
	public := serve(t, t.TempDir(), "BELFRY_EGRESS=public")
	made, err := public.api.Jobs.Create(t.Context(), byHand("http://hooks.belfry.localhost:"+port+"/ok"))
	if err != nil {
		t.Fatal(err)
	}
	const rule = "127.0.0.1 is a loopback address (127.0.0.0/8), and egress is public"
	if e := public.ended(made.JobID); e.Status != "FAILED" || !strings.HasSuffix(said(e), rule) {
		t.Errorf("execution %+v, %s", e, said(e))
	}
	tg.stop() // the log is complete
	if got := tg.entries(t); len(got) != 3 {
		t.Errorf("the target got %d requests, want 3", len(got))
	}
}
