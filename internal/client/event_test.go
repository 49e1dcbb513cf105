package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
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
