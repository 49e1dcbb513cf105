package domain

import (
	"strings"
	"testing"
	"time"
)

func instant(t *testing.T, text string) int64 {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return when.UnixMilli()
}

func TestSilence(t *testing.T) {
	from, to := instant(t, "2026-03-02T10:00:00Z"), instant(t, "2026-03-02T11:00:00Z")
	s := Silence{ID: "s", Reason: "new disks", From: from, To: to, Limit: "pay", Match: AlertMatcher{Tag: "disk"}}
	for at, want := range map[int64]bool{from - 1: false, from: true, to - 1: true, to: false} {
		if q, acts := s.At(at); acts != want || q.Until != to || q.Kind != QuietSilence || q.ID != "s" {
			t.Errorf("at %d: %t, %+v", at, acts, q)
		}
	}
	q, _ := s.At(from)
	for _, c := range []struct {
		spec Spec
		want bool
	}{
		{Spec{Namespace: "pay", Tags: []string{"disk"}}, true}, {Spec{Namespace: "pay"}, false},
		{Spec{Namespace: "other", Tags: []string{"disk"}}, false},
	} {
		if q.Covers(JobID{1}, &c.spec) != c.want {
			t.Errorf("%+v: %t", c.spec, !c.want)
		}
	}
	all, _ := (&Silence{From: from, To: to}).At(from)
	if q.CoversAll() || !all.CoversAll() {
		t.Error("a silence with a matcher is of all jobs, or one without is not")
	}
	for field, s := range map[string]Silence{
		"reason": {From: 1, To: 2}, "endsAt": {Reason: "x", From: 2, To: 2},
		"match.host": {Reason: "x", To: 1, Match: AlertMatcher{Host: "a b"}},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	s.To = s.From + maxSilenceMs
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if s.To++; s.Validate() == nil {
		t.Error("a silence of more than a year is accepted")
	}
}

// A window begins by the clock of its zone and lasts as long as it says, also where the clocks are changed.
func TestMaintenance(t *testing.T) {
	const berlin, utc = "Europe/Berlin", ""
	for _, c := range []struct {
		schedule, zone string
		lasts          time.Duration
		at, until      string // until "": it is not within
	}{
		{"0 30 4 * * MON", berlin, 45 * time.Minute, "2026-03-02T03:29:59Z", ""},
		{"0 30 4 * * MON", berlin, 45 * time.Minute, "2026-03-02T03:30:00Z", "2026-03-02T04:15:00Z"},
		{"0 30 4 * * MON", berlin, 45 * time.Minute, "2026-03-02T04:14:59Z", "2026-03-02T04:15:00Z"},
		{"0 30 4 * * MON", berlin, 45 * time.Minute, "2026-03-02T04:15:00Z", ""},
		{"0 30 4 * * MON", berlin, 45 * time.Minute, "2026-03-03T03:45:00Z", ""},
		// The day on which 02:00 becomes 03:00: three hours from 01:00 are until 05:00.
		{"0 0 1 * * *", berlin, 3 * time.Hour, "2026-03-28T23:59:59Z", ""},
		{"0 0 1 * * *", berlin, 3 * time.Hour, "2026-03-29T02:59:59Z", "2026-03-29T03:00:00Z"},
		{"0 0 1 * * *", berlin, 3 * time.Hour, "2026-03-29T03:00:00Z", ""},
		// 02:30 is not there: the window begins when the clocks have been changed.
		{"0 30 2 * * *", berlin, time.Hour, "2026-03-29T00:59:59Z", ""},
		{"0 30 2 * * *", berlin, time.Hour, "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"},
		// The day on which 03:00 becomes 02:00: 02:30 is there twice, and the window once.
		{"0 30 2 * * *", berlin, 30 * time.Minute, "2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z"},
		{"0 30 2 * * *", berlin, 30 * time.Minute, "2026-10-25T01:45:00Z", ""},
		{"0 0 1 * * *", berlin, 3 * time.Hour, "2026-10-25T01:59:59Z", "2026-10-25T02:00:00Z"},
		// What begins before the one before has ended goes on.
		{"0 0 22 * * *", utc, 25 * time.Hour, "2026-03-02T12:00:00Z", ""},
		{"0 0 10,11 * * *", utc, 90 * time.Minute, "2026-03-02T10:15:00Z", "2026-03-02T12:30:00Z"},
		{"0 0 10,11 * * *", utc, time.Hour, "2026-03-02T10:15:00Z", "2026-03-02T12:00:00Z"},
		{"0 0 10,12 * * *", utc, time.Hour, "2026-03-02T10:15:00Z", "2026-03-02T11:00:00Z"},
	} {
		w := Maintenance{ID: "w", Reason: "backup", Schedule: c.schedule, Timezone: c.zone,
			DurationMs: c.lasts.Milliseconds()}
		if err := w.Validate(); err != nil {
			t.Fatal(err)
		}
		until, in := w.In(instant(t, c.at))
		if c.lasts == 25*time.Hour { // it never ends: until is as far as is looked
			if in && until > instant(t, c.at)+24*60*60_000 {
				continue
			}
		} else if in == (c.until != "") && (!in || until == instant(t, c.until)) {
			continue
		}
		t.Errorf("%s %s for %s at %s: %t until %s, want %q", c.schedule, c.zone, c.lasts, c.at, in,
			time.UnixMilli(until).UTC(), c.until)
	}
	for field, w := range map[string]Maintenance{
		"reason": {Schedule: "0 0 * * * *", DurationMs: 60_000}, "durationMs": {Reason: "x", Schedule: "0 0 * * * *"},
		"schedule": {Reason: "x", Schedule: "never", DurationMs: 60_000},
		"timezone": {Reason: "x", Schedule: "0 0 * * * *", Timezone: "Mars/Base", DurationMs: 60_000},
	} {
		if err := w.Validate(); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	always := Maintenance{Schedule: "* * * * * *", DurationMs: 60_000}
	if _, in := always.In(1); !in {
		t.Error("not within a window that is always")
	}
	if always.Disabled = true; func() bool { _, in := always.In(1); return in }() {
		t.Error("a window that is disabled acts")
	}
	if broken := (Maintenance{Schedule: "?", DurationMs: 60_000}); func() bool { _, in := broken.In(1); return in }() {
		t.Error("a window that cannot be read acts")
	}
}
