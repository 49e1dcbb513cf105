package storetest

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var expireCases = []testCase{
	{"Expire drops whole days and nothing younger", expireDays},
	{"counters stay, through a reopen and a second Expire", expireCounters},
	{"an open alert stays, a recovered one goes", expireAlerts},
	{"an alert that stayed goes on and ends", expireAlertGoesOn},
	{"an expired day can begin again with a late fact", expireLateFact},
	{"a day stays that a recovery may read, or whose executions have open runs", expireNeeded},
	{"closed versions stay as long as history, and above the watermark", expireVersions},
}

func expireDays(t *testing.T, f *fixture) {
	f.create(t, version(1))
	facts := []domain.Execution{success(1, noon), success(1, midnight-minute), success(1, midnight),
		success(1, midnight+day)}
	f.record(t, facts...)
	f.expire(t, midnight-1, 0)
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t), newestFirst(facts))
	f.expire(t, midnight, 1)
	f.expire(t, midnight, 0)
	want := newestFirst(facts[2:])
	for range 2 {
		equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t), want)
		equal(t, f.byJob(t, 9), want)
		equal(t, factRanges(t, f, 0, domain.Forever), []store.FactRange{rangeOf(facts[2]), rangeOf(facts[3])})
		_, err := f.History().Execution(t.Context(), facts[0].ID())
		wantCode(t, err, domain.CodeNotFound)
		f.reopen(t)
	}
	f.expire(t, domain.Forever, 2)
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t), nil)
}

func expireCounters(t *testing.T, f *fixture) {
	f.record(t, oneOfEach()...)
	f.record(t, success(1, noon+day), success(2, noon+2*day))
	want := f.totals(t, 0)
	for i := range int64(3) {
		f.expire(t, midnight+i*day, 1)
		equal(t, f.totals(t, 0), want)
		f.reopen(t)
		equal(t, f.totals(t, 0), want)
		equal(t, f.totals(t, noon+3*day).ByStatus, nil)
	}
	f.record(t, success(1, noon+3*day))
	want.ByStatus[domain.StatusSuccess]++
	want.DurationMs, want.Timed = want.DurationMs+20, want.Timed+1
	equal(t, f.totals(t, 0), want)
}

func expireAlerts(t *testing.T, f *fixture) {
	f1, f2 := failure(1, noon), failure(2, noon)
	f.create(t, version(1), version(2))
	f.record(t, f1, f2, success(2, noon+minute))
	f.expire(t, midnight, 1)
	for range 2 {
		equal(t, f.alerts(t), []domain.Alert{alertOf(f1)})
		equal(t, f.openAlerts(t), []domain.Alert{alertOf(f1)})
		f.reopen(t)
	}
}

func expireAlertGoesOn(t *testing.T, f *fixture) {
	f.create(t, version(1))
	var run []domain.Execution
	for i := range int64(5) { // each day is deleted before the one after the next comes
		run = append(run, failure(1, noon+i*day))
		f.record(t, run[i])
		if i > 1 {
			f.expire(t, midnight+(i-2)*day, 1)
		}
		equal(t, f.alerts(t), []domain.Alert{alertOf(run...)})
		f.reopen(t)
		equal(t, f.alerts(t), []domain.Alert{alertOf(run...)})
	}
	f.expire(t, domain.Forever, 2)
	equal(t, f.alerts(t), []domain.Alert{alertOf(run...)})
	s := success(1, noon+9*day)
	f.record(t, s)
	for range 2 {
		equal(t, f.alerts(t), []domain.Alert{recovered(alertOf(run...), s)})
		equal(t, f.openAlerts(t), nil)
		f.reopen(t)
	}
	f.expire(t, domain.Forever, 1)
	for range 2 {
		equal(t, f.alerts(t), nil)
		f.reopen(t)
	}
}

func expireLateFact(t *testing.T, f *fixture) {
	f.record(t, success(1, noon))
	f.expire(t, midnight, 1)
	f.record(t, success(1, noon+minute))
	for range 2 {
		equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t),
			[]domain.Execution{success(1, noon+minute)})
		equal(t, f.totals(t, 0).ByStatus[domain.StatusSuccess], 2)
		f.reopen(t)
	}
	f.expire(t, midnight, 1)
	equal(t, f.totals(t, 0).ByStatus[domain.StatusSuccess], 2)
}

func expireNeeded(t *testing.T, f *fixture) {
	facts := []domain.Execution{success(1, noon), success(1, noon+day), success(1, noon+2*day), success(1, noon+3*day)}
	f.record(t, facts...)
	setWatermark(t, f, midnight+day-2) // fires of the last millisecond of the second day may have no record
	f.begin(t, openRun(2, noon))
	f.expire(t, domain.Forever, 0)
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t), newestFirst(facts))

	setWatermark(t, f, midnight+day-1)
	f.expire(t, domain.Forever, 1)
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t),
		newestFirst([]domain.Execution{facts[0], facts[2], facts[3]}))
	equal(t, f.runs(t), []domain.OpenRun{openRun(2, noon)})

	f.record(t, success(2, noon))
	setWatermark(t, f, noon+3*day)
	f.expire(t, domain.Forever, 2)
	equal(t, must(store.Recent(t.Context(), f.History(), store.Page{Limit: 9}))(t), facts[3:])
}

func expireVersions(t *testing.T, f *fixture) {
	v1 := version(1)
	v2 := edit(v1, noon+minute, nil)
	v3 := edit(v2, midnight+minute, nil)
	gone := version(2)
	f.create(t, v1, gone)
	f.update(t, v2)
	f.update(t, v3)
	ok(t, f.Jobs().Delete(t.Context(), gone.JobID, 1, noon+hour))
	v1, v2, gone = closed(v1, v2.EffectiveFrom), closed(v2, v3.EffectiveFrom), closed(gone, noon+hour)
	all := []domain.Version{v1, v2, v3, gone}

	setWatermark(t, f, 0)
	f.expire(t, noon, 0)
	equal(t, timeline(t, f, 0), all)
	f.expire(t, midnight, 0) // nothing is below the watermark
	equal(t, timeline(t, f, 0), all)

	run := openRun(2, noon+minute)
	run.Version = 1
	f.begin(t, run)
	setWatermark(t, f, midnight+day)
	f.expire(t, midnight, 0)
	equal(t, timeline(t, f, 0), []domain.Version{v2, v3, gone}) // its open run needs it

	f.record(t, success(2, noon+minute))
	f.expire(t, midnight, 1)
	equal(t, timeline(t, f, 0), []domain.Version{v2, v3})
	equal(t, must(f.Jobs().Versions(t.Context(), gone.JobID, store.WholeVersions))(t), nil)
	wantCount(t, f, 1, 1)
}
