package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// foreign is a text of another scheduler. Its meaning there is written by hand, from the
// documentation of that scheduler, without the help of package dialect.
type foreign struct {
	text  string
	zone  string // that of the job; empty is UTC
	offer string // what the hint has to offer; empty: nothing
	// the first fires from 2026-01-01 00:00 on, in the zone of the offer: all that the text has in that time
	fires string
	says  string // a part of the hint
}

// The fires of the tables count from here, a Thursday. A job with a period was created at it.
const foreignFrom = "2026-01-01T00:00:00Z"

// checkForeign reads a text, takes what is offered, and compares its fires with those of the table.
func checkForeign(t *testing.T, c *foreign) {
	t.Helper()
	_, err := Parse(c.text, c.zone, DST{})
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%q: taken, error %v", c.text, err)
		return
	}
	if !strings.Contains(e.Msg+"; "+e.Hint, c.says) {
		t.Errorf("%q: %v\nwant %q in it", c.text, e, c.says)
	}
	if e.Suggestion == nil {
		if c.offer != "" {
			t.Errorf("%q: no offer in %v\nwant %q", c.text, e, c.offer)
		}
		return
	}
	if got := e.Suggestion.String(); got != c.offer || !strings.HasPrefix(e.Hint, "use "+got) {
		t.Errorf("%q: offers %q with the hint %q, want %q", c.text, got, e.Hint, c.offer)
		return
	}
	zone := c.zone
	if e.Suggestion.Timezone != "" {
		zone = e.Suggestion.Timezone
	}
	if got := firesOf(t, e.Suggestion.Schedule, zone, strings.Count(c.fires, ",")+1); got != c.fires {
		t.Errorf("%q: %q fires at\n%s\nwant\n%s", c.text, e.Suggestion, got, c.fires)
	}
}

// firesOf lists the first fires from foreignFrom on in the form of the tables, which
// leave out the usual values: the year 2026 and the second 0.
func firesOf(t *testing.T, text, zone string, n int) string {
	t.Helper()
	s, err := Parse(text, zone, DST{})
	if err != nil {
		t.Error(err)
		return ""
	}
	from := unix(t, foreignFrom)
	_, offset := time.Unix(from, 0).In(s.Location()).Zone()
	at := from - int64(offset) - 1 // midnight there
	if s.kind == kindEvery {
		at = from
	}
	var fires []string
	for range n {
		next, ok := s.Next(at, Binding{Anchor: from})
		if !ok {
			break
		}
		at = next
		reading := time.Unix(at, 0).In(s.Location()).Format("2006-01-02 15:04:05")
		fires = append(fires, strings.TrimSuffix(strings.TrimPrefix(reading, "2026-"), ":00"))
	}
	return strings.Join(fires, ", ")
}

// TestForeignTexts: what a hint offers fires when the text fires where it comes from.
func TestForeignTexts(t *testing.T) {
	for _, table := range foreignTables {
		t.Run(table.name, func(t *testing.T) {
			for i := range table.rows {
				checkForeign(t, &table.rows[i])
			}
		})
	}
}

// foreignTables are the notations, each with the documentation that its rows follow.
var foreignTables = []struct {
	name string
	rows []foreign
}{
	{"EventBridge", foreignEventBridge},
	{"Quartz", foreignQuartz},
	{"systemd", foreignSystemd},
	{"crontab", foreignCrontab},
	{"ISO 8601", foreignISO},
	{"English", foreignEnglish},
}

// TestForeignH: the value that H has is that of the job, so the rows say within which bounds it fires, and how often.
func TestForeignH(t *testing.T) {
	for _, c := range []struct {
		text, offer string
		perDay      int
		from, to    string // times of day, both are in it
	}{
		{"TZ=Europe/London\nH 8 * * *", `H 8 * * * with "timezone": "Europe/London"`, 1, "08:00", "08:59"},
		{"# every night\nH H(0-7) * * *", "H H(0-7) * * *", 1, "00:00", "07:59"},
		{"# four times an hour\nH/15 8 * * *\n", "H/15 8 * * *", 4, "08:00", "08:59"},
		{"\"H(0-29)/10 6 * * *\"", "H(0-29)/10 6 * * *", 3, "06:00", "06:29"},
		{"H H(9-16)/2 * * * /usr/bin/true", "H H(9-16)/2 * * *", 4, "09:00", "16:59"},
	} {
		_, err := Parse(c.text, "", DST{})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Suggestion == nil || e.Suggestion.String() != c.offer {
			t.Errorf("%q: %v, want %q", c.text, err, c.offer)
			continue
		}
		s := mustParse(t, e.Suggestion.Schedule, e.Suggestion.Timezone, DST{})
		for seed := range uint64(50) {
			at := unix(t, foreignFrom) - 1 // London is at UTC in January
			for day := range 3 {
				for range c.perDay {
					at, _ = s.Next(at, Binding{Seed: seed})
					fire := time.Unix(at, 0).In(s.Location())
					clock := fire.Format("15:04")
					if fire.Day() != day+1 || clock < c.from || clock > c.to || fire.Second() != 0 {
						t.Errorf("%q: %q of job %d fires at %s", c.text, s, seed, fire)
					}
				}
			}
		}
	}
}
