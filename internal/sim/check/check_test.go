package check_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

const base = int64(1_772_791_200_000) // 2026-03-06T10:00:00Z

var (
	jobA = domain.NewJobIDs(base, 2)[0]
	jobB = domain.NewJobIDs(base, 2)[1]
)

// sound returns a run without a fault: job A fires each second for ten seconds
// and is edited after five, job B fires every two seconds and fails at first.
func sound() *check.Run {
	spec := func(schedule string) domain.Spec {
		s := domain.DefaultSpec()
		s.Schedule, s.API, s.Type = schedule, "http://127.0.0.1/hook", domain.AtLeastOnce
		return s
	}
	run := &check.Run{From: base, Until: base + 10_000, LateAfter: 1_000, Slack: 5}
	run.Jobs = []check.Job{
		{ID: jobA, CreatedAt: base - 5_000, Versions: []check.Version{
			{Number: 1, From: base - 5_000, To: base + 5_000, Active: true, Spec: spec("* * * * * *")},
			{Number: 2, From: base + 5_000, To: domain.Forever, Active: true, Spec: spec("* * * * * *")},
		}},
		{ID: jobB, CreatedAt: base - 5_000, Versions: []check.Version{
			{Number: 1, From: base - 5_000, To: domain.Forever, Active: true, Spec: spec("*/2 * * * * *")},
		}},
	}
	for at := base; at < base+10_000; at += 1_000 {
		version := 1
		if at >= base+5_000 {
			version = 2
		}
		run.Sends = append(run.Sends, send(jobA, at, 1, at+3, 200, version))
		run.Records = append(run.Records, record(jobA, at, version, domain.StatusSuccess, 200))
	}
	for at := base; at < base+10_000; at += 2_000 {
		run.Sends = append(run.Sends, send(jobB, at, 1, at+3, 500, 1), send(jobB, at, 2, at+1_003, 200, 1))
		run.Records = append(run.Records, record(jobB, at, 1, domain.StatusSuccess, 200))
	}
	return run
}

func send(job domain.JobID, at int64, attempt int, received int64, status, version int) check.Send {
	return check.Send{
		JobID: job, ExecutionID: domain.NewExecutionID(job, at, 0), ScheduledAt: at, Attempt: attempt,
		ReceivedAt: received, Took: 2, Status: status, Version: version,
	}
}

func record(job domain.JobID, at int64, version int, status domain.Status, http int) check.Record {
	return check.Record{
		JobID: job, ExecutionID: domain.NewExecutionID(job, at, 0), ScheduledAt: at, Version: version,
		Status: status, HTTPStatus: http, From: at,
	}
}

func TestARunWithoutAFaultIsOK(t *testing.T) {
	got, err := check.Judge(sound())
	if err != nil {
		t.Fatal(err)
	}
	if got.Expected != 15 || got.Bad() != 0 || got.Counts[check.OK] != 15 {
		t.Errorf("%+v, want 15 fires, all ok", got)
	}
}

func TestEachPlantedFaultIsFoundAndNothingElse(t *testing.T) {
	const third = base + 3_000
	outage := check.Outage{From: third + 100, To: third + 500}
	at := func(run *check.Run, job domain.JobID, instant int64) (s *check.Send, r *check.Record) {
		for i := range run.Sends {
			if run.Sends[i].JobID == job && run.Sends[i].ScheduledAt == instant && s == nil {
				s = &run.Sends[i]
			}
		}
		for i := range run.Records {
			if run.Records[i].JobID == job && run.Records[i].ScheduledAt == instant {
				r = &run.Records[i]
			}
		}
		return s, r
	}
	without := func(run *check.Run, id domain.ExecutionID, sends, records bool) {
		keep := run.Sends[:0]
		for _, s := range run.Sends {
			if !sends || s.ExecutionID != id {
				keep = append(keep, s)
			}
		}
		run.Sends = keep
		kept := run.Records[:0]
		for _, r := range run.Records {
			if !records || r.ExecutionID != id {
				kept = append(kept, r)
			}
		}
		run.Records = kept
	}
	id := domain.NewExecutionID(jobA, third, 0)
	trigger := domain.NewExecutionID(jobA, third+500, 77)

	for _, tt := range []struct {
		name  string
		plant func(*check.Run)
		want  map[check.Class]int
	}{
		{"a fire without record and request", func(r *check.Run) { without(r, id, true, true) }, one(check.Lost)},
		{"a fire that was sent and not recorded", func(r *check.Run) { without(r, id, false, true) }, one(check.Lost)},
		{"a record that nobody asked the target for", func(r *check.Run) { without(r, id, true, false) },
			one(check.Fabricated)},
		{"a success that the target refused", func(r *check.Run) { s, _ := at(r, jobA, third); s.Status = 500 },
			one(check.Fabricated)},
		{"a failure that the target never answered", func(r *check.Run) {
			_, x := at(r, jobA, third)
			x.Status, x.HTTPStatus = domain.StatusFailed, 404
		}, one(check.Fabricated)},
		{"a passing status on record", func(r *check.Run) {
			_,
				x := at(r, jobA, third)
			x.Status = domain.StatusRunning
		}, one(check.Fabricated)},
		{"SKIPPED, but sent", func(r *check.Run) { _, x := at(r, jobA, third); x.Status = domain.StatusSkipped },
			one(check.Fabricated)},
		{"SKIPPED and not sent", func(r *check.Run) {
			_, x := at(r, jobA, third)
			x.Status = domain.StatusSkipped
			without(r, id, true, false)
		}, one(check.OK)},
		{"two records", func(r *check.Run) { _, x := at(r, jobA, third); r.Records = append(r.Records, *x) },
			map[check.Class]int{check.OK: 15, check.Fabricated: 1}},
		{"sent before its instant", func(r *check.Run) { s, _ := at(r, jobA, third); s.ReceivedAt = third - 6 },
			one(check.Early)},
		{"sent within the slack of the clocks", func(r *check.Run) {
			s,
				_ := at(r, jobA, third)
			s.ReceivedAt = third - 5
		}, one(check.OK)},
		{"sent late", func(r *check.Run) { s, _ := at(r, jobA, third); s.ReceivedAt = third + 1_001 }, one(check.Late)},
		{"the old version after the edit", func(r *check.Run) { s, _ := at(r, jobA, base+5_000); s.Version = 1 },
			one(check.WrongVersion)},
		{"the new version before the edit", func(r *check.Run) { s, _ := at(r, jobA, base+4_000); s.Version = 2 },
			one(check.WrongVersion)},
		{"recorded for the wrong version", func(r *check.Run) { _, x := at(r, jobA, third); x.Version = 2 },
			one(check.WrongVersion)},
		{"a fire between two fires",
			func(r *check.Run) { r.Sends = append(r.Sends, send(jobB, third, 1, third+3, 200, 1)) },
			map[check.Class]int{check.OK: 15, check.Phantom: 1}},
		{"a record between two fires", func(r *check.Run) {
			r.Records = append(r.Records, record(jobB, third, 1, domain.StatusSkipped, 0))
		}, map[check.Class]int{check.OK: 15, check.Phantom: 1}},
		{"a fire of a job that was paused", func(r *check.Run) { r.Jobs[0].Versions[1].Active = false },
			map[check.Class]int{check.OK: 10, check.Phantom: 10}},
		{"the same attempt twice",
			func(r *check.Run) { r.Sends = append(r.Sends, send(jobA, third, 1, third+700, 200, 1)) },
			one(check.DupUnexplained)},
		{"a retry of a success",
			func(r *check.Run) { r.Sends = append(r.Sends, send(jobA, third, 2, third+700, 200, 1)) },
			one(check.DupUnexplained)},
		{"the same attempt twice around a crash", func(r *check.Run) {
			r.Sends = append(r.Sends, send(jobA, third, 1, third+700, 200, 1))
			r.Outages = []check.Outage{outage}
		}, one(check.DupExplained)},
		{"a crash at another time explains nothing", func(r *check.Run) {
			r.Sends = append(r.Sends, send(jobA, third, 1, third+700, 200, 1))
			r.Outages = []check.Outage{{From: third + 2_000, To: third + 2_500}}
		}, one(check.DupUnexplained)},
		{"a retry after a timeout that the target answered too late", func(r *check.Run) {
			s, _ := at(r, jobA, third)
			s.Took = domain.DefaultTimeoutMs
			r.Sends = append(r.Sends, send(jobA, third, 2, third+31_000, 200, 1))
		}, one(check.DupExplained)},
		{"another id", func(r *check.Run) { s, _ := at(r, jobA, third); s.ExecutionID = trigger },
			map[check.Class]int{check.OK: 14, check.Fabricated: 1, check.Phantom: 1}},
		{"not ended", func(r *check.Run) {
			_, x := at(r, jobA, third)
			live := *x
			live.Status = domain.StatusPending
			without(r, id, false, true)
			r.Live = append(r.Live, live)
		}, map[check.Class]int{check.OK: 14, check.Stuck: 1}},
		{"a trigger that ran", func(r *check.Run) {
			r.Triggers = append(r.Triggers, trigger)
			x := record(jobA, third+500, 1, domain.StatusSuccess, 200)
			x.ExecutionID = trigger
			r.Records = append(r.Records, x)
		}, one(check.OK)},
		{"a trigger without record", func(r *check.Run) { r.Triggers = append(r.Triggers, trigger) },
			map[check.Class]int{check.OK: 15, check.Lost: 1}},
		{"fires that a summary stands for", func(r *check.Run) {
			without(r, id, true, true)
			_, x := at(r, jobA, base+4_000)
			x.Status, x.From = domain.StatusMissed, third
			without(r, domain.NewExecutionID(jobA, base+4_000, 0), true, false)
		}, one(check.OK)},
		{"a summary over a fire that was sent", func(r *check.Run) {
			without(r, id, false, true)
			_, x := at(r, jobA, base+4_000)
			x.Status, x.From = domain.StatusMissed, third
			without(r, domain.NewExecutionID(jobA, base+4_000, 0), true, false)
		}, one(check.Fabricated)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := sound()
			tt.plant(run)
			got, err := check.Judge(run)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Counts); diff != "" {
				t.Errorf("classes (-want +got):\n%s%+v", diff, got.Findings)
			}
		})
	}
}

// one is a run in which one fire of fifteen is of the class.
func one(c check.Class) map[check.Class]int {
	if c == check.OK {
		return map[check.Class]int{check.OK: 15}
	}
	return map[check.Class]int{check.OK: 14, c: 1}
}

func TestFiresOutsideTheWindowAreNotJudged(t *testing.T) {
	run := sound()
	run.Sends = append(run.Sends, send(jobA, base-1_000, 1, base-997, 200, 1),
		send(jobA, base+10_000, 1, base+10_003, 200, 2))
	run.Records = append(run.Records, record(jobA, base+10_000, 2, domain.StatusSuccess, 200))
	got, err := check.Judge(run)
	if err != nil || got.Bad() != 0 || got.Expected != 15 {
		t.Errorf("%+v, %v; want 15 fires, all ok", got, err)
	}
}

func TestASchedulesThatCannotBeReadIsAnError(t *testing.T) {
	run := sound()
	run.Jobs[0].Versions[0].Spec.Timezone = "Nowhere/At_All"
	if _, err := check.Judge(run); err == nil {
		t.Error("no error for a time zone that does not exist")
	}
}

// A fire that FAILED without a request is true only while the target was out of
// reach, where that is known.
func TestFailedWithoutARequest(t *testing.T) {
	const third = base + 3_000
	for name, c := range map[string]struct {
		gone []check.Outage
		bad  int
	}{
		"not known":               {nil, 0},
		"never":                   {[]check.Outage{}, 1},
		"at its instant":          {[]check.Outage{{From: third - 1_000, To: third + 9_000}}, 0},
		"when it came late":       {[]check.Outage{{From: third + 20_000, To: third + 29_000}}, 0},
		"it was back":             {[]check.Outage{{From: third - 9_000, To: third - 1}}, 1},
		"it went after a minute":  {[]check.Outage{{From: third + 60_001, To: third + 69_000}}, 1},
		"one of several excuses":  {[]check.Outage{{From: base - 9_000, To: base - 1}, {From: third, To: third}}, 0},
		"none of several excuses": {[]check.Outage{{From: base - 9_000, To: base - 1}, {From: base, To: base + 1}}, 1},
	} {
		run := sound()
		run.TargetOutages = c.gone
		run.Sends = slices.DeleteFunc(run.Sends, func(s check.Send) bool {
			return s.JobID == jobA &&
				s.ScheduledAt == third
		})
		i := slices.IndexFunc(run.Records, func(r check.Record) bool {
			return r.JobID == jobA &&
				r.ScheduledAt == third
		})
		run.Records[i].Status, run.Records[i].HTTPStatus = domain.StatusFailed, 0
		got, err := check.Judge(run)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bad() != c.bad || got.Counts[check.Fabricated] != c.bad {
			t.Errorf("%s: %+v, want %d fabricated", name, got, c.bad)
		}
	}
}

// Poison is an end without a request, if the server has been out three times
// since the fire was due and the record says so.
func TestPoisonWithoutARequest(t *testing.T) {
	const third = base + 3_000
	out := func(from int64) check.Outage { return check.Outage{From: from, To: from + 100} }
	for name, c := range map[string]struct {
		reason  string
		outages []check.Outage
		bad     int
	}{
		"three crashes": {"poison: the server stopped three times",
			[]check.Outage{out(third), out(third + 200), out(third + 400)}, 0},
		"two crashes": {"poison: the server stopped three times",
			[]check.Outage{out(third), out(third + 200)}, 1},
		"one was before": {"poison: the server stopped three times",
			[]check.Outage{out(third - 500), out(third), out(third + 200)}, 1},
		"starts are no crashes": {"poison: the server stopped three times",
			[]check.Outage{out(third), {From: third + 1, To: third + 1}, out(third + 200)}, 1},
		"another reason": {"connection refused",
			[]check.Outage{out(third), out(third + 200), out(third + 400)}, 1},
	} {
		run := sound()
		run.TargetOutages, run.Outages = []check.Outage{}, c.outages
		run.Sends = slices.DeleteFunc(run.Sends, func(s check.Send) bool {
			return s.JobID == jobA &&
				s.ScheduledAt == third
		})
		i := slices.IndexFunc(run.Records, func(r check.Record) bool {
			return r.JobID == jobA &&
				r.ScheduledAt == third
		})
		run.Records[i].Status, run.Records[i].HTTPStatus, run.Records[i].Reason = domain.StatusFailed, 0, c.reason
		got, err := check.Judge(run)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bad() != c.bad {
			t.Errorf("%s: %+v, want %d bad", name, got, c.bad)
		}
	}
}
