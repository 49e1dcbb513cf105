package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/nettest"
)

// everyCall makes each call of the API once.
func everyCall(ctx context.Context, c *Client) map[string]error {
	out := map[string]error{}
	note := func(name string) func(any, error) {
		return func(_ any, err error) { out[name] = err }
	}
	note("Jobs.Create")(c.Jobs.Create(ctx, Spec{}))
	note("Jobs.Update")(c.Jobs.Update(ctx, id1, 0, Change{}))
	note("Jobs.Patch")(c.Jobs.Patch(ctx, id1, 0, Change{}))
	note("Jobs.Get")(c.Jobs.Get(ctx, id1))
	note("Jobs.Delete")(c.Jobs.Delete(ctx, id1, 0))
	note("Jobs.Pause")(c.Jobs.Pause(ctx, id1))
	note("Jobs.Resume")(c.Jobs.Resume(ctx, id1))
	note("Jobs.Trigger")(c.Jobs.Trigger(ctx, id1))
	note("Executions.Get")(c.Executions.Get(ctx, id1))
	note("Jobs.Import")(c.Jobs.Import(ctx, Lines, strings.NewReader("{}\n")))
	note("Jobs.Export")(c.Jobs.Export(ctx, ExportFilter{}, io.Discard))
	note("Preview")(c.Preview(ctx, PreviewRequest{}))
	note("Health")(c.Health(ctx))
	note("Ready")(c.Ready(ctx))
	note("Metrics")(c.Metrics(ctx))
	note("Jobs.List")(collect(c.Jobs.List(ctx, JobFilter{}), 0))
	note("Trail")(collect(c.Trail(ctx, TrailFilter{}), 0))
	note("Executions.List")(collect(c.Executions.List(ctx, ExecutionFilter{}), 0))
	note("Jobs.Count")(c.Jobs.Count(ctx, JobFilter{}))
	note("Jobs.Bulk")(c.Jobs.Bulk(ctx, Bulk{Action: Pause}))
	note("Jobs.DryRun")(c.Jobs.DryRun(ctx, Bulk{Action: Pause}))
	note("Operations.Get")(c.Operations.Get(ctx, id1))
	note("Operations.Cancel")(c.Operations.Cancel(ctx, id1))
	note("Operations.Wait")(c.Operations.Wait(ctx, id1, 0, nil))
	note("Operations.List")(collect(c.Operations.List(ctx, 0), 0))
	note("Series")(c.Series(ctx, SeriesFilter{}))
	note("Executions.Running")(collect(c.Executions.Running(ctx, RunningFilter{}), 0))
	note("Executions.OfJob")(collect(c.Executions.OfJob(ctx, id1, 0), 0))
	note("Executions.Recent")(collect(c.Executions.Recent(ctx, 0), 0))
	note("Executions.Failed")(collect(c.Executions.Failed(ctx, "", 0), 0))
	note("Alerts")(collect(c.Alerts(ctx, false, 0), 0))
	return out
}

// TestEveryCallPassesOnARefusal: no method swallows a problem.
func TestEveryCallPassesOnARefusal(t *testing.T) {
	for _, status := range []int{400, 401, 404, 409, 412, 422, 429, 500, 503} {
		c := connect(t, func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			answer{status, typeProblem, `{"title":"t","detail":"as the test says"}`, nil}.write(w)
		})
		for name, err := range everyCall(t.Context(), c) {
			if p, ok := errors.AsType[*Problem](err); !ok || p.Status != status || p.Detail != "as the test says" {
				t.Errorf("%s at %d: %v", name, status, err)
			}
		}
	}
}

func TestEveryCallTellsThatNobodyAnswers(t *testing.T) {
	c, err := New("http://"+nettest.Refusing(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range everyCall(t.Context(), c) {
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryCallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := connect(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for name, err := range everyCall(ctx, c) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheKeyGoesToOneServer: a redirect to another server is not followed.
func TestTheKeyGoesToOneServer(t *testing.T) {
	var other atomic.Int32
	otherHost := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
	defer otherHost.Close()
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, otherHost.URL, http.StatusTemporaryRedirect)
	})
	for name, err := range everyCall(t.Context(), c) {
		if p, ok := errors.AsType[*Problem](err); !ok || p.Status != http.StatusTemporaryRedirect {
			t.Errorf("%s: %v", name, err)
		}
	}
	if other.Load() != 0 {
		t.Error("the other server was called")
	}
}

// TestConnectionsAreUsedAgain: bodies are read to their end, of refusals too.
func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/pause") {
			answer{409, typeProblem, `{"title":"t"}` + strings.Repeat(" ", 10_000), nil}.write(w)
			return
		}
		ok(jobJSON + strings.Repeat(" ", 10_000)).write(w)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 20 {
		if _, err := c.Jobs.Get(t.Context(), id1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Jobs.Pause(t.Context(), id1); err == nil {
			t.Fatal("no refusal")
		}
	}
	// One, but for a stall: the transport closes a connection whose request takes
	// long to be known as written.
	if n := opened.Load(); n > 3 {
		t.Errorf("%d connections for 40 calls, one after the other", n)
	}
}

// TestImportIsStreamed: the server reads the first item before there is a
// second one.
func TestImportIsStreamed(t *testing.T) {
	read, write := io.Pipe()
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 3)
		if _, err := io.ReadFull(r.Body, first); err != nil || string(first) != "{}\n" {
			t.Errorf("first item %q, %v", first, err)
		}
		go func() {
			_, _ = io.WriteString(write, "{}\n") // read below
			_ = write.Close()                    // never fails
		}()
		if rest, err := io.ReadAll(r.Body); err != nil || string(rest) != "{}\n" {
			t.Errorf("the rest is %q, %v", rest, err)
		}
		ok(`{"results":[{"index":0,"jobId":"a"},{"index":1,"jobId":"b"}],"imported":2}`).write(w)
	})
	go func() { _, _ = io.WriteString(write, "{}\n") }()
	report, err := c.Jobs.Import(t.Context(), Lines, read)
	if err != nil || report.Imported != 2 {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestCompressedAnswers: a proxy may compress.
func TestCompressedAnswers(t *testing.T) {
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compression is not asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", typeJSON)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, jobJSON)
		_ = z.Close()
	})
	got, err := c.Jobs.Get(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, wantJob)
}

// TestOneClientForMany: calls at the same time do not touch each other.
func TestOneClientForMany(t *testing.T) {
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/jobs/")
		ok(fmt.Sprintf(`{"id":%q}`, id)).write(w)
	})
	var calls sync.WaitGroup
	for i := range 50 {
		calls.Go(func() {
			id := fmt.Sprintf("job-%d", i)
			if got, err := c.Jobs.Get(t.Context(), id); err != nil || got.ID != id {
				t.Errorf("%s: %q, %v", id, got.ID, err)
			}
		})
	}
	calls.Wait()
}

// TestAListCanBeReadTwice: ranging again starts at the first page again.
func TestAListCanBeReadTwice(t *testing.T) {
	b := &pageServer{pages: []string{
		`{"jobs":[{"id":"1"}],"nextCursor":"A"}`, `{"jobs":[{"id":"2"}]}`, `{"jobs":[{"id":"1"}],"nextCursor":"A"}`,
		`{"jobs":[{"id":"2"}]}`,
	}}
	list := b.serve(t).Jobs.List(t.Context(), JobFilter{})
	for range 2 {
		if jobs, err := collect(list, 0); err != nil || len(jobs) != 2 {
			t.Errorf("%v, %v", jobs, err)
		}
	}
	equal(t, b.asked, []string{"/jobs", "/jobs?cursor=A", "/jobs", "/jobs?cursor=A"})
}

// TestUnknownFieldsAreOfTomorrow: a newer server may say more.
func TestUnknownFieldsAreOfTomorrow(t *testing.T) {
	c := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		ok(strings.Replace(jobJSON, `{"id"`, `{"namespace":"x","id"`, 1)).write(w)
	})
	got, err := c.Jobs.Get(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, wantJob)
}

func TestALargeExportIsNotKept(t *testing.T) {
	line := bytes.Repeat([]byte("x"), 1<<20)
	c := connect(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", typeLines)
		for range 64 {
			_, _ = w.Write(line)
		}
	})
	var largest, total int
	n, err := c.Jobs.Export(t.Context(), ExportFilter{}, writerFunc(func(p []byte) (int, error) {
		largest, total = max(largest, len(p)), total+len(p)
		return len(p), nil
	}))
	if err != nil || n != 64<<20 || total != 64<<20 || largest > 1<<20 {
		t.Errorf("%d bytes, %d written, at most %d at a time, %v", n, total, largest, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
