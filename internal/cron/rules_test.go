package cron

import (
	"testing"
	"time"
)

// TestSplicedZone: up to the change a zone has its old rules, from then on the new ones; a reading that the change
// skips or repeats is treated as at any other change of the clock.
func TestSplicedZone(t *testing.T) {
	defer UseZones(nil)
	at := func(text string) int64 {
		x, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return x.Unix()
	}
	berlin, _ := Zones().Rules("Europe/Berlin")
	fixed, _ := Zones().Rules("Etc/GMT-1")   // without summer time
	forward, _ := Zones().Rules("Etc/GMT-3") // an hour ahead of the summer's
	change := at("2026-07-01T10:00:00Z")     // 12:00 in Berlin
	daily := func(text string, rules ...string) []string {
		UseZones(nil)
		pieces := []Rules{{Data: rules[0]}}
		if len(rules) > 1 {
			pieces = append(pieces, Rules{From: change, Data: rules[1]})
		}
		UseHistory(map[string][]Rules{"Europe/Berlin": pieces})
		s := mustParse(t, text, "Europe/Berlin", DST{})
		var out []string
		for now, ok := s.Next(at("2026-06-30T00:00:00Z"), Binding{}); ok && len(out) < 3; now,
			ok = s.Next(now, Binding{}) {
			out = append(out, time.Unix(now, 0).UTC().Format("02 15:04"))
		}
		return out
	}
	for _, c := range []struct {
		text string
		to   string
		want [3]string
	}{
		{"0 0 9 * * *", fixed, [3]string{"30 07:00", "01 07:00", "02 08:00"}},
		{"0 30 11 * * *", fixed, [3]string{"30 09:30", "01 09:30", "02 10:30"}}, // comes twice on the day of the change
		{"0 30 12 * * *", fixed, [3]string{"30 10:30", "01 11:30", "02 11:30"}},
		// is skipped on the day of the change
		{"0 30 12 * * *", forward, [3]string{"30 10:30", "01 10:00", "02 09:30"}},
	} {
		got := daily(c.text, berlin, c.to)
		for i := range c.want {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.text, got, c.want)
				break
			}
		}
	}
	if got := daily("0 0 9 * * *", berlin); got[2] != "02 07:00" {
		t.Errorf("rules that have not changed: %v", got)
	}
}

func TestDifferences(t *testing.T) {
	berlin, _ := Zones().Rules("Europe/Berlin")
	fixed, _ := Zones().Rules("Etc/GMT-1")
	if !SameRules(berlin, berlin) || SameRules(berlin, fixed) || SameRules("", berlin) {
		t.Error("SameRules")
	}
	from, to := int64(1_767_225_600), int64(1_798_761_600) // 2026
	got := Differences(berlin, fixed, from, to)
	if len(got) != 1 || time.Unix(got[0].From, 0).UTC().Format(time.RFC3339) != "2026-03-29T01:00:00Z" ||
		time.Unix(got[0].To, 0).UTC().Format(time.RFC3339) != "2026-10-25T01:00:00Z" {
		t.Errorf("%v", got)
	}
	if got := Differences(berlin, berlin, from, to); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
