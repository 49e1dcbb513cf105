package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// recordMany puts n executions on record, one a second from 1,000 on.
func recordMany(t *testing.T, f *fixture, n int) {
	t.Helper()
	var facts []domain.Execution
	for i := range n {
		facts = append(facts, domain.Execution{
			FireKey: domain.FireKey{JobID: domain.NewJobID(1), ScheduledAt: 1_000 * int64(i+1)}, Version: 1,
			Status: domain.StatusSuccess, StartedAt: 1_000*int64(i+1) + 2, CompletedAt: 1_000*int64(i+1) + 20,
			HTTPStatus: 200,
		})
	}
	f.record(t, facts...)
}

func TestExportOfTheHistory(t *testing.T) {
	f := newFixture(t)
	recordMany(t, f, 500)
	h := newAPI(t, f)
	for query, want := range map[string][2]int{
		"": {1, 500}, "?from=1970-01-01T00:00:02Z": {2, 500}, "?to=1970-01-01T00:08:20Z": {1, 499},
		"?from=1970-01-01T00:00:03Z&to=1970-01-01T00:00:04.001Z":     {3, 4},
		"?from=1970-01-01T00:00:00.009Z&to=1970-01-01T00:00:00.009Z": {1, 0},
		"?from=0&to=9999-12-31T23:59:59Z":                            {1, 500},
		// a plus is a space in a query
		"?to=1970-01-01T02:00:04.001+02:00": {1, 4}, "?to=1970-01-01T02:00:04.001%2B02:00%0A": {1, 4},
	} {
		res := call(t, h, "GET", "/executions/export"+query, "")
		if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || ct != "application/x-ndjson" {
			t.Fatalf("%s: %d, %s", query, res.StatusCode, ct)
		}
		lines := strings.Split(res.text, "\n")
		if len(lines) != want[1]-want[0]+2 || lines[len(lines)-1] != "" {
			t.Fatalf("%s: %d lines", query, len(lines))
		}
		for i, line := range lines[:len(lines)-1] {
			var e struct{ ScheduledAt int64 }
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.ScheduledAt != 1_000*int64(want[0]+i) {
				t.Fatalf("%s: line %d is %s (%v)", query, i, line, err)
			}
		}
	}
	for query, want := range map[string]string{
		"?from=1798761600": "from is before 2001: milliseconds? 1798761600 seconds are 1798761600000 milliseconds",
		"?to=1798761600":   "to is before 2001: milliseconds?", "?to=1798761600000000": "microseconds are",
		"?from=1970-01-01T00:00:09Z&to=1970-01-01T00:00:08Z": "to must not be before from",
	} {
		if p := call(t, h, "GET", "/executions/export"+query, "").problem(t, 400); !strings.Contains(p.Detail, want) {
			t.Errorf("%s: %q, want %q", query, p.Detail, want)
		}
	}
	// A line is what the execution is elsewhere.
	line := call(t, h, "GET", "/executions/export?to=1970-01-01T00:00:01.001Z", "").text
	list := call(t, h, "GET", "/observability/executions/recent?limit=500", "").text
	if !strings.Contains(list, strings.TrimSuffix(line, "\n")) {
		t.Errorf("%s is not in the list", line)
	}
	for _, query := range []string{"from=x", "to=-1", "from=2026-01-01"} {
		if p := call(t, h, "GET", "/executions/export?"+query, "").problem(t, 400); len(p.fields()) != 1 ||
			!strings.HasPrefix(query, p.fields()[0]) {
			t.Errorf("%s names %v", query, p.fields())
		}
	}
}

// heldStream is a store whose streams wait, and then fail.
type heldStream struct {
	store.Store

	began, end chan struct{}
}

func (s heldStream) History() store.History { return heldHistory{s.Store.History(), s} }

type heldHistory struct {
	store.History
	s heldStream
}

func (h heldHistory) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	if err := h.History.Stream(ctx, from, to, fn); err != nil {
		return err
	}
	h.s.began <- struct{}{}
	<-h.s.end
	return errors.New("disk gone")
}

// An export that fails on the way must not look complete, and no more than two
// are answered at a time.
func TestExportsOfTheHistoryAreFewAndWhole(t *testing.T) {
	f := newFixture(t)
	recordMany(t, f, 1_000)
	held := heldStream{f.store, make(chan struct{}, maxHistoryExports+1), make(chan struct{})}
	h := newAPI(t, f, func(c *Config) { c.Store = held })
	address := "http://" + listen(t, h) + "/executions/export"
	ended := make(chan error, maxHistoryExports)
	for range maxHistoryExports {
		go func() {
			res, err := http.Get(address)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			ended <- err
		}()
		<-held.began
	}
	if p := call(t, h, "GET", "/executions/export", "").problem(t, 429); !strings.Contains(p.Detail, "2 exports") {
		t.Errorf("%q", p.Detail)
	}
	close(held.end)
	for range maxHistoryExports {
		if err := <-ended; err == nil {
			t.Error("an answer ends as if it were whole")
		}
	}
	res, err := http.Get(address) // there is room again
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}
