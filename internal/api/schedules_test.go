package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPreview(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var got previewBody
	call(t, h, "POST", "/schedules/preview",
		`{"schedule":"0 30 2 * * *","timezone":"Europe/Berlin","after":"2026-03-28T00:00:00Z","count":3}`).into(
		t, 200, &got)
	want := []instant{
		{1774661400000, "2026-03-28T01:30:00Z", "2026-03-28T02:30:00+01:00", ""},
		{1774746000000, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00+02:00", "gap"}, // 02:30 does not exist
		{1774830600000, "2026-03-30T00:30:00Z", "2026-03-30T02:30:00+02:00", ""},
	}
	if diff := cmp.Diff(want, got.Next); diff != "" {
		t.Error(diff)
	}
	if got.Description == "" || len(got.DSTShifts) != 5 || got.DSTShifts[0].Date != "2026-03-29" ||
		got.DSTShifts[0].At != 1774746000000 || got.DSTShifts[0].Kind != "gap" || got.DSTShifts[1].Kind != "fold" {
		t.Errorf("%+v", got)
	}
}

func TestPreviewDefaults(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var got previewBody
	call(t, h, "POST", "/schedules/preview", `{"schedule":"* * * * * *","timezone":null}`).into(t, 200, &got)
	now := f.now()
	if len(got.Next) != 5 || len(got.Warnings) == 0 || got.DSTShifts == nil {
		t.Errorf("%+v", got)
	}
	if at := got.Next[0].At; at <= now || at > now+1000 {
		t.Errorf("the first instant is %d, asked at %d", at, now)
	}
	call(t, h, "POST", "/schedules/preview", `{"schedule":"@every 90m","after":"2026-01-01T00:00:00Z","count":2}`).into(
		t, 200, &got)
	if got.Next[0].UTC != "2026-01-01T01:30:00Z" || got.Next[1].UTC != "2026-01-01T03:00:00Z" {
		t.Errorf("@every counts from after: %+v", got.Next)
	}
	var same previewBody
	call(t, h, "POST", "/schedules/preview", `{"schedule":" @every 90m\n","timezone":"UTC\n","after":1767225600000.0,`+
		`"count":2e0}`).into(t, 200, &same)
	if diff := cmp.Diff(got, same); diff != "" {
		t.Errorf("after in milliseconds: %s", diff)
	}
	call(t, h, "POST", "/schedules/preview", `{"schedule":"@at 2031-05-01T12:00:00Z","count":9}`).into(t, 200, &got)
	if len(got.Next) != 1 {
		t.Errorf("@at fires once: %+v", got.Next)
	}
	call(t, h, "POST", "/schedules/preview", `{"schedule":"@at 2001-05-01T12:00:00Z"}`).into(t, 200, &got)
	if got.Next == nil || len(got.Next) != 0 {
		t.Errorf("nothing is left: %+v", got.Next)
	}
}

func TestWrongPreviews(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, tc := range []struct {
		body   string
		fields []string
	}{
		{`{}`, []string{"schedule"}},
		{`{"schedule":"x"}`, []string{"schedule"}},
		{`{"schedule":7}`, []string{"schedule"}},
		{`{"schedule":"@hourly","timezone":"Mars/Olympus"}`, []string{"timezone"}},
		{`{"schedule":"@hourly","count":0}`, []string{"count"}},
		{`{"schedule":"@hourly","count":1001}`, []string{"count"}},
		{`{"schedule":"@hourly","count":2.5}`, []string{"count"}},
		{`{"schedule":"@hourly","after":"yesterday"}`, []string{"after"}},
		{`{"schedule":"@hourly","after":"2026-01-01"}`, []string{"after"}},
		{`{"schedule":"@hourly","after":"1815-12-10T00:00:00Z"}`, []string{"after"}},
		{`{"schedule":"@hourly","after":1767225600}`, []string{"after"}},
		{`{"schedule":"@hourly","after":"1767225600000"}`, []string{"after"}},
		{`{"schedule":"@hourly","count":"5"}`, []string{"count"}},
		{`{"schedule":"@hourly","count":1e400}`, []string{"count"}},
		{`{"schedule":"@hourly","dst":{"gap":"X","fold":"Y"}}`, []string{"dst.fold", "dst.gap"}},
		{`{"schedule":"@hourly","dst":"X"}`, []string{"dst"}},
		{`{"schedule":"@hourly","jobId":"7"}`, []string{"jobId"}},
		{`{"schedule":"@hourly","cron":"7"}`, []string{"cron"}},
		{`{"schedule":"","count":-1,"after":"x","foo":1}`, []string{"after", "count", "foo", "schedule"}},
	} {
		p := call(t, h, "POST", "/schedules/preview", tc.body).problem(t, 422)
		if !slices.Equal(p.fields(), tc.fields) {
			t.Errorf("%s names %v, want %v", tc.body, p.fields(), tc.fields)
		}
	}
}

func TestPreviewOfAJob(t *testing.T) {
	h := newAPI(t, newFixture(t))
	seen := map[string]bool{}
	for _, id := range []string{"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1c",
		"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1d"} {
		body := `{"schedule":"H H H * * *","after":"2026-01-01T00:00:00Z","count":1,"jobId":"` + id + `"}`
		first := call(t, h, "POST", "/schedules/preview", body)
		if again := call(t, h, "POST", "/schedules/preview", body); again.text != first.text {
			t.Errorf("H moves: %s, then %s", first.text, again.text)
		}
		seen[first.text] = true
	}
	if len(seen) < 2 {
		t.Error("H does not depend on the job: " + strings.Join(slices.Collect(keysOf(seen)), ""))
	}
}

func keysOf(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
