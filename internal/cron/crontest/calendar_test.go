package crontest

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNothingIsShared: the oracle is worth something only while it does not use what it judges.
func TestNothingIsShared(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			if strings.Contains(imp.Path.Value, ".") { // anything but the standard library
				t.Errorf("%s imports %s", name, imp.Path.Value)
			}
		}
	}
}

// TestByHand checks the oracle itself, forwards and backwards. Calendar facts: cal(1) for 2026 and zdump(8) for Berlin
// (2026-03-29 01:59:59+01 -> 03:00:00+02, 2026-10-25 02:59:59+02 -> 02:00:00+01) and Apia (2011-12-30 was skipped).
func TestByHand(t *testing.T) {
	for _, c := range []struct {
		job      Job
		from, to string
		want     []string
	}{
		{Job{Text: "0 30 9 * * MON-FRI"}, "2026-01-02T00:00:00Z", "2026-01-06T00:00:00Z",
			[]string{"2026-01-02T09:30:00Z", "2026-01-05T09:30:00Z"}},
		{Job{Text: "*/20 9 * * *"}, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z",
			[]string{"2026-01-02T09:00:00Z", "2026-01-02T09:20:00Z", "2026-01-02T09:40:00Z"}},
		{Job{Text: "0 0 22-2/2 1 jan ?"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z",
			[]string{"2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z", "2026-01-01T22:00:00Z"}},
		{Job{Text: "0 0 0 13 * FRI"}, "2026-02-10T00:00:00Z", "2026-03-01T00:00:00Z",
			[]string{"2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z"}},
		{Job{Text: "0 0 0 L-1,LW,15W 5,8 ? 2026"}, "2026-01-01T00:00:00Z", "2027-12-31T00:00:00Z",
			[]string{"2026-05-15T00:00:00Z", "2026-05-29T00:00:00Z", "2026-05-30T00:00:00Z", "2026-08-14T00:00:00Z",
				"2026-08-30T00:00:00Z", "2026-08-31T00:00:00Z"}},
		{Job{Text: "0 0 0 ? * FRI#2,7L"}, "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z",
			[]string{"2026-05-08T00:00:00Z", "2026-05-31T00:00:00Z"}},
		{Job{Text: "0 0 0 ? * 6-7"}, "2026-05-01T00:00:00Z", "2026-05-05T00:00:00Z",
			[]string{"2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z"}},
		{Job{Text: "@monthly"}, "2026-01-02T00:00:00Z", "2026-03-02T00:00:00Z",
			[]string{"2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"}},
		{Job{Text: "@every 45m", Anchor: 1767225600}, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z",
			[]string{"2026-01-01T00:45:00Z", "2026-01-01T01:30:00Z"}},
		{Job{Text: "@at 2026-01-01T00:45:00+00:00"}, "2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z",
			[]string{"2026-01-01T00:45:00Z"}},
		// Seed 0: second 52, minute 25, hour 0; H/15 begins at 6 (internal/cron/hash_test.go).
		{Job{Text: "H H H * * *"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", []string{"2026-01-01T00:25:52Z"}},
		{Job{Text: "H/15 3 * * *"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z",
			[]string{"2026-01-01T03:06:00Z", "2026-01-01T03:21:00Z", "2026-01-01T03:36:00Z", "2026-01-01T03:51:00Z"}},
		{Job{Text: "0 H(30-59) 3 * * *"}, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z",
			[]string{"2026-01-01T03:42:00Z"}},

		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin"}, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z",
			[]string{"2026-03-29T01:00:00Z"}},
		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin", Gap: "SKIP"}, "2026-03-29T00:00:00Z",
			"2026-03-30T00:00:00Z", nil},
		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin", Gap: "BEFORE"}, "2026-03-29T00:00:00Z",
			"2026-03-30T00:00:00Z", []string{"2026-03-29T00:59:59Z"}},
		{Job{Text: "0 30 * * * *", Zone: "Europe/Berlin"}, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z",
			[]string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"}},
		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin"}, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z"}},
		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin", Fold: "SECOND"}, "2026-10-24T12:00:00Z",
			"2026-10-25T12:00:00Z", []string{"2026-10-25T01:30:00Z"}},
		{Job{Text: "0 30 2 * * *", Zone: "Europe/Berlin", Fold: "BOTH"}, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"}},
		{Job{Text: "0 0 9 * * *", Zone: "Pacific/Apia"}, "2011-12-29T12:00:00Z", "2011-12-31T00:00:00Z",
			[]string{"2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"}},
	} {
		calendar, err := New(c.job)
		if err != nil {
			t.Errorf("%+v: %v", c.job, err)
			continue
		}
		from, to := instant(t, c.from), instant(t, c.to)
		var got []string
		for _, at := range calendar.Between(from, to, 100) {
			got = append(got, time.Unix(at, 0).UTC().Format(time.RFC3339))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n got %v\nwant %v", c.job, got, c.want)
		}
		var back []string
		for at, ok := calendar.Prev(to, from); ok; at, ok = calendar.Prev(at, from) {
			back = append(back, time.Unix(at, 0).UTC().Format(time.RFC3339))
		}
		if slices.Reverse(back); !slices.Equal(back, c.want) {
			t.Errorf("%+v backwards:\n got %v\nwant %v", c.job, back, c.want)
		}
	}
}

func instant(t *testing.T, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Unix()
}

// TestLeapsLoseNothing: Between with leaps gives what Fires says of every single second.
func TestLeapsLoseNothing(t *testing.T) {
	for _, gap := range []string{"AFTER", "SKIP", "BEFORE"} {
		for _, at := range []string{"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"} {
			c, err := New(Job{Text: "0 0,30 0,2,3 * * SUN", Zone: "Europe/Berlin", Gap: gap})
			if err != nil {
				t.Fatal(err)
			}
			from, to := instant(t, at)-8*3600, instant(t, at)+8*3600
			var want []int64
			for s := from; s < to; s++ {
				if c.Fires(s) {
					want = append(want, s)
				}
			}
			if got := c.Between(from, to, 100); !slices.Equal(got, want) {
				t.Errorf("%s at %s: %v, want %v", gap, at, got, want)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, j := range []Job{{Text: "* * *"}, {Text: "@every x"}, {Text: "@at x"}, {Text: "x * * * *"},
		{Text: "* * LL * *"},
		{Text: "* * * * FOO#2"}, {Text: "* * * * FOOL"}, {Text: "* * * * *", Zone: "Mars/Olympus"},
		{Text: "1-x * * * *"},
		{Text: "H(1-x) * * * *"}} {
		if c, err := New(j); err == nil {
			t.Errorf("%+v: %+v", j, c)
		}
	}
}

// TestMixIsFifty: the figures speak of a median over fifty.
func TestMixIsFifty(t *testing.T) {
	if len(Mix) != 50 {
		t.Errorf("%d expressions", len(Mix))
	}
}
