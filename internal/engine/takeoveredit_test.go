package engine

import (
	"context"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// remoteEdits are changes that are made without the owner, of a job whose first version has the number 1.
var remoteEdits = map[string]func(w *world, v domain.Version) error{
	"an update": func(w *world, v domain.Version) error {
		v.Spec.API = spec("?v=2").Spec.API
		_, err := w.db.Edits().Update(context.Background(), v, horizon.Milliseconds())
		return err
	},
	"a pause": func(w *world, v domain.Version) error {
		v.Active = false
		_, err := w.db.Edits().Update(context.Background(), v, horizon.Milliseconds())
		return err
	},
	"a deletion": func(w *world, v domain.Version) error {
		_, err := w.db.Edits().Delete(context.Background(), v.JobID, 1, horizon.Milliseconds())
		return err
	},
}

// next returns the second version of a job.
func (w *world) next(id domain.JobID) domain.Version {
	w.t.Helper()
	job, err := w.db.Jobs().Get(context.Background(), id)
	w.ok(err)
	v := job.Current
	v.Number, v.EffectiveFrom = 2, 0
	return v
}

// A shard is handed over right after a change was made without its owner, which is valid some seconds
// later. Until then the old version fires.
func TestHandOverBeforeAnEditIsValid(t *testing.T) {
	t.Parallel()
	for name, change := range remoteEdits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				b := c.join()
				defer b.end()
				c.create(spec("?v=1"), spec("?v=1"), spec("?v=1"))
				c.pass(5200 * time.Millisecond)
				for _, id := range c.jobs {
					c.ok(change(c.world, c.next(id)))
				}
				c.handOver(c.world, b)
				c.pass(10 * time.Second)
				b.check(b.now() - 3000)
				if lag := b.now() - b.eng.shards.Watermark(); lag > 2_500 {
					t.Errorf("W is %d ms behind", lag)
				}
			})
		})
	}
}

// editAfterTimeline is a store in which a change is made while a shard is being taken over, after its
// jobs were read.
type editAfterTimeline struct {
	store.Store
	change func()
}

func (s editAfterTimeline) Jobs() store.Jobs { return editAfterTimelineJobs{s.Store.Jobs(), s.change} }

type editAfterTimelineJobs struct {
	store.Jobs
	change func()
}

func (s editAfterTimelineJobs) Timeline(ctx context.Context, of store.ShardSet, since int64, p store.Parts,
	fn func(domain.Version) error) error {
	defer s.change()
	return s.Jobs.Timeline(ctx, of, since, p, fn)
}

// A change that is made without the owner while it takes the shard over is neither lost nor followed twice.
func TestEditDuringATakeover(t *testing.T) {
	t.Parallel()
	for name, change := range remoteEdits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				c.create(spec("?v=1"), spec("?v=1"), spec("?v=1"))
				c.pass(5200 * time.Millisecond)
				c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1, 2, 3}))
				edit := func() {
					for _, id := range c.jobs {
						c.ok(change(c.world, c.next(id)))
					}
				}
				b := c.joinWith(func(w *world) { w.eng.owner.store = editAfterTimeline{w.gate, edit} })
				defer b.end()
				c.takeAll(b)
				if number := b.eng.shards.Number(c.jobs[0]); b.eng.shards.At(number).Horizon() == 0 {
					t.Error("the jobs are taken over, and their edits are not loaded")
				}
				want := 3
				if name == "a deletion" {
					want = 0
				}
				c.pass(10 * time.Second)
				b.check(b.now() - 3000)
				if n, _ := b.eng.registry.count(); n != want {
					t.Errorf("%d jobs", n)
				}
				for _, id := range c.jobs {
					for key, n := range c.callsOf(id) {
						if n != 1 {
							t.Errorf("%v was sent %d times", key, n)
						}
					}
				}
			})
		})
	}
}

// Where the clock of the database is far behind that of a node, the gap of a shard reaches beyond its
// horizon, and a change without the owner begins within that gap: the node must decide nothing about it.
func TestNoTakeoverBeyondTheHorizon(t *testing.T) {
	t.Parallel()
	for name, change := range remoteEdits {
		t.Run(name, func(t *testing.T) { noTakeoverBeyondTheHorizon(t, change, false) })
	}
	// A horizon is not used before the edits that were made meanwhile are loaded.
	t.Run("after an update meanwhile", func(t *testing.T) {
		noTakeoverBeyondTheHorizon(t, remoteEdits["a pause"], true)
	})
}

func noTakeoverBeyondTheHorizon(t *testing.T, change func(*world, domain.Version) error, meanwhile bool) {
	t.Parallel()
	bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
		b := c.joinWith(func(w *world) {
			w.eng.owner.store = editAfterTimeline{w.gate, func() {
				if meanwhile {
					c.ok(remoteEdits["an update"](c.world, c.next(c.jobs[0])))
				}
				meanwhile = false
			}}
		})
		defer b.end()
		c.create(spec("?v=1", misfire(domain.MisfireSkip, 1, time.Minute)), spec("?v=1"), spec("?v=1"))
		c.pass(5200 * time.Millisecond)
		all := ShareOf(c.eng).Owned()
		c.ok(ShareOf(c.eng).Release(context.Background(), all))
		b.clk.Step(time.Hour)
		some := all
		if meanwhile {
			some = []int{int(b.eng.shards.Number(c.jobs[0]))}
		}
		if err := b.eng.owner.own(context.Background(), some); err == nil {
			t.Error("shards were taken over whose horizons do not reach the end of the gap")
		}
		for i, id := range c.jobs {
			v := c.next(id)
			if i == 0 && len(some) < len(all) { // it was edited meanwhile
				v.Number++
			}
			c.ok(change(c.world, v))
		}
		c.pass(5 * time.Second)
		b.clk.Step(-time.Hour)
		c.takeAll(b)
		c.pass(10 * time.Second)
		b.check(b.now() - 3000)
	})
}

// TestOutOfReach is the truth table of which gaps reach beyond a horizon.
func TestOutOfReach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		horizon, until int64
		want           bool
	}{{10, 9, false}, {10, 10, false}, {10, 11, true}, {0, 11, true}} {
		if got := outOfReach(c.horizon, c.until); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// failingBeat is a store of which a beat fails after something was done.
type failingBeat struct {
	store.Store
	first *func() error
}

func (s failingBeat) Shards() store.Shards { return failingBeatShards{s.Store.Shards(), s.first} }

type failingBeatShards struct {
	store.Shards
	first *func() error
}

func (s failingBeatShards) Beat(ctx context.Context, beats []store.Beat, ahead int64) ([]store.Shard, error) {
	if do := *s.first; do != nil {
		*s.first = nil
		if err := do(); err != nil {
			return nil, err
		}
	}
	return s.Shards.Beat(ctx, beats, ahead)
}

// A job that is made during a takeover that fails is known once after the next one.
func TestJobMadeDuringATakeoverThatFails(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
		c.pass(5200 * time.Millisecond)
		all := ShareOf(c.eng).Owned()
		c.ok(ShareOf(c.eng).Release(context.Background(), all))
		var beat func() error
		b := &world{t: t, clk: new(clock.Manual), cfg: c.cfg, targets: c.targets, disk: c.disk,
			wrap: func(s store.Store) store.Store { return failingBeat{s, &beat} }}
		c.ok(b.assemble())
		c.ok(b.eng.Start(context.Background()))
		c.set(b.node(), true)
		defer b.end()
		beat = func() error {
			b.create(spec("", overlap(domain.OverlapSkip)), spec(""), spec(""))
			return domain.Unavailable(nil, "the beat fails")
		}
		if err := b.eng.owner.own(context.Background(), all); err == nil {
			t.Fatal("the takeover does not fail")
		}
		if n, active := b.eng.registry.count(); n != 0 || active != 0 {
			t.Errorf("%d jobs, %d of them active, of shards that are not the node's", n, active)
		}
		b.pass(5 * time.Second)
		c.ok(b.eng.owner.own(context.Background(), all))
		b.pass(10 * time.Second)
		for _, id := range b.jobs {
			for key, n := range b.callsOf(id) {
				if n != 1 {
					t.Errorf("%v was sent %d times", key, n)
				}
			}
		}
		b.check(b.now() - 3000)
	})
}
