package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// fires is what a target received, by job and scheduled second.
type fires map[string]map[int64][]receiver.Entry

func firesOf(entries []receiver.Entry) fires {
	out := make(fires)
	for _, e := range entries {
		id := e.JobID.String()
		if out[id] == nil {
			out[id] = make(map[int64][]receiver.Entry)
		}
		out[id][e.ScheduledAt] = append(out[id][e.ScheduledAt], e)
	}
	return out
}

// check compares the fires with the calendar of every-second jobs from first to
// last, both inclusive: none may be missing, none may be early, and none may be
// there twice unless doubled says that it may.
func (f fires) check(t *testing.T, ids []string, first, last int64, secondProcess func(got []receiver.Entry) bool) {
	t.Helper()
	var missing, twice int
	for _, id := range ids {
		for at := first; at <= last; at += 1000 {
			got := f[id][at]
			switch {
			case len(got) == 0:
				if missing++; missing <= 5 {
					t.Errorf("job %s: no fire at %d (%s)", id, at, time.UnixMilli(at).Format(time.TimeOnly))
				}
			case len(got) > 1 && !secondProcess(got):
				if twice++; twice <= 5 {
					t.Errorf("job %s: %d fires at %d: %+v", id, len(got), at, got)
				}
			}
			for _, e := range got {
				if e.ReceivedAt < at {
					t.Errorf("job %s: fire of %d received early, at %d", id, at, e.ReceivedAt)
				}
				if e.ExecutionID != got[0].ExecutionID {
					t.Errorf("job %s: fire of %d with two ids", id, at)
				}
			}
		}
	}
	if missing > 0 || twice > 0 {
		t.Errorf("%d of %d fires missing, %d doubled without a reason", missing,
			len(ids)*int((last-first)/1000+1), twice)
	}
}

// complete reports whether each job has fired at each second from first to last.
func (f fires) complete(ids []string, first, last int64) bool {
	for _, id := range ids {
		for at := first; at <= last; at += 1000 {
			if len(f[id][at]) == 0 {
				return false
			}
		}
	}
	return true
}

func never([]receiver.Entry) bool { return false }

// lateness returns the percentile of received - scheduled, in milliseconds.
func (f fires) lateness(first, last int64, percentile int) int64 {
	var late []int64
	for _, job := range f {
		for at, got := range job {
			if at >= first && at <= last {
				late = append(late, got[0].ReceivedAt-at)
			}
		}
	}
	slices.Sort(late)
	if len(late) == 0 {
		return -1
	}
	return late[(len(late)-1)*percentile/100]
}

func TestThousandJobsEverySecond(t *testing.T) {
	t.Parallel() // beside other tests that measure: see doc.go
	const seconds = 15
	tg := newTarget(t)
	p := serve(t, t.TempDir())
	ids := p.importJobs(everySecond(1000, tg.url+"/ok"))
	machine := watchStalls(t)
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	last := first + (seconds-1)*1000
	pass(last + 1000)
	got := tg.waitFor(t, ids, first, last)
	got.check(t, ids, first, last, never)
	for _, percentile := range []int{50, 99, 100} {
		machine.wantTimely(t, fmt.Sprintf("%d %% of the fires", percentile), got.lateness(first, last, percentile))
	}

	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
}

// waitFor waits until every job's fires from first to last have been received. A
// fire that waits for a slot is sent late, after fires that are on time.
func (tg *target) waitFor(t *testing.T, ids []string, first, last int64) fires {
	t.Helper()
	var got fires
	eventually(t, "every fire has been received", func() bool {
		got = firesOf(tg.entries(t))
		return got.complete(ids, first, last)
	})
	return got
}

func TestKillAndRestartUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	dir := t.TempDir()
	p := serve(t, dir)
	ids := p.importJobs(everySecond(1000, tg.url+"/ok"))
	first, machine := (time.Now().UnixMilli()/1000+2)*1000, watchStalls(t)

	var kills []int64
	for i, wait := range []int64{4_300, 3_005, 5_750} {
		pass(time.Now().UnixMilli() + wait)
		p.kill()
		kills = append(kills, time.Now().UnixMilli())
		pass(time.Now().UnixMilli() + int64(i)*2_000) // the gap: 0, 2 and 4 s
		p = serve(t, dir)
	}
	last := (time.Now().UnixMilli()/1000 + 4) * 1000
	pass(last)
	got := tg.waitFor(t, ids, first, last)
	// What the target got and the server had not yet on record when it was killed
	// is sent again, by the next server. That is at most as old as the horizon: when
	// nothing can be recorded, sending stops.
	const horizon = 3_000
	unrecorded := machine.longestMs() + horizon
	got.check(t, ids, first, last, func(got []receiver.Entry) bool {
		for i := 1; i < len(got); i++ {
			a, b := got[i-1].ReceivedAt, got[i].ReceivedAt
			if !slices.ContainsFunc(kills, func(kill int64) bool {
				return a <= kill &&
					a > kill-unrecorded && b >= kill
			}) {
				return false
			}
		}
		return true
	})

	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}
	p = serve(t, dir)
	checkRecord(t, p, ids[:20], first, last)
}

// checkRecord reads the history of jobs: one SUCCESS for each second.
func checkRecord(t *testing.T, p *process, ids []string, first, last int64) {
	t.Helper()
	eventually(t, "what was sent is on record", func() bool { // the target has it before the record has
		for _, id := range ids {
			for x, err := range p.api.Executions.OfJob(t.Context(), id, 1000) {
				if err != nil || x.ScheduledAt <= last && (x.Status == "PENDING" || x.Status == "RUNNING") {
					return false
				}
			}
		}
		return true
	})
	for _, id := range ids {
		seen := make(map[int64]string)
		for x, err := range p.api.Executions.OfJob(t.Context(), id, 1000) {
			if err != nil {
				t.Fatal(err)
			}
			if x.ScheduledAt < first {
				break
			}
			if _, twice := seen[x.ScheduledAt]; twice {
				t.Errorf("job %s: two records at %d", id, x.ScheduledAt)
			}
			seen[x.ScheduledAt] = x.Status
		}
		for at := first; at <= last; at += 1000 {
			if seen[at] != "SUCCESS" {
				t.Errorf("job %s: record at %d is %q, want SUCCESS", id, at, seen[at])
			}
		}
	}
}

func TestTerminateUnderLoadLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	dir := t.TempDir()
	p := serve(t, dir)
	ids := p.importJobs(everySecond(200, tg.url+"/slow?ms=1500"))
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	for range 2 {
		pass(time.Now().UnixMilli() + 3_400)
		if code := p.terminate(); code != 0 {
			t.Errorf("exit code %d after SIGTERM with calls in flight, want 0", code)
		}
		p = serve(t, dir)
	}
	last := (time.Now().UnixMilli()/1000 + 2) * 1000
	pass(last)
	tg.waitFor(t, ids, first, last).check(t, ids, first, last, never)
}
