package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
)

// A stop in good order leaves nothing uncertain: nothing is doubled, also at
// most once, and nothing lost, whenever it comes.
func TestStopInGoodOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		for i := range 5 {
			w.create(spec("?v=1"), spec("?v=1", once), spec("?v=1&delay=2200", once), spec("?v=1&status=500"),
				spec("?v=1&net=refused", once), spec("?v=1&delay=1300", once, overlap(domain.OverlapQueue)))
			w.edge(time.Duration(i) * 210 * time.Millisecond)
			w.reboot(false, time.Duration(i)*700*time.Millisecond)
			w.pass(1700 * time.Millisecond)
		}
		for _, id := range w.jobs {
			if _, err := w.delete(id); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(30 * time.Second)
		w.check(w.now())
		for _, id := range w.jobs {
			if n := w.statuses(id)[domain.StatusUnknown]; n > 0 {
				t.Errorf("%d executions of unknown outcome", n)
			}
		}
		for _, s := range w.targets.all() {
			if !s.ended {
				t.Errorf("%v was cut off", s.Key)
			}
		}
	})
}

// Calls that do not end within the grace time have an open run: at least once
// sends them again, at most once does not.
func TestStopWithCallsInFlight(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		again := w.create(spec("?v=1&delay=9000"))
		never := w.create(spec("?v=1&delay=9000", once))
		w.edge(500 * time.Millisecond)
		if err := w.stop(2 * time.Second); err != nil {
			t.Fatalf("stop: %v", err)
		}
		w.boot()
		for _, id := range w.jobs {
			if _, err := w.update(id, paused); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(20 * time.Second)
		w.check(w.now())
		if got := w.statuses(never); got[domain.StatusUnknown] == 0 {
			t.Errorf("at most once: %v", got)
		}
		if n := len(w.targets.of(again)); n == 0 {
			t.Error("nothing was sent")
		}
	})
}

// What waits for a slot when the grace time ends was not sent: it is no crash
// of it, and at most once sends it after the next start.
func TestStopWithAFullQueue(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 2, MaxInFlightPerHost: 2}, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?v=1&delay=700", once, every(20)))
		for range 4 { // they block both slots, and wait
			if _, err := w.trigger(id); err != nil {
				t.Fatal(err)
			}
		}
		w.pass(100 * time.Millisecond)
		if err := w.stop(200 * time.Millisecond); err != nil {
			t.Fatalf("stop: %v", err)
		}
		w.boot()
		w.pass(5 * time.Second)
		w.check(w.now())
		got := w.statuses(id)
		if got[domain.StatusSuccess] != 2 || got[domain.StatusUnknown] != 2 {
			t.Errorf("two were in flight and two were not, on record: %v", got)
		}
	})
}

// A fire that was in flight at a stop has an open run; when another one of its
// second was queued, W is before both. Each is sent once more, not twice.
func TestStopWithOpenRunsAboveTheWatermark(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 1, MaxInFlightPerHost: 1}, func(t *testing.T, w *world) {
		w.pass(28_500 * time.Millisecond)
		w.create(spec("?v=1&delay=2500", every(30)), spec("?v=1&delay=2500", every(30)))
		w.pass(2 * time.Second)
		if n := len(w.targets.all()); n != 1 {
			t.Fatalf("%d calls, want one of two", n)
		}
		if err := w.stop(100 * time.Millisecond); err != nil {
			t.Fatalf("stop: %v", err)
		}
		w.boot()
		w.pass(20 * time.Second)
		if n := len(w.targets.all()); n != 3 {
			t.Errorf("%d calls, want one that was cut off and one for each fire", n)
		}
		w.check(w.now())
	})
}

// Restarts in good order are no crashes: recovered fires that wait for a slot
// over three of them are sent in the end.
func TestRestartsAreNoPoison(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 1, MaxInFlightPerHost: 1}, func(t *testing.T, w *world) {
		w.pass(28_500 * time.Millisecond)
		for range 6 {
			w.create(spec("?v=1&delay=2500", every(30)))
		}
		w.pass(2 * time.Second)
		w.crash() // all six may have been sent
		w.boot()
		for range 4 { // one is in flight each time
			w.pass(100 * time.Millisecond)
			if err := w.stop(100 * time.Millisecond); err != nil {
				t.Fatalf("stop: %v", err)
			}
			w.boot()
		}
		until := w.now()
		w.pass(20 * time.Second)
		w.check(until)
		failed := int64(0)
		for _, id := range w.jobs {
			failed += w.statuses(id)[domain.StatusFailed]
		}
		if failed > 2 { // those that were cut off three times, the crash counted
			t.Errorf("%d of 6 fires ended as poison", failed)
		}
	})
}

// A stop while the store is dead says so, within the grace time, and does not
// give the lease back: the next start has to look for what may have been sent.
func TestStopWithADeadStore(t *testing.T) {
	t.Parallel()
	for name, ops := range map[string][]op{"all writes": nil, "results only": {opRecord}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				w.edge(300 * time.Millisecond)
				id := w.create(spec("?v=1", once), spec("?v=1"), spec("?v=1", once))
				w.gate.failAll(fault{before: errDisk}, ops...)
				w.edge(500 * time.Millisecond)
				if len(w.targets.of(id)) != 1 {
					t.Fatal("nothing was sent")
				}
				before := w.now()
				if err := w.stop(5 * time.Second); err == nil {
					t.Error("no error")
				}
				if took := w.now() - before; took > 13_000 {
					t.Errorf("the stop took %d ms", took)
				}
				w.boot()
				w.pass(3 * time.Second)
				w.check(w.now() - 500)
				if n := w.statuses(id)[domain.StatusUnknown]; n == 0 {
					t.Error("the one whose result was lost is not of unknown outcome")
				}
			})
		})
	}
}

// Workers and the timetable that wait for room in the recorder do not keep a
// stop from ending.
func TestStopWhileTheRecorderIsFull(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.gate.failAll(fault{before: errDisk}, opRecord)
		w.eng.runner.recorder.Add(record.Entry{}) // makes the batch that fails
		w.pass(time.Second)
		w.eng.runner.recorder.Add(make([]record.Entry, record.MaxUnrecorded)...)
		blocked := make(chan struct{})
		w.eng.feeders.Go(func() {
			defer close(blocked)
			w.eng.runner.recorder.Add(record.Entry{})
		})
		synctest.Wait()
		select {
		case <-blocked:
			t.Fatal("a full recorder takes more")
		default:
		}
		if err := w.stop(2 * time.Second); err == nil {
			t.Error("no error")
		}
	})
}

// While the store takes nothing, triggers are refused once the record is full:
// those that were taken run when it is back, the others never.
func TestAFullRecordRefusesTriggers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("?v=1", paused))
		w.gate.failAll(fault{before: errDisk}, opRecord)
		soon, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := w.eng.Trigger(soon, id, 0, 0); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("a trigger that is not on record: %v", err)
		}
		w.eng.runner.recorder.Add(make([]record.Entry, record.MaxUnrecorded)...)
		before := w.eng.runner.recorder.Backlog()
		for range 3 {
			_, err := w.eng.Trigger(context.Background(), id, 0, 0)
			if domain.ErrorCode(err) != domain.CodeUnavailable {
				t.Errorf("error %v", err)
			}
		}
		if n := w.eng.runner.recorder.Backlog(); n != before {
			t.Errorf("%d more entries", n-before)
		}
		w.gate.fail(nil)
		w.pass(5 * time.Second)
		if n := len(w.targets.of(id)); n != 1 {
			t.Errorf("%d calls after the store was back, want that of the trigger that was taken", n)
		}
	})
}

func TestStopRefusesTriggers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("?v=1", paused))
		w.eng.stopping.Store(true)
		if _, err := w.eng.Trigger(context.Background(), id, 0, 0); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("error %v", err)
		}
	})
}
