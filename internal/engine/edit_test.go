package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func target(url string) func(*domain.SpecDoc) {
	return func(d *domain.SpecDoc) { d.API = "http://a.test/" + url }
}

func active(d *domain.SpecDoc) { d.IsActive = true }

// crowd is one job of each kind that an edit can meet: fires in flight, kept
// by the overlap policy, waiting for a retry.
func crowd() []domain.SpecDoc {
	return []domain.SpecDoc{
		spec("?v=1"),
		spec("?v=1&delay=700"),
		spec("?v=1&delay=3300"),
		spec("?v=1&status=500"),
		spec("?v=1&delay=1700", overlap(domain.OverlapQueue)),
		spec("?v=1&delay=1700", overlap(domain.OverlapSkip)),
		spec("?v=1&status=500&delay=300", overlap(domain.OverlapQueue)),
		spec("?v=1&net=reset", once),
		spec("?v=1&net=refused", once),
		spec("?v=1", func(d *domain.SpecDoc) { d.JitterMs = 900 }),
	}
}

// An edit at any moment of a second is exact: see checker.
func TestEditsAtEveryMoment(t *testing.T) {
	t.Parallel()
	edits := map[string]func(w *world, id domain.JobID) error{
		"update": func(w *world, id domain.JobID) error {
			v, err := w.update(id, target("?v=2"))
			if err == nil && v.EffectiveFrom <= w.now() {
				return fmt.Errorf("effective from %d, now is %d", v.EffectiveFrom, w.now())
			}
			return err
		},
		"pause": func(w *world, id domain.JobID) error {
			_, err := w.update(id, paused)
			return err
		},
		"delete": func(w *world, id domain.JobID) error {
			_, err := w.delete(id)
			return err
		},
		"pause and resume": func(w *world, id domain.JobID) error {
			if _, err := w.update(id, paused); err != nil {
				return err
			}
			w.pass(90 * time.Millisecond)
			_, err := w.update(id, func(d *domain.SpecDoc) { d.IsActive = true; d.API = "http://a.test/?v=3" })
			return err
		},
	}
	for name, edit := range edits {
		for _, slots := range []int{4, 1000} { // few: fires are queued when the edit comes
			t.Run(fmt.Sprintf("%s, %d slots", name, slots), func(t *testing.T) {
				t.Parallel()
				bubbleWith(t, Config{MaxInFlight: slots, MaxInFlightPerHost: slots}, func(t *testing.T, w *world) {
					for offset := 0; offset < 1000; offset += 230 {
						first := len(w.jobs)
						w.edge(200 * time.Millisecond)
						w.create(crowd()...)
						w.edge(0)
						w.edge(time.Duration(offset) * time.Millisecond)
						for _, id := range w.jobs[first:] {
							if err := edit(w, id); err != nil {
								t.Fatal(err)
							}
						}
						w.pass(1500 * time.Millisecond)
						for _, id := range w.jobs[first:] {
							if _, err := w.delete(id); err != nil && domain.ErrorCode(err) != domain.CodeNotFound {
								t.Fatal(err)
							}
						}
					}
					w.pass(30 * time.Second)
					w.check(w.now())
				})
			})
		}
	}
}

// Edits whose commits take long: W waits, the fires in between are exact.
func TestSlowCommits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.gate.failAll(fault{delay: 2700 * time.Millisecond}, opCreate, opUpdate, opDelete)
		w.edge(400 * time.Millisecond)
		a := w.create(spec("?v=1"), spec("?v=1&delay=400"))
		b := w.jobs[0]
		w.pass(3 * time.Second)
		if _, err := w.update(a, target("?v=2")); err != nil {
			t.Fatal(err)
		}
		w.pass(3 * time.Second)
		if _, err := w.update(a, paused); err != nil {
			t.Fatal(err)
		}
		if _, err := w.delete(b); err != nil {
			t.Fatal(err)
		}
		w.pass(3 * time.Second)
		w.check(w.now())
		for _, id := range w.jobs {
			if n := len(w.targets.of(id)); n < 5 {
				t.Errorf("%d calls", n)
			}
		}
	})
}

func TestUnclearEdits(t *testing.T) {
	t.Parallel()
	later := func(ops ...op) func(w *world, f fault) {
		return func(w *world, f fault) { w.gate.failAll(f, ops...) }
	}
	for name, c := range map[string]struct {
		fault fault
		plan  func(w *world, f fault)
		done  bool // the edits take place all the same
	}{
		"done, reported as failed": {fault{after: errDisk}, later(opCreate, opUpdate, opDelete), true},
		"not done":                 {fault{before: errDisk}, later(opCreate, opUpdate, opDelete), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				ids := []domain.JobID{w.create(spec("?v=1")), w.create(spec("?v=1")), w.create(spec("?v=1"))}
				w.pass(2500 * time.Millisecond)
				c.plan(w, c.fault)
				created := w.edit.Create(context.Background(), []domain.SpecDoc{spec("?v=1")})
				_, updateErr := w.update(ids[0], target("?v=2"))
				_, pauseErr := w.update(ids[1], paused)
				_, deleteErr := w.delete(ids[2])
				for what, err := range map[string]error{"create": created[0].Err, "update": updateErr,
					"pause": pauseErr, "delete": deleteErr} {
					if c.done != (err == nil) || (err != nil && domain.ErrorCode(err) != domain.CodeUnavailable) {
						t.Errorf("%s: error %v", what, err)
					}
				}
				w.jobs = append(w.jobs, created[0].Version.JobID)
				w.gate.fail(nil)
				w.pass(3 * time.Second)
				w.check(w.now())
				w.reboot(true, time.Second)
				w.pass(3 * time.Second)
				w.check(w.now() - 500)
			})
		})
	}
}

// While it is unknown whether an edit was stored, the caller gets an error that says so,
// the job is held, and W waits. Once the store answers again, the record is right
// whatever the outcome was.
func TestEditsOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for _, f := range []fault{{after: errDisk}, {before: errDisk}} {
		t.Run(fmt.Sprint("committed: ", f.before == nil), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, w *world) {
				ids := []domain.JobID{w.create(spec("?v=1")), w.create(spec("?v=1")), w.create(spec("?v=1"))}
				w.pass(2500 * time.Millisecond)
				blind := false
				w.gate.fail(func(o op) fault {
					switch {
					case o == opGet && blind:
						return fault{before: errDisk}
					case o == opCreate, o == opUpdate, o == opDelete:
						blind = true // the question that follows fails too
						return f
					}
					return fault{}
				})
				created := w.edit.Create(context.Background(), []domain.SpecDoc{spec("?v=1")})
				blind = false
				_, updateErr := w.update(ids[0], target("?v=2"))
				blind = false
				_, pauseErr := w.update(ids[1], paused)
				blind = false
				_, deleteErr := w.delete(ids[2])
				for what, err := range map[string]error{"create": created[0].Err, "update": updateErr,
					"pause": pauseErr, "delete": deleteErr} {
					if domain.ErrorCode(err) != domain.CodeUnavailable {
						t.Errorf("%s: error %v", what, err)
					}
				}
				w.jobs = append(w.jobs, created[0].Version.JobID)
				held := len(w.targets.all())
				w.pass(4 * time.Second)
				if n := len(w.targets.all()); n != held {
					t.Errorf("%d calls while the outcome was not known", n-held)
				}
				w.gate.fail(nil)
				w.pass(4 * time.Second)
				if _, err := w.db.Jobs().Get(context.Background(), created[0].Version.JobID); domain.ErrorCode(
					err) != domain.CodeNotFound {
					t.Errorf("a job whose creation was refused: %v", err)
				}
				if lag := w.now() - w.eng.shards.Watermark(); lag > 3000 {
					t.Errorf("the watermark is %d ms behind", lag)
				}
				w.check(w.now() - 500)
				w.reboot(true, time.Second)
				w.pass(3 * time.Second)
				w.check(w.now() - 500)
			})
		})
	}
}

// An edit that alters nothing makes no version; one of another version than
// the current is refused; errors of the change come back.
func TestEditsThatDoNotHappen(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec("?v=1"))
		v, err := w.update(id, func(*domain.SpecDoc) {})
		if err != nil || v.Number != 1 {
			t.Errorf("an empty change: version %d, %v", v.Number, err)
		}
		keep := func(*domain.SpecDoc) error { return nil }
		if _, err := w.edit.Update(context.Background(), id, 7, keep); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("another version: %v", err)
		}
		if _, err := w.edit.Delete(context.Background(), id, 7); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("delete of another version: %v", err)
		}
		stop := errors.New("stop")
		if _, err := w.edit.Update(context.Background(), id, 1,
			func(*domain.SpecDoc) error { return stop }); !errors.Is(
			err, stop) {
			t.Errorf("an error of the change: %v", err)
		}
		if _, err := w.update(id, func(d *domain.SpecDoc) { d.API = "ftp://x" }); domain.ErrorCode(
			err) != domain.CodeInvalid {
			t.Errorf("an invalid change: %v", err)
		}
		unknown := domain.NewJobID(1)
		if _, err := w.edit.Update(context.Background(), unknown, 0, keep); domain.ErrorCode(
			err) != domain.CodeNotFound {
			t.Errorf("update of an unknown job: %v", err)
		}
		if _, err := w.edit.Delete(context.Background(), unknown, 0); domain.ErrorCode(err) != domain.CodeNotFound {
			t.Errorf("delete of an unknown job: %v", err)
		}
		out := w.edit.Create(context.Background(), []domain.SpecDoc{spec("?v=1"), {},
			spec("?v=1", func(d *domain.SpecDoc) { d.Schedule = "@at 1990-01-01T00:00:00Z" })})
		if out[0].Err != nil || domain.ErrorCode(out[1].Err) != domain.CodeInvalid ||
			domain.ErrorCode(out[2].Err) != domain.CodeInvalid {
			t.Errorf("create: %v", out)
		}
		w.jobs = append(w.jobs, out[0].Version.JobID)
		if total, alive := w.eng.Jobs(); total != 2 || alive != 2 {
			t.Errorf("%d jobs, %d active", total, alive)
		}
		w.pass(3 * time.Second)
		w.check(w.now() - 500)
	})
}

// An execution is found by its id from the answer to its trigger until it is on
// record, at every moment: on its way to the queue, to the record and to its retry.
func TestLiveAtEveryMoment(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?status=500&first=1", func(d *domain.SpecDoc) {
			d.Schedule, d.Retry.DelayMs = "0 0 0 1 1 *", 0
		}))
		for range 100 {
			x, err := w.trigger(id)
			if err != nil {
				t.Fatal(err)
			}
			for looks := 0; ; looks++ {
				_, err := w.db.History().Execution(t.Context(), x.ID())
				if err == nil {
					break
				}
				if _, ok := w.eng.Live(x.ID()); !ok {
					if _, err := w.db.History().Execution(t.Context(), x.ID()); err != nil {
						t.Fatalf("look %d: %v is neither live nor on record", looks, x.FireKey)
					}
					break
				}
				if looks%20 == 19 {
					w.pass(100 * time.Millisecond) // virtual time does not pass during the checks
				}
			}
			w.pass(time.Second)
		}
	})
}

// The live view knows what has not ended, newest first, and the next fire.
func TestLiveView(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(300 * time.Millisecond)
		id := w.create(spec("?status=500&delay=1500"))
		w.pass(4200 * time.Millisecond)
		live := w.eng.LiveByJob(id, 100)
		if len(live) != 4 {
			t.Fatalf("%d live executions: %+v", len(live), live)
		}
		for i, x := range live {
			if i > 0 && x.ScheduledAt >= live[i-1].ScheduledAt {
				t.Error("not newest first")
			}
			one, ok := w.eng.Live(x.ID())
			if !ok || one.Status != x.Status || one.FireKey != x.FireKey {
				t.Errorf("by id %+v %v, by job %+v", one, ok, x)
			}
		}
		if first, last := live[0], live[3]; first.Status != domain.StatusRunning || last.RetryCount != 1 ||
			last.HTTPStatus != 500 {
			t.Errorf("newest %+v, oldest %+v", first, last)
		}
		if got := w.eng.LiveByJob(id, 2); len(got) != 2 || got[0].ScheduledAt != live[0].ScheduledAt {
			t.Errorf("limit 2: %+v", got)
		}
		if at, ok := w.eng.NextFire(id); !ok || at != (w.now()/1000+1)*1000 {
			t.Errorf("next fire %d %v", at, ok)
		}
		if _, err := w.update(id, paused); err != nil {
			t.Fatal(err)
		}
		if _, ok := w.eng.NextFire(id); ok {
			t.Error("a paused job has a next fire")
		}
		w.pass(10 * time.Second)
		if live := w.eng.LiveByJob(id, 100); len(live) != 0 {
			t.Errorf("live after the end: %+v", live)
		}
		if _, err := w.update(id, active); err != nil {
			t.Fatal(err)
		}
		w.check(w.now())
	})
}

// A store that hangs while a change reads the job does not hold the job's other
// changes for longer than a commit may take, whatever the caller's timeout is.
func TestUpdateOfAStoreThatHangs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec(""))
		w.gate.failAll(fault{delay: time.Hour}, opGet)
		began := w.clk.Now()
		if _, err := w.update(id, paused); domain.ErrorCode(err) == "" {
			t.Errorf("error %v, want one of a store that does not answer", err)
		}
		if took := w.clk.Now().Sub(began); took != 15*time.Second {
			t.Errorf("it took %s, want what a commit may take, 15 s", took)
		}
		w.gate.fail(nil)
		if _, err := w.update(id, paused); err != nil {
			t.Errorf("the next change: %v", err)
		}
	})
}
