package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/nettest"
)

func TestEvents(t *testing.T) {
	const stream = "retry: 2000\n\nevent: counters\nid: 7\ndata: {\"at\":7,\"since\":1,\"completed\":{\"success\":2}," +
		"\"firesPerSecond\":1.5,\"inFlight\":3,\"queued\":4,\"driftMs\":{\"p50\":1,\"p99\":2},\"health\":\"healthy\"," +
		"\"nodes\":2,\"partial\":true}\n\n: still here\n\nevent: counters\nid: 8\ndata: {\"at\":8}\n\n"
	kind := "text/event-stream; charset=utf-8"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, stream)
	}))
	defer server.Close()
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []Counters
	for e, err := range c.Events(t.Context()) {
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
			break
		}
		got = append(got, e)
	}
	if len(got) != 2 || got[0].Completed.Success != 2 || got[0].FiresPerSecond != 1.5 || got[0].InFlight != 3 ||
		got[0].Queued != 4 || got[0].DriftMs.P99 != 2 || got[0].Health != "healthy" || got[0].Nodes != 2 ||
		!got[0].Partial || got[1].At != 8 || got[1].Completed != nil {
		t.Errorf("%+v", got)
	}
	for _, err := range c.Events(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break // the caller stops
	}
	kind = "text/html"
	for _, err := range c.Events(t.Context()) {
		if !errors.Is(err, ErrAnswer) {
			t.Errorf("a page: %v", err)
		}
	}
}

// silentBody has a text, and then nothing until the request is given up.
type silentBody struct {
	*strings.Reader

	ctx   context.Context
	ended *int
}

func (b silentBody) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (b silentBody) Close() error { *b.ended++; return nil }

// deadConnections are connections over which one event comes each.
type deadConnections struct {
	asked []string // after which event
	ended int
}

func (d *deadConnections) RoundTrip(r *http.Request) (*http.Response, error) {
	d.asked = append(d.asked, r.Header.Get("Last-Event-ID"))
	text := fmt.Sprintf("id: %[1]d\ndata: {\"at\":%[1]d}\n\n", len(d.asked))
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r,
		Body: silentBody{strings.NewReader(text), r.Context(), &d.ended}}, nil
}

// A connection over which nothing comes is given up, and the events of the next one follow. Each names the last event.
func TestEventsOverDeadConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("http://127.0.0.1:1", "")
		if err != nil {
			t.Fatal(err)
		}
		var dead deadConnections
		c.server.http.Transport = &dead
		begun := time.Now()
		var got []int64
		silences := 0
		for e, err := range c.Events(t.Context()) {
			switch {
			case errors.Is(err, ErrSilent):
				if silences++; err.Error() != "nothing has come from the server for 30s" {
					t.Error(err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				got = append(got, e.At)
			}
			if silences == 2 {
				break
			}
		}
		if fmt.Sprint(got, dead.asked, dead.ended) != "[1 2] [ 1] 2" || time.Since(begun) != 2*eventSilence+eventRetry {
			t.Errorf("after %s the events are %v, asked after %q, %d connections ended", time.Since(begun), got,
				dead.asked, dead.ended)
		}
	})
}

// restarting answers with one status after the other, and then with events, each of which is written when the one
// before it was read.
type restarting struct {
	statuses []int
	asked    int
}

func (x *restarting) RoundTrip(r *http.Request) (*http.Response, error) {
	x.asked++
	if len(x.statuses) > 0 {
		res := &http.Response{StatusCode: x.statuses[0], Header: http.Header{}, Request: r, Body: http.NoBody}
		x.statuses = x.statuses[1:]
		return res, nil
	}
	body, events := io.Pipe()
	context.AfterFunc(r.Context(), func() { _ = events.CloseWithError(r.Context().Err()) })
	go func() {
		for n := 1; ; n++ {
			if _, err := fmt.Fprintf(events, "id: %[1]d\ndata: {\"at\":%[1]d}\n\n", n); err != nil {
				return
			}
		}
	}()
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r,
		Body: body}, nil
}

// A caller may take longer for an event than a connection may be silent: the stream goes on.
func TestEventsOfASlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New("http://127.0.0.1:1", "")
		if err != nil {
			t.Fatal(err)
		}
		var server restarting
		c.server.http.Transport = &server
		var next int64
		for e, err := range c.Events(t.Context()) {
			if next++; err != nil || e.At != next {
				t.Fatalf("after %d events: %d, %v", next-1, e.At, err)
			}
			if next == 4 {
				break
			}
			time.Sleep(2 * eventSilence)
		}
		if server.asked != 1 {
			t.Errorf("%d connections", server.asked)
		}
	})
}

// While servers restart, a proxy before them answers with errors that pass: the stream goes on after them. Any other
// error is the last.
func TestEventsOfARestart(t *testing.T) {
	for _, row := range []struct {
		status int
		passes bool
	}{{502, true}, {503, true}, {504, true}, {500, true}, {429, true}, {408, true}, {425, true},
		{302, false}, {400, false}, {401, false}, {403, false}, {404, false}} {
		synctest.Test(t, func(t *testing.T) {
			c, err := New("http://127.0.0.1:1", "")
			if err != nil {
				t.Fatal(err)
			}
			c.server.http.Transport = &restarting{statuses: []int{row.status}}
			var got []string
			for e, err := range c.Events(t.Context()) {
				if problem, ok := errors.AsType[*Problem](err); ok {
					got = append(got, fmt.Sprintf("HTTP %d", problem.Status))
					continue
				}
				got = append(got, fmt.Sprint(e.At, err))
				break
			}
			want := fmt.Sprintf("[HTTP %d", row.status)
			if row.passes {
				want += " 1 <nil>"
			}
			if fmt.Sprint(got) != want+"]" {
				t.Errorf("%d: %v", row.status, got)
			}
		})
	}
}

// What the server refuses is asked once, and a call ends with its context.
func TestEventsEnd(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", typeProblem)
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"status":403,"code":"forbidden"}`)
	}))
	defer server.Close()
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.events.retry = time.Millisecond
	errs := 0
	for _, err := range c.Events(t.Context()) {
		if _, refused := errors.AsType[*Problem](err); !refused {
			t.Errorf("%v", err)
		}
		errs++
	}
	if asked != 1 || errs != 1 {
		t.Errorf("asked %d times, %d errors", asked, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for _, err := range c.Events(ctx) {
		cancel()
		if err == nil {
			t.Error("it goes on")
		}
	}
	cancel()
	gone, err := New("http://"+nettest.Refusing(t), "")
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	gone.events.retry = time.Millisecond
	errs = 0
	for _, err := range gone.Events(t.Context()) { // until it is there again
		if errs++; err == nil || errs == 3 {
			break
		}
	}
	if errs != 3 {
		t.Errorf("%d errors without a server", errs)
	}
}
