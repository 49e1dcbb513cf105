package client

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPauseBecause: what is said of a pause is sent, of one job and of many.
func TestPauseBecause(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.Path + " " + string(body)
		w.Header().Set("Content-Type", typeJSON)
		_, _ = io.WriteString(w, `{"id":"a","isActive":false,"pausedReason":"moved","pausedUntil":5}`)
	}))
	defer server.Close()
	c, err := New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	because := Pausing{Reason: "moved", Until: "2027-01-01T00:00:00Z"}
	done, err := c.Jobs.PauseBecause(t.Context(), "a", because)
	if err != nil || done.PausedReason != "moved" || done.PausedUntil != 5 ||
		got != `POST /jobs/a/pause {"reason":"moved","until":"2027-01-01T00:00:00Z"}` {
		t.Errorf("%s: %+v %v", got, done, err)
	}
	if _, err := c.Jobs.Bulk(t.Context(), Bulk{Action: Pause, IDs: []string{"a"}, Because: because}); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(map[string]any{"action": "PAUSE", "ids": []string{"a"}, "pause": because})
	if got != "POST /jobs/bulk "+string(want) {
		t.Errorf("%s, want %s", got, want)
	}
}
