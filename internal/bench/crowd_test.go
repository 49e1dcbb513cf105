package bench

import (
	"reflect"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func crowdOf(rows int64, days, skip int) []domain.Execution {
	c := newCrowd(rows, days)
	c.skip(int64(skip))
	all := make([]domain.Execution, int(rows)-skip)
	for rest := all; len(rest) > 0; {
		n := min(len(rest), 777)
		c.fill(rest[:n])
		rest = rest[n:]
	}
	return all
}

// The generated executions must be what a server would have recorded: each at an instant
// of its job's schedule, none twice, in about the order of their ends.
func TestCrowd(t *testing.T) {
	const rows, days = 40_000, 3
	c := newCrowd(rows, days)
	timings := map[domain.JobID]domain.Timing{}
	for i := range c.versions {
		timing, err := c.versions[i].Timing()
		if err != nil {
			t.Fatal(err)
		}
		timings[c.versions[i].JobID] = timing
	}
	seen := map[domain.FireKey]bool{}
	byDay := map[int64]int{}
	failed, latest := 0, int64(0)
	for _, e := range crowdOf(rows, days, 0) {
		if timing, ok := timings[e.JobID]; !ok {
			t.Fatalf("%v is of no job", e)
		} else if at, ok := timing.Prev(e.ScheduledAt + 1); !ok || at != e.ScheduledAt {
			t.Fatalf("%v: the schedule names %d", e, at)
		}
		if seen[e.FireKey] || e.StartedAt < e.ScheduledAt || e.CompletedAt <= e.StartedAt ||
			latest-e.CompletedAt > lateSeconds*1_000 {
			t.Fatalf("%+v, twice: %t, after %d", e, seen[e.FireKey], latest)
		}
		seen[e.FireKey], latest = true, max(latest, e.CompletedAt)
		byDay[(e.ScheduledAt-crowdStart.UnixMilli())/(secondsPerDay*1_000)]++
		if e.Status == domain.StatusFailed {
			failed++
		}
	}
	if len(byDay) != days || byDay[0] < rows/days*95/100 || byDay[2] < rows/days*95/100 {
		t.Errorf("rows by day: %v", byDay)
	}
	if failed < rows*15/1_000 || failed > rows*25/1_000 {
		t.Errorf("%d of %d failed, want 2 %%", failed, rows)
	}
}

// A run goes on where an earlier one ended, with the same executions.
func TestCrowdIsTheSameEachTime(t *testing.T) {
	all := crowdOf(20_000, 2, 0)
	if again := crowdOf(20_000, 2, 0); !reflect.DeepEqual(again, all) {
		t.Error("a second crowd differs")
	}
	if rest := crowdOf(20_000, 2, 13_000); !reflect.DeepEqual(rest, all[13_000:]) {
		t.Error("a crowd that was skipped differs")
	}
}

// An answer that is short, or out of order, is no good figure.
func TestWrongAnswersAreRefused(t *testing.T) {
	at := func(instants ...int64) (all []domain.Execution) {
		for _, ms := range instants {
			all = append(all, domain.Execution{FireKey: domain.FireKey{ScheduledAt: ms}})
		}
		return all
	}
	for _, c := range []struct {
		want int
		got  []domain.Execution
		ok   bool
	}{
		{3, at(3, 2, 1), true}, {0, at(3, 2), true}, {0, nil, true}, {3, at(3, 2), false}, {3, at(2, 3, 1), false},
		{2, at(2, 2), false},
	} {
		if err := checkAnswer(question{want: c.want}, c.got); (err == nil) != c.ok {
			t.Errorf("%v, want %d: %v", c.got, c.want, err)
		}
	}
}
