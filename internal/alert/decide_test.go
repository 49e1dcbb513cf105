package alert

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// timing has parts that differ, so that none can be taken for another one.
var timing = domain.RuleTiming{WaitMs: 10, UpdateMs: 100, RepeatMs: 1_000}

// TestDecide is the truth table of a group. The instant is 1,000,000.
func TestDecide(t *testing.T) {
	const now = 1_000_000
	told := func(ago int64, jobs int) domain.GroupTold { return domain.GroupTold{Seq: 1, At: now - ago, Jobs: jobs} }
	again := func(ago, failures int64) domain.GroupTold {
		return domain.GroupTold{Seq: 1, At: now - ago, Failures: failures}
	}
	all := func(n int) domain.GroupTold { return domain.GroupTold{Seq: 1, At: now - 1, Jobs: n, AllJobs: n} }
	failures := func(n int64) domain.GroupCounts { return domain.GroupCounts{AllJobs: 1, Failures: n} }
	jobs := func(n int) domain.GroupCounts { return domain.GroupCounts{Jobs: n, AllJobs: max(n, 1)} }
	ack := func(n int) domain.Acknowledgement { return domain.Acknowledgement{Jobs: n} }
	for _, c := range []struct {
		name  string
		g     domain.Group
		rules string // silenced; never: no repeats; mute: nobody is told of recoveries
		want  Decision
	}{
		{"the wait is not over", domain.Group{State: "WAITING", DueAt: now + 1, Counts: jobs(1)},
			"", Decision{State: "WAITING", DueAt: now + 1}},
		{"the wait is over", domain.Group{State: "WAITING", DueAt: now, Counts: jobs(2)},
			"", Decision{State: "OPEN", Tell: "alert.opened", DueAt: now + 1_000}},
		{"never repeated", domain.Group{State: "WAITING", DueAt: now, Counts: jobs(2)},
			"never", Decision{State: "OPEN", Tell: "alert.opened", DueAt: 0}},
		{"over before it was told", domain.Group{State: "WAITING", DueAt: now, Counts: jobs(0)},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"silenced", domain.Group{State: "WAITING", DueAt: now, Counts: jobs(1)},
			"silenced", Decision{State: "WAITING", DueAt: now + lookMs}},
		{"over while silenced", domain.Group{State: "WAITING", DueAt: now, Counts: jobs(0)},
			"silenced", Decision{State: "RECOVERED", DueAt: now + quietMs, Past: true}},
		{"paused before it is told", domain.Group{State: "WAITING", DueAt: now,
			Counts: domain.GroupCounts{AllJobs: 1, Withdrawn: 1}},
			"", Decision{State: "RECOVERED", DueAt: now + quietMs, Past: true}},
		{"as it was told", domain.Group{State: "OPEN", Counts: jobs(2), Told: told(500, 2)},
			"", Decision{State: "OPEN", DueAt: now + 500}},
		{"as it was told, no repeats", domain.Group{State: "OPEN", Counts: jobs(2), Told: told(500, 2)},
			"never", Decision{State: "OPEN", DueAt: 0}},
		{"to be repeated", domain.Group{State: "OPEN", Counts: jobs(2), Told: told(1_000, 2)},
			"", Decision{State: "OPEN", Tell: "alert.updated", DueAt: now + 1_000}},
		{"fewer jobs are no news", domain.Group{State: "OPEN", Counts: jobs(1), Told: told(500, 2)},
			"", Decision{State: "OPEN", DueAt: now + 500}},
		{"worse, soon after", domain.Group{State: "OPEN", Counts: jobs(3), Told: told(99, 2)},
			"", Decision{State: "OPEN", DueAt: now + 1}},
		{"worse", domain.Group{State: "OPEN", Counts: jobs(3), Told: told(100, 2)},
			"", Decision{State: "OPEN", Tell: "alert.updated", DueAt: now + 1_000}},
		{"worse, silenced", domain.Group{State: "OPEN", Counts: jobs(3), Told: told(100, 2)},
			"silenced", Decision{State: "OPEN", DueAt: now + lookMs}},
		{"over", domain.Group{State: "OPEN", Counts: jobs(0), Told: told(1, 2)},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"over, silenced", domain.Group{State: "OPEN", Counts: jobs(0), Told: told(1, 2)},
			"silenced", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"over, with a job that nobody was told of", domain.Group{State: "OPEN", Counts: jobs(0), Told: told(1, 2)},
			"mute", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"over, of what was told, which nobody is told", domain.Group{State: "OPEN", Counts: jobs(0), Told: all(1)},
			"mute", Decision{State: "RECOVERED", DueAt: now + quietMs, Past: true, Owed: true}},
		{"paused, which nobody is told", domain.Group{State: "OPEN", Told: all(1),
			Counts: domain.GroupCounts{AllJobs: 1, Withdrawn: 1}},
			"mute", Decision{State: "RECOVERED", DueAt: now + quietMs, Past: true}},
		{"acknowledged", domain.Group{State: "ACKNOWLEDGED", Counts: jobs(3),
			Told: told(5_000, 2), Ack: ack(3)},
			"", Decision{State: "ACKNOWLEDGED", DueAt: 0}},
		{"acknowledged, and worse", domain.Group{State: "ACKNOWLEDGED", Counts: jobs(4),
			Told: told(5_000, 2), Ack: ack(3)},
			"", Decision{State: "OPEN", Tell: "alert.updated", DueAt: now + 1_000}},
		{"acknowledged, and over", domain.Group{State: "ACKNOWLEDGED", Counts: jobs(0), Told: told(5_000, 2)},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"flapping", domain.Group{State: "FLAPPING", Counts: jobs(1), TurnedAt: now - 1},
			"", Decision{State: "FLAPPING", DueAt: now - 1 + calmMs}},
		{"flapping no more, over", domain.Group{State: "FLAPPING", Counts: jobs(0), TurnedAt: now - calmMs},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + quietMs}},
		{"flapping no more, open", domain.Group{State: "FLAPPING", Counts: jobs(1), TurnedAt: now - calmMs},
			"", Decision{State: "OPEN", Tell: "alert.updated", DueAt: now + 1_000}},
		{"flapping no more, silenced", domain.Group{State: "FLAPPING", Counts: jobs(1), TurnedAt: now - calmMs},
			"silenced", Decision{State: "FLAPPING", DueAt: now + lookMs}},
		{"recovered", domain.Group{State: "RECOVERED", RecoveredAt: now - 1},
			"", Decision{State: "RECOVERED", DueAt: now - 1 + quietMs}},
		{"recovered and quiet", domain.Group{State: "RECOVERED", RecoveredAt: now - quietMs},
			"", Decision{State: "CLOSED", DueAt: 0}},
		{"fails again", domain.Group{State: "RECOVERED", Counts: jobs(1)},
			"", Decision{State: "WAITING", DueAt: now + 10}},
		{"fails once more", domain.Group{State: "RECOVERED", Counts: jobs(1), Reopened: 1, TurnedAt: now},
			"", Decision{State: "FLAPPING", Tell: "alert.updated", DueAt: now + calmMs}},
		{"fails once more, silenced", domain.Group{State: "RECOVERED", Counts: jobs(1), Reopened: 1, TurnedAt: now},
			"silenced", Decision{State: "WAITING", DueAt: now + 10}},
		{"failed and over again since", domain.Group{State: "RECOVERED", RecoveredAt: now - 1, Counts: failures(5),
			Told: again(100, 4)},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now - 1 + quietMs}},
		{"failed and over again, soon after", domain.Group{State: "RECOVERED", RecoveredAt: now - 1,
			Counts: failures(5), Told: again(99, 4)},
			"", Decision{State: "RECOVERED", DueAt: now + 1}},
		{"failed and over again, before it is closed", domain.Group{State: "RECOVERED", RecoveredAt: now - quietMs,
			Counts: failures(5), Told: again(1, 4)},
			"", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now + 1}},
		{"failed and over again, which nobody is told", domain.Group{State: "RECOVERED", RecoveredAt: now - 1,
			Counts: failures(5), Told: again(100, 4)},
			"mute", Decision{State: "RECOVERED", Tell: "alert.recovered", DueAt: now - 1 + quietMs}},
		{"failed and over again, silenced", domain.Group{State: "RECOVERED", RecoveredAt: now - 1,
			Counts: failures(5), Told: again(100, 4)},
			"silenced", Decision{State: "RECOVERED", DueAt: now - 1 + quietMs, Past: true}},
		{"failed and paused since", domain.Group{State: "RECOVERED", RecoveredAt: now - 1,
			Counts: domain.GroupCounts{AllJobs: 1, Failures: 5, Withdrawn: 1}, Told: again(100, 4)},
			"", Decision{State: "RECOVERED", DueAt: now - 1 + quietMs, Past: true}},
		{"as it was told that it is over", domain.Group{State: "RECOVERED", RecoveredAt: now - 1, Counts: failures(5),
			Told: again(100, 5)},
			"", Decision{State: "RECOVERED", DueAt: now - 1 + quietMs}},
		{"closed", domain.Group{State: "CLOSED", Counts: jobs(1)},
			"", Decision{State: "CLOSED", DueAt: 0}},
		{"a state of a later program", domain.Group{State: "?", Counts: jobs(1)},
			"", Decision{State: "CLOSED", DueAt: 0}},
		{"recovered, nobody was told", domain.Group{State: "RECOVERED", RecoveredAt: now, Counts: jobs(0)},
			"silenced", Decision{State: "RECOVERED", DueAt: now + quietMs}},
		{"worse and to be repeated", domain.Group{State: "OPEN", Counts: jobs(3), Told: told(2_000, 2)},
			"", Decision{State: "OPEN", Tell: "alert.updated", DueAt: now + 1_000}},
		{"worse comes before a repeat", domain.Group{State: "OPEN", Counts: jobs(3), Told: told(50, 2)},
			"", Decision{State: "OPEN", DueAt: now + 50}},
	} {
		tm := timing
		if c.rules == "never" {
			tm.RepeatMs = 0
		}
		tm.NoRecovery = c.rules == "mute"
		if got := Decide(&c.g, tm, now, c.rules == "silenced"); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A group that flaps is told of it once: two rounds of failure and recovery, and then one message until it is calm.
func TestFlappingIsToldOnce(t *testing.T) {
	g := domain.Group{State: domain.GroupWaiting, DueAt: 10}
	var told []domain.NotificationType
	now := int64(0)
	decide := func() {
		d := Decide(&g, domain.DefaultTiming(), now, false)
		if Apply(&g, d, now); d.Tell != "" {
			told = append(told, d.Tell)
		}
	}
	for range 20 { // it fails for 30 s and is well for 30 s
		for _, open := range []int{1, 0} {
			g.Counts.Jobs, g.Counts.AllJobs = open, 1
			turn(&g, now)
			for range 3 {
				decide()
				now += 10_000
			}
		}
	}
	want := []domain.NotificationType{
		"alert.opened", "alert.recovered", "alert.opened", "alert.recovered", "alert.updated",
	}
	if !slices.Equal(told, want) || g.State != domain.GroupFlapping {
		t.Fatalf("told %v, state %s; want %v", told, g.State, want)
	}
	for now < g.TurnedAt+calmMs+quietMs+60_000 {
		decide()
		now += 10_000
	}
	if want = append(want, "alert.recovered"); !slices.Equal(told, want) || g.State != domain.GroupClosed {
		t.Errorf("told %v, state %s; want one message more, that it is over, and the group closed", told, g.State)
	}
}

func TestAcknowledge(t *testing.T) {
	for _, c := range []struct {
		state domain.GroupState
		jobs  int
		want  bool
	}{
		{"WAITING", 1, true}, {"OPEN", 1, true}, {"FLAPPING", 1, true}, {"ACKNOWLEDGED", 2, true},
		{"OPEN", 0, false}, {"RECOVERED", 0, false}, {"RECOVERED", 1, false}, {"CLOSED", 0, false},
	} {
		g := domain.Group{State: c.state, Counts: domain.GroupCounts{Jobs: c.jobs}}
		got := Acknowledge(&g, domain.Author{Name: "ann"}, "on it", 7)
		if got != c.want || got && (g.State != domain.GroupAcknowledged || g.Ack.Jobs != c.jobs || g.Ack.At != 7) {
			t.Errorf("%s with %d jobs: %t, %+v", c.state, c.jobs, got, g)
		}
		if !got && g.State != c.state {
			t.Errorf("%s was refused, and is %s", c.state, g.State)
		}
	}
}

func TestNextAttempt(t *testing.T) {
	for _, c := range []struct {
		attempts       int
		now, asked, at int64
		again          bool
	}{
		{1, 1_000, 0, 6_000, true}, {2, 1_000, 0, 11_000, true}, {3, 1_000, 0, 21_000, true},
		{9, 1_000, 0, 1_281_000, true}, {10, 1_000, 0, 1_801_000, true}, {11, 1_000, 0, 1_801_000, true},
		{1_000_000, 1_000, 0, 1_801_000, true},
		{1, 1_000, 60_000, 61_000, true},
		{1, 1_000, 2 * dayMs, dayMs, true},     // the last attempt is at the end of the day
		{1, dayMs - 1_000, 0, dayMs, true},     // as here
		{1, dayMs, 0, 0, false},                // it was made
		{40, dayMs + 100_000, 5_000, 0, false}, // an outage was longer
	} {
		at, again := NextAttempt(0, c.attempts, c.now, c.asked)
		if at != c.at || again != c.again {
			t.Errorf("after %d attempts at %d, asked for %d: %d, %t; want %d, %t", c.attempts, c.now, c.asked, at,
				again, c.at, c.again)
		}
	}
	// Every message ends, and is tried for the whole day.
	now, n := int64(0), 0
	for {
		n++
		at, again := NextAttempt(0, n, now, 0)
		if !again {
			break
		}
		if at <= now || at > dayMs {
			t.Fatalf("attempt %d at %d is followed by one at %d", n, now, at)
		}
		now = at
	}
	if now != dayMs || n < 40 || n > 80 {
		t.Errorf("%d attempts, the last one at %d", n, now)
	}
}

func TestNextTurn(t *testing.T) {
	for name, c := range map[string]struct {
		due  int
		sent []int64
		want Turn
	}{
		"nothing is due":        {0, nil, Turn{}},
		"within the limit":      {3, nil, Turn{Send: 3}},
		"past it":               {4, nil, Turn{Digest: true}},
		"some were sent":        {2, []int64{100_000}, Turn{Send: 2}},
		"some were sent before": {3, []int64{100_000}, Turn{Digest: true}},
		"the limit is reached":  {1, []int64{100_000, 110_000, 120_000}, Turn{WaitTo: 160_000}},
		"past the limit":        {1, []int64{90_000, 100_000, 110_000, 120_000}, Turn{WaitTo: 160_000}},
		"a minute has passed":   {1, []int64{60_000, 110_000, 120_000}, Turn{Send: 1}},
		"one may be sent":       {9, []int64{60_000, 110_000, 120_000}, Turn{Digest: true}},
	} {
		if got := NextTurn(c.due, c.sent, 3, 120_000); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestNextDigest(t *testing.T) {
	for name, c := range map[string]struct {
		most, sent   int
		taken, unfit bool
		want         int
	}{
		"taken":              {200, 38, true, false, 200},
		"taken after halves": {25, 25, true, false, 50},
		"the last double":    {150, 150, true, false, 200},
		"unfit":              {200, 38, false, true, 19},
		"unfit, odd":         {200, 3, false, true, 1},
		"no answer":          {50, 38, false, false, 50},
		"a single one":       {1, 1, false, false, 1},
		"a single unfit one": {1, 1, false, true, 1},
	} {
		if got := NextDigest(c.most, c.sent, 200, c.taken, c.unfit); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
