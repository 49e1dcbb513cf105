package e2e

import (
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// all reads a list of the server.
func all[T any](t *testing.T, list iter.Seq2[T, error]) (items []T) {
	t.Helper()
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

// holdingTarget answers /fail with 500, and /hold when it is told to.
func holdingTarget(t *testing.T) (url string, held <-chan struct{}, free chan<- struct{}) {
	t.Helper()
	holding, release := make(chan struct{}, 1), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(http.StatusInternalServerError)
		case "/hold":
			holding <- struct{}{}
			<-release
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, holding, release
}

// TestListsOfARunningServer: jobs are found by what they are and by how they do, executions by
// status, time and trigger, with those that have not ended; also after a restart.
func TestListsOfARunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	target, held, free := holdingTarget(t)
	var ids []string
	for _, path := range []string{"/ok", "/fail", "/hold"} {
		spec := onceAYear
		spec.API, spec.Name, spec.Retry = target+path, "job "+path, &client.Retry{MaxRetries: new(0)}
		ids = append(ids, p.create(spec))
	}
	p.endOf(p.triggered(ids[0]))
	p.endOf(p.triggered(ids[1]))
	p.triggered(ids[2])
	<-held
	ctx := t.Context()
	running := all(t, p.api.Executions.List(ctx, client.ExecutionFilter{Statuses: []string{"PENDING", "RUNNING"}}))
	if len(running) != 1 || running[0].JobID != ids[2] || running[0].Status != "RUNNING" {
		t.Errorf("what has not ended: %+v", running)
	}
	if everything := all(t, p.api.Executions.List(ctx, client.ExecutionFilter{PageSize: 1})); len(everything) != 3 {
		t.Errorf("%d executions in all", len(everything))
	}
	free <- struct{}{}
	p.endOf(running[0].ID)

	for range 2 {
		for name, c := range map[string]struct {
			filter client.JobFilter
			want   []int
		}{
			"name":    {client.JobFilter{Name: "job /ok"}, []int{0}},
			"failing": {client.JobFilter{Failing: new(true)}, []int{1}},
			"host":    {client.JobFilter{Host: target}, []int{0, 1, 2}},
			"newest":  {client.JobFilter{Newest: true, Failing: new(false), PageSize: 1}, []int{2, 0}},
		} {
			c.filter.LastExecution = true
			var got []int
			for _, j := range all(t, p.api.Jobs.List(ctx, c.filter)) {
				i := slices.Index(ids, j.ID)
				got = append(got, i)
				want := []string{"SUCCESS", "FAILED", "SUCCESS"}[i]
				if j.LastExecution == nil || j.LastExecution.Status != want {
					t.Errorf("%s: the last execution of job %d is %+v, want %s", name, i, j.LastExecution, want)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: jobs %v, want %v", name, got, c.want)
			}
			if n, err := p.api.Jobs.Count(ctx, c.filter); err != nil || n != len(c.want) {
				t.Errorf("%s: counted %d, %v", name, n, err)
			}
		}
		at := fmt.Sprint(running[0].ScheduledAt)
		for name, c := range map[string]struct {
			filter client.ExecutionFilter
			want   int
		}{
			"failed":      {client.ExecutionFilter{Statuses: []string{"FAILED", "UNKNOWN"}}, 1},
			"by hand":     {client.ExecutionFilter{Manual: new(true)}, 3},
			"by schedule": {client.ExecutionFilter{Manual: new(false)}, 0},
			"of a job":    {client.ExecutionFilter{JobID: ids[0], Statuses: []string{"SUCCESS"}}, 1},
			"before it":   {client.ExecutionFilter{TimeRange: client.TimeRange{To: at}}, 2},
			"from it on":  {client.ExecutionFilter{TimeRange: client.TimeRange{From: at}}, 1},
		} {
			if got := all(t, p.api.Executions.List(ctx, c.filter)); len(got) != c.want {
				t.Errorf("%s: %d executions, want %d", name, len(got), c.want)
			}
		}
		p.terminate()
		p = serve(t, dir)
	}
}
