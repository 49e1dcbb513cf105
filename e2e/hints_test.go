package e2e

import (
	"encoding/json"
	"testing"
)

// TestHintsOverTheAPI: a schedule or a zone of another scheduler is refused with what to write, and that is taken.
func TestHintsOverTheAPI(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	for _, c := range []struct{ member, refused, hint, taken, next string }{
		{"schedule", "0 10 * * ? *", "use 0 0 10 * * ? *;", "0 0 10 * * ? *", `"description":"At 10:00:00 every day`},
		{"schedule", "cron(0/15 8-17 ? * 2-6 *)", "use 0 0/15 8-17 ? * MON-FRI *;", "0 0/15 8-17 ? * MON-FRI *",
			"on Monday through Friday"},
		{"schedule", "rate(1 day)", "use @every 24h;", "@every 24h", "Every 24"},
		{"schedule", "at(2190-11-20T13:00:00)", "use @at 2190-11-20T13:00:00Z;",
			"@at 2190-11-20T13:00:00Z", "2190-11-20"},
		{"schedule", "Sat *-*-15..21 06:30", "use 0 30 6 ? * SAT#3", "0 30 6 ? * SAT#3", "third Saturday"},
		{"schedule", "- cron: '30 5 * * 1,3' # twice a week", "use 30 5 * * 1,3;", "30 5 * * 1,3",
			"on Monday and Wednesday"},
		{"schedule", "30 5 1 * * /usr/local/bin/report.sh", "use 30 5 1 * *;", "30 5 1 * *", "At 05:30:00 on day 1"},
		{"timezone", "Tokyo Standard Time", "use Asia/Tokyo", "Asia/Tokyo", "Asia/Tokyo time"},
		{"timezone", "GMT-3", "use Etc/GMT+3;", "Etc/GMT+3", "Etc/GMT+3 time"},
	} {
		body := func(value string) string {
			text, err := json.Marshal(map[string]string{"schedule": "0 0 9 * * *", c.member: value})
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		twice := c.member + " " + c.member
		request{c.refused, "POST", "/schedules/preview", jsonHead, body(c.refused), 422, []string{c.hint},
			[]string{twice}}.send(t, p.url)
		request{c.taken, "POST", "/schedules/preview", jsonHead, body(c.taken), 200, []string{c.next},
			nil}.send(t, p.url)
		made := jobWith(`"` + c.member + `":"` + c.refused + `"`)
		request{c.refused, "POST", "/jobs", jsonHead, made, 422, []string{c.hint}, []string{twice}}.send(t, p.url)
	}
	for _, c := range []struct{ refused, says, lacks string }{
		{"@every 5x", `schedule at column 8: \"5x\"`, "schedule schedule"},
		{"rate(5 fortnights)", "a period here is", "use @every 5"},
		{"TZ=UTC+2 0 9 * * *", "the other way round", "Etc/GMT"},
		{"cron(0 9 ? * 0 *)", "weekdays are 1 for Sunday to 7 for Saturday", "use 0 0 9"},
		{"OnCalendar=Mon-Fri 08-18:00/5", "no calendar event that is known here", "has 2 fields"},
		{"30~59 3 * * *", "H, or H(0-29), chooses a value for the job", "use H"},
		{"Mon *-*-13 04:00", "systemd asks for the weekday and the date", "use 0 0 4"},
	} {
		request{c.refused, "POST", "/jobs", jsonHead, jobWith(`"schedule":"` + c.refused + `"`), 422, []string{c.says},
			[]string{c.lacks}}.send(t, p.url)
	}
}
