package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var shared = Config{Shared: true, MaxInFlight: 2_000, MaxInFlightPerHost: 2_000}

// claimer is another process that claims shards and does nothing with them.
const claimer = 99

func (w *world) steal(numbers ...int) []store.Shard {
	w.t.Helper()
	rows, err := w.db.Shards().Peek(context.Background())
	w.ok(err)
	var claims []store.Claim
	for _, n := range numbers {
		claims = append(claims, store.Claim{Number: n, Seen: rows[n].Seen()})
	}
	claimed, err := w.db.Shards().Claim(context.Background(), claimer, claims)
	w.ok(err)
	return claimed
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sentOf returns the calls of the jobs of a shard since an instant.
func (w *world) sentOf(number uint8, since time.Time) (n int) {
	for _, s := range w.targets.all() {
		if w.eng.shards.Number(s.Key.JobID) == number && s.at.After(since) {
			n++
		}
	}
	return n
}

// wantKnown checks that whatever was sent of some shards is on record or has an open run, so that
// their next owner finds nothing uncertain.
func (w *world) wantKnown(shards ...uint8) {
	w.t.Helper()
	known := map[domain.FireKey]bool{}
	for _, open := range w.openRuns() {
		known[open.FireKey] = true
	}
	for _, id := range w.jobs {
		for _, x := range w.facts(id) {
			known[x.FireKey] = true
		}
	}
	for _, s := range w.targets.all() {
		if slices.Contains(shards, w.eng.shards.Number(s.Key.JobID)) && !known[s.Key] {
			w.t.Errorf("%v was sent, and is neither on record nor has it an open run", s.Key)
		}
	}
}

// mixed is so many times six jobs of all kinds. Their ids are random: of 60 jobs, one of four shards
// has none once in ten million runs.
func mixed(times int) (docs []domain.SpecDoc) {
	for range times {
		docs = append(docs, spec(""), spec("?delay=700"), spec("?status=503&first=1"), spec("?delay=400", once),
			spec("?delay=600", func(d *domain.SpecDoc) { d.Overlap = domain.OverlapQueue }),
			spec("?delay=1500", func(d *domain.SpecDoc) { d.Overlap = domain.OverlapSkip }))
	}
	return docs
}

// A shard that another process has claimed is dropped: nothing of it is sent any more, the jobs of
// the other shards are on time, and the engine goes on. What it finds when it gets the shard
// back it takes over as after a crash.
func TestOneShardIsLost(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		w.create(mixed(10)...)
		w.pass(5 * time.Second)
		total, _ := w.eng.registry.count()
		w.steal(2)
		w.pass(1100 * time.Millisecond)
		lostAt := time.Now()
		if got := ShareOf(w.eng).Owned(); !slices.Equal(got, []int{0, 1, 3}) {
			t.Fatalf("owned %v after shard 2 was claimed by another process", got)
		}
		if n, active := w.eng.registry.count(); n >= total || n != active || n == 0 {
			t.Errorf("%d jobs, %d active; before the loss %d", n, active, total)
		}
		w.pass(4 * time.Second)
		select {
		case err := <-w.eng.Failed():
			t.Fatalf("the engine gives up: %v", err)
		default:
		}
		if n := w.sentOf(2, lostAt); n > 0 {
			t.Errorf("%d calls of a shard that was lost", n)
		}
		if n := w.sentOf(1, lostAt); n == 0 {
			t.Error("the other shards do not go on")
		}
		w.ok(w.eng.owner.own(context.Background(), []int{2}))
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
		if n, _ := w.eng.registry.count(); n != total {
			t.Errorf("%d jobs, want %d", n, total)
		}
		if n := w.eng.shards.Holds.Seconds(); n > 48 {
			t.Errorf("%d seconds are held", n)
		}
	})
}

// A session that locks the row of one shard costs that shard alone, and for a moment not even
// that. It is lost as if another process had claimed it.
func TestALockedRowCostsOneShard(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		w.create(slices.Repeat([]domain.SpecDoc{spec("")}, 60)...)
		w.pass(5 * time.Second)
		w.gate.locked.Store(2)
		w.pass(900 * time.Millisecond)
		w.gate.locked.Store(0)
		w.pass(5 * time.Second)
		if got := ShareOf(w.eng).Owned(); len(got) != 4 {
			t.Errorf("after a lock of a moment: owned %v", got)
		}
		w.gate.locked.Store(2)
		w.pass(4100 * time.Millisecond)
		begin := time.Now()
		w.pass(10 * time.Second)
		if n := w.sentOf(2, begin); n > 0 {
			t.Errorf("%d calls of the shard beyond its horizon", n)
		}
		if n := w.sentOf(1, begin); n == 0 {
			t.Error("the other shards do not go on")
		}
		for _, s := range w.targets.all() {
			late := s.at.Sub(time.UnixMilli(s.Key.ScheduledAt))
			if number := w.eng.shards.Number(s.Key.JobID); number != 2 && late > 100*time.Millisecond {
				t.Errorf("%v of shard %d was sent %s late", s.Key, number, late)
			}
		}
		if got := ShareOf(w.eng).Owned(); !slices.Equal(got, []int{0, 1, 3}) {
			t.Errorf("owned %v", got)
		}
		w.gate.locked.Store(0)
		w.ok(w.eng.owner.own(context.Background(), []int{2}))
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
	})
}

// Without any shard the engine waits, healthy, and sends nothing. Then it gets them again.
func TestAllShardsAreLost(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		w.create(mixed(3)...)
		w.pass(3 * time.Second)
		w.steal(0, 1, 2, 3)
		w.pass(1100 * time.Millisecond)
		if got := ShareOf(w.eng).Owned(); len(got) > 0 {
			t.Fatalf("owned %v", got)
		}
		n := len(w.targets.all())
		w.pass(20 * time.Second)
		if now := len(w.targets.all()); now != n {
			t.Errorf("%d calls without a shard", now-n)
		}
		if h := w.eng.Health(); !h.Ready {
			t.Errorf("health without shards: %+v", h)
		}
		w.ok(w.eng.owner.own(context.Background(), []int{0, 1, 2, 3}))
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
	})
}

// An engine that shares the database starts without shards.
func TestStartWithoutShards(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 3, shared, func(t *testing.T, w *world) {
		w.create(mixed(3)...)
		w.pass(2 * time.Second)
		w.ok(w.stop(3 * time.Second))
		w.ok(w.assemble())
		w.ok(w.eng.Start(context.Background()))
		if got := ShareOf(w.eng).Owned(); len(got) != 0 {
			t.Fatalf("owned %v", got)
		}
		w.pass(5 * time.Second)
		rows, err := w.db.Shards().Peek(context.Background())
		w.ok(err)
		owned, err := ShareOf(w.eng).Own(context.Background(), store.ClaimsOf(rows[1:]))
		if err != nil || !slices.Equal(owned, []int{1, 2}) {
			t.Fatalf("got %v, error %v", owned, err)
		}
		stale := rows[1:2]
		again, err := ShareOf(w.eng).Own(context.Background(), store.ClaimsOf(stale))
		if err != nil || len(again) != 0 {
			t.Errorf("a shard that is owned was taken again: %v, %v", again, err)
		}
		owned, err = ShareOf(w.eng).Own(context.Background(), store.ClaimsOf(rows[:1]))
		if err != nil || len(owned) != 1 {
			t.Fatalf("got %v, error %v", owned, err)
		}
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
	})
}

// A shard that is released is free at once and clean: its next owner sends nothing again, and
// nothing is lost. Calls that last longer than a hand-over have open runs of this process.
func TestShardsAreReleased(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		w.create(mixed(3)...)
		w.pass(5 * time.Second)
		begun := time.Now()
		w.ok(ShareOf(w.eng).Release(context.Background(), []int{1, 3}))
		if took := time.Since(begun); took > releaseWait+200*time.Millisecond {
			t.Errorf("the hand-over took %s", took)
		}
		w.wantKnown(1, 3)
		rows, err := w.db.Shards().Peek(context.Background())
		w.ok(err)
		for n, free := range []bool{false, true, false, true} {
			if rows[n].Clean != free {
				t.Errorf("shard %d is free: %v", n, rows[n].Clean)
			}
		}
		for _, open := range w.openRuns() {
			if n := w.eng.shards.Number(open.JobID); n%2 == 1 && open.InFlight && open.Runner != ShareOf(w.eng).Node() {
				t.Errorf("a call in flight of shard %d has an open run of process %d", n, open.Runner)
			}
		}
		released := time.Now()
		w.pass(3 * time.Second)
		if n := w.sentOf(1, released) + w.sentOf(3, released); n > 0 {
			t.Errorf("%d calls of shards that were released", n)
		}
		w.ok(w.eng.owner.own(context.Background(), []int{1, 3}))
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
		for _, id := range w.jobs {
			for _, x := range w.facts(id) {
				for _, a := range x.AllAttempts() {
					if a.StartedAt == 0 {
						t.Errorf("%v was uncertain after a hand-over", x.FireKey)
					}
				}
			}
		}
	})
}

// A decision that was made before the shard was lost, and comes to the store after it, is not
// on record: the next owner may have sent the fire.
func TestDecisionsEndWithTheLease(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, shared, func(t *testing.T, w *world) {
		w.create(spec("?delay=2500", func(d *domain.SpecDoc) { d.Overlap = domain.OverlapSkip }))
		id := w.jobs[0]
		w.edge(100 * time.Millisecond)
		w.pass(time.Second) // the first fire is being sent, and the next one is to be skipped
		number := w.eng.shards.Number(id)
		w.steal(int(number))
		stolen := w.now()
		w.pass(950 * time.Millisecond) // before the next beat or after it
		if st := w.eng.shards.At(number); st.Phase() == shard.Active {
			t.Error("a decision that the store refused does not tell the loss")
		}
		w.pass(4 * time.Second)
		for _, x := range w.facts(id) {
			if x.Status == domain.StatusSkipped && x.ScheduledAt > stolen {
				t.Errorf("%v was decided by a process that had lost the shard", x.FireKey)
			}
		}
		w.ok(w.eng.owner.own(context.Background(), []int{int(number)}))
		w.pass(40 * time.Second)
		w.check(w.now() - 30_000)
	})
}

// Edits that other processes made straight in the store are loaded before the horizon may pass
// them, and fires follow them exactly.
func TestEditsWithoutTheOwner(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
		ahead := horizon.Milliseconds()
		ctx := context.Background()
		var versions []domain.Version
		for range 12 {
			doc := spec("?v=1")
			versions = append(versions, domain.Version{JobID: domain.NewJobID(w.now()), Number: 1, CreatedAt: w.now(),
				EffectiveTo: domain.Forever, Active: true, Spec: doc.Spec})
		}
		made, err := w.db.Edits().Create(ctx, versions, ahead)
		w.ok(err)
		for i := range versions {
			versions[i].EffectiveFrom = made[i].At
			w.jobs = append(w.jobs, versions[i].JobID)
		}
		w.pass(1200 * time.Millisecond)
		if total, active := w.eng.registry.count(); total != 12 || active != 12 {
			t.Fatalf("%d jobs, %d active", total, active)
		}
		w.pass(4 * time.Second)
		for i := range versions { // four are changed, four paused, four deleted
			v := versions[i]
			v.Number, v.EffectiveFrom = 2, 0
			switch i % 3 {
			case 0:
				v.Spec.API = spec("?v=2").Spec.API
				_, err = w.db.Edits().Update(ctx, v, ahead)
			case 1:
				v.Active = false
				_, err = w.db.Edits().Update(ctx, v, ahead)
			default:
				_, err = w.db.Edits().Delete(ctx, v.JobID, 1, ahead)
			}
			w.ok(err)
		}
		w.pass(8 * time.Second)
		if total, active := w.eng.registry.count(); total != 8 || active != 4 {
			t.Errorf("%d jobs, %d active", total, active)
		}
		for i := 1; i < len(versions); i += 3 { // and resumed
			v := versions[i]
			v.Number, v.EffectiveFrom, v.Active = 3, 0, true
			v.Spec.API = spec("?v=3").Spec.API
			_, err = w.db.Edits().Update(ctx, v, ahead)
			w.ok(err)
		}
		w.pass(8 * time.Second)
		w.check(w.now() - 3000)
		rows, err := w.db.Shards().Peek(ctx)
		w.ok(err)
		for _, sh := range rows {
			if sh.Applied != sh.Revision {
				t.Errorf("shard %d has revision %d, of which %d is applied", sh.Number, sh.Revision, sh.Applied)
			}
			if lag := w.now() - sh.Watermark; lag > 3000 {
				t.Errorf("the watermark of shard %d is %d ms behind", sh.Number, lag)
			}
		}
	})
}

// While the edits of a shard cannot be loaded, nothing of it is sent past the horizon that it has. The
// other shards go on as if nothing had happened.
func TestShardWhoseEditsCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for name, hangs := range map[string]bool{"an error": false, "no answer": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfShards(t, 4, shared, func(t *testing.T, w *world) {
				w.create(slices.Repeat([]domain.SpecDoc{spec("?v=1")}, 60)...)
				w.pass(3 * time.Second)
				id := w.jobs[0]
				number := w.eng.shards.Number(id)
				w.readFrom(noChanges{w.gate, hangs})
				made := w.editWithout(id)
				w.pass(12 * time.Second)
				for _, s := range w.targets.all() {
					late := s.at.Sub(time.UnixMilli(s.Key.ScheduledAt))
					switch of := w.eng.shards.Number(s.Key.JobID); {
					case of == number && s.Key.ScheduledAt >= made:
						t.Errorf("%v was sent, the version that it belongs to is not known", s.Key)
					case of != number && late > 100*time.Millisecond:
						t.Errorf("%v of another shard was sent %s late", s.Key, late)
					}
				}
				if got := ShareOf(w.eng).Owned(); len(got) != 3 || slices.Contains(got, int(number)) {
					t.Errorf("owned %v, the edits of %d cannot be loaded", got, number)
				}
				w.readFrom(w.gate)
				w.ok(w.eng.owner.own(context.Background(), []int{int(number)}))
				w.pass(40 * time.Second)
				w.check(w.now() - 30_000)
			})
		})
	}
}

// Where no edits can be loaded, there is nothing to gain from leaving shards.
func TestHorizonWaitsForEdits(t *testing.T) {
	t.Parallel()
	bubbleOfShards(t, 2, shared, func(t *testing.T, w *world) {
		w.create(slices.Repeat([]domain.SpecDoc{spec("?v=1")}, 30)...)
		w.pass(3 * time.Second)
		w.readFrom(noChanges{w.gate, false})
		made := domain.Forever
		for _, id := range w.jobs {
			made = min(made, w.editWithout(id))
		}
		w.pass(8 * time.Second)
		for _, s := range w.targets.all() {
			if s.Key.ScheduledAt >= made {
				t.Errorf("%v was sent, the version that it belongs to is not known", s.Key)
			}
		}
		if got := ShareOf(w.eng).Owned(); len(got) != 2 {
			t.Errorf("owned %v", got)
		}
		w.readFrom(w.gate)
		w.pass(6 * time.Second)
		w.check(w.now() - 3000)
	})
}

// editWithout changes a job without its owner, and returns from when that is valid.
func (w *world) editWithout(id domain.JobID) int64 {
	w.t.Helper()
	next := w.next(id)
	next.Spec.API = spec("?v=2").Spec.API
	made, err := w.db.Edits().Update(context.Background(), next, horizon.Milliseconds())
	w.ok(err)
	return made.At
}

// readFrom makes takeovers and beats read from another store.
func (w *world) readFrom(db store.Store) {
	w.ok(w.eng.keeper.beating.take(context.Background()))
	defer w.eng.keeper.beating.end()
	w.eng.owner.store = db
}

// noChanges is a store in which edits without the owner cannot be read.
type noChanges struct {
	store.Store
	hangs bool
}

func (s noChanges) Edits() store.Edits { return noChangesEdits{s.Store.Edits(), s.hangs} }

type noChangesEdits struct {
	store.Edits
	hangs bool
}

func (s noChangesEdits) Changed(ctx context.Context, _ int, _ int64, _ func(domain.Version) error) error {
	if s.hangs {
		<-ctx.Done()
	}
	return domain.Unavailable(nil, "the edits cannot be read")
}
