package storetest

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var alertCases = []testCase{
	{"failures of one job are one alert, a success ends it", alertLife},
	{"a success that ended before the last failure ends nothing", alertOldSuccess},
	{"all in one batch", alertOneBatch},
	{"an UNKNOWN outcome is a failure, SKIPPED and MISSED are not", alertKinds},
	{"a late failure counts and leaves the latest as it is", alertLateFailure},
	{"an alert goes on over midnight", alertMidnight},
	{"an alert can go on with a fire of an earlier day", alertGoesBack},
	{"an alert can end with a fire of an earlier day", alertEndsEarlier},
	{"List pages by the latest failure, newest first", alertPages},
	{"List of open alerts", alertOpenOnly},
	{"List of the alerts of one job, and of those since an instant", alertsOfOne},
	{"MostFailures is in the order of failures in a row", mostFailures},
	{"lost fires of one job are one alert, and are kept once", alertLost},
	{"lost fires come before the failures of their job at the same instant", alertLostPages},
	{"lost fires go with the history of their day, and Kept tells how far that is gone", alertLostExpire},
}

// alertOf returns the alert that consecutive failures make.
func alertOf(failures ...domain.Execution) domain.Alert {
	first, last := failures[0], failures[len(failures)-1]
	return domain.Alert{
		JobID: first.JobID, FirstAt: first.CompletedAt, LastAt: last.CompletedAt, Count: int64(len(failures)),
		Execution: last.ID(), HTTPStatus: last.HTTPStatus, Error: last.Error,
	}
}

func recovered(a domain.Alert, by domain.Execution) domain.Alert {
	a.RecoveredAt = by.CompletedAt
	return a
}

func alertLife(t *testing.T, f *fixture) {
	var f1, f2 = failure(1, noon), failure(1, noon+minute)
	f2.HTTPStatus, f2.Error = 0, "no such host"
	f.record(t, success(1, noon-minute))
	equal(t, f.alerts(t), nil)
	f.record(t, f1)
	equal(t, f.alerts(t), []domain.Alert{alertOf(f1)})
	f.record(t, f2)
	f.reopen(t)
	equal(t, f.alerts(t), []domain.Alert{alertOf(f1, f2)})
	s := success(1, noon+2*minute)
	f.record(t, s)
	equal(t, f.alerts(t), []domain.Alert{recovered(alertOf(f1, f2), s)})
	f.record(t, success(1, noon+3*minute)) // it has recovered already
	f3 := failure(1, noon+4*minute)
	f.record(t, f3)
	want := []domain.Alert{alertOf(f3), recovered(alertOf(f1, f2), s)}
	equal(t, f.alerts(t), want)
	f.reopen(t)
	equal(t, f.alerts(t), want)
}

func alertOldSuccess(t *testing.T, f *fixture) {
	slow := failure(1, noon)
	slow.CompletedAt = noon + 5*minute
	f.record(t, slow)
	f.record(t, success(1, noon+minute))
	equal(t, f.alerts(t), []domain.Alert{alertOf(slow)})
}

func alertOneBatch(t *testing.T, f *fixture) {
	f1, f2, s, f3 := failure(1, noon), failure(1, noon+minute), success(1, noon+2*minute), failure(1, noon+3*minute)
	f.record(t, success(2, noon), f3, f1, s, f2, success(1, noon-minute))
	equal(t, f.alerts(t), []domain.Alert{alertOf(f3), recovered(alertOf(f1, f2), s)})
}

func alertKinds(t *testing.T, f *fixture) {
	skipped := success(1, noon)
	skipped.Status, skipped.StartedAt, skipped.HTTPStatus = domain.StatusSkipped, 0, 0
	f.record(t, skipped, missed(1, noon+minute, noon+2*minute, 2))
	equal(t, f.alerts(t), nil)
	unknown := success(1, noon+3*minute)
	unknown.Status, unknown.HTTPStatus, unknown.Error = domain.StatusUnknown, 0, "a crash hid the outcome"
	f.record(t, unknown)
	equal(t, f.alerts(t), []domain.Alert{alertOf(unknown)})
	skipped.ScheduledAt, skipped.CompletedAt = noon+4*minute, noon+4*minute+1
	f.record(t, skipped) // no success
	equal(t, f.alerts(t), []domain.Alert{alertOf(unknown)})
}

func alertLateFailure(t *testing.T, f *fixture) {
	f1, f2 := failure(1, noon), failure(1, noon+minute)
	f1.Error = "the older one"
	f.record(t, f2)
	f.record(t, f1)
	want := alertOf(f2)
	want.Count = 2
	equal(t, f.alerts(t), []domain.Alert{want})
}

func alertMidnight(t *testing.T, f *fixture) {
	var run []domain.Execution
	for i := range int64(4) {
		run = append(run, failure(1, noon+i*day), failure(1, noon+i*day+hour))
		f.record(t, run[2*i], run[2*i+1])
		equal(t, f.alerts(t), []domain.Alert{alertOf(run...)})
		if i == 1 {
			f.reopen(t)
			equal(t, f.alerts(t), []domain.Alert{alertOf(run...)})
		}
	}
	s := success(1, noon+5*day)
	f.record(t, s)
	want := []domain.Alert{recovered(alertOf(run...), s)}
	equal(t, f.alerts(t), want)
	f.reopen(t)
	equal(t, f.alerts(t), want)
	again := failure(1, noon+6*day)
	f.record(t, again)
	equal(t, f.alerts(t), append([]domain.Alert{alertOf(again)}, want...))
}

func alertGoesBack(t *testing.T, f *fixture) {
	f1, f2 := failure(1, noon), failure(1, noon+day)
	late := failure(1, noon+minute) // due on the first day, done on the third
	late.StartedAt, late.CompletedAt = noon+2*day, noon+2*day+1
	f.record(t, f1, f2)
	f.record(t, late)
	for range 2 {
		equal(t, f.alerts(t), []domain.Alert{alertOf(f1, f2, late)})
		equal(t, f.openAlerts(t), []domain.Alert{alertOf(f1, f2, late)})
		f.reopen(t)
	}
	s := success(1, noon+3*day)
	f.record(t, s)
	equal(t, f.alerts(t), []domain.Alert{recovered(alertOf(f1, f2, late), s)})
}

func alertEndsEarlier(t *testing.T, f *fixture) {
	f1, f2 := failure(1, noon), failure(1, noon+day)
	f.record(t, f1)
	f.record(t, f2)
	late := success(1, noon+minute) // due on the first day, done on the third
	late.StartedAt, late.CompletedAt = noon+2*day, noon+2*day+1
	f.record(t, late)
	want := []domain.Alert{recovered(alertOf(f1, f2), late)}
	equal(t, f.alerts(t), want)
	f.reopen(t)
	equal(t, f.alerts(t), want)
	if gone := must(f.History().Expire(t.Context(), noon-noon%day+day))(t); gone != 1 {
		t.Fatalf("%d days expired, want 1", gone)
	}
	f.reopen(t)
	equal(t, f.openAlerts(t), nil)
}

func (f *fixture) openAlerts(t *testing.T) []domain.Alert {
	t.Helper()
	return must(f.Store.Alerts().List(t.Context(), store.AlertPage{Limit: 100, OpenOnly: true}))(t)
}

func alertPages(t *testing.T, f *fixture) {
	var want []domain.Alert
	for i := range 9 { // three days, three jobs, two of them at the same instant
		e := failure(1+i%3, noon-int64(i/3)*day)
		if i%3 == 2 {
			e = failure(3, noon-int64(i/3)*day+minute)
		}
		s := success(1+i%3, e.ScheduledAt+2*minute)
		f.record(t, e, s)
		want = append(want, recovered(alertOf(e), s))
	}
	want = []domain.Alert{want[2], want[1], want[0], want[5], want[4], want[3], want[8], want[7], want[6]}
	for _, size := range []int{1, 2, 9, 50} {
		var got []domain.Alert
		for page := (store.AlertPage{Limit: size}); ; {
			part := must(f.Store.Alerts().List(t.Context(), page))(t)
			got = append(got, part...)
			if len(part) < size {
				break
			}
			page.BeforeAt, page.BeforeJob = part[size-1].LastAt, part[size-1].JobID
		}
		equal(t, got, want)
	}
}

func alertOpenOnly(t *testing.T, f *fixture) {
	f1, f2, f3 := failure(1, noon), failure(2, noon), failure(3, noon-day)
	f.record(t, f1, f2, f3, success(1, noon+minute))
	equal(t, f.openAlerts(t), []domain.Alert{alertOf(f2), alertOf(f3)})
	page := store.AlertPage{BeforeAt: f2.CompletedAt, BeforeJob: jobID(2), Limit: 1, OpenOnly: true}
	equal(t, must(f.Store.Alerts().List(t.Context(), page))(t), []domain.Alert{alertOf(f3)})
	f.record(t, success(2, noon+minute), success(3, noon+minute))
	equal(t, f.openAlerts(t), nil)
}

// The alerts of a job, and those with a failure since an instant, are those of the whole list, on pages of any size.
func alertsOfOne(t *testing.T, f *fixture) {
	for i := range 4 { // days
		for n := 1; n <= 3; n++ {
			at := noon + int64(i)*day + int64(n)*minute
			f.record(t, failure(n, at), failure(n, at+hour))
			if i+n != 4 { // that of job 1 stays open, those of 2 and 3 go on over a midnight
				f.record(t, success(n, at+2*hour))
			}
		}
	}
	f.lose(t, noon+day+minute+43, domain.Loss{JobID: jobID(1), ScheduledAt: noon, Version: 1})
	f.lose(t, noon+9*day, domain.Loss{JobID: jobID(2), ScheduledAt: noon, Version: 1})
	for range 2 {
		all := f.alerts(t)
		for i, page := range []store.AlertPage{{JobID: jobID(1)}, {JobID: jobID(2)}, {JobID: jobID(1), OpenOnly: true},
			{JobID: jobID(9)}, {From: noon + 2*day}, {From: noon + day + minute + 43, JobID: jobID(1)},
			{From: noon + day + minute + 44, JobID: jobID(1)}, {From: noon + 10*day},
			{From: noon + 3*day, OpenOnly: true}} {
			var want []domain.Alert
			for _, a := range all {
				if page.Selects(&a) {
					want = append(want, a)
				}
			}
			for _, page.Limit = range []int{1, 2, 100} {
				var got []domain.Alert
				for from := page; ; {
					part := must(f.Alerts().List(t.Context(), from))(t)
					got = append(got, part...)
					if len(part) < page.Limit {
						break
					}
					last := part[len(part)-1]
					from.BeforeAt, from.BeforeJob, from.BeforeLost = last.LastAt, last.JobID, last.Lost
				}
				equal(t, got, want)
			}
			if none := i == 3 || i == 7; (len(want) == 0) != none {
				t.Errorf("%+v selects %d", page, len(want))
			}
		}
		f.reopen(t)
	}
}

func mostFailures(t *testing.T, f *fixture) {
	var want []store.JobFailures
	for n := 1; n <= 9; n++ {
		count := 1 + n*7%4
		for i := range int64(count) {
			f.record(t, failure(n, noon+i*minute))
		}
		if n == 4 {
			f.record(t, success(n, noon+hour))
			continue
		}
		want = append(want, store.JobFailures{JobID: jobID(n), Count: int64(count)})
	}
	f.lose(t, noon, domain.Loss{JobID: jobID(7), ScheduledAt: noon, Version: 1})
	slices.SortFunc(want, store.JobFailures.Compare)
	for range 2 {
		for _, limit := range []int{1, 2, 3, 8, 100} {
			var got []store.JobFailures
			for after := (store.JobFailures{}); ; {
				part := must(f.Alerts().MostFailures(t.Context(), after, limit))(t)
				got = append(got, part...)
				if len(part) < limit {
					break
				}
				after = part[limit-1]
			}
			equal(t, got, want)
		}
		f.reopen(t)
	}
	f.record(t, failure(1, noon+hour), failure(1, noon+2*hour), failure(1, noon+3*hour), failure(1, noon+4*hour))
	if got := must(f.Alerts().MostFailures(t.Context(), store.JobFailures{}, 1))(t); got[0].JobID != jobID(1) {
		t.Errorf("%+v", got)
	}
}

func (f *fixture) lose(t *testing.T, foundAt int64, losses ...domain.Loss) []domain.Loss {
	t.Helper()
	return must(f.Alerts().AddLost(t.Context(), losses, foundAt))(t)
}

func lostAlert(first, last int64, losses ...domain.Loss) domain.Alert {
	latest := losses[len(losses)-1]
	return domain.Alert{
		JobID: latest.JobID, Lost: true, FirstAt: first, LastAt: last, Count: int64(len(losses)),
		Execution: latest.Execution(), Error: domain.LossText(latest.ScheduledAt),
	}
}

func alertLost(t *testing.T, f *fixture) {
	a := domain.Loss{JobID: jobID(1), ScheduledAt: noon, Version: 1}
	b := domain.Loss{JobID: jobID(1), ScheduledAt: noon + minute, Version: 2}
	c := domain.Loss{JobID: jobID(2), ScheduledAt: noon, Version: 1}
	equal(t, f.lose(t, noon+hour, b, c), []domain.Loss{b, c})
	equal(t, f.lose(t, noon+2*hour, b, a, c), []domain.Loss{a})
	for range 2 {
		equal(t, f.lose(t, noon+3*hour, a, b, c), nil)
		equal(t, f.alerts(t), []domain.Alert{lostAlert(noon+hour, noon+2*hour, a, b),
			lostAlert(noon+hour, noon+hour, c)})
		f.reopen(t)
	}
	f.record(t, success(1, noon+2*minute)) // which does not bring them back
	equal(t, must(f.Alerts().List(t.Context(), store.AlertPage{Limit: 9, OpenOnly: true}))(t), f.alerts(t))
	for _, a := range must(f.Alerts().List(t.Context(), store.AlertPage{Limit: 9, LostOnly: true}))(t) {
		if !a.Lost {
			t.Errorf("%+v is not about lost fires", a)
		}
	}
}

func alertLostPages(t *testing.T, f *fixture) {
	fail1, fail2 := failure(1, noon), failure(2, noon)
	f.record(t, fail1, fail2)
	l1, l2 := domain.Loss{JobID: jobID(1), ScheduledAt: noon, Version: 1},
		domain.Loss{JobID: jobID(2), ScheduledAt: noon, Version: 1}
	at := fail1.CompletedAt
	f.lose(t, at, l1, l2)
	want := []domain.Alert{lostAlert(at, at, l2), alertOf(fail2), lostAlert(at, at, l1), alertOf(fail1)}
	for _, open := range []bool{false, true} {
		var got []domain.Alert
		page := store.AlertPage{Limit: 1, OpenOnly: open}
		for range len(want) + 1 {
			next := must(f.Alerts().List(t.Context(), page))(t)
			if len(next) == 0 {
				break
			}
			got = append(got, next...)
			last := next[len(next)-1]
			page.BeforeAt, page.BeforeJob, page.BeforeLost = last.LastAt, last.JobID, last.Lost
		}
		equal(t, got, want)
		equal(t, must(f.Alerts().List(t.Context(), store.AlertPage{Limit: 3, OpenOnly: open}))(t), want[:3])
		failures := store.AlertPage{Limit: 1, OpenOnly: open, FailuresOnly: true}
		equal(t, must(f.Alerts().List(t.Context(), failures))(t), want[1:2])
		failures.BeforeAt, failures.BeforeJob = want[1].LastAt, want[1].JobID
		equal(t, must(f.Alerts().List(t.Context(), failures))(t), want[3:])
	}
}

func alertLostExpire(t *testing.T, f *fixture) {
	old, young := domain.Loss{JobID: jobID(1), ScheduledAt: noon, Version: 1},
		domain.Loss{JobID: jobID(1), ScheduledAt: noon + day, Version: 1}
	f.record(t, success(1, noon), success(1, noon+day))
	f.lose(t, noon+hour, old, young)
	equal(t, must(f.History().Kept(t.Context()))(t), int64(0))
	f.expire(t, midnight, 1)
	for range 2 {
		equal(t, f.alerts(t), []domain.Alert{lostAlert(noon+hour, noon+hour, young)})
		equal(t, must(f.History().Kept(t.Context()))(t), midnight)
		f.reopen(t)
	}
}
