package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// follower reads a stream of events.
type follower struct {
	t     *testing.T
	res   *http.Response
	lines *bufio.Scanner
}

// follow opens a stream, which ends with the test.
func follow(t *testing.T, address string, header ...string) *follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	return &follower{t, res, bufio.NewScanner(res.Body)}
}

// next returns the next event and its id; empty: the stream has ended.
func (f *follower) next() (id, data string) {
	f.t.Helper()
	for f.lines.Scan() {
		line := f.lines.Text()
		if text, found := strings.CutPrefix(line, "id: "); found {
			id = text
		}
		if text, found := strings.CutPrefix(line, "data: "); found {
			return id, text
		}
	}
	return "", ""
}

// streaming returns the address of an API whose streams end when the test calls stop.
func streaming(t *testing.T, f *fixture, change ...func(*Config)) (address string, stop func()) {
	stopping := make(chan struct{})
	h := newAPI(t, f, append(change, func(c *Config) { c.Stopping = stopping })...)
	stopped := false
	stop = func() {
		if !stopped {
			close(stopping)
		}
		stopped = true
	}
	address = listen(t, h)
	t.Cleanup(stop) // before the server's own
	return address, stop
}

// All clients get the same events, which one producer makes; who comes back gets no event twice; the
// streams end with the server.
func TestEvents(t *testing.T) {
	f := newFixture(t)
	address, stop := streaming(t, f)
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: domain.NewJobID(base), ScheduledAt: base}, Version: 1,
		Status: domain.StatusSuccess, StartedAt: base, CompletedAt: base + 5})
	a, b := follow(t, address), follow(t, address)
	if got := a.res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("it is %s", got)
	}
	ids := map[string]string{}
	last := ""
	for range 3 {
		id, data := a.next()
		if id == "" || id == last {
			t.Fatalf("event %q after %q", id, last)
		}
		ids[id], last = data, id
	}
	common := 0
	for range 3 {
		id, data := b.next()
		if ids[id] == data {
			common++
		}
	}
	if common < 2 {
		t.Errorf("%d events of three are the other client's", common)
	}
	var e eventBody
	if err := json.Unmarshal([]byte(ids[last]), &e); err != nil {
		t.Fatal(err)
	}
	if *e.Completed != (endedCounts{Success: 1}) || e.Since != base || e.Health != "healthy" || e.Nodes != 2 {
		t.Errorf("%+v", e)
	}
	again := follow(t, address, "Last-Event-ID: "+last)
	if id, _ := again.next(); id <= last {
		t.Errorf("after %s comes %s", last, id)
	}
	ahead := follow(t, address, "Last-Event-ID: 99999999999999") // of a server whose clock was ahead
	if id, _ := ahead.next(); id == "" {
		t.Error("no event follows one that is newer by its id")
	}
	stop()
	for _, f := range []*follower{a, b, again, ahead} {
		id, _ := f.next()
		for id != "" {
			id, _ = f.next()
		}
	}
}

// A stream ends once its key does not hold any more.
func TestEventsEndWithTheKey(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f, key1)
	address, _ := streaming(t, f, func(c *Config) { c.Keys = keys })
	text, key, err := keys.Create(t.Context(), domain.APIKey{Name: "x", Role: domain.RoleViewer})
	if err != nil {
		t.Fatal(err)
	}
	stays, ends := follow(t, address, "Authorization: Bearer "+key1), follow(t, address, "Authorization: Bearer "+text)
	if id, _ := ends.next(); id == "" {
		t.Fatal("a viewer gets no event")
	}
	if _, err := keys.Revoke(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	after := 0
	for id, _ := ends.next(); id != ""; id, _ = ends.next() {
		after++
	}
	if after > 1 { // one may have been on its way
		t.Errorf("%d events after the key was revoked", after)
	}
	for range 3 {
		if id, _ := stays.next(); id == "" {
			t.Fatal("another key's stream has ended")
		}
	}
	if res := follow(t, address, "Authorization: Bearer "+text).res; res.StatusCode != http.StatusUnauthorized {
		t.Errorf("it comes back: %d", res.StatusCode)
	}
}

// The number of clients is bounded, and the producer ends with the last of them.
func TestFeedHasABound(t *testing.T) {
	made := make(chan struct{}, 10)
	f := &feed{count: func(context.Context) eventBody {
		made <- struct{}{}
		return eventBody{}
	}}
	name := func(i int) string { return fmt.Sprint(i / maxFeedOfCaller) }
	for i := range maxFeedClients + 1 {
		if refusal := f.join(name(i)); (refusal == nil) != (i < maxFeedClients) {
			t.Fatalf("client %d: %v", i, refusal)
		}
	}
	<-made
	for i := range maxFeedClients {
		f.leave(name(i))
	}
	if len(f.of) != 0 {
		t.Errorf("%v are still there", f.of)
	}
	if n := len(made); n > 1 {
		t.Errorf("%d more events for %d clients", n, maxFeedClients)
	}
	if refusal := f.join("a"); refusal != nil {
		t.Error("nobody may join any more")
	}
	<-made
	f.leave("a")
}

// One caller does not take all places, and gets one back when a client of his leaves.
func TestFeedOfACallerHasABound(t *testing.T) {
	f := &feed{count: func(context.Context) eventBody { return eventBody{} }}
	for i := range maxFeedOfCaller {
		if refusal := f.join("a"); refusal != nil {
			t.Fatalf("client %d: %v", i, refusal)
		}
	}
	if refusal := f.join("a"); refusal == nil || refusal.Status != http.StatusTooManyRequests {
		t.Errorf("one more: %v", refusal)
	}
	if refusal := f.join("b"); refusal != nil {
		t.Errorf("another caller: %v", refusal)
	}
	f.leave("a")
	if refusal := f.join("a"); refusal != nil {
		t.Errorf("after one has left: %v", refusal)
	}
	for range maxFeedOfCaller {
		f.leave("a")
	}
	f.leave("b")
}

// Too many clients are refused, and a key of one namespace sees no counters of others.
func TestEventsAreRefused(t *testing.T) {
	w := newTenants(t)
	call(t, w.billing, "GET", "/events", "").problem(t, 403)
	f := newFixture(t)
	h := newAPI(t, f)
	if got := call(t, h, "HEAD", "/events", ""); got.StatusCode != 200 || got.text != "" {
		t.Errorf("%d %q", got.StatusCode, got.text)
	}
	routes := &eventRoutes{feed: &feed{clients: maxFeedClients}}
	_, err := routes.events(t.Context(), new(eventsInput))
	p, ok := errors.AsType[*Problem](err)
	if !ok || p.Status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" {
		t.Errorf("%+v", err)
	}
}

// brokenWriter takes so many writes and then none.
type brokenWriter struct {
	*httptest.ResponseRecorder
	takes int
}

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.takes--; w.takes < 0 {
		return 0, io.ErrClosedPipe
	}
	return w.ResponseRecorder.Write(b)
}

// A client that takes nothing any more is let go.
func TestEventsEndWithTheClient(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f, func(c *Config) { c.Stopping = nil })
	for writes := range 3 {
		w := &brokenWriter{httptest.NewRecorder(), writes}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/events", nil))
		if got := strings.Count(w.Body.String(), "event: counters"); got != max(0, writes-1) {
			t.Errorf("after %d writes: %d events", writes, got)
		}
	}
}

// What servers do is added up; drift is that of the worst, and who has not told is noted.
func TestEventOfManyNodes(t *testing.T) {
	ms := func(v int64) *int64 { return &v }
	var b eventBody
	b.addNodes([]view.Node{
		{State: view.NodeActive, Shards: 3, Load: &view.Load{FiresPerSecond: 2, InFlight: 1, Queued: 5,
			DriftP50Ms: ms(3), DriftP99Ms: ms(9)}},
		{State: view.NodeDraining, Shards: 1, Load: &view.Load{FiresPerSecond: 1.5, DriftP50Ms: ms(4),
			DriftP99Ms: ms(7)}},
		{State: view.NodeGone, Shards: 4}, {State: view.NodeActive},
	})
	if b.FiresPerS != 3.5 || b.InFlight != 1 || b.Queued != 5 || *b.Drift != (eventDrift{4, 9}) || b.Nodes != 3 ||
		b.Partial {
		t.Errorf("%+v", b)
	}
	b.addNodes([]view.Node{{State: view.NodeActive, Shards: 1}})
	if !b.Partial {
		t.Error("a server that has not told is not noted")
	}
}
