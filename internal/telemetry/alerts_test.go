package telemetry

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func shownAlerts() *AlertsShown {
	return &AlertsShown{
		Groups:   map[GroupLabels]int{{"CRITICAL", "OPEN"}: 2, {"INFO", "SILENCED"}: 0},
		Messages: map[MessageLabels]int{{"SLACK", MessagesWaiting}: 3, {"UNKNOWN", MessagesHeld}: 1},
		Oldest:   map[string]int64{"SLACK": 4_000, "WEBHOOK": 0},
		Acting:   map[string]int{"SILENCE": 5, "WINDOW": 0},
	}
}

const oldestHelp = "Age of the oldest message that waits for its channel. Of the server that tells people alone."

const allGauges = `
# HELP belfry_alert_groups Groups of alerts that are open. Of the server that tells people alone.
# TYPE belfry_alert_groups gauge
belfry_alert_groups{level="CRITICAL",state="OPEN"} 2
belfry_alert_groups{level="INFO",state="SILENCED"} 0
# HELP belfry_alert_lag_seconds Time since what is new about alerts was read. Of the server that tells people alone.
# TYPE belfry_alert_lag_seconds gauge
belfry_alert_lag_seconds 1.5
# HELP belfry_alert_silences Silences and maintenance windows that act. Of the server that tells people alone.
# TYPE belfry_alert_silences gauge
belfry_alert_silences{kind="SILENCE"} 5
belfry_alert_silences{kind="WINDOW"} 0
# HELP belfry_notification_oldest_seconds ` + oldestHelp + `
# TYPE belfry_notification_oldest_seconds gauge
belfry_notification_oldest_seconds{kind="SLACK"} 7.5
belfry_notification_oldest_seconds{kind="WEBHOOK"} 0
# HELP belfry_notifications_pending Messages that are not delivered yet. Of the server that tells people alone.
# TYPE belfry_notifications_pending gauge
belfry_notifications_pending{kind="SLACK",state="waiting"} 3
belfry_notifications_pending{kind="UNKNOWN",state="held"} 1
`

// The gauges are those of the server that tells people: before that and after it there are none, so that what is the
// same in the database is not counted once for each server. They are as old as they are at the scrape.
func TestGaugesOfAlertsAreOfOneServer(t *testing.T) {
	a, now := NewAlerts(), int64(10_000)
	want := func(when, text string) {
		t.Helper()
		if err := testutil.CollectAndCompare(a, strings.NewReader(text)); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	want("before it tells people", "")
	a.Looked()
	a.Begin(func() int64 { return now })
	a.Looked()
	now = 11_500
	lag := "# HELP belfry_alert_lag_seconds Time since what is new about alerts was read. Of the server that tells " +
		"people alone.\n# TYPE belfry_alert_lag_seconds gauge\nbelfry_alert_lag_seconds 1.5\n"
	want("before anything was read", lag)
	a.Show(shownAlerts())
	want("after that", allGauges)
	a.End()
	want("when another one tells people", "")
	a.Looked()
	now = 20_000
	a.Begin(func() int64 { return now })
	want("when it does again", strings.Replace(lag, " 1.5\n", " 0\n", 1))
	now = 1 // the clock was set back
	want("with a clock that was set back", strings.Replace(lag, " 1.5\n", " 0\n", 1))
}

// The counters begin at zero when a channel of the kind is served, and stay.
func TestCountersOfAlerts(t *testing.T) {
	a := NewAlerts()
	want := func(attempts, messages string) {
		t.Helper()
		text := "# HELP belfry_notification_attempts_total Attempts of this server to deliver a message or a digest " +
			"to a channel.\n# TYPE belfry_notification_attempts_total counter\n" + attempts +
			"# HELP belfry_notifications_total Messages that this server has delivered or given up.\n" +
			"# TYPE belfry_notifications_total counter\n" + messages
		if err := testutil.CollectAndCompare(a, strings.NewReader(text)); err != nil {
			t.Error(err)
		}
	}
	line := func(name, outcome, n string) string {
		return name + `{kind="EMAIL",outcome="` + outcome + `"} ` + n + "\n"
	}
	const attempts, messages = "belfry_notification_attempts_total", "belfry_notifications_total"
	a.Serve("EMAIL")
	want(line(attempts, "delivered", "0")+line(attempts, "failed", "0"),
		line(messages, "delivered", "0")+line(messages, "undeliverable", "0"))
	a.Attempted("EMAIL", true)
	a.Attempted("EMAIL", false)
	a.Attempted("EMAIL", false)
	a.Ended("EMAIL", true, 3)
	a.Ended("EMAIL", false, 0)
	a.Ended("EMAIL", false, 4)
	a.Serve("EMAIL")
	want(line(attempts, "delivered", "1")+line(attempts, "failed", "2"),
		line(messages, "delivered", "3")+line(messages, "undeliverable", "4"))
}
