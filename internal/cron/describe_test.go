package cron

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDescribe(t *testing.T) {
	for text, want := range map[string]string{
		// Times of day.
		"0 30 9 * * MON-FRI":   "At 09:30:00 on Monday through Friday",
		"30 9 * * *":           "At 09:30:00 every day",
		"0 0 0 * 6 *":          "At 00:00:00 every day in June",
		"0 0 9,17 * * *":       "At 09:00:00 and 17:00:00 every day",
		"0,30 0 9 * * *":       "At 09:00:00 and 09:00:30 every day",
		"0 0,20,40 8,20 * * *": "At 08:00:00, 08:20:00, 08:40:00, 20:00:00, 20:20:00 and 20:40:00 every day",
		"@daily":               "At 00:00:00 every day",
		"@weekly":              "At 00:00:00 on Sunday",
		"@monthly":             "At 00:00:00 on day 1 of the month",
		"@yearly":              "At 00:00:00 on day 1 of January",
		// Periods.
		"* * * * * *":        "Every second",
		"*/10 * * * * *":     "Every 10 seconds",
		"5/20 * * * * *":     "Every 20 seconds from second 5 through 45 of every minute",
		"0,30 * * * * *":     "At seconds 0 and 30 of every minute",
		"* * * * *":          "Every minute",
		"15 * * * * *":       "Every minute at second 15",
		"*/5 * * * *":        "Every 5 minutes",
		"0 */7 * * * *":      "Every 7 minutes from minute 0 through 56 of every hour",
		"0 */5 9-17 * * 1-5": "Every 5 minutes in the hours 09 through 17 on Monday through Friday",
		"*/5 9 * * *":        "Every 5 minutes in the hour 09",
		"0 10,20-30 * * * *": "At minutes 10 and 20 through 30 of every hour",
		"0 10,20 9-17 * * *": "At minutes 10 and 20 in the hours 09 through 17 every day",
		"0 0-59 2 * * *":     "Every minute in the hour 02",
		"@hourly":            "Every hour",
		"30 * * * *":         "At minute 30 of every hour",
		"15 30 * * * *":      "At minute 30, second 15 of every hour",
		"0 0 9-17 * * *":     "Every hour from 09:00:00 through 17:00:00",
		"0 0 */2 * * *":      "Every 2 hours from 00:00:00 through 22:00:00",
		"0 0 22-2 * * *":     "At minute 0 in the hours 22 through 02 every day",
		"0 0 22-3/2 * * *":   "At minute 0 in every 2nd hour from 22 through 02",
		"0 30 1,3,5-9 * * *": "At minute 30 in the hours 01, 03 and 05 through 09 every day",
		"* 30 2 * * *":       "Every second in minute 30 in the hour 02",
		"*/2 1,2 * * * *":    "Every 2 seconds in minutes 1 and 2 of every hour",
		"0/30 * 5 * * *":     "Every 30 seconds in the hour 05",
		"1,2 * 5 * * *":      "At seconds 1 and 2 of every minute in the hour 05",
		"30 5/15 */2 * * *": "Every 15 minutes from minute 5 through 50 at second 30 in every 2nd hour " +
			"from 00 through 22",
		"0 */5 * 1 * *":               "Every 5 minutes on day 1 of the month",
		"0 */5 * * JAN,FEB,MAR-MAY *": "Every 5 minutes in January, February and March through May",
		// Days.
		"0 0 12 13 * FRI": "At 12:00:00 on day 13 of the month or on Friday",
		"0 0 12 13 1 FRI": "At 12:00:00 on day 13 of the month or on Friday in January",
		"0 0 0 1,15 * *":  "At 00:00:00 on days 1 and 15 of the month",
		"0 0 0 1-7 3 ?":   "At 00:00:00 on days 1 through 7 of March",
		"0 0 0 */2 */3 *": "At 00:00:00 on every 2nd day from 1 through 31 of January, April, " +
			"July and October",
		"0 0 0 29 2 *":   "At 00:00:00 on day 29 of February",
		"0 0 0 L * ?":    "At 00:00:00 on the last day of the month",
		"0 0 0 L-1 * ?":  "At 00:00:00 on the day before the last day of the month",
		"0 0 0 L-2 * ?":  "At 00:00:00 on the 2nd day before the last day of the month",
		"0 0 0 LW 3,6 ?": "At 00:00:00 on the last weekday (Monday to Friday) of March and June",
		"0 0 0 1,15W * ?": "At 00:00:00 on day 1 and the weekday (Monday to Friday) nearest to day " +
			"15 of the month",
		"0 0 0 ? * FRI#2":            "At 00:00:00 on the second Friday of the month",
		"0 0 0 ? * MON,0L":           "At 00:00:00 on Monday and the last Sunday of the month",
		"0 0 0 ? 5 5#5":              "At 00:00:00 on the fifth Friday of the month in May",
		"0 0 0 ? * 1-5/2":            "At 00:00:00 on Monday, Wednesday and Friday",
		"0 0 0 ? * FRI-MON":          "At 00:00:00 on Friday through Monday",
		"0 0 0 ? * 5-7":              "At 00:00:00 on Friday through Sunday",
		"0 0 0 1 1 ? 2027":           "At 00:00:00 on day 1 of January, in 2027",
		"0 0 0 1 11-2/2 ? 2027-2030": "At 00:00:00 on day 1 of November and January, in 2027 through 2030",
		"0 0 0 1 1 ? 2026/2":         "At 00:00:00 on day 1 of January, in every 2nd year from 2026 through 2198",
		"0 0 0 1/11 * ?":             "At 00:00:00 on every 11th day from 1 through 23 of the month",
		"0 0 0 1/3 * ?":              "At 00:00:00 on every 3rd day from 1 through 31 of the month",
		// H is resolved: seed 0 has second 52, minute 25, hour 0 (hash_test.go).
		"H H H * * *":             "At 00:25:52 every day",
		"0 H/15 * * * *":          "Every 15 minutes from minute 6 through 51 of every hour",
		"H(0-9) H(30-59) 3 * * *": "At 03:42:08 every day",
	} {
		s := mustParse(t, text, "Europe/Berlin", DST{})
		if got := s.Describe(Binding{}); got != want+", Europe/Berlin time." {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestDescribeOthers(t *testing.T) {
	anchor := unix(t, "2026-01-01T06:00:00Z")
	for text, want := range map[string]string{
		"@every 90m":                     "Every 1 hour 30 minutes, counted from 2026-01-01 06:00:00 UTC.",
		"@every 48h0m1s":                 "Every 48 hours 1 second, counted from 2026-01-01 06:00:00 UTC.",
		"@at  2026-03-01T09:00:00+01:00": "Once, at 2026-03-01T09:00:00+01:00 (2026-03-01 08:00:00 UTC).",
		"0 0 12 * * *":                   "At 12:00:00 every day, UTC time.",
	} {
		if got := mustParse(t, text, "", DST{}).Describe(Binding{Anchor: anchor}); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestDescribeEverything: every schedule has a description, in one sentence, without a trace of the notation.
func TestDescribeEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, b := genSchedule(t)
		text := s.Describe(b)
		if !strings.HasSuffix(text, " time.") || strings.ContainsAny(text, "*?#\n%") || strings.Contains(text, "  ") {
			t.Fatalf("%q: %s", s, text)
		}
		for _, w := range s.Warnings() {
			if w == "" || strings.HasSuffix(w, ".") {
				t.Fatalf("%q: warning %q", s, w)
			}
		}
	})
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string][]string{
		"0 30 9 * * MON-FRI": nil,
		"*/5 * * * *":        nil,
		"0 0 0 L * ?":        nil,
		"@hourly":            nil,
		"@every 1h":          nil,
		"* * * * * *":        {"fires every second"},
		"0-59 * 9 * * *":     {"fires 3,600 times"},
		"* 30 2 * * *":       {"fires 60 times in each minute"},
		"0 */7 * * * *":      {"minute */7 starts again at 0: the last distance is 4 minutes, not 7"},
		"0 0 */5 * * *":      {"hour */5 starts again at 0: the last distance is 4 hours, not 5"},
		"*/60 * * * *": {"minute */60 is 0 alone, since the step goes past the end of its range: 0 * * * * " +
			"says the same; for a period of 60 minutes use @every 60m"},
		"*/90 * * * *": {"for a period of 90 minutes use @every 90m"},
		"*/120 0 0 * * *": {"second */120 is 0 alone, since the step goes past the end of its range: 0 0 0 * * * " +
			"says the same; for a period of 120 seconds use @every 120s"},
		"0 0 */36 * * *": {"0 0 0 * * * says the same; for a period of 36 hours use @every 36h"},
		"0 0 */31 * *": {"day-of-month */31 is 1 alone, since the step goes past the end of its range: 0 0 1 * " +
			"* says the same; for a period of 31 days use @every 744h"},
		"0 0 1 */12 *": {"month */12 is JAN alone, since the step goes past the end of its range: 0 0 1 1 * " +
			"says the same"},
		"0 0 * * */7": {"day-of-week */7 is SUN alone, since the step goes past the end of its range: 0 0 * * " +
			"0 says the same; for a period of 7 days use @every 168h"},
		"5/70 * * * *": {"minute 5/70 is 5 alone, since the step goes past the end of its range: 5 * * * * " +
			"says the same"},
		"1,10-20/15 3 * * *": {"minute 10-20/15 is 10 alone, since the step goes past the end of its range: 1,10 3 * " +
			"* * says the same"},
		"0 0 0 1 1 ? 2031/300": {"year 2031/300 is 2031 alone, since the step goes past the end of its range: 0 0 0 " +
			"1 1 ? 2031 says the same",
			"has no fire after the year 2031"},
		"*/999999999 * * * *": {"minute */999999999 is 0 alone, since the step goes past the end of its range: 0 " +
			"* * * * says the same"},
		"* 0 * * * *": {"fires 60 times in each minute"},
		"* * 9 * * *": {"fires 3,600 times in each hour that matches"},
		"* 9 * * *":   nil,
		"0 0 1-7 * MON": {"matches either of them, as in crontab; for days that match both write " +
			"0 0 ? * MON#1"},
		"0 0 0 8-14 * MON,TUE *": {"for days that match both write 0 0 0 ? * MON#2,TUE#2 *"},
		"0 0 */2 * MON":          {"the cron of Linux asks for both"},
		"0 0 0 13 * FRI":         {"matches either of them, as in crontab"},
		"0 0 0 31 * *":           {"does not fire on day 31 in February, April, June, September and November"},
		"0 0 0 30W * *":          {"does not fire on day 30 in February"},
		"0 0 0 31 1,3 *":         nil,
		"0 0 0 1-31 * *":         nil,
		"0 0 0 29 * *":           {"29 February exists in leap years only"},
		"0 0 0 29 2 *":           {"29 February exists in leap years only"},
		"0 0 0 29 3 *":           nil,
		"0 0 0 ? * FRI#5":        {"not every month has a fifth Friday"},
		"0 0 0 L-29 * ?":         {"L-29 does not exist in months of 29 days or fewer"},
		"0 0 0 ? * 2":            {"weekday numbers here are 0 or 7 Sunday"},
		"0 0 0 * * 5L":           {"weekday numbers here are 0 or 7 Sunday"},
		"0 0 0 * * 2#1":          {"weekday numbers here are 0 or 7 Sunday"},
		"0 0 0 * * 2 *":          {"weekday numbers here are 0 or 7 Sunday"},
		"0 0 ? * 2":              {"weekday numbers here are 0 or 7 Sunday"},
		"0 0 * * 2":              nil,
		"0 0 0 ? * MON#2":        nil,
		"0 0 0 ? * */2":          nil,
		"0 0 0 1 1 ? 2027":       {"has no fire after the year 2027"},
		"0 0 0 31 * FRI *":       {"matches either of them"},
	} {
		got := mustParse(t, text, "", DST{}).Warnings()
		if len(got) != len(want) {
			t.Errorf("%q: %d warnings %q, want %q", text, len(got), got, want)
			continue
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%q: %q, want %q", text, got[i], want[i])
			}
		}
	}
	for text, n := range map[string]int{"*/5 * * * *": 1, "@every 1h": 1, "@at 2026-01-01T00:00:00Z": 1,
		"30 2 * * *": 0} {
		if got := mustParse(t, text, "", DST{Gap: GapSkip}).Warnings(); len(got) != n {
			t.Errorf("%q with SKIP: %q", text, got)
		}
	}
}
