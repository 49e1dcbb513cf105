package engine

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// turnUntilIdle turns the timetable until it has nothing to do, and returns how
// many turns that took.
func (w *world) turnUntilIdle() (turns int) {
	for {
		turns++
		if w.eng.turn(w.clk.Now()) > 0 {
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
		w.eng.stagePart = part
		w.edge(510 * time.Millisecond)
		w.turnUntilIdle()

		// Half a second before the next edge, one part of it is made ready in each turn.
		w.pass(time.Second)
		next := w.now()/1000 + 1
		sent := len(w.targets.all())
		first := w.eng.turn(w.clk.Now())
		if first != 0 || len(w.eng.filling.fires) != part {
			t.Fatalf("the first turn made %d fires ready and has %s to wait", len(w.eng.filling.fires), first)
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
		if settled := w.eng.settledUntil(); settled >= next*1000 {
			t.Errorf("the watermark may pass fires that were not staged: %d, the second begins at %d", settled, next*1000)
		}
		w.eng.turn(w.clk.Now()) // what is late is made ready at once
		if settled := w.eng.unstaged(); settled <= w.now() {
			t.Errorf("after a turn the fires of %d are not ready at %d", settled, w.now())
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
		w.eng.stagePart = part
		w.turnUntilIdle()
		for _, id := range w.jobs[:part] {
			if _, err := w.update(id, paused); err != nil {
				t.Fatal(err)
			}
		}
		next := w.now()/1000*1000 + 1000
		w.edge(-300 * time.Millisecond)
		w.eng.turn(w.clk.Now())
		if f := &w.eng.filling; f.second*1000 != next || !f.unfinished() || len(f.fires) > 0 {
			t.Fatalf("of second %d, %d of %d jobs were looked at and made %d fires; the next one begins at %d", f.second, f.done, len(f.jobs), len(f.fires), next)
		}
		w.pass(2 * time.Second)
		if settled := w.eng.settledUntil(); settled >= next {
			t.Errorf("the watermark may pass a fire of %d: %d", next, settled)
		}
		w.turnUntilIdle()
		w.pass(time.Second)
		w.check(w.now() - 1000)
	})
}

// What is taken is what was put in, by instant and then in the order of coming,
// whatever is put in when.
func TestStagedFires(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s stagedFires
		var want []*fire // a stable sort at each step
		sort := func() {
			slices.SortStableFunc(want, func(a, b *fire) int { return cmp.Compare(a.at, b.at) })
		}
		now, second, serial := int64(0), int64(1), int64(0)
		fires := func(from, width int64) (out []*fire) {
			for range rapid.SampledFrom([]int{0, 1, 3, 40, 500}).Draw(t, "fires") {
				serial++
				out = append(out, &fire{at: from + (serial*7_919)%width, holds: serial})
			}
			return out
		}
		t.Repeat(map[string]func(*rapid.T){
			"second": func(*rapid.T) {
				s.settle()
				sort()
				added := fires(second*1000, rapid.SampledFrom([]int64{1, 7, 1000}).Draw(t, "width"))
				want = append(want, added...)
				sort()
				s.addSecond(second, added)
				second++
			},
			"edit": func(*rapid.T) {
				for _, f := range fires(now, (second+1)*1000-now) {
					s.add(f)
					want = append(want, f)
				}
			},
			"take": func(*rapid.T) {
				s.settle()
				sort()
				now = rapid.Int64Range(now, second*1000).Draw(t, "now")
				n := 0
				for n < len(want) && want[n].at <= now {
					n++
				}
				got := s.take(now)
				if !slices.Equal(got, want[:n]) {
					t.Fatalf("took %d, want %d", len(got), n)
				}
				clear(got)
				want = want[n:]
			},
			"": func(*rapid.T) {
				if s.len() != len(want) {
					t.Fatalf("%d fires are staged, want %d", s.len(), len(want))
				}
				first := s.first()
				if (first == nil) != (len(want) == 0) {
					t.Fatalf("first: %v of %d", first, len(want))
				}
				for _, f := range want {
					if f.at < first.at {
						t.Fatalf("the first is due at %d, one at %d", first.at, f.at)
					}
				}
			},
		})
	})
}

// A second with very many fires leaves no memory behind.
func TestStagedFiresForgetAGreatSecond(t *testing.T) {
	t.Parallel()
	var s stagedFires
	many := make([]*fire, 100_000)
	for i := range many {
		many[i] = &fire{at: 1000}
	}
	s.addSecond(1, many)
	if n := len(s.take(1999)); n != len(many) {
		t.Fatalf("%d of %d fires", n, len(many))
	}
	s.addSecond(2, []*fire{{at: 2000}})
	if c := cap(s.ready); c > 5_000 {
		t.Errorf("room for %d fires is kept", c)
	}
	if reuse(many[:1]) != nil {
		t.Error("the memory of the second is kept where it was made ready")
	}
	if few := reuse(make([]*fire, 10, 4_000)); cap(few) != 4_000 || len(few) != 0 {
		t.Error("memory that is of use is given back")
	}
}
