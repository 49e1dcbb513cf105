package alert

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// openOnce fails the test if two groups of one rule and key are open.
func (w *world) openOnce() {
	w.t.Helper()
	found, err := w.disk.Join().Notices().Groups(w.t.Context(), store.GroupQuery{Open: true, Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	open := make(map[groupKey]bool)
	for _, g := range found {
		key := groupKey{g.Rule, g.Key}
		if open[key] {
			w.t.Errorf("two groups of %v are open", key)
		}
		open[key] = true
	}
}

// Of two who open a group of one key, since each takes itself for the one that tells people, one is refused. It reads
// again in its next step, and what it was about is in the group of the other one.
func TestTwoWhoOpenAGroupOfOneKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs(1, 3, payments)
		before, after := w.teller(), w.teller()
		defer before.sending.Wait()
		defer after.sending.Wait()
		defer before.stopCouriers()
		defer after.stopCouriers()
		step := func(t *Teller) {
			w.t.Helper()
			if more, err := t.runOnce(w.t.Context()); more || err != nil {
				w.t.Fatal(more, err)
			}
		}
		step(before)
		step(after) // both know of no group
		w.fail(1)
		step(before)
		w.fail(2, 3)
		step(after)
		w.openOnce()
		marked, err := w.store.Notices().Changed(t.Context(), 9)
		if err != nil || len(marked) != 2 {
			t.Errorf("of what was refused %d marks are there, %v", len(marked), err)
		}
		step(after)
		groups := w.groups()
		if len(groups) != 1 || groups[0].Counts != (domain.GroupCounts{Jobs: 3, AllJobs: 3, Failures: 3}) {
			t.Errorf("%+v", groups)
		}
		w.wait(15 * time.Second)
		step(before) // it knows less than the other one
		step(before)
		w.wait(time.Second)
		w.want("ops", opened)
		if got := w.box.of("ops"); len(got) == 1 && got[0].Groups[0].Counts.Jobs != 3 {
			t.Errorf("people were told of %+v", got[0].Groups[0].Counts)
		}
	})
}

// While two tell people all the time, and their store fails, at no time two groups of one key are open, and each
// failure is told.
func TestTwoWhoTellLoseNothing(t *testing.T) {
	for seed := range uint64(lossSeeds) {
		bubble(t, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(seed, 5))
			w.change(func(s *Settings) {
				s.Rules[0].By = []domain.GroupBy{domain.ByHost, domain.ByJob}[seed%2]
				s.Channels[0].PerMinute = 600
			})
			w.jobs(1, 10, payments)
			w.jobs(11, 20, mail)
			failed := make(map[int]bool)
			w.begin()
			first := w.stop
			w.begin()
			second := w.stop
			w.stop = func() { first(); second(); w.stop = nil }
			for range 30 {
				if r.IntN(3) == 0 {
					fault := []faulty.Fault{faulty.FailBefore, faulty.FailAfter}[r.IntN(2)]
					w.store.Add(faulty.Rule{Method: "Notices", Fault: fault, P: 0.3, Times: 1 + r.IntN(5)})
				}
				if n := 1 + r.IntN(20); r.IntN(2) == 0 {
					failed[n] = true
					w.fail(n)
				} else {
					w.succeed(n)
				}
				w.wait(time.Duration(r.IntN(20_000)) * time.Millisecond)
				w.openOnce()
			}
			w.store.Clear()
			w.succeed(upTo(20)...)
			w.wait(2 * time.Hour)
			w.checkTold(seed, failed)
		})
	}
}
