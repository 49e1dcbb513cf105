package engine

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Every fire of an every-second job goes out at its instant, to the
// millisecond, and is on record.
func TestFiresOnEachSecond(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?v=1"))
		w.pass(30 * time.Second)
		calls := w.targets.of(id)
		if len(calls) != 30 {
			t.Fatalf("%d calls in 30 s", len(calls))
		}
		for i, s := range calls {
			if s.wall != s.Key.ScheduledAt || s.Attempt != 1 || s.ExecutionID != s.Key.ID() {
				t.Errorf("call %d: scheduled %d, sent %d, attempt %d", i, s.Key.ScheduledAt, s.wall, s.Attempt)
			}
			if i > 0 && s.Key.ScheduledAt != calls[i-1].Key.ScheduledAt+1000 {
				t.Errorf("a gap before %d", s.Key.ScheduledAt)
			}
		}
		w.check(w.now() - 100)
		if got := w.statuses(id); got[domain.StatusSuccess] != 30 || len(got) != 1 {
			t.Errorf("on record: %v", got)
		}
		if lag := w.now() - w.eng.shards.Watermark(); lag > 2500 {
			t.Errorf("the watermark is %d ms behind", lag)
		}
	})
}

// starts returns when the calls of each execution of a job began, as offsets in
// milliseconds from the scheduled instant, and fails when the executions do not
// all have the same ones.
func starts(t *testing.T, calls []seen) []int64 {
	t.Helper()
	by := make(map[domain.FireKey][]int64)
	for _, s := range calls {
		by[s.Key] = append(by[s.Key], s.wall-s.Key.ScheduledAt)
	}
	var first []int64
	for key, got := range by {
		if first == nil {
			first = got
		}
		if !slices.Equal(first, got) {
			t.Errorf("%v was sent at %v, another at %v", key, got, first)
		}
	}
	return first
}

// The time that a call waits for its turn to dial is no part of its attempt:
// the record says when the request could leave, and how long the target took.
func TestTimeInLineIsNoPartOfTheAttempt(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?held=700&delay=250&status=500&first=1"))
		w.pass(20 * time.Second)
		var facts int
		for _, x := range w.facts(id) {
			if x.Status != domain.StatusSuccess {
				continue
			}
			facts++
			at := x.ScheduledAt
			if x.StartedAt != at+700 || x.CompletedAt != at+700+250+1000+700+250 {
				t.Errorf("%d: began after %d ms, ended after %d", at, x.StartedAt-at, x.CompletedAt-at)
			}
			if len(x.Attempts) != 2 {
				t.Fatalf("%d attempts on record", len(x.Attempts))
			}
			for i, a := range x.Attempts {
				if began := at + 700 + int64(i)*(250+1000+700); a.StartedAt != began || a.CompletedAt != began+250 {
					t.Errorf("attempt %d: from %d to %d ms, want from %d on", i+1, a.StartedAt-at,
						a.CompletedAt-at, began-at)
				}
			}
		}
		if facts < 15 {
			t.Errorf("%d executions on record", facts)
		}
	})
}

func TestRetries(t *testing.T) {
	t.Parallel()
	retry := func(r domain.Retry) func(*domain.SpecDoc) { return func(d *domain.SpecDoc) { d.Retry = r } }
	for name, c := range map[string]struct {
		doc    domain.SpecDoc
		starts []int64 // after the scheduled instant, ms
		status domain.Status
		http   int
	}{
		"three retries after 1, 2 and 3 s": {spec("?status=500"), []int64{0, 1000, 3000, 6000},
			domain.StatusFailed, 500},
		"the delay counts from the end": {spec("?status=500&delay=300"), []int64{0, 1300, 3600, 6900},
			domain.StatusFailed, 500},
		"success ends it": {spec("?status=503&first=2"), []int64{0, 1000, 3000},
			domain.StatusSuccess, 200},
		"Retry-After is honoured": {spec("?status=429&first=1&after=5000"), []int64{0, 5000},
			domain.StatusSuccess, 200},
		"Retry-After up to the limit": {
			spec("?status=429&first=1&after=500000",
				retry(domain.Retry{MaxRetries: 1, DelayMs: 10, Backoff: domain.BackoffFixed, MaxDelayMs: 7000})),
			[]int64{0, 7000}, domain.StatusSuccess, 200},
		"other 4xx are final":     {spec("?status=404"), []int64{0}, domain.StatusFailed, 404},
		"3xx is final":            {spec("?status=302"), []int64{0}, domain.StatusFailed, 302},
		"408 and 425 are retried": {spec("?status=425&first=1"), []int64{0, 1000}, domain.StatusSuccess, 200},
		"no retries": {spec("?status=500", retry(domain.Retry{Backoff: domain.BackoffFixed})), []int64{0},
			domain.StatusFailed, 500},
		"a timeout is retried": {
			spec("?delay=9000", func(d *domain.SpecDoc) { d.TimeoutMs = 400; d.Retry.MaxRetries = 1 }),
			[]int64{0, 1400}, domain.StatusFailed, 0},
		"connection refused": {spec("?net=refused"), []int64{0, 1000, 3000, 6000},
			domain.StatusFailed, 0},
		"at most once, surely not sent": {spec("?net=refused", once), []int64{0, 1000, 3000, 6000},
			domain.StatusFailed, 0},
		"at most once, maybe sent: final":  {spec("?net=reset", once), []int64{0}, domain.StatusFailed, 0},
		"at least once, maybe sent: again": {spec("?net=reset"), []int64{0, 1000, 3000, 6000}, domain.StatusFailed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				every(20)(&c.doc)
				id := w.create(c.doc)
				w.pass(58 * time.Second) // two fires, the last one long over
				calls := w.targets.of(id)
				if got := starts(t, calls); !slices.Equal(got, c.starts) {
					t.Errorf("sent at %v, want %v", got, c.starts)
				}
				for _, x := range w.facts(id) {
					if x.Status != c.status || x.RetryCount != len(c.starts)-1 || x.HTTPStatus != c.http ||
						len(x.AllAttempts()) != len(c.starts) {
						t.Errorf("on record: %+v", x)
					}
					if (x.Error == "") != (c.status == domain.StatusSuccess) {
						t.Errorf("status %s with error %q", x.Status, x.Error)
					}
				}
				w.check(w.now())
				if runs := w.openRuns(); len(runs) > 0 {
					t.Errorf("open runs are left: %+v", runs)
				}
			})
		})
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy   domain.OverlapPolicy
		delay    string
		parallel int // calls of the job at a time
		sent     int // in 20 s
		skipped  int64
	}{
		"ALLOW":               {domain.OverlapAllow, "?delay=2500", 3, 20, 0},
		"SKIP":                {domain.OverlapSkip, "?delay=2500", 1, 7, 13},
		"QUEUE":               {domain.OverlapQueue, "?delay=2500", 1, 8, 0},
		"QUEUE, quick enough": {domain.OverlapQueue, "?delay=900", 1, 20, 0},
		"SKIP, quick enough":  {domain.OverlapSkip, "?delay=900", 1, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(spec(c.delay, overlap(c.policy)))
				from := w.now()
				w.pass(20 * time.Second)
				if _, err := w.update(id, paused); err != nil {
					t.Fatal(err)
				}
				calls := w.targets.of(id)
				if len(calls) != c.sent {
					t.Errorf("%d calls in 20 s, want %d", len(calls), c.sent)
				}
				for i := 1; i < len(calls); i++ {
					if calls[i].Key.ScheduledAt <= calls[i-1].Key.ScheduledAt {
						t.Errorf("fire %d was sent after a later one", calls[i].Key.ScheduledAt)
					}
				}
				if got := mostAtOnce(calls, delayOf(c.delay)); got != c.parallel {
					t.Errorf("%d calls at a time, want %d", got, c.parallel)
				}
				w.pass(5 * time.Second)
				w.check(w.now())
				skips := int64(0)
				for _, x := range w.facts(id) {
					if x.Status == domain.StatusSkipped && strings.Contains(x.Error, "overlap SKIP") {
						skips++
					}
				}
				if skips != c.skipped {
					t.Errorf("%d skipped for overlap, want %d", skips, c.skipped)
				}
				if w.now()-from < 20_000 {
					t.Fatal("the clock stands still")
				}
			})
		})
	}
}

func delayOf(target string) time.Duration {
	q, _ := url.ParseQuery(strings.TrimPrefix(target, "?"))
	return time.Duration(number(q, "delay")) * time.Millisecond
}

// mostAtOnce returns how many of the calls, each that long, ran at a time.
func mostAtOnce(calls []seen, each time.Duration) (most int) {
	for _, a := range calls {
		n := 0
		for _, b := range calls {
			if !b.at.After(a.at) && b.at.Add(each).After(a.at) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	for name, doc := range map[string]domain.SpecDoc{
		"active": spec("?delay=200", every(10)),
		"paused": spec("?delay=200", paused),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(doc)
				x, err := w.trigger(id)
				if err != nil {
					t.Fatal(err)
				}
				// Durable before the answer.
				runs := w.openRuns()
				if len(runs) != 1 || runs[0].FireKey != x.FireKey || x.Status != domain.StatusPending || x.Nonce == 0 {
					t.Fatalf("answer %+v, on record %+v", x, runs)
				}
				w.pass(100 * time.Millisecond)
				if live, ok := w.eng.Live(x.ID()); !ok || live.Status != domain.StatusRunning {
					t.Errorf("live: %+v %v", live, ok)
				}
				w.pass(time.Second)
				if _, err := w.trigger(id); err != nil {
					t.Fatal(err)
				}
				w.pass(time.Second)
				w.check(w.now())
				if n := len(w.openRuns()); n != 0 {
					t.Errorf("%d open runs are left", n)
				}
			})
		})
	}
}

// A trigger whose id is known before has it. One that would be stopped, because the job was
// paused after its instant, is refused.
func TestTriggerAs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("", every(10)))
		at := w.now()
		x, err := w.eng.Trigger(t.Context(), id, at, 42)
		if err != nil || x.ID() != domain.NewExecutionID(id, at, 42) {
			t.Fatalf("%+v, %v", x, err)
		}
		w.manual = append(w.manual, x.FireKey)
		w.pass(2 * time.Second)
		at = w.now()
		if _, _, err := w.edit.SetActive(t.Context(), id, 0, false, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.eng.Trigger(t.Context(), id, at, 43); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("of a job that was paused since: %v", err)
		}
		w.pass(2 * time.Second)
		w.check(w.now())
	})
}

// A trigger that the caller did not wait for runs all the same.
func TestTriggerRunsOnceItIsOnRecord(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("", paused))
		w.gate.failAll(fault{before: errDisk}, opRecord)
		if _, err := w.trigger(id); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Fatalf("error %v", err)
		}
		if n := len(w.targets.all()); n != 0 {
			t.Fatalf("%d calls before the trigger was on record", n)
		}
		w.gate.fail(nil)
		w.pass(2 * time.Second) // the next beat, and the call
		if n := len(w.targets.all()); n != 1 {
			t.Fatalf("%d calls", n)
		}
		w.check(w.now())
	})
}

// TestTheNextAttemptIsTold: while an execution waits for its retry, and then
// only, it says when that is due; after a stop, too.
func TestTheNextAttemptIsTold(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		doc := spec("?status=503&delay=200", paused)
		doc.Retry = domain.Retry{MaxRetries: 1, DelayMs: 60_000, Backoff: "FIXED", MaxDelayMs: 60_000}
		id := w.create(doc)
		x, err := w.trigger(id)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(100 * time.Millisecond)
		if live, ok := w.eng.Live(x.ID()); !ok || live.Status != domain.StatusRunning || live.NextAttemptAt != 0 {
			t.Errorf("running: %+v %v", live, ok)
		}
		w.pass(time.Second)
		live, ok := w.eng.Live(x.ID())
		if !ok || len(live.Attempts) != 1 || live.NextAttemptAt != live.Attempts[0].CompletedAt+60_000 {
			t.Errorf("waiting: %+v %v", live, ok)
		}
		if all := w.eng.LiveByJob(id, 5); len(all) != 1 || all[0].NextAttemptAt != live.NextAttemptAt {
			t.Errorf("of the job: %+v", all)
		}
		w.pass(59*time.Second + 200*time.Millisecond)
		if live, ok := w.eng.Live(x.ID()); !ok || live.Status != domain.StatusRunning || live.NextAttemptAt != 0 {
			t.Errorf("running again: %+v %v", live, ok)
		}
		w.pass(2 * time.Second)
		w.check(w.now())
	})
}

func TestTriggerOfAnUnknownJob(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		_, err := w.eng.Trigger(t.Context(), domain.NewJobID(1), 0, 0)
		if domain.ErrorCode(err) != domain.CodeNotFound {
			t.Errorf("error %v", err)
		}
	})
}

func TestJitterStartAndEnd(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		start, end := w.now()+5_000, w.now()+15_500
		var docs []domain.SpecDoc
		for range 20 {
			docs = append(docs, spec("", func(d *domain.SpecDoc) {
				d.JitterMs, d.StartAt,
					d.EndAt = 2_500, start, end
			}))
		}
		w.create(docs...)
		w.pass(20 * time.Second)
		w.check(w.now())
		offsets := make(map[int64]bool)
		for _, id := range w.jobs {
			calls := w.targets.of(id)
			if len(calls) < 10 || len(calls) > 11 {
				t.Errorf("%d fires in 10.5 s", len(calls))
			}
			for _, s := range calls {
				if s.wall != s.Key.ScheduledAt || s.wall < start || s.wall >= end {
					t.Errorf("scheduled %d, sent %d, in [%d, %d)", s.Key.ScheduledAt, s.wall, start, end)
				}
				offsets[s.Key.ScheduledAt%1000] = true
			}
		}
		if len(offsets) < 15 {
			t.Errorf("20 jobs share %d places in the second", len(offsets))
		}
	})
}

// A call that runs for long has an open run, and W does not wait for it.
func TestLongCallsDoNotHoldTheWatermark(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?delay=50000", every(30), func(d *domain.SpecDoc) { d.TimeoutMs = 60_000 }))
		w.edge(0)
		for len(w.targets.of(id)) == 0 {
			w.pass(time.Second)
		}
		key := w.targets.of(id)[0].Key
		w.pass(20 * time.Second)
		if at := w.eng.shards.Watermark(); at >= key.ScheduledAt {
			t.Errorf("W passed a fire in flight that has no open run")
		}
		w.pass(longCall - 17*time.Second)
		runs := w.openRuns()
		if len(runs) != 1 || runs[0].FireKey != key || !runs[0].InFlight {
			t.Errorf("open runs: %+v", runs)
		}
		if at := w.eng.shards.Watermark(); at < key.ScheduledAt {
			t.Errorf("W is %d ms behind a fire that has an open run", key.ScheduledAt-at)
		}
		w.pass(60 * time.Second)
		w.check(key.ScheduledAt)
	})
}
