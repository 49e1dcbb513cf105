package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestTargetsThatWillBeRefused: a target that the server would not call is a
// warning to whoever makes or changes the job, never an error.
func TestTargetsThatWillBeRefused(t *testing.T) {
	h := newAPI(t, newFake(), func(c *Config) {
		c.CheckTarget = func(url string) error {
			if strings.Contains(url, "10.0.0.1") {
				return errors.New("10.0.0.1 is a private address")
			}
			return nil
		}
	})
	type edit struct {
		JobID    string
		Warnings []string
	}
	want := []string{"api: this server will not call it: 10.0.0.1 is a private address"}
	send := func(status int, method, path, body string) edit {
		t.Helper()
		var e edit
		call(t, h, method, path, body).into(t, status, &e)
		return e
	}
	bad := send(http.StatusCreated, "POST", "/jobs", strings.Replace(minimal, "example.com", "10.0.0.1", 1))
	if !slices.Equal(bad.Warnings, want) {
		t.Errorf("create: %q, want %q", bad.Warnings, want)
	}
	good := call(t, h, "POST", "/jobs", minimal)
	if strings.Contains(good.text, "warnings") {
		t.Errorf("create: %s, want no warnings", good.text)
	}
	for _, step := range []struct {
		method, path, body string
		want               []string
	}{
		{"PUT", "", `{"name":"x"}`, want},
		{"POST", "/pause", "", want},
		{"POST", "/pause", "", want}, // it is paused already
		{"PUT", "", `{"api":"https://example.com/"}`, nil},
		{"POST", "/resume", "", nil},
		{"PUT", "", `{"api":"https://10.0.0.1/"}`, want},
	} {
		if got := send(http.StatusOK, step.method, "/jobs/"+bad.JobID+step.path, step.body); !slices.Equal(got.Warnings, step.want) {
			t.Errorf("%s %s %s: %q, want %q", step.method, step.path, step.body, got.Warnings, step.want)
		}
	}
	refused := strings.Replace(minimal, "example.com", "10.0.0.1", 1)
	report := imported(t, h, refused+"\n"+strings.Replace(refused, "/hook", "?a=b", 1)+"\n"+minimal+"\n{}\n"+refused, ndjson)
	for i, warned := range []bool{true, true, false, false, true} {
		if r := report.Results[i]; warned != slices.Equal(r.Warnings, want) || !warned && r.Warnings != nil || (r.JobID == "") != (i == 3) {
			t.Errorf("import, item %d: %+v", i, r)
		}
	}
}
