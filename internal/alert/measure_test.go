package alert

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// series returns what is shown of metrics whose names begin in a way: "name{label="value"} 1".
func series(t *testing.T, m *telemetry.Alerts, prefix string) (lines []string) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), prefix) {
			continue
		}
		for _, one := range f.GetMetric() {
			var labels []string
			for _, l := range one.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := one.GetGauge().GetValue() + one.GetCounter().GetValue()
			lines = append(lines, fmt.Sprintf("%s %s %v", strings.TrimPrefix(f.GetName(), prefix),
				strings.Join(labels, " "), value))
		}
	}
	return lines
}

// wantSeries compares what is shown of a metric, but for what is zero where that is said.
func wantSeries(t *testing.T, m *telemetry.Alerts, prefix string, want ...string) {
	t.Helper()
	got := slices.DeleteFunc(series(t, m, prefix), func(line string) bool {
		return prefix == groupsShown && strings.HasSuffix(line, " 0")
	})
	if !slices.Equal(got, want) {
		t.Errorf("%s is\n%q, want\n%q", prefix, got, want)
	}
}

const (
	groupsShown   = "belfry_alert_groups"
	silencesShown = "belfry_alert_silences"
	lagShown      = "belfry_alert_lag_seconds"
	attemptsShown = "belfry_notification_attempts_total"
	messagesShown = "belfry_notifications_total"
	pendingShown  = "belfry_notifications_pending"
	oldestShown   = "belfry_notification_oldest_seconds"
)

// manyChannels are one that answers, one that does not, one that is disabled and one that is not there.
func manyChannels(w *world) {
	w.change(func(s *Settings) {
		s.Channels = append(s.Channels,
			domain.Channel{ID: "chat", Kind: domain.ChannelSlack, Default: true},
			domain.Channel{ID: "off", Kind: domain.ChannelEmail, Default: true, Disabled: true})
		s.Rules[0].By, s.Rules[0].Timing.RepeatMs = domain.ByJob, 0
		named := domain.DefaultRule()
		named.ID, named.Level, named.Channels = "named", domain.LevelWarning, []string{"env-1"}
		named.Match.Jobs, named.Timing.RepeatMs = []domain.JobID{jobID(1)}, 0
		s.Rules = append(s.Rules, named)
	})
	w.box.refuses["chat"] = &DeliveryError{Text: "503"}
}

// What is open, what waits, for how long, and what has become of messages is shown.
func TestWhatIsShownOfMessages(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		manyChannels(w)
		w.jobs(1, 2, payments)
		w.begin()
		w.fail(1, 2)
		w.wait(5 * time.Second)
		wantSeries(t, w.metrics, attemptsShown, " SLACK delivered 0", " SLACK failed 0", " WEBHOOK delivered 0",
			" WEBHOOK failed 0")
		w.wait(35 * time.Second)
		wantSeries(t, w.metrics, groupsShown, " CRITICAL OPEN 2", " WARNING OPEN 1")
		wantSeries(t, w.metrics, pendingShown, " EMAIL held 2", " EMAIL waiting 0", " SLACK held 0", " SLACK waiting 2",
			" UNKNOWN held 1", " WEBHOOK held 0", " WEBHOOK waiting 0")
		wantSeries(t, w.metrics, messagesShown, " SLACK delivered 0", " SLACK undeliverable 0", " WEBHOOK delivered 2",
			" WEBHOOK undeliverable 0")
		w.wait(time.Hour)
		var age int64
		for _, n := range w.messages(domain.NotificationPending) {
			age = max(age, clock.NowMs(clock.System{})-n.CreatedAt)
		}
		wantSeries(t, w.metrics, oldestShown, fmt.Sprintf(" SLACK %v", float64(age)/1000), " WEBHOOK 0")
		if age < 3_600_000 {
			t.Errorf("the oldest message is %d ms old", age)
		}
		w.wait(25 * time.Hour)
		wantSeries(t, w.metrics, messagesShown, " EMAIL undeliverable 2", " SLACK delivered 0",
			" SLACK undeliverable 2", " UNKNOWN undeliverable 1", " WEBHOOK delivered 2", " WEBHOOK undeliverable 0")
		w.succeed(1, 2)
		w.box.set(func() { delete(w.box.refuses, "chat") })
		w.wait(time.Minute)
		wantSeries(t, w.metrics, groupsShown)
		wantSeries(t, w.metrics, oldestShown, " SLACK 0", " WEBHOOK 0")
	})
}

// Attempts are counted as they are made: a digest once, and its messages one by one.
func TestAttemptsAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) { s.Rules[0].By = domain.ByJob; s.Channels[0].PerMinute = 3 })
		w.box.refuses["ops"] = &DeliveryError{Text: "503"}
		w.jobs(1, 40, payments)
		w.begin()
		w.fail(upTo(40)...)
		w.wait(12 * time.Second)
		wantSeries(t, w.metrics, attemptsShown, " WEBHOOK delivered 0", " WEBHOOK failed 1")
		w.box.set(func() { delete(w.box.refuses, "ops") })
		w.wait(time.Minute)
		wantSeries(t, w.metrics, attemptsShown, " WEBHOOK delivered 1", " WEBHOOK failed 1")
		wantSeries(t, w.metrics, messagesShown, " WEBHOOK delivered 40", " WEBHOOK undeliverable 0")
	})
}

// What is not stored is not counted as delivered: it is sent again.
func TestWhatIsNotStoredIsNotDelivered(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.store.Add(faulty.Rule{Method: "Notices.Mark", Fault: faulty.FailBefore, Times: 1})
		w.fail(1)
		w.wait(time.Minute)
		w.want("ops", opened, opened)
		wantSeries(t, w.metrics, attemptsShown, " WEBHOOK delivered 2", " WEBHOOK failed 0")
		wantSeries(t, w.metrics, messagesShown, " WEBHOOK delivered 1", " WEBHOOK undeliverable 0")
	})
}

// Only the server that tells people shows what is in the database. The counters stay with the one that has counted.
func TestOneServerShowsWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(time.Minute)
		if got := series(t, w.metrics, "belfry_alert_"); len(got) != 18 { // 15 of groups, 2 of silences, the lag
			t.Errorf("%d series: %q", len(got), got)
		}
		w.stop()
		for _, prefix := range []string{"belfry_alert_", pendingShown, oldestShown} {
			wantSeries(t, w.metrics, prefix) // it does not tell people any more
		}
		wantSeries(t, w.metrics, messagesShown, " WEBHOOK delivered 1", " WEBHOOK undeliverable 0")
		was := w.metrics
		w.metrics = telemetry.NewAlerts()
		w.begin()
		w.wait(time.Minute)
		wantSeries(t, w.metrics, groupsShown, " CRITICAL OPEN 1")
		wantSeries(t, w.metrics, messagesShown, " WEBHOOK delivered 0", " WEBHOOK undeliverable 0")
		wantSeries(t, was, groupsShown)
	})
}

// The lag grows while what is new cannot be read, and from the start on.
func TestLag(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		broken := w.store.Add(faulty.Rule{Method: "Notices.Changed", Fault: faulty.FailBefore})
		w.begin()
		w.wait(90 * time.Second)
		wantSeries(t, w.metrics, lagShown, "  90")
		wantSeries(t, w.metrics, groupsShown)
		broken()
		w.wait(time.Minute + 500*time.Millisecond)
		wantSeries(t, w.metrics, lagShown, "  0.5")
	})
}

// To count takes a fiftieth of the time at most, however long it takes. One that fails delays nothing.
func TestCountingIsBounded(t *testing.T) {
	const method = "AlertSettings.PendingByChannel" // it is asked for orphans, too: once a minute
	for _, c := range []struct {
		name  string
		rule  faulty.Rule
		calls [2]int // in half an hour, at least and at most
	}{
		{"quick", faulty.Rule{Method: method, Fault: faulty.Delay, Delay: time.Millisecond},
			[2]int{160 + 29, 180 + 31}},
		{"slow", faulty.Rule{Method: method, Fault: faulty.Delay, Delay: time.Second}, [2]int{34 + 27, 36 + 31}},
		{"hangs", faulty.Rule{Method: method, Fault: faulty.HangBefore}, [2]int{17 + 26, 18 + 31}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.store.Add(c.rule)
				w.begin()
				w.wait(30 * time.Minute)
				if n := w.store.Count(method).Calls; n < c.calls[0] || n > c.calls[1] {
					t.Errorf("%d calls, want %v", n, c.calls)
				}
			})
		})
	}
}

// Silences and windows count while they act, and what they silence is not open.
func TestWhatActsIsShown(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		now := clock.NowMs(clock.System{})
		w.change(func(s *Settings) {
			s.Silences = []domain.Silence{
				{ID: "a", Reason: "r", From: now, To: now + 60*60_000},
				{ID: "b", Reason: "r", From: now - 2, To: now - 1},
				{ID: "c", Reason: "r", From: now + 50*60_000, To: now + 90*60_000},
			}
			s.Windows = []domain.Maintenance{
				{ID: "w", Reason: "r", Schedule: "@every 1h", DurationMs: 60_000, CreatedAt: now},
			}
		})
		w.jobs(1, 1, payments)
		w.begin()
		w.fail(1)
		w.wait(5 * time.Minute)
		wantSeries(t, w.metrics, silencesShown, " SILENCE 1", " WINDOW 0")
		wantSeries(t, w.metrics, groupsShown, " CRITICAL SILENCED 1")
		w.wait(47 * time.Minute)
		wantSeries(t, w.metrics, silencesShown, " SILENCE 2", " WINDOW 0")
		w.wait(8*time.Minute + 30*time.Second)
		wantSeries(t, w.metrics, silencesShown, " SILENCE 1", " WINDOW 1")
		w.wait(40 * time.Minute)
		wantSeries(t, w.metrics, silencesShown, " SILENCE 0", " WINDOW 0")
		wantSeries(t, w.metrics, groupsShown, " CRITICAL OPEN 1")
	})
}

// Labels have words that are known, whatever a newer build has stored.
func TestLabelsAreBounded(t *testing.T) {
	s := &Settings{Channels: []domain.Channel{
		domain.UnreadChannel(&domain.AlertSetting{ID: "new"}), {ID: "pigeon", Kind: "PIGEON"},
		{ID: "sms", Kind: domain.ChannelSMS, Disabled: true},
	}, Former: map[string]string{"text": "sms"}}
	id := domain.NewNotificationID(domain.GroupID{1}, 1, "new", 5)
	waiting := []store.ChannelBacklog{
		{Channel: "new", Pending: 1, Oldest: id}, {Channel: "gone", Pending: 2}, {Channel: "sms", Pending: 4},
		{Channel: "text", Pending: 8}, {Channel: "pigeon", Pending: 16, Oldest: domain.NotificationID{5: 9}},
	}
	if got, want := countMessages(s, waiting), (map[telemetry.MessageLabels]int{
		{Kind: "UNKNOWN", State: "waiting"}: 17, {Kind: "UNKNOWN", State: "held"}: 2,
		{Kind: "SMS", State: "waiting"}: 0, {Kind: "SMS", State: "held"}: 12,
	}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := oldestMessages(s, waiting), map[string]int64{"UNKNOWN": 5}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	groups := &openGroups{all: map[domain.GroupID]domain.Group{
		{1}: {Level: "FATAL", State: domain.GroupOpen}, {2}: {Level: domain.LevelInfo, State: "ASLEEP"},
		{3}: {Level: domain.LevelInfo, State: domain.GroupRecovered},
		{4}: {Level: domain.LevelInfo, State: domain.GroupFlapping},
		{5}: {Level: domain.LevelInfo, State: domain.GroupAcknowledged, Quiet: &domain.Quiet{}},
	}}
	got := countGroups(groups)
	maps.DeleteFunc(got, func(_ telemetry.GroupLabels, n int) bool { return n == 0 })
	if want := (map[telemetry.GroupLabels]int{
		{Level: "UNKNOWN", State: "UNKNOWN"}: 2, {Level: "INFO", State: "FLAPPING"}: 1,
		{Level: "INFO", State: "SILENCED"}: 1,
	}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A server that may take over has the counters from its start on, and none of the gauges: of the kinds of channels
// that are served, also of those that are made later.
func TestCountersBeginBeforeATakeover(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "off", Kind: domain.ChannelSMS, Disabled: true})
		})
		ctx, cancel := context.WithCancel(t.Context())
		announced := make(chan struct{})
		go func() {
			defer close(announced)
			w.teller().Announce(ctx)
		}()
		w.wait(time.Millisecond)
		wantSeries(t, w.metrics, messagesShown, " WEBHOOK delivered 0", " WEBHOOK undeliverable 0")
		wantSeries(t, w.metrics, attemptsShown, " WEBHOOK delivered 0", " WEBHOOK failed 0")
		w.change(func(s *Settings) {
			s.Channels = append(s.Channels, domain.Channel{ID: "text", Kind: domain.ChannelNtfy})
		})
		w.wait(announceEvery)
		wantSeries(t, w.metrics, messagesShown, " NTFY delivered 0", " NTFY undeliverable 0", " WEBHOOK delivered 0",
			" WEBHOOK undeliverable 0")
		wantSeries(t, w.metrics, "belfry_alert_")
		cancel()
		<-announced
	})
}

// stubborn is a sender that goes on with an attempt until it is told to end.
type stubborn struct{ begun, ends chan struct{} }

// Send implements Sender.
func (s *stubborn) Send(context.Context, *domain.Channel, *Message) error {
	close(s.begun)
	<-s.ends
	return nil
}

// The gauges go at once when another server tells people, also while the last attempt is under way.
func TestGaugesDoNotWaitForTheLastAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 1, payments)
		sender := &stubborn{make(chan struct{}), make(chan struct{})}
		teller := w.teller()
		teller.Sender = sender
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			teller.Run(ctx)
		}()
		w.fail(1)
		<-sender.begun
		if len(series(t, w.metrics, lagShown)) != 1 {
			t.Error("no gauge is shown while it tells people")
		}
		cancel()
		w.wait(time.Millisecond)
		wantSeries(t, w.metrics, lagShown)
		select {
		case <-ended:
			t.Error("it has ended before its attempt")
		default:
		}
		close(sender.ends)
		<-ended
	})
}
