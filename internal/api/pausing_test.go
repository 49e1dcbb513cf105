package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// TestPauseWithAReason: what is said of a pause is shown everywhere, is gone once the job is active, and can be changed
// while it is paused.
func TestPauseWithAReason(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	var got savedBody
	call(t, h, "POST", "/jobs/"+id+"/pause", `{"reason":" moved ","until":"2026-01-02T00:00:00Z"}`).into(t, 200, &got)
	const until int64 = base + 86_400_000
	if got.IsActive || got.PausedReason != "moved" || got.PausedUntil != until || got.Message != "Job paused" {
		t.Fatalf("%+v", got)
	}
	var job wire.Job
	call(t, h, "GET", "/jobs/"+id, "").into(t, 200, &job)
	if job.PausedReason != "moved" || job.PausedUntil != until || job.Version != 2 {
		t.Errorf("%+v", job)
	}
	if job.NextFireAt == nil || *job.NextFireAt != until {
		t.Errorf("the next fire is not the first one after the pause: %v", job.NextFireAt)
	}
	call(t, h, "POST", "/jobs/"+id+"/pause", `{"reason":"moved","until":"2026-01-02T00:00:00Z"}`).into(t, 200, &got)
	if got.Version != 2 || got.Message != "Job was paused already" {
		t.Errorf("the same again: %+v", got)
	}
	for _, body := range []string{"", `{"until":0}`} { // to stay paused
		got = savedBody{}
		call(t, h, "POST", "/jobs/"+id+"/pause", body).into(t, 200, &got)
		if got.Version != 3 || got.PausedReason != "moved" || got.PausedUntil != 0 || got.NextFireAt != nil {
			t.Errorf("without an end: %+v", got)
		}
	}
	got = savedBody{}
	call(t, h, "POST", "/jobs/"+id+"/pause", `{"reason":"for good"}`).into(t, 200, &got)
	if got.Version != 4 || got.PausedReason != "for good" || got.PausedUntil != 0 {
		t.Errorf("another reason: %+v", got)
	}
	var versions versionsBody
	call(t, h, "GET", "/jobs/"+id+"/versions", "").into(t, 200, &versions)
	if v := versions.Versions; v[2].PausedUntil != until || fmt.Sprint(*v[2].Changed) !=
		"[isActive pausedReason pausedUntil]" || fmt.Sprint(*v[1].Changed) != "[pausedUntil]" ||
		fmt.Sprint(*v[0].Changed) != "[pausedReason]" {
		t.Errorf("%+v", v)
	}
	line := call(t, h, "GET", "/jobs/export", "").text
	if !strings.Contains(line, `"isActive":false,"pausedReason":"for good"}`) {
		t.Errorf("exported as %s", line)
	}
	got = savedBody{}
	call(t, h, "POST", "/jobs/"+id+"/resume", "").into(t, 200, &got)
	if !got.IsActive || got.PausedReason != "" || got.PausedUntil != 0 {
		t.Errorf("resumed: %+v", got)
	}
	copied := create(t, h, line)
	call(t, h, "GET", "/jobs/"+copied, "").into(t, 200, &job)
	if job.IsActive || job.PausedReason != "for good" {
		t.Errorf("imported: %+v", job)
	}
}

// TestPauseRefuses what it cannot keep, by the name of the field.
func TestPauseRefuses(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	for body, field := range map[string]string{
		`{"until":1767225600000}`:                       "until",
		`{"until":"yesterday"}`:                         "until",
		`{"reason":"` + strings.Repeat("x", 201) + `"}`: "reason",
		`{"reason":7}`:                                  "reason",
		`{"because":"x"}`:                               "because",
	} {
		if p := call(t, h, "POST", "/jobs/"+id+"/pause", body).problem(t, 422); strings.Join(p.fields(), " ") != field {
			t.Errorf("%s: %v", body, p.fields())
		}
	}
	call(t, h, "POST", "/jobs/"+id+"/pause", `[]`).problem(t, 400)
	call(t, h, "POST", "/jobs/"+id+"/pause", "reason=x", "Content-Type: text/plain").problem(t, 415)
	if p := call(t, h, "PUT", "/jobs/"+id, `{"pausedReason":"x"}`).problem(t, 422); p.fields()[0] != "pausedReason" {
		t.Errorf("%v", p.fields())
	}
	for _, body := range []string{"", "{}", "null"} { // as before there was a body
		call(t, h, "POST", "/jobs/"+id+"/pause", body, "Content-Type: text/plain").into(t, 200, new(savedBody))
	}
	call(t, h, "PATCH", "/jobs/"+id, `{"isActive":true}`, "Content-Type: application/merge-patch+json").
		into(t, 200, new(savedBody))
}

// TestPauseThatIsPast: whoever says now that a job is paused until an instant that is past is told, by every route; a
// document that is kept elsewhere was right when it was written, and its job is active by now.
func TestPauseThatIsPast(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	const past = `"isActive":false,"pausedReason":"x","pausedUntil":"2026-01-01T00:00:00Z"`
	const later = `"isActive":false,"pausedReason":"x","pausedUntil":"2026-01-01T02:00:00Z"`
	id := create(t, h, laidOver(`"key":"k",`+later))
	refuses := func() {
		t.Helper()
		for _, c := range [][3]string{
			{"POST", "/jobs", laidOver(past)},
			{"PATCH", "/jobs/" + id, `{` + past + `}`},
			{"PATCH", "/jobs/by-key/k", `{` + past + `}`},
			{"POST", "/jobs/" + id + "/preview", `{` + past + `}`},
			{"POST", "/jobs/" + id + "/test", `{` + past + `}`},
			{"POST", "/jobs/test", laidOver(past)},
		} {
			kind := "Content-Type: application/json"
			if c[0] == "PATCH" {
				kind = "Content-Type: application/merge-patch+json"
			}
			p := call(t, h, c[0], c[1], c[2], kind).problem(t, 422)
			if strings.Join(p.fields(), " ") != "pausedUntil" {
				t.Errorf("%s %s: %v", c[0], c[1], p.fields())
			}
		}
	}
	refuses()
	both := laidOver(`"name":"` + strings.Repeat("x", 201) + `",` + past)
	if p := call(t, h, "POST", "/jobs", both).problem(t, 422); strings.Join(p.fields(), " ") != "name pausedUntil" {
		t.Errorf("with another fault: %v", p.fields())
	}
	f.clock.step(3 * time.Hour) // the pause has ended, and nobody has noted it
	call(t, h, "PATCH", "/jobs/"+id, `{"name":"n"}`, "Content-Type: application/merge-patch+json").
		into(t, 200, new(savedBody))
	var job wire.Job
	call(t, h, "GET", "/jobs/"+id, "").into(t, 200, &job)
	if job.IsActive || job.PausedUntil != base+2*3_600_000 || job.Spec.Name != "n" {
		t.Errorf("%+v", job)
	}
	refuses()

	line := laidOver(`"key":"k","name":"n",` + past)
	var report importBody
	call(t, h, "POST", "/jobs/import?onConflict=update", line+"\n"+laidOver(`"key":"new",`+past)+"\n"+laidOver(past)+
		"\n"+laidOver(`"isActive":true,"pausedUntil":5`), ndjson).into(t, 200, &report)
	if report.Updated != 1 || report.Imported != 2 || report.Refused != 1 {
		t.Fatalf("%+v", report)
	}
	for _, r := range report.Results[:3] {
		if !slices.Contains(r.Warnings, pauseIsOver) {
			t.Errorf("without a warning: %+v", r)
		}
		job = wire.Job{}
		call(t, h, "GET", "/jobs/"+r.JobID, "").into(t, 200, &job)
		if !job.IsActive || job.PausedUntil != 0 || job.PausedReason != "" || job.NextFireAt == nil {
			t.Errorf("imported as %+v", job)
		}
	}
	call(t, h, "POST", "/jobs/import?onConflict=update", line, ndjson).into(t, 200, &report)
	if report.Unchanged != 1 {
		t.Errorf("imported again: %+v", report)
	}
}

// TestDocumentsAreAcceptedAgain: clients that keep documents send them again as they are, for years. What was accepted
// is accepted then, means the same, makes no version, and the answer says what has ended meanwhile.
func TestDocumentsAreAcceptedAgain(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	const said = `"isActive":false,"pausedReason":"x","pausedUntil":"2026-01-01T02:00:00Z"`
	onlyEnd := `{"pausedReason":"x","pausedUntil":"2026-01-01T02:00:00Z"}` // of a job that somebody else has paused
	byID := create(t, h, minimal)
	loose := create(t, h, laidOver(`"isActive":false`))
	type sent struct{ method, path, body string }
	documents := []sent{
		{"PUT", "/jobs/by-key/paused", laidOver(said)},
		{"PUT", "/jobs/" + byID, laidOver(said)},
		{"PUT", "/jobs/" + byID, `{"spec":` + minimal + `,` + said + `}`},
		{"PUT", "/jobs/" + loose, onlyEnd},
		{"PUT", "/jobs/by-key/once", laidOver(`"schedule":"@at 2026-01-01T01:00:00Z"`)},
		{"PUT", "/jobs/by-key/season", laidOver(`"startAt":"2025-12-01T00:00:00Z","endAt":"2026-01-01T01:00:00Z"`)},
		{"POST", "/jobs/import?onConflict=update", laidOver(`"key":"line",` + said)},
	}
	send := func(d sent) (got savedBody) {
		t.Helper()
		if d.method == "PUT" {
			a := call(t, h, d.method, d.path, d.body)
			if a.StatusCode != 200 && a.StatusCode != 201 {
				t.Fatalf("%s: %d %s", d.path, a.StatusCode, a.text)
			}
			a.into(t, a.StatusCode, &got)
			return got
		}
		var report importBody
		call(t, h, d.method, d.path, d.body, ndjson).into(t, 200, &report)
		if report.Refused > 0 {
			t.Fatalf("%s: %+v", d.path, report.Results[0].Error)
		}
		call(t, h, "GET", "/jobs/"+report.Results[0].JobID, "").into(t, 200, &got.Job)
		got.Warnings = report.Results[0].Warnings
		return got
	}
	first := make([]savedBody, len(documents))
	for i, d := range documents {
		if first[i] = send(d); slices.Contains(first[i].Warnings, pauseIsOver) {
			t.Errorf("%s: %v", d.path, first[i].Warnings)
		}
		if again := send(d); again.Version != first[i].Version {
			t.Errorf("%s: at once, it makes version %d of %d", d.path, again.Version, first[i].Version)
		}
	}
	check := func(when string, active bool) {
		t.Helper()
		for i, d := range documents {
			got, ended := send(d), strings.Contains(d.body, "pausedUntil")
			if got.Version != first[i].Version || got.IsActive != (active || !ended) ||
				slices.Contains(got.Warnings, pauseIsOver) != ended {
				t.Errorf("%s, %s %s: version %d after %d, active: %t, %v", when, d.path, d.body, got.Version,
					first[i].Version, got.IsActive, got.Warnings)
			}
		}
	}
	f.clock.step(3 * time.Hour)
	check("not noted yet", false)
	for i, d := range documents { // as the server does it within a second, or somebody did before
		if strings.Contains(d.body, "pausedUntil") {
			call(t, h, "POST", "/jobs/"+first[i].ID+"/resume", "").into(t, 200, new(savedBody))
		}
	}
	for i, d := range documents {
		first[i] = savedBody{}
		call(t, h, "GET", "/jobs/"+send(d).ID, "").into(t, 200, &first[i].Job)
	}
	check("noted", true)

	f.clock.step(24 * time.Hour)
	call(t, h, "POST", "/jobs/"+byID+"/pause", "").into(t, 200, new(savedBody))
	if got := send(documents[1]); !got.IsActive { // as the document says, whatever has become of the job
		t.Errorf("%+v", got)
	}
	got := send(sent{"PUT", "/jobs/by-key/new", laidOver(said)}) // the document is all that there is
	if !got.IsActive || got.NextFireAt == nil || !slices.Contains(got.Warnings, pauseIsOver) {
		t.Errorf("%+v", got)
	}
	short := call(t, h, "PUT", "/jobs/by-key/new", laidOver(said), "Prefer: return=minimal")
	if short.StatusCode != 200 || !strings.Contains(short.text, pauseIsOver) {
		t.Errorf("%d %s", short.StatusCode, short.text)
	}
	for _, d := range []sent{ // what was never right is refused
		{"PUT", "/jobs/by-key/new", laidOver(`"isActive":true,"pausedUntil":"2026-01-09T00:00:00Z"`)},
		{"PUT", "/jobs/by-key/never", laidOver(`"schedule":"@at 2026-01-01T01:00:00Z"`)},
	} {
		call(t, h, d.method, d.path, d.body).problem(t, 422)
	}
}

// TestBulkPauseWithAReason: each job of the operation gets it.
func TestBulkPauseWithAReason(t *testing.T) {
	for body, field := range map[string]string{
		`{"action":"RESUME","all":true,"query":{},"pause":{"reason":"x"}}`: "pause",
		`{"action":"PAUSE","all":true,"query":{},"pause":{"until":5}}`:     "pause.until",
		`{"action":"PAUSE","all":true,"query":{},"pause":{"nope":5}}`:      "pause.nope",
	} {
		h := newAPI(t, newFixture(t))
		if p := call(t, h, "POST", "/jobs/bulk", body).problem(t, 422); strings.Join(p.fields(), " ") != field {
			t.Errorf("%s: %v", body, p.fields())
		}
	}
	order, err := readBulk([]byte(`{"action":"PAUSE","all":true,"query":{},"pause":{"reason":"moved","until":` +
		`"2026-01-02T00:00:00Z"}}`))
	if o := &order.operation; err != nil || o.Pause != (domain.Pause{Reason: "moved", Until: base + 86_400_000}) ||
		o.Detail() != "PAUSE until 2026-01-02T00:00:00Z (moved) all" || operationBodyOf(o).Pause.Reason != "moved" {
		t.Errorf("%+v %v", order.operation, err)
	}
}

// TestPreviewOfAPause: the fires of a paused job are those from the end of its pause on.
func TestPreviewOfAPause(t *testing.T) {
	h := newAPI(t, newFixture(t))
	id := create(t, h, laidOver(`"schedule":"0 0 12 * * *"`))
	call(t, h, "POST", "/jobs/"+id+"/pause", `{"until":"2026-01-03T12:00:00Z"}`).into(t, 200, new(any))
	for body, want := range map[string][2]int64{
		`{}`:                                     {0, 0},
		`{"isActive":true}`:                      {2, 0},
		`{"pausedUntil":null}`:                   {0, 28},
		`{"pausedUntil":"2026-01-04T12:00:00Z"}`: {0, 1},
		`{"schedule":"0 0 13 * * *"}`:            {28, 28},
	} {
		var got changePreviewBody
		call(t, h, "POST", "/jobs/"+id+"/preview", body).into(t, 200, &got)
		if got.Fires.GainedCount != want[0] || got.Fires.LostCount != want[1] {
			t.Errorf("%s: %+v, want %v", body, got.Fires, want)
		}
	}
}
