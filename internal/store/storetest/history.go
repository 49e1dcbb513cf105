package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var historyCases = []testCase{
	{"Recent pages through everything, newest first", recentPages},
	{"Failed pages through FAILED and UNKNOWN, of all and of one job", failedPages},
	{"ByJob pages through calendar, triggers and summaries", byJobPages},
	{"ByJob starts below the key of any job", byJobForeignKey},
	{"ByJob finds a fire of a month ago", byJobRare},
	{"ByJob finds triggers and summaries of days without a fire", byJobBetween},
	{"ByJob of a deleted job still answers", byJobDeleted},
	{"ByJob looks over a gap in which nothing was recorded", byJobGap},
	{"ByJob finds what lies below a long summary", byJobLongSummary},
	{"Stream hands over a window, oldest first", streamAll},
	{"Stream ends with the error of its reader or its context", streamEnds},
	{"Stream takes in what is recorded ahead of it", streamMeanwhile},
	{"Stream is no success when what is to come is dropped", streamExpired},
	{"Totals count from a minute on", totalsSince},
	{"Totals count each fire of a summary and time what was sent", totalsCount},
}

// pages reads everything that a list has, size at a time.
func pages(t *testing.T, size int, list func(store.Page) ([]domain.Execution, error)) (all []domain.Execution) {
	t.Helper()
	page := store.Page{Limit: size}
	for {
		got := must(list(page))(t)
		if len(got) > size {
			t.Fatalf("%d facts on a page of %d", len(got), size)
		}
		all = append(all, got...)
		if len(got) < size {
			return all
		}
		page.Before = got[size-1].FireKey
	}
}

func recentPages(t *testing.T, f *fixture) {
	facts := oneOfEach()
	for n := 2; n < 6; n++ { // same instants, other jobs, other days
		facts = append(facts, success(n, noon), success(n, noon+minute), success(n, noon-day), success(n, noon+2*day))
	}
	f.record(t, facts...)
	for _, size := range []int{1, 3, 100} {
		got := pages(t, size, func(p store.Page) ([]domain.Execution,
			error) {
			return store.Recent(t.Context(), f.History(), p)
		})
		equal(t, got, newestFirst(facts))
	}
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 0}))(t), nil)
}

func failedPages(t *testing.T, f *fixture) {
	f.record(t, oneOfEach()...)
	var want, wantOfTwo []domain.Execution
	for _, e := range oneOfEach() {
		if e.Status.Alerts() {
			want = append(want, e)
		}
	}
	for i := range int64(5) {
		e := failure(2, noon+i*day)
		want, wantOfTwo = append(want, e), append(wantOfTwo, e)
		f.record(t, e, success(3, noon+i*day))
	}
	for _, size := range []int{1, 2, 100} {
		list := func(id domain.JobID) []domain.Execution {
			return pages(t, size, func(p store.Page) ([]domain.Execution,
				error) {
				return store.Failed(t.Context(), f.History(), id, p)
			})
		}
		equal(t, list(domain.JobID{}), newestFirst(want))
		equal(t, list(jobID(2)), newestFirst(wantOfTwo))
		equal(t, list(jobID(3)), nil)
	}
}

// byJob reads the history of job 1, page by page.
func (f *fixture) byJob(t *testing.T, size int) []domain.Execution {
	t.Helper()
	return pages(t, size, func(p store.Page) ([]domain.Execution, error) {
		return f.History().ByJob(t.Context(), jobID(1), p)
	})
}

func byJobPages(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2))
	var facts []domain.Execution
	for i := range int64(12 * 60) { // over midnight
		at := noon + i*minute
		switch {
		case i%100 == 99:
			facts = append(facts, failure(1, at))
		case i >= 200 && i < 300: // a summary covers them
		case i == 300:
			facts = append(facts, missed(1, noon+200*minute, at, 101))
		default:
			facts = append(facts, success(1, at))
		}
	}
	facts = append(facts, trigger(1, noon+5*minute, 9), trigger(1, noon+5*minute, 4), trigger(1, noon+250*minute+7, 8))
	f.record(t, facts...)
	f.record(t, success(2, noon), success(2, noon+minute), trigger(2, noon+5*minute, 3))
	for _, size := range []int{1, 7, 5_000} {
		equal(t, f.byJob(t, size), newestFirst(facts))
	}
}

func byJobForeignKey(t *testing.T, f *fixture) {
	f.create(t, version(2))
	f.record(t, success(2, noon), success(2, noon+minute), trigger(2, noon+minute, 5))
	for _, c := range []struct {
		name   string
		before domain.FireKey
		want   []domain.Execution
	}{
		{"a job below: not that instant", domain.FireKey{JobID: jobID(1), ScheduledAt: noon + minute, Nonce: 99},
			[]domain.Execution{success(2, noon)}},
		{"a job above: that instant too", domain.FireKey{JobID: jobID(3), ScheduledAt: noon + minute},
			[]domain.Execution{trigger(2, noon+minute, 5), success(2, noon+minute), success(2, noon)}},
		{"the trigger: then the fire of its instant", trigger(2, noon+minute, 5).FireKey,
			[]domain.Execution{success(2, noon+minute), success(2, noon)}},
		{"before all", domain.FireKey{JobID: jobID(2), ScheduledAt: noon}, nil},
	} {
		got := must(f.History().ByJob(t.Context(), jobID(2), store.Page{Before: c.before, Limit: 10}))(t)
		t.Run(c.name, func(t *testing.T) { equal(t, got, c.want) })
	}
}

func byJobRare(t *testing.T, f *fixture) {
	monthly := version(1)
	monthly.EffectiveFrom, monthly.Spec.Schedule = noon-400*day, "0 0 12 10 * *"
	busy := version(2)
	busy.EffectiveFrom = noon - 400*day
	f.create(t, monthly, busy)
	var want []domain.Execution
	for _, at := range []int64{noon, noon - 28*day, noon - 59*day} { // 10 March, 10 February, 10 January
		want = append(want, success(1, at))
	}
	f.record(t, want...)
	for d := int64(0); d < 60; d += 7 {
		f.record(t, success(2, noon-d*day))
	}
	equal(t, f.byJob(t, 2), want)
}

func byJobBetween(t *testing.T, f *fixture) {
	monthly := version(1)
	monthly.Spec.Schedule = "0 0 12 1 * *"
	next := edit(monthly, noon+100*day, func(v *domain.Version) { v.Spec.Schedule = "0 * * * * *" })
	f.create(t, monthly, version(2))
	april := noon + 22*day
	facts := []domain.Execution{
		trigger(1, noon+day, 3), success(1, april), trigger(1, april+5*day, 4), trigger(1, april+5*day, 9),
		missed(1, april+30*day, april+61*day, 2), trigger(1, april+70*day, 5),
	}
	var noise []domain.Execution
	for i := range int64(95) {
		noise = append(noise, success(2, noon+i*day))
	}
	f.record(t, noise...)
	f.record(t, facts...)
	f.update(t, next)
	for range 2 {
		for _, size := range []int{1, 2, 50} {
			equal(t, f.byJob(t, size), newestFirst(facts))
		}
		f.reopen(t)
	}
	late := trigger(1, noon+50*day, 6)
	f.record(t, late)
	equal(t, f.byJob(t, 3), newestFirst(append(facts, late)))
}

func byJobDeleted(t *testing.T, f *fixture) {
	f.create(t, version(1))
	f.record(t, success(1, noon+minute), success(1, noon+2*minute))
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 1, noon+3*minute))
	equal(t, f.byJob(t, 5), []domain.Execution{success(1, noon+2*minute), success(1, noon+minute)})
}

func byJobGap(t *testing.T, f *fixture) {
	every := version(1)
	every.Spec.Schedule = "* * * * * *"
	f.create(t, every)
	facts := []domain.Execution{success(1, noon), success(1, noon+7*hour), success(1, noon+30*hour)}
	f.record(t, facts...)
	equal(t, f.byJob(t, 10), newestFirst(facts))
}

func byJobLongSummary(t *testing.T, f *fixture) {
	every := version(1)
	every.Spec.Schedule = "* * * * * *"
	f.create(t, every)
	long := missed(1, noon+10*second, noon+3*day, 3*86_400-9)
	facts := []domain.Execution{success(1, noon+9*second), success(1, noon+8*second), long,
		success(1, noon+3*day+second)}
	facts = append(facts, trigger(1, noon+day, 1)) // in the middle of it
	f.record(t, facts...)
	f.record(t, success(2, noon+day), success(2, noon+2*day))
	equal(t, f.byJob(t, 2), newestFirst(facts))
}

func totalsSince(t *testing.T, f *fixture) {
	f.record(t, success(1, noon-day), success(1, noon), success(1, noon+minute), failure(1, noon+2*minute))
	one := func(s domain.Status, n int64) map[domain.Status]int64 { return map[domain.Status]int64{s: n} }
	equal(t, f.totals(t, noon+3*minute).ByStatus, nil)
	equal(t, f.totals(t, noon+2*minute+59*second).ByStatus, one(domain.StatusFailed, 1))
	equal(t, f.totals(t, noon+2*minute), store.Totals{ByStatus: one(domain.StatusFailed, 1), DurationMs: 40, Timed: 1})
	both := map[domain.Status]int64{domain.StatusSuccess: 2, domain.StatusFailed: 1}
	equal(t, f.totals(t, noon), store.Totals{ByStatus: both, DurationMs: 80, Timed: 3})
	both[domain.StatusSuccess]++
	equal(t, f.totals(t, noon-day), store.Totals{ByStatus: both, DurationMs: 100, Timed: 4})
	equal(t, f.totals(t, 0), store.Totals{ByStatus: both, DurationMs: 100, Timed: 4})
	late := success(1, noon-10*day) // counts when it completed, not when it was due
	late.CompletedAt = noon + 5*minute
	f.record(t, late)
	equal(t, f.totals(t, noon+5*minute).ByStatus, one(domain.StatusSuccess, 1))
}

func totalsCount(t *testing.T, f *fixture) {
	neverSent := failure(2, noon)
	neverSent.StartedAt, neverSent.Attempts, neverSent.RetryCount = 0, nil, 0
	f.record(t, append(oneOfEach(), neverSent)...)
	want := store.Totals{
		ByStatus: map[domain.Status]int64{
			domain.StatusSuccess: 4, domain.StatusFailed: 2, domain.StatusSkipped: 1, domain.StatusMissed: 4,
			domain.StatusUnknown: 1,
		},
		DurationMs: 20 + 40 + 0 + 20 + 20, // success, failure, the one whose clock was set back, retried, trigger
		Timed:      5,
	}
	equal(t, f.totals(t, 0), want)
	f.reopen(t)
	equal(t, f.totals(t, 0), want)
}

// stream reads the history of a window.
func (f *fixture) stream(t *testing.T, from, to int64) (all []domain.Execution) {
	t.Helper()
	ok(t, f.History().Stream(t.Context(), from, to, func(piece []domain.Execution) error {
		if len(piece) == 0 {
			t.Error("an empty piece")
		}
		all = append(all, piece...)
		return nil
	}))
	return all
}

func oldestFirst(facts []domain.Execution) []domain.Execution {
	facts = newestFirst(facts)
	slices.Reverse(facts)
	return facts
}

func streamAll(t *testing.T, f *fixture) {
	equal(t, f.stream(t, 0, domain.Forever), nil)
	facts := oneOfEach()
	for n := 2; n < 1_300; n++ { // more than a piece at one instant, and two days later
		facts = append(facts, success(n, noon), failure(n, noon+2*day))
	}
	f.record(t, facts...)
	want := oldestFirst(facts)
	for range 2 {
		equal(t, f.stream(t, 0, domain.Forever), want)
		f.reopen(t)
	}
	for _, w := range []struct{ from, to int64 }{
		{noon, noon + 1}, {noon + 1, noon + 2*day}, {noon, noon}, {noon + 1, noon}, {noon + 2*day, noon + 2*day + 1},
		{noon + 3*day, domain.Forever},
	} {
		var inside []domain.Execution
		for _, e := range want {
			if e.ScheduledAt >= w.from && e.ScheduledAt < w.to {
				inside = append(inside, e)
			}
		}
		equal(t, f.stream(t, w.from, w.to), inside)
	}
}

func streamEnds(t *testing.T, f *fixture) {
	f.record(t, success(1, noon), success(1, noon+day))
	full := errors.New("full")
	calls := 0
	err := f.History().Stream(t.Context(), 0, domain.Forever, func([]domain.Execution) error { calls++; return full })
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("error %v after %d calls, want that of fn after one", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.History().Stream(ctx, 0, domain.Forever, func([]domain.Execution) error { return nil }); !errors.Is(err,
		context.Canceled) {
		t.Errorf("error %v of a cancelled call", err)
	}
}

// streamMeanwhile records behind and ahead of a stream that is under way, also
// in a day that is new.
func streamMeanwhile(t *testing.T, f *fixture) {
	var facts []domain.Execution
	for n := 1; n < 5_000; n++ {
		facts = append(facts, success(n, noon))
	}
	f.record(t, facts...)
	later := []domain.Execution{success(1, noon+hour), success(1, noon+3*day)}
	var got []domain.Execution
	ok(t, f.History().Stream(t.Context(), 0, domain.Forever, func(piece []domain.Execution) error {
		if len(got) == 0 {
			f.record(t, append(later, success(1, noon-hour))...)
		}
		got = append(got, piece...)
		return nil
	}))
	equal(t, got, oldestFirst(append(facts, later...)))
}

func streamExpired(t *testing.T, f *fixture) {
	var facts []domain.Execution
	for n := 1; n < 5_000; n++ {
		facts = append(facts, success(n, noon))
	}
	f.record(t, append(facts, success(1, noon+day), success(1, noon+2*day))...)
	expireAt := func(before int64) error {
		calls := 0
		return f.History().Stream(t.Context(), 0, domain.Forever, func([]domain.Execution) error {
			if calls++; calls == 1 {
				must(f.History().Expire(t.Context(), before))(t)
			}
			return nil
		})
	}
	wantCode(t, expireAt(midnight+day), domain.CodeUnavailable) // what it is in, and the day after
	equal(t, f.stream(t, 0, domain.Forever), []domain.Execution{success(1, noon+2*day)})
	ok(t, expireAt(noon)) // nothing more to drop
}
