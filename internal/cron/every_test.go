package cron

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestEvery(t *testing.T) {
	anchor := unix(t, "2026-01-01T00:00:10Z")
	for _, c := range []struct {
		text          string
		anchor, after int64
		want          int64
	}{
		{"@every 1h30m", anchor, anchor, anchor + 5400},
		{"@every 1h30m", anchor, anchor - 1, anchor + 5400},
		{"@every 1h30m", anchor, 0, anchor + 5400},
		{"@every 1h30m", anchor, anchor + 5399, anchor + 5400},
		{"@every 1h30m", anchor, anchor + 5400, anchor + 10800},
		{"@EVERY 1.5h", anchor, anchor + 5401, anchor + 10800},
		{"@every  10s", anchor, anchor + 1_000_003, anchor + 1_000_010},
		{"@every 1s", 0, 0, 1},
		{"@every 1s", 0, -1 << 63, 1},
		{"@every 10s", -5, -1 << 63, 5},
		{"@every 10s", -1 << 63, -1, 2}, // -2^63 = 2 mod 10
		{"@every 1s", -1 << 63, -1, 0},
		{"@every 87600h", 0, 0, 315_360_000},
	} {
		s := mustParse(t, c.text, "Europe/Berlin", DST{})
		if got, ok := s.Next(c.after, Binding{Anchor: c.anchor}); !ok || got != c.want {
			t.Errorf("%s from %d: Next(%d) = %d, want %d", c.text, c.anchor, c.after, got, c.want)
		}
	}
}

func TestEveryEnds(t *testing.T) {
	s := mustParse(t, "@every 1h", "", DST{})
	for _, anchor := range []int64{MaxInstant, MaxInstant + 1, 1<<63 - 1} {
		if got, ok := s.Next(0, Binding{Anchor: anchor}); ok {
			t.Errorf("anchored at the end, fires at %d", got)
		}
		if got, ok := s.Prev(1<<63-1, Binding{Anchor: anchor}); ok {
			t.Errorf("anchored at the end, fired at %d", got)
		}
	}
	b := Binding{Anchor: 1_000_000}
	if got, ok := s.Prev(1_003_600, b); ok {
		t.Errorf("Prev at the first fire finds %d", got)
	}
	if got, ok := s.Prev(1_003_601, b); !ok || got != 1_003_600 {
		t.Errorf("Prev after the first fire finds %d, %v", got, ok)
	}
}

// TestEveryAgreesWithOracle: the same law by multiplication and by trial.
func TestEveryAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := []string{"@every 1s", "@every 7s", "@every 1m1s", "@every 13m"}
		s, err := Parse(rapid.SampledFrom(texts).Draw(t, "text"), "UTC", DST{})
		if err != nil {
			t.Fatal(err)
		}
		b := Binding{Anchor: rapid.Int64Range(-5000, 5000).Draw(t, "anchor")}
		at := rapid.Int64Range(0, 10_000).Draw(t, "at")
		c := oracleOf(t, s, b)
		want, _ := c.Next(at, 20_000)
		if got, _ := s.Next(at, b); got != want {
			t.Fatalf("%s %+v: Next(%d) = %d, want %d", s, b, at, got, want)
		}
		want, found := c.Prev(at, 0)
		if got, ok := s.Prev(at, b); ok != found || got != want {
			t.Fatalf("%s %+v: Prev(%d) = %d (%v), want %d (%v)", s, b, at, got, ok, want, found)
		}
	})
}

func TestAt(t *testing.T) {
	s := mustParse(t, "@at 2026-03-01T09:00:00+01:00", "America/New_York", DST{})
	want := unix(t, "2026-03-01T08:00:00Z")
	if !s.Once() || mustParse(t, "@daily", "", DST{}).Once() {
		t.Error("Once is wrong")
	}
	if got, ok := s.Next(want-1, Binding{}); !ok || got != want {
		t.Errorf("Next = %d, %v", got, ok)
	}
	if got, ok := s.Next(want, Binding{}); ok {
		t.Errorf("a second fire at %d", got)
	}
	if got, ok := s.Prev(want+1, Binding{}); !ok || got != want {
		t.Errorf("Prev = %d, %v", got, ok)
	}
	if got, ok := s.Prev(want, Binding{}); ok {
		t.Errorf("a fire before it at %d", got)
	}
	for _, text := range []string{"@at 2026-03-01T08:00:00Z", "@AT 2026-03-01T08:00:00.000Z",
		"@at 2026-03-01T13:45:00+05:45"} {
		if got, _ := mustParse(t, text, "", DST{}).Next(0, Binding{}); got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
}

func TestNamedErrors(t *testing.T) {
	for _, c := range []struct {
		text, hint string
		pos        int
	}{
		{"@every", "use a duration in h, m and s, such as @every 1h30m", 7},
		{"@every 5", "use a duration in h, m and s, such as @every 1h30m", 8},
		{"@every 0s", "use 1s or more", 8},
		{"@every -5m", "use 1s or more", 8},
		{"@every 500ms", "use 1s or more, without a fraction", 8},
		{"@every 1.5s", "use 1s or more, without a fraction", 8},
		{"@every 1s1ns", "use 1s or more, without a fraction", 8},
		{"@every 1d", "use @every 24h; a day is 24h of real time here, @daily follows the clock; it counts from the " +
			"creation of the job, the first fire is one period later", 9},
		{"@every 2w", "use @every 336h; a day is 24h of real time here, @daily follows the clock; it counts from the " +
			"creation of the job, the first fire is one period later", 9},
		{"@every 87601h", "use 87600h (ten years) or less", 8},
		{"@every 99999999999999h", "use a duration in h, m and s, such as @every 1h30m", 8},
		{"@every 5m 5s", "use @every 5m5s; it counts from the creation of the job, the first fire is one " +
			"period later", 8},
		{"@at", "use RFC 3339 with an offset, such as @at 2026-03-01T09:00:00+01:00 or @at 2026-03-01T08:00:00Z", 4},
		{"@at 2026-03-01", "use RFC 3339 with an offset, such as @at 2026-03-01T09:00:00+01:00 or @at " +
			"2026-03-01T08:00:00Z", 5},
		{"@at 2026-03-01T09:00:00", "use @at 2026-03-01T09:00:00Z; without an offset it was read in the zone " +
			"of the job", 5},
		{"@at 2026-02-30T09:00:00Z", "use RFC 3339 with an offset, such as @at 2026-03-01T09:00:00+01:00 or @at " +
			"2026-03-01T08:00:00Z", 5},
		{"@at 2026-03-01T09:00:00.5Z", "leave the fraction out", 5},
		{"@at 1969-12-31T23:59:59Z", "use an instant in the years 1970 to 2199 (UTC)", 5},
		{"@at 2200-01-01T00:00:00Z", "use an instant in the years 1970 to 2199 (UTC)", 5},
		{"@at 2199-12-31T23:59:59Z", "", 0},
		{"@at 2200-01-01T00:00:00+01:00", "", 0}, // 2199-12-31T23:00:00Z
		{"@daily 5", "use @daily alone", 8},
		{"@reboot", "Belfry runs jobs by the clock, not at a start; use @yearly, @monthly, @weekly, @daily, @hourly, " +
			"@every 5m or @at 2026-01-02T15:04:05Z", 1},
		{"  @nightly", "use @yearly, @monthly, @weekly, @daily, @hourly, @every 5m or @at 2026-01-02T15:04:05Z", 3},
	} {
		_, err := Parse(c.text, "", DST{})
		if c.pos == 0 {
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Field != "schedule" || e.Hint != c.hint || e.Pos != c.pos {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
