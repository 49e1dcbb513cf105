package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestTargetsThatWillBeRefused: a target that the server would not call is a
// warning to whoever makes or changes the job, never an error.
func TestTargetsThatWillBeRefused(t *testing.T) {
	h := newAPI(t, newFixture(t), func(c *Config) {
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
		if got := send(http.StatusOK, step.method, "/jobs/"+bad.JobID+step.path,
			step.body); !slices.Equal(got.Warnings, step.want) {
			t.Errorf("%s %s %s: %q, want %q", step.method, step.path, step.body, got.Warnings, step.want)
		}
	}
	refused := strings.Replace(minimal, "example.com", "10.0.0.1", 1)
	report := imported(t, h, refused+"\n"+strings.Replace(refused, "/hook", "?a=b", 1)+"\n"+minimal+"\n{}\n"+
		refused, ndjson)
	for i, warned := range []bool{true, true, false, false, true} {
		if r := report.Results[i]; warned != slices.Equal(r.Warnings, want) || !warned && r.Warnings != nil ||
			(r.JobID == "") != (i == 3) {
			t.Errorf("import, item %d: %+v", i, r)
		}
	}
}

// TestWarningsOfASchedule: creation, change, pause, resume and import say of a
// schedule what a preview says, word for word, and nothing when that does not.
func TestWarningsOfASchedule(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct {
		schedule string
		warns    bool
	}{
		{"* * * * * *", true},
		{"* 0 * * * *", true},
		{"*/7 * * * * *", true},
		{"0 0 0 13 * 5", true},   // either day
		{"0 0 12 ? * 2 *", true}, // Quartz's numbers
		{"0 0 0 31 * *", true},
		{"0 0 0 1 1 * 2199", false},
		{"0 */5 * * * *", false},
		{"H H * * *", false}, // a job has its own H
		{"@every 90s", false},
		{"@daily", false},
	} {
		body := `{"schedule":"` + tc.schedule + `","api":"https://example.com/hook","type":"ATLEAST_ONCE"}`
		var preview previewBody
		call(t, h, "POST", "/schedules/preview",
			`{"schedule":"`+tc.schedule+`","jobId":"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"}`).into(t, 200, &preview)
		if tc.warns != (len(preview.Warnings) > 0) {
			t.Errorf("%s: a preview says %q", tc.schedule, preview.Warnings)
		}
		var made savedBody
		res := call(t, h, "POST", "/jobs", body)
		if res.into(t, 201, &made); !slices.Equal(made.Warnings, preview.Warnings) ||
			!tc.warns && strings.Contains(res.text, "warnings") {
			t.Errorf("%s: create says %s, a preview %q", tc.schedule, res.text, preview.Warnings)
		}
		calm := "/jobs/" + create(t, h, minimal)
		for _, step := range []struct{ method, path, body string }{
			{"PUT", "", `{"schedule":"` + tc.schedule + `"}`}, {"PUT", "", `{"name":"x"}`}, {"POST", "/pause", ""},
			{"POST", "/resume", ""},
		} {
			var changed savedBody
			call(t, h, step.method, calm+step.path, step.body).into(t, 200, &changed)
			if !slices.Equal(changed.Warnings, preview.Warnings) {
				t.Errorf("%s: %s %s says %q, a preview %q", tc.schedule, step.method, step.path, changed.Warnings,
					preview.Warnings)
			}
		}
		report := imported(t, h, body+"\n"+minimal+"\n"+body, ndjson)
		for i, r := range report.Results {
			want := preview.Warnings
			if i == 1 {
				want = nil
			}
			if !slices.Equal(r.Warnings, want) {
				t.Errorf("%s: item %d of an import says %q, a preview %q", tc.schedule, i, r.Warnings, want)
			}
		}
	}
}

// TestWarningsOfAnImportAreKept: the memory of warnings is bounded, and what is
// remembered is what would be found anew.
func TestWarningsOfAnImportAreKept(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var body strings.Builder
	const n = maxWarningKeys + 20
	for i := range 2 * n {
		fmt.Fprintf(&body, `{"schedule":"* %d %d * * *","api":"https://host-%d.example/hook","type":"ATLEAST_ONCE"}`+
			"\n", i%59, i%23, i%n)
	}
	for i, r := range imported(t, h, body.String(), ndjson).Results {
		if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "fires 60 times") {
			t.Fatalf("item %d: %q", i, r.Warnings)
		}
	}
}
