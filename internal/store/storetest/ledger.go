package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var ledgerCases = []testCase{
	{"a fact comes back with every field", factComesBack},
	{"the first fact of a key stays", firstFactStays},
	{"a repeat in other batches changes nothing", repeatChangesNothing},
	{"a batch may span days and be in any order", batchSpansDays},
	{"Facts streams keys in (after, until]", factsWindow},
	{"Facts streams a MISSED summary as its range", factsSummary},
	{"Facts streams many thousands", factsMany},
	{"Facts says what became of each", factsTellOutcome},
	{"Ranges streams the summaries after the instant alone", rangesAlone},
	{"Facts, Ranges and OpenRuns end with the error of their function", streamsStop},
	{"Facts, Ranges and OpenRuns stream what is of the jobs of some shards", streamsOfShards},
	{"an open run is kept, replaced and ended by its fact", openRunLives},
	{"open runs are found by their keys", runsOfKeys},
	{"an open run is ignored where a fact exists", factWins},
	{"a fact and an open run in one batch: the fact wins", factWinsInBatch},
	{"an execution that has not ended is refused", passingRefused},
	{"an empty batch succeeds", emptyBatch},
	{"versions that are set aside are kept, the first time as they are, and forgotten", asidesKept},
}

// oneOfEach returns a fact of every kind.
func oneOfEach() []domain.Execution {
	skipped := domain.Execution{
		FireKey: domain.FireKey{JobID: jobID(1), ScheduledAt: noon + 2*minute}, Version: 7,
		Status: domain.StatusSkipped, CompletedAt: noon + 2*minute + 1, Error: "the previous execution still runs",
	}
	unknown := success(1, noon+3*minute)
	unknown.Status, unknown.HTTPStatus, unknown.Error = domain.StatusUnknown, 0, "a crash hid the outcome"
	early := success(1, noon+4*minute) // the clock was set back between due time and start
	early.StartedAt, early.CompletedAt = early.ScheduledAt-50, early.ScheduledAt-70
	retried := success(1, noon+5*minute)
	retried.RetryCount = 1
	retried.Attempts = []domain.Attempt{
		{Number: 1, StartedAt: retried.StartedAt, CompletedAt: retried.StartedAt + 1, HTTPStatus: 429,
			Error: "slow down"},
		{Number: 2, StartedAt: retried.StartedAt + 5, CompletedAt: retried.CompletedAt, HTTPStatus: 200},
	}
	return []domain.Execution{
		success(1, noon), failure(1, noon+minute), skipped, unknown, early, retried,
		trigger(1, noon+5*minute, 1<<47), missed(1, noon+6*minute, noon+9*minute, 4),
	}
}

func factComesBack(t *testing.T, f *fixture) {
	facts := oneOfEach()
	f.record(t, facts...)
	for _, want := range facts {
		equal(t, must(f.History().Execution(t.Context(), want.ID()))(t), want)
	}
	_, err := f.History().Execution(t.Context(), success(2, noon).ID())
	wantCode(t, err, domain.CodeNotFound)
	_, err = f.History().Execution(t.Context(), success(1, noon+30*day).ID())
	wantCode(t, err, domain.CodeNotFound)
}

func firstFactStays(t *testing.T, f *fixture) {
	first, second := success(1, noon), failure(1, noon)
	f.record(t, first)
	f.record(t, second)
	f.record(t, success(2, noon), failure(2, noon))
	for n := 1; n <= 2; n++ {
		equal(t, must(f.History().Execution(t.Context(), success(n, noon).ID()))(t), success(n, noon))
	}
	equal(t, f.totals(t, 0), store.Totals{
		ByStatus: map[domain.Status]int64{domain.StatusSuccess: 2}, DurationMs: 40, Timed: 2,
	})
	equal(t, f.alerts(t), nil)
}

func repeatChangesNothing(t *testing.T, f *fixture) {
	facts := oneOfEach()
	f.record(t, facts...)
	totals, alerts := f.totals(t, 0), f.alerts(t)
	f.record(t, facts...)
	f.record(t, facts[1:4]...)
	for _, e := range facts {
		f.record(t, e)
	}
	f.record(t, append(facts[2:6:6], success(1, noon+20*minute))...)
	totals.ByStatus[domain.StatusSuccess]++
	totals.DurationMs += 20
	totals.Timed++
	equal(t, f.totals(t, 0), totals)
	equal(t, f.totals(t, noon-day), totals)
	equal(t, f.alerts(t), alerts)
}

func batchSpansDays(t *testing.T, f *fixture) {
	var facts []domain.Execution
	for n := range 5 {
		facts = append(facts, success(n, noon+int64(4-n)*day), success(9-n, noon+int64(4-n)*day))
	}
	f.record(t, facts...)
	got := must(store.Recent(t.Context(), f.History(), store.Page{Limit: 100}))(t)
	equal(t, got, newestFirst(facts))
}

func factRanges(t *testing.T, f *fixture, after, until int64) (found []store.FactRange) {
	t.Helper()
	ok(t, f.Ledger().Facts(t.Context(), store.ShardSet{}, after, until, func(r store.FactRange) error {
		found = append(found, r)
		return nil
	}))
	return found
}

func rangeOf(e domain.Execution) store.FactRange {
	r := store.FactRange{
		Key: e.FireKey, From: e.ScheduledAt, Version: e.Version, Status: e.Status, StartedAt: e.StartedAt,
		Count: e.Fires(),
	}
	if e.Missed != nil {
		r.From = e.Missed.From
	}
	return r
}

func factsWindow(t *testing.T, f *fixture) {
	a, b, c := success(2, noon), trigger(1, noon+minute, 5), success(1, noon+day)
	f.record(t, a, b, c)
	equal(t, factRanges(t, f, 0, domain.Forever), []store.FactRange{rangeOf(a), rangeOf(b), rangeOf(c)})
	equal(t, factRanges(t, f, noon-1, noon), []store.FactRange{rangeOf(a)})
	equal(t, factRanges(t, f, noon, noon+day-1), []store.FactRange{rangeOf(b)})
	equal(t, factRanges(t, f, noon+minute, noon+day), []store.FactRange{rangeOf(c)})
	equal(t, factRanges(t, f, noon+day, domain.Forever), nil)
}

func factsSummary(t *testing.T, f *fixture) {
	sum := missed(1, noon-2*day, noon, 2_881)
	f.record(t, sum)
	equal(t, factRanges(t, f, noon-1, noon), []store.FactRange{{
		Key: sum.FireKey, From: noon - 2*day, Version: 1, Status: domain.StatusMissed, Count: 2_881,
	}})
}

func factsTellOutcome(t *testing.T, f *fixture) {
	facts := oneOfEach()
	f.record(t, facts...)
	want := make([]store.FactRange, len(facts))
	for i, e := range facts {
		want[i] = rangeOf(e)
	}
	equal(t, factRanges(t, f, 0, domain.Forever), want)
}

func rangesAlone(t *testing.T, f *fixture) {
	skipped := missed(2, noon+minute, noon+day, 1_440) // what a pause stopped
	skipped.Status = domain.StatusSkipped
	early, late := missed(4, noon-day, noon, 1_441), missed(3, noon+day, noon+2*day, 2)
	f.record(t, append(oneOfEach()[:7], early, skipped, late, success(2, noon+day+1))...)
	ranges := func(after int64) (found []store.FactRange) {
		ok(t, f.Ledger().Ranges(t.Context(), store.ShardSet{}, after, func(r store.FactRange) error {
			found = append(found, r)
			return nil
		}))
		return found
	}
	equal(t, ranges(0), []store.FactRange{rangeOf(early), rangeOf(skipped), rangeOf(late)})
	equal(t, ranges(noon-1), []store.FactRange{rangeOf(early), rangeOf(skipped), rangeOf(late)})
	equal(t, ranges(noon), []store.FactRange{rangeOf(skipped), rangeOf(late)})
	equal(t, ranges(noon+day), []store.FactRange{rangeOf(late)})
	equal(t, ranges(noon+2*day), nil)
}

func factsMany(t *testing.T, f *fixture) {
	const n = 11_000
	batch := make([]domain.Execution, 0, n)
	for i := range n {
		batch = append(batch, success(i%7, noon+int64(i/7)))
	}
	f.record(t, batch...)
	got := factRanges(t, f, 0, domain.Forever)
	if len(got) != n {
		t.Fatalf("%d facts, want %d", len(got), n)
	}
	seen := make(map[domain.FireKey]bool, n)
	for _, r := range got {
		seen[r.Key] = true
	}
	for _, e := range batch {
		if !seen[e.FireKey] {
			t.Fatalf("no fact %+v", e.FireKey)
		}
	}
}

func streamsStop(t *testing.T, f *fixture) {
	f.record(t, success(1, noon), success(2, noon))
	f.begin(t, openRun(1, noon+minute), openRun(2, noon+minute))
	stop, calls := errors.New("stop"), 0
	err := f.Ledger().Facts(t.Context(), store.ShardSet{}, 0, domain.Forever,
		func(store.FactRange) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("Facts: error %v after %d calls", err, calls)
	}
	err = f.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(domain.OpenRun) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 2 {
		t.Errorf("OpenRuns: error %v after %d calls", err, calls-1)
	}
	f.record(t, missed(3, noon, noon+minute, 2), missed(4, noon, noon+minute, 2))
	err = f.Ledger().Ranges(t.Context(), store.ShardSet{}, 0, func(store.FactRange) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 3 {
		t.Errorf("Ranges: error %v after %d calls", err, calls-2)
	}
}

func streamsOfShards(t *testing.T, f *fixture) {
	const jobs = 100
	var facts, summaries []domain.Execution
	var runs []domain.OpenRun
	for n := range jobs {
		facts = append(facts, success(n, noon+int64(n%3)), trigger(n, noon+day, int64(n+1)))
		summaries = append(summaries, missed(n, noon-day, noon+minute, 3))
		runs = append(runs, openRun(n, noon+hour))
	}
	manual := missed(7, noon-day, noon+2*minute, 3)
	manual.Nonce = 9
	summaries = append(summaries, manual)
	f.record(t, facts...)
	f.record(t, summaries...)
	f.begin(t, runs...)
	keys := func(found []store.FactRange) (all []domain.FireKey) {
		for _, r := range found {
			all = append(all, r.Key)
		}
		return all
	}
	for name, want := range setsOfShards(f, jobs) {
		var inOrder, summed, open []domain.FireKey
		all := append(append([]domain.Execution(nil), facts...), summaries...)
		for i := range all {
			if want.jobs[all[i].JobID] {
				inOrder = append(inOrder, all[i].FireKey)
				if all[i].Missed != nil {
					summed = append(summed, all[i].FireKey)
				}
			}
		}
		for i := range runs {
			if want.jobs[runs[i].JobID] {
				open = append(open, runs[i].FireKey)
			}
		}
		slices.SortFunc(inOrder, compareKeys)
		slices.SortFunc(summed, compareKeys)
		var gotFacts, gotRanges []store.FactRange
		var gotRuns []domain.FireKey
		note := func(into *[]store.FactRange) func(store.FactRange) error {
			return func(r store.FactRange) error { *into = append(*into, r); return nil }
		}
		ok(t, f.Ledger().Facts(t.Context(), want.set, 0, domain.Forever, note(&gotFacts)))
		ok(t, f.Ledger().Ranges(t.Context(), want.set, 0, note(&gotRanges)))
		ok(t, f.Ledger().OpenRuns(t.Context(), want.set, func(r domain.OpenRun) error {
			gotRuns = append(gotRuns, r.FireKey)
			return nil
		}))
		t.Log("shards:", name)
		equal(t, keys(gotFacts), inOrder)
		equal(t, keys(gotRanges), summed)
		equal(t, gotRuns, open)
	}
}

func openRunLives(t *testing.T, f *fixture) {
	waiting, manual := openRun(1, noon), openRun(2, noon)
	manual.Nonce, manual.Attempts = 77, nil
	f.begin(t, waiting, manual)
	equal(t, f.runs(t), []domain.OpenRun{waiting, manual})

	waiting.Attempts = append(waiting.Attempts, domain.Attempt{Number: 2, StartedAt: noon + second,
		CompletedAt: noon + second + 1})
	waiting.NextAt, waiting.Crashes, waiting.InFlight = noon+3*second, 0, false
	f.begin(t, waiting)
	f.begin(t, waiting)
	f.reopen(t)
	equal(t, f.runs(t), []domain.OpenRun{waiting, manual})

	f.record(t, success(1, noon))
	equal(t, f.runs(t), []domain.OpenRun{manual})
	f.record(t, success(2, noon)) // the scheduled fire, not the trigger
	equal(t, f.runs(t), []domain.OpenRun{manual})
	f.record(t, trigger(2, noon, 77))
	equal(t, f.runs(t), nil)
	f.reopen(t)
	equal(t, f.runs(t), nil)
}

func runsOfKeys(t *testing.T, f *fixture) {
	manual := openRun(2, noon)
	manual.Nonce, manual.Attempts, manual.Runner, manual.RunUntil = 77, nil, 5, noon+hour
	runs := []domain.OpenRun{openRun(1, noon), openRun(1, noon+minute), manual}
	f.begin(t, runs...)
	f.record(t, success(1, noon+minute), success(3, noon), success(2, noon)) // the last is not the trigger
	key := func(n int, at, nonce int64) domain.FireKey {
		return domain.FireKey{JobID: jobID(n), ScheduledAt: at, Nonce: nonce}
	}
	for _, row := range []struct {
		keys []domain.FireKey
		want []domain.OpenRun
	}{
		{nil, nil},
		{[]domain.FireKey{key(1, noon, 0), key(2, noon, 77)}, []domain.OpenRun{runs[0], manual}},
		{[]domain.FireKey{key(2, noon, 77), key(9, noon, 0)}, []domain.OpenRun{manual}},
		{[]domain.FireKey{key(2, noon, 0), key(2, noon, 78), key(1, noon+1, 0)}, nil},
		{[]domain.FireKey{key(1, noon+minute, 0), key(3, noon, 0)}, nil}, // they have ended
	} {
		for range 2 {
			found := must(f.Ledger().RunsOf(t.Context(), row.keys))(t)
			slices.SortFunc(found, func(a, b domain.OpenRun) int { return compareKeys(a.FireKey, b.FireKey) })
			equal(t, found, row.want)
			f.reopen(t)
		}
	}
}

func factWins(t *testing.T, f *fixture) {
	f.record(t, success(1, noon))
	f.begin(t, openRun(1, noon), openRun(1, noon+minute))
	equal(t, f.runs(t), []domain.OpenRun{openRun(1, noon+minute)})
}

func factWinsInBatch(t *testing.T, f *fixture) {
	batch := store.Batch{
		Facts: []domain.Execution{success(1, noon)},
		Open:  []domain.OpenRun{openRun(1, noon), openRun(2, noon)},
	}
	for range 2 {
		ok(t, f.Ledger().Record(t.Context(), batch))
		equal(t, f.runs(t), []domain.OpenRun{openRun(2, noon)})
	}
	equal(t, f.totals(t, 0).ByStatus, map[domain.Status]int64{domain.StatusSuccess: 1})
}

func passingRefused(t *testing.T, f *fixture) {
	for _, status := range []domain.Status{domain.StatusPending, domain.StatusRunning, ""} {
		e := success(1, noon)
		e.Status = status
		if err := f.Ledger().Record(t.Context(),
			store.Batch{Facts: []domain.Execution{success(2, noon), e}}); err == nil {
			t.Errorf("status %q was recorded as a fact", status)
		}
	}
	equal(t, factRanges(t, f, 0, domain.Forever), nil)
}

func emptyBatch(t *testing.T, f *fixture) {
	ok(t, f.Ledger().Record(t.Context(), store.Batch{}))
}

func asidesKept(t *testing.T, f *fixture) {
	a := store.Aside{JobID: jobID(2), Version: 3, Since: noon, Certain: noon + minute}
	b := store.Aside{JobID: jobID(1), Version: 7, Since: noon + 1, Certain: noon + 1}
	later := store.Aside{JobID: jobID(2), Version: 3, Since: noon + day, Certain: noon + day}
	ok(t, f.Ledger().SetAside(t.Context(), []store.Aside{a, b}))
	ok(t, f.Ledger().SetAside(t.Context(), []store.Aside{later}))
	f.reopen(t)
	equal(t, must(f.Ledger().Asides(t.Context()))(t), []store.Aside{b, a})
	ok(t, f.Ledger().EndAside(t.Context(), []store.Aside{a, {JobID: jobID(9), Version: 1}}))
	ok(t, f.Ledger().EndAside(t.Context(), []store.Aside{a}))
	equal(t, must(f.Ledger().Asides(t.Context()))(t), []store.Aside{b})
}
