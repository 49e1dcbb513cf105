package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/dispatch"
)

// A host that answers nothing takes its share of the slots and no more: its
// fires wait in a queue, the rest as spans, and the fires of a healthy host are
// not late by a millisecond. A pause ends what waits.
func TestDeadHost(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 100}, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		dead := func(d *domain.SpecDoc) {
			d.API, d.TimeoutMs, d.Retry.MaxRetries = "http://dead.test/?delay=60000", 20_000, 0
		}
		var docs []domain.SpecDoc
		for range 30 {
			docs = append(docs, spec("", dead))
		}
		first := len(docs)
		for range 10 {
			docs = append(docs, spec("?delay=200"))
		}
		w.create(docs...)
		w.eng.runner.dispatcher.LimitHostQueue(500) // the rest becomes spans
		w.pass(2 * time.Minute)
		most, spans := 0, 0
		for _, s := range w.targets.of(w.jobs[first]) {
			if s.wall != s.Key.ScheduledAt {
				t.Errorf("%v of the healthy host is late by %d ms", s.Key, s.wall-s.Key.ScheduledAt)
			}
		}
		for _, h := range w.eng.runner.dispatcher.Hosts() {
			most = max(most, h.Calls)
			spans += h.Spans
		}
		if most > 90 || most < 60 {
			t.Errorf("the dead host has %d of 100 slots", most)
		}
		if spans < 1 || spans > 30 {
			t.Errorf("%d spans of 30 jobs: one for each is enough, however many calls have ended", spans)
		}
		until := w.now()
		for _, id := range w.jobs {
			if _, err := w.update(id, paused); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(2 * time.Minute)
		w.check(until)
		sent := w.statuses(w.jobs[first])[domain.StatusSuccess]
		if sent < 118 {
			t.Errorf("%d of some 120 fires of the healthy host succeeded", sent)
		}
	})
}

// Without a pause the spans are sent, oldest first, with all the slots of the
// host: they are no gap.
func TestSpansAreSent(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 8, MaxInFlightPerHost: 8}, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?v=1&delay=100"))
		w.eng.runner.dispatcher.LimitHostQueue(0) // every fire becomes a span first
		w.pass(50 * time.Second)
		w.check(w.now() - 1000)
		if got := w.statuses(id); got[domain.StatusSuccess] < 49 || len(got) != 1 {
			t.Errorf("on record: %v", got)
		}
	})
}

// What a host that answers nothing leaves behind is bounded by maxRuns, not by
// the length of its silence: in the queue, in the ranges, in the age of W, and
// so in what a crash leaves uncertain.
func TestBacklogIsBounded(t *testing.T) {
	t.Parallel()
	for _, policy := range []domain.OverlapPolicy{domain.OverlapAllow, domain.OverlapQueue} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			bubbleWith(t, Config{MaxInFlight: 4}, func(t *testing.T, w *world) {
				const runs = 20
				dead := func(d *domain.SpecDoc) {
					d.API, d.TimeoutMs, d.Retry.MaxRetries = "http://dead.test/?delay=60000", 30_000, 0
					d.Misfire.MaxRuns = runs
				}
				w.create(spec("", dead, overlap(policy)), spec("", dead, overlap(policy)), spec(""))
				w.pass(10 * time.Minute)
				for _, r := range w.eng.waiting() {
					if int(r.Job.Busy) > runs+1 {
						t.Errorf("%d fires of one job are queued or in flight, want at most %d", r.Job.Busy, runs+1)
					}
				}
				if longest := dispatch.LongestSpan(w.eng.runner.dispatcher); longest > runs+runs/8 {
					t.Errorf("a range of %d fires waits, want at most %d", longest, runs+runs/8)
				}
				w.reboot(true, 0)
				if n := len(w.openRuns()); n > 2*(2*runs+runs/8+4) {
					t.Errorf("the crash left %d fires in doubt", n)
				}
				w.pass(time.Minute)
				for _, id := range w.jobs {
					if _, err := w.delete(id); err != nil {
						t.Fatal(err)
					}
				}
				w.pass(2 * time.Minute)
				w.check(w.now())
				if w.statuses(w.jobs[0])[domain.StatusMissed] < 400 {
					t.Errorf("%v: the rest has to be on record as MISSED", w.statuses(w.jobs[0]))
				}
			})
		})
	}
}

// Jobs that spell one host in several ways share its limit, and a healthy one
// is beside it.
func TestSpellingsShareALimit(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 100, MaxInFlightPerHost: 3}, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		var docs []domain.SpecDoc
		for _, api := range []string{"http://A.x/1?delay=20000", "http://a.x:80/2?delay=20000",
			"HTTP://a.X:080/3?delay=20000", "http://b.x/?delay=20000"} {
			docs = append(docs, spec("", overlap(domain.OverlapAllow),
				func(d *domain.SpecDoc) { d.API, d.TimeoutMs = api, 30_000 }))
		}
		w.create(docs...)
		w.pass(15 * time.Second)
		calls := make(map[string]int)
		for _, h := range w.eng.runner.dispatcher.Hosts() {
			calls[h.Key.String()] = h.Calls
		}
		if len(calls) != 2 || calls["http://a.x:80"] != 3 || calls["http://b.x:80"] != 3 {
			t.Errorf("calls in flight by host: %v, want 3 of each of two hosts", calls)
		}
		if first, second := len(w.targets.of(w.jobs[0])), len(w.targets.of(w.jobs[1])); first+second >= 4 {
			t.Errorf("%d and %d calls of one host began, of which 3 may be in flight", first, second)
		}
	})
}
