package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Shards that are taken while the engine runs: after a crash nothing of theirs is lost
// or doubled, their gap is recovered shard by shard, and the jobs of the shards that
// the engine had already are on time meanwhile.
func TestShardsAreTakenWhileTheEngineRuns(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, Config{MaxInFlight: 40, MaxInFlightPerHost: 40}, func(t *testing.T, w *world) {
		docs := make([]domain.SpecDoc, 40)
		for i := range docs {
			docs[i] = spec("")
		}
		w.create(docs...)
		w.pass(5 * time.Second)
		w.crash()
		w.pass(7 * time.Second)
		if err := w.assemble(); err != nil {
			t.Fatal(err)
		}
		w.eng.owner.first = []int{0}
		if err := w.eng.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		if total, active := w.eng.registry.count(); total == 0 || total == len(docs) || active != total {
			t.Fatalf("%d jobs, %d active, of one shard of four", total, active)
		}
		w.pass(3 * time.Second)
		begun := w.now()
		if err := w.ownRest(); err != nil {
			t.Fatal(err)
		}
		w.pass(5 * time.Second)
		for _, id := range w.jobs {
			if w.eng.shards.Number(id) != 0 {
				continue
			}
			for _, x := range w.facts(id) {
				if late := x.StartedAt - x.ScheduledAt; x.ScheduledAt > begun && late > 100 {
					t.Errorf("a fire of a shard that was owned already was %d ms late", late)
				}
			}
		}
		if total, _ := w.eng.registry.count(); total != len(docs) {
			t.Errorf("%d jobs after all shards were taken, want %d", total, len(docs))
		}
		w.check(w.now() - 3000)
	})
}

// A shard whose record cannot be read is not taken, and the others go on.
func TestShardThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 3, Config{}, func(t *testing.T, w *world) {
		w.create(spec(""), spec(""), spec(""), spec(""), spec(""), spec(""))
		w.pass(2 * time.Second)
		w.crash()
		if err := w.assemble(); err != nil {
			t.Fatal(err)
		}
		w.eng.owner.first = []int{0}
		if err := w.eng.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.eng.owner.store = brokenTimeline{w.eng.owner.store}
		if err := w.eng.owner.own(context.Background(), []int{1, 2}); err == nil {
			t.Fatal("shards were taken whose timeline cannot be read")
		}
		for n := range uint8(3) {
			want := shard.Active
			if n > 0 {
				want = shard.Foreign
			}
			if got := w.eng.shards.At(n).Phase(); got != want {
				t.Errorf("shard %d is in phase %d, want %d", n, got, want)
			}
		}
		w.eng.owner.store = w.gate
		w.pass(4 * time.Second)
		if err := w.eng.owner.own(context.Background(), []int{1, 2}); err != nil {
			t.Fatal(err)
		}
		w.pass(4 * time.Second)
		w.check(w.now() - 3000)
		if n := w.eng.shards.Holds.Seconds(); n > 8 {
			t.Errorf("%d seconds are held", n)
		}
	})
}

// A shard whose first beat fails is given up before the holds of its gap are released: no
// later beat moves W past fires that nobody has sent, none of its jobs is in the
// timetable, and the next owner recovers all of them. The same is true if the store has taken
// the beat and says that it has not.
func TestShardWhoseFirstBeatFails(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]fault{
		"not done": {before: errDisk}, "done but reported as failed": {after: errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfShards(t, 3, Config{}, func(t *testing.T, w *world) {
				w.create(spec(""), spec(""), spec(""), spec(""), spec(""), spec(""))
				w.pass(2 * time.Second)
				w.crash()
				w.pass(5 * time.Second) // a gap
				if err := w.assemble(); err != nil {
					t.Fatal(err)
				}
				w.eng.owner.first = []int{0}
				if err := w.eng.Start(context.Background()); err != nil {
					t.Fatal(err)
				}
				before, _ := w.eng.registry.count()
				w.gate.failAll(f, opBeat)
				if err := w.eng.owner.own(context.Background(), []int{1, 2}); !errors.Is(err, errDisk) {
					t.Fatalf("error %v", err)
				}
				w.gate.fail(nil)
				for _, n := range []uint8{1, 2} {
					if st := w.eng.shards.At(n); st.Phase() != shard.Foreign || st.SendUntil() != 0 {
						t.Errorf("shard %d is in phase %d, and may send until %d", n, st.Phase(), st.SendUntil())
					}
				}
				if total, _ := w.eng.registry.count(); total != before {
					t.Errorf("%d jobs after the takeover failed, %d before", total, before)
				}
				w.pass(4 * time.Second) // beats of the other shard
				if n := w.eng.shards.Holds.Seconds(); n > 8 {
					t.Errorf("%d seconds are held", n)
				}
				if err := w.eng.owner.own(context.Background(), []int{1, 2}); err != nil {
					t.Fatal(err)
				}
				w.pass(4 * time.Second)
				w.check(w.now() - 3000)
			})
		})
	}
}

// brokenTimeline is a store whose timeline cannot be read.
type brokenTimeline struct{ store.Store }

func (s brokenTimeline) Jobs() store.Jobs { return brokenTimelineJobs{s.Store.Jobs()} }

type brokenTimelineJobs struct{ store.Jobs }

func (brokenTimelineJobs) Timeline(context.Context, store.ShardSet, int64, store.Parts,
	func(domain.Version) error) error {
	return domain.Unavailable(nil, "the timeline cannot be read")
}

// A recovery takes its time. What came due meanwhile is not in the timetable yet when
// the shard gets its first beat, and W stays below it.
func TestWatermarkWaitsForTheTimetable(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, Config{}, func(t *testing.T, w *world) {
		w.create(spec(""), spec(""), spec(""), spec(""), spec(""), spec(""))
		w.pass(2 * time.Second)
		w.crash()
		first := &firstBeat{number: 1}
		w.wrap = func(db store.Store) store.Store { return beatSpy{db, first} }
		if err := w.assemble(); err != nil {
			t.Fatal(err)
		}
		w.eng.owner.first = []int{0}
		if err := w.eng.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		begun := w.now()
		w.eng.owner.store = slowTimeline{w.gate, w}
		if err := w.eng.owner.own(context.Background(), []int{1}); err != nil {
			t.Fatal(err)
		}
		if first.watermark == 0 || first.watermark > begun {
			t.Errorf("the first beat moved W to %d ms after the recovery began", first.watermark-begun)
		}
		w.eng.owner.store = w.gate
		w.pass(4 * time.Second)
		w.check(w.now() - 3000)
	})
}

// slowTimeline is a store that takes its time to read the timeline.
type slowTimeline struct {
	store.Store
	w *world
}

func (s slowTimeline) Jobs() store.Jobs { return slowTimelineJobs{s.Store.Jobs(), s.w} }

type slowTimelineJobs struct {
	store.Jobs
	w *world
}

func (s slowTimelineJobs) Timeline(ctx context.Context, of store.ShardSet, since int64, p store.Parts,
	fn func(domain.Version) error) error {
	s.w.pass(2500 * time.Millisecond)
	return s.Jobs.Timeline(ctx, of, since, p, fn)
}

// beatSpy is a store whose beats are looked at.
type beatSpy struct {
	store.Store
	first *firstBeat
}

func (s beatSpy) Shards() store.Shards {
	s.first.Shards = s.Store.Shards()
	return s.first
}

// firstBeat keeps the watermark of the first beat of a shard.
type firstBeat struct {
	store.Shards
	number    int
	watermark int64
}

func (f *firstBeat) Beat(ctx context.Context, beats []store.Beat, ahead int64) ([]store.Shard, error) {
	for _, b := range beats {
		if b.Number == f.number && f.watermark == 0 {
			f.watermark = b.Watermark
		}
	}
	return f.Shards.Beat(ctx, beats, ahead)
}
