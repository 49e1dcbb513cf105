package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestForecast: what is due in each step, of all jobs and of those that a filter selects. The jobs are made just
// after the beginning of the first step, so that its fires are not theirs.
func TestForecast(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	half := create(t, h, laidOver(`"schedule":"0 0,30 * * * *","name":"half","tags":["a","b"],`+
		`"api":"http://one.example/"`))
	create(t, h, laidOver(`"schedule":"0 0 * * * *","tags":["b"],"api":"http://two.example/","namespace":"n"`))
	create(t, h, laidOver(`"schedule":"* * * * * *","isActive":false`))
	for query, want := range map[string]string{
		"step=hour":                     "week of hours, 502 fires of 2 jobs, most 3",
		"":                              "day of minutes, 70 fires of 2 jobs, most 2",
		"step=second":                   "hour of seconds, 1 fires of 2 jobs, most 1",
		"step=hour&tag=a":               "week of hours, 335 fires of 1 jobs, most 2",
		"step=hour&namespace=n":         "week of hours, 167 fires of 1 jobs, most 1",
		"step=hour&host=one.example":    "week of hours, 335 fires of 1 jobs, most 2",
		"step=hour&host=three.example":  "week of hours, 0 fires of 0 jobs, most 0",
		"from=2026-01-02&to=2026-01-02": "",

		"step=hour&from=2026-02-01T00:10:00Z&to=2026-02-01T01:00:00Z": "1 of hours, 3 fires of 2 jobs, most 3",
	} {
		res := call(t, h, "GET", "/forecast?"+query, "")
		if want == "" {
			res.problem(t, 400)
			continue
		}
		var got forecastBody
		res.into(t, 200, &got)
		const hour = 3_600_000
		length := map[int64]string{hour: "hour", 24 * hour: "day", 7 * 24 * hour: "week"}[got.To-got.From]
		if len(got.Points) == 1 {
			length = "1"
		}
		most, total := int64(0), int64(0)
		for _, p := range got.Points {
			most, total = max(most, p.Count), total+p.Count
		}
		if total != got.Total || got.Truncated || (got.Peak == nil) != (total == 0) {
			t.Errorf("%s: %d in the points; %+v", query, total, got)
		}
		if is := fmt.Sprintf("%s of %ss, %d fires of %d jobs, most %d", length, got.Step, got.Total, got.Jobs,
			most); is != want {
			t.Errorf("%s: %s, want %s", query, is, want)
		}
	}
	var got forecastBody
	call(t, h, "GET", "/forecast?step=hour", "").into(t, 200, &got)
	if len(got.Peak.Jobs) != 2 || got.Peak.Jobs[0] != (forecastJob{half, "half", 2}) {
		t.Errorf("%+v", got.Peak)
	}
	if s := fmt.Sprint(got.ByHost, got.ByTag, got.ByNamespace); s != "[{http://one.example:80 335} "+
		"{http://two.example:80 167}] [{b 502} {a 335}] [{default 335} {n 167}]" {
		t.Error(s)
	}
}

// TestFiresAfterAPause: whatever tells of fires that are not due yet has those from the end of a pause on, and none
// before it.
func TestFiresAfterAPause(t *testing.T) {
	h := newAPI(t, newFixture(t))
	active := create(t, h, laidOver(`"schedule":"0 30 * * * *"`))
	ends := create(t, h, laidOver(`"schedule":"0 0 * * * *","isActive":false,"pausedUntil":"2026-01-01T02:00:00Z"`))
	stays := create(t, h, laidOver(`"schedule":"0 0 * * * *","isActive":false,"pausedReason":"x"`))
	var got forecastBody
	call(t, h, "GET", "/forecast?step=hour", "").into(t, 200, &got)
	if got.Jobs != 2 || got.Points[0].Count != 1 || got.Points[1].Count != 1 || got.Points[2].Count != 2 ||
		got.Points[100].Count != 2 || got.Peak.At != base+2*3_600_000 {
		t.Errorf("%d jobs, %v, the peak is %+v", got.Jobs, got.Points[:4], got.Peak)
	}
	for query, want := range map[string]string{
		"sort=nextFireAt":                                    active + ends + stays,
		"nextFireBefore=2026-01-01T02:00:01Z":                active + ends,
		"nextFireBefore=2026-01-01T02:00:00Z":                active,
		"nextFireBefore=2026-01-01T02:00:01Z&isActive=false": ends,
	} {
		var list jobsBody
		call(t, h, "GET", "/jobs?"+query, "").into(t, 200, &list)
		ids := ""
		for _, j := range list.Jobs {
			ids += j.ID
		}
		if ids != want {
			t.Errorf("%s: %s, want %s", query, ids, want)
		}
	}
	for id, want := range map[string]string{
		active: "0 gained, 0 lost", ends: "1 gained, 0 lost", stays: "720 gained, 0 lost",
	} {
		var got changePreviewBody
		call(t, h, "POST", "/jobs/"+id+"/preview", `{"isActive":true}`).into(t, 200, &got)
		if is := fmt.Sprintf("%d gained, %d lost", got.Fires.GainedCount, got.Fires.LostCount); is != want {
			t.Errorf("a resume: %s, want %s", is, want)
		}
	}
}

// TestForecastIsKept for a while, and not for longer.
func TestForecastIsKept(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	create(t, h, laidOver(`"schedule":"0 0 * * * *"`))
	fires := func() int64 {
		var got forecastBody
		call(t, h, "GET", "/forecast?step=hour", "").into(t, 200, &got)
		return got.Total
	}
	first := fires()
	create(t, h, laidOver(`"schedule":"0 0 * * * *"`))
	if again := fires(); again != first {
		t.Errorf("%d fires, and then %d", first, again)
	}
	f.clock.step(forecastAge * time.Millisecond)
	if later := fires(); later != 2*first {
		t.Errorf("%d fires, and later %d", first, later)
	}
}

// TestForecastOfANamespace: a confined key gets its own jobs, also of what was kept.
func TestForecastOfANamespace(t *testing.T) {
	w := newTenants(t)
	var all, ours forecastBody
	call(t, w.admin, "GET", "/forecast?step=hour", "").into(t, 200, &all)
	call(t, w.billing, "GET", "/forecast?step=hour", "").into(t, 200, &ours)
	if all.Jobs != 2 || ours.Jobs != 1 || strings.Contains(fmt.Sprint(ours), "default") {
		t.Errorf("all %+v, ours %+v", all, ours)
	}
	call(t, w.billing, "GET", "/forecast?namespace=default", "").problem(t, 403)
	for _, query := range []string{"step=day", "from=2025-12-01T00:00:00Z", "to=2025-12-01T00:00:00Z",
		"step=second&to=2026-01-01T03:00:00Z", "from=x", "tag=" + strings.Repeat("x", 201)} {
		call(t, w.admin, "GET", "/forecast?"+query, "").problem(t, 400)
	}
}

// TestForecastReadsPages: jobs of the second page count, too.
func TestForecastReadsPages(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var lines strings.Builder
	for range forecastPiece + 1 {
		lines.WriteString(`{"schedule":"0 0 * * * *","api":"http://h/","type":"ATLEAST_ONCE"}` + "\n")
	}
	call(t, h, "POST", "/jobs/import", lines.String(), "Content-Type: application/x-ndjson").into(t, 200, new(any))
	var got forecastBody
	call(t, h, "GET", "/forecast?step=hour", "").into(t, 200, &got)
	if got.Jobs != forecastPiece+1 || got.Peak.Count != forecastPiece+1 || len(got.Peak.Jobs) != 1 {
		t.Errorf("%d jobs, peak %+v", got.Jobs, got.Peak)
	}
}
