package alert

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestJudge is the truth table of the conditions that executions decide. The instant is 10,000,000; an execution is
// scheduled so many seconds before, is started late ms later, and takes takes ms.
func TestJudge(t *testing.T) {
	const now = 10_000_000
	type e struct {
		status           domain.Status
		ago, late, takes int64
		fires            int64
		neverSent        bool
	}
	s, f := e{status: "SUCCESS", ago: 60}, e{status: "FAILED", ago: 60}
	many := func(one e, n int) (list []e) {
		for range n {
			list = append(list, one)
		}
		return list
	}
	of := domain.Condition{Kind: domain.WhenFailedOf, Count: 2, Of: 4}
	rate := domain.Condition{Kind: domain.WhenSuccessRate, Percent: 75, WindowMs: 600_000, Count: 4}
	slow := domain.Condition{Kind: domain.WhenDuration, ThresholdMs: 5_000, WindowMs: 600_000}
	late := domain.Condition{Kind: domain.WhenDrift, ThresholdMs: 5_000, WindowMs: 600_000, Count: 2}
	missed := domain.Condition{Kind: domain.WhenMissed, WindowMs: 600_000, Count: 3}
	skipped := domain.Condition{Kind: domain.WhenSkipped, WindowMs: 600_000}
	for _, c := range []struct {
		name string
		when domain.Condition
		list []e
		met  bool
		n    int64
		text string
	}{
		{"none of the last", of, many(s, 4), false, 0, ""},
		{"one of the last", of, []e{s, f, s, s}, false, 1, "1 of the last 4 executions failed: 500"},
		{"two of the last", of, []e{s, f, s, f}, true, 2, "2 of the last 4 executions failed: 500"},
		{"two, one of them before the last", of, []e{s, f, s, s, f}, false, 1,
			"1 of the last 4 executions failed: 500"},
		{"two of two that there are", of, []e{f, f}, true, 2, "2 of the last 2 executions failed: 500"},
		{"what was not sent is none of the last", of, []e{{status: "SKIPPED"}, {status: "MISSED"}, f,
			{status: "RUNNING"}, {status: "UNKNOWN"}}, true, 2, "2 of the last 2 executions failed: 500"},
		{"however long ago", of, []e{{status: "FAILED", ago: 90_000}, {status: "FAILED", ago: 90_001}}, true, 2,
			"2 of the last 2 executions failed: 500"},
		{"three quarters", rate, []e{s, s, s, f}, false, 1,
			"1 of 4 executions in 10m0s failed, more than 75 % allow: 500"},
		{"fewer", rate, []e{s, s, f, f, s}, true, 2, "2 of 5 executions in 10m0s failed, more than 75 % allow: 500"},
		{"too few to say", rate, []e{f, f, f}, false, 3,
			"3 of 3 executions in 10m0s failed, more than 75 % allow: 500"},
		{"too long ago", rate, append(many(s, 4), many(e{status: "FAILED", ago: 601}, 4)...), false, 0, ""},
		{"as long as it may take", slow, []e{{status: "SUCCESS", takes: 5_000}}, false, 0, ""},
		{"longer", slow, []e{{status: "SUCCESS", takes: 5_001}}, true, 1, "took 5.001s, longer than 5s"},
		{"failures take long, too", slow, []e{{status: "FAILED", takes: 7_000}, {status: "SUCCESS", takes: 6_000}},
			true, 2, "took 7s, longer than 5s, 2 times in 10m0s: 500"},
		{"longer, too long ago", slow, []e{{status: "SUCCESS", takes: 9_000, ago: 601}}, false, 0, ""},
		{"late once", late, []e{{status: "SUCCESS", late: 5_001}, {status: "SUCCESS", late: 5_000}}, false, 1,
			"started 5.001s late, later than 5s"},
		{"late twice", late, []e{{status: "SUCCESS", late: 9_000}, {status: "UNKNOWN", late: 5_001}}, true, 2,
			"started 9s late, later than 5s, 2 times in 10m0s"},
		{"never sent is not late", late, []e{{status: "SKIPPED", neverSent: true}, {status: "FAILED", neverSent: true}},
			false, 0, ""},
		{"a summary counts as what it stands for", missed, []e{{status: "MISSED", fires: 3}, s}, true, 3,
			"3 fires missed in 10m0s"},
		{"two are missed", missed, []e{{status: "MISSED", fires: 2}, {status: "SKIPPED", fires: 7}}, false, 2,
			"2 fires missed in 10m0s"},
		{"one is skipped", skipped, []e{{status: "SKIPPED", fires: 1}, {status: "MISSED", fires: 7}}, true, 1,
			"1 fire skipped in 10m0s"},
		{"failures in a row are not decided here", domain.Condition{}, many(f, 9), false, 0, ""},
		{"nor are lost fires", domain.Condition{Kind: domain.WhenLost}, many(f, 9), false, 0, ""},
		{"nothing", slow, nil, false, 0, ""},
	} {
		var list []domain.Execution
		for _, x := range c.list {
			at := now - x.ago*1000
			one := domain.Execution{Status: x.status, FireKey: domain.FireKey{ScheduledAt: at}, StartedAt: at + x.late,
				CompletedAt: at + x.late + x.takes}
			if x.fires > 1 {
				one.Missed = &domain.MissedRange{Count: x.fires}
			}
			if x.neverSent {
				one.StartedAt = 0
			}
			if x.status == domain.StatusFailed {
				one.Error = "500"
			}
			list = append(list, one)
		}
		got := Judge(&c.when, list, now)
		if got.Met != c.met || got.Count != c.n || got.Text != c.text {
			t.Errorf("%s: %t, %d, %q; want %t, %d, %q", c.name, got.Met, got.Count, got.Text, c.met, c.n, c.text)
		}
		var p domain.Point
		for i := range list {
			p.Add(&list[i])
		}
		if watched(c.when.Which()) && got.Count > 0 && !mayHave(&c.when, &p) {
			t.Errorf("%s: the series says that there is nothing to find", c.name)
		}
	}
}

// The condition of each kind has words of its own.
func TestWordings(t *testing.T) {
	for _, kind := range domain.ConditionKinds {
		w, ok := wordings[kind]
		if !ok || w.begins == "" || w.goesOn == "" || w.over == "" || w.past == "" || w.counted == "" {
			t.Errorf("%s: %+v", kind, w)
		}
	}
	if wordingOf(&domain.Group{When: "LATER"}).begins != "Failing" {
		t.Error("a group of a later program has no words")
	}
}
