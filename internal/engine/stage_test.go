package engine

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// turnUntilIdle turns the timetable until it has nothing to do, and returns how
// many turns that took.
func (w *world) turnUntilIdle() (turns int) {
	for {
		turns++
		if w.eng.loop.turn(w.clk.Now()) > 0 {
			return turns
		}
	}
}

// A second is made ready a part at a time, and fires that are due go out between
// the parts. While it is not done, nothing passes its fires: not the watermark, not
// an edit of a job that was looked at or that was not, however late it gets.
func TestSecondIsStagedInParts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(100 * time.Millisecond)
		const n, part = 20, 3
		var docs []domain.SpecDoc
		for range n {
			docs = append(docs, spec("?v=1", func(d *domain.SpecDoc) { d.JitterMs = 1000 }))
		}
		w.create(docs...)
		w.eng.stopFeed() // the test turns the timetable
		w.eng.feeders.Wait()
		w.eng.registry.table.SetPart(part)
		w.edge(510 * time.Millisecond)
		w.turnUntilIdle()

		// Half a second before the next edge, one part of it is made ready in each turn.
		w.pass(time.Second)
		next := w.now()/1000 + 1
		sent := len(w.targets.all())
		first := w.eng.loop.turn(w.clk.Now())
		if first != 0 || w.eng.registry.table.Progress().Ready != part {
			t.Fatalf("the first turn made %d fires ready and has %s to wait",
				w.eng.registry.table.Progress().Ready, first)
		}
		if synctest.Wait(); len(w.targets.all()) <= sent {
			t.Error("nothing that was due went out with the first part")
		}

		// The timetable hangs there while jobs are changed and the second passes.
		for i, id := range w.jobs {
			if i%4 == 0 {
				if _, err := w.update(id, func(d *domain.SpecDoc) { d.API = "http://a.test/?v=2" }); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := w.update(w.jobs[1], paused); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Second)
		if watermark := w.eng.keeper.proposeWatermarks()[0].Watermark; watermark >= next*1000 {
			t.Errorf("the watermark may pass fires that were not staged: %d, the second begins at %d",
				watermark, next*1000)
		}
		w.eng.loop.turn(w.clk.Now()) // what is late is made ready at once
		if unstaged := w.eng.registry.table.Unstaged(); unstaged <= w.now() {
			t.Errorf("after a turn the fires of %d are not ready at %d", unstaged, w.now())
		}
		if turns := w.turnUntilIdle(); turns < n/part-1 {
			t.Errorf("a second to come takes %d turns", turns)
		}
		until := w.now() - 1
		w.pass(2 * time.Second)
		w.turnUntilIdle()
		w.pass(time.Second)
		w.check(until)
		for _, c := range w.targets.of(w.jobs[2]) {
			if c.wall < c.Key.ScheduledAt {
				t.Errorf("%v was sent early", c.Key)
			}
		}
	})
}

// The watermark waits for a second that is not whole, also when no fire of it is
// ready yet: the jobs of its first part were paused.
func TestWatermarkWaitsForAPart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		w.edge(100 * time.Millisecond)
		const part = 3
		for range part + 1 {
			w.create(spec(""))
		}
		w.pass(3 * time.Second)
		w.eng.stopFeed() // the test turns the timetable
		w.eng.feeders.Wait()
		w.eng.registry.table.SetPart(part)
		w.turnUntilIdle()
		for _, id := range w.jobs[:part] {
			if _, err := w.update(id, paused); err != nil {
				t.Fatal(err)
			}
		}
		next := w.now()/1000*1000 + 1000
		w.edge(-300 * time.Millisecond)
		w.eng.loop.turn(w.clk.Now())
		if f := w.eng.registry.table.Progress(); f.Second*1000 != next || f.Looked == f.Jobs || f.Ready > 0 {
			t.Fatalf("of second %d, %d of %d jobs were looked at and made %d fires; the next one begins at %d",
				f.Second, f.Looked, f.Jobs, f.Ready, next)
		}
		w.pass(2 * time.Second)
		if watermark := w.eng.keeper.proposeWatermarks()[0].Watermark; watermark >= next {
			t.Errorf("the watermark may pass a fire of %d: %d", next, watermark)
		}
		w.turnUntilIdle()
		w.pass(time.Second)
		w.check(w.now() - 1000)
	})
}
