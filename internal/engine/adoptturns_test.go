package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Runs that are looked at take turns, whether they end or not.
func TestLooksTakeTurns(t *testing.T) {
	t.Parallel()
	a := newAway()
	var all []run.Elsewhere
	for i := range 10 {
		r := &run.Run{Job: run.NewJob(domain.JobID{}, 0, 0), At: int64(i)}
		all = append(all, run.Elsewhere{Run: r, Runner: 7})
	}
	a.add(all[:7])
	a.add(all[7:])
	looked := func() (at []int64) {
		for _, e := range a.next(4) {
			at = append(at, e.At)
		}
		return at
	}
	wants := func(want ...int64) {
		t.Helper()
		if got := looked(); !slices.Equal(got, want) {
			t.Errorf("looked at %v, want %v", got, want)
		}
	}
	wants(0, 1, 2, 3)
	wants(4, 5, 6, 7)
	a.remove(all[8].Run)
	a.remove(&run.Run{Job: all[9].Job, At: 9}) // another one of the same key
	wants(9, 0, 1, 2)
	a.remove(all[3].Run)
	a.add(all[3:4])
	for _, e := range all[4:] {
		a.remove(e.Run)
	}
	wants(3, 0, 1, 2)
	wants(3, 0, 1, 2)
	a.moved(all[0].Run, 9)
	if got := a.next(10); len(got) != 4 || got[1].Runner != 9 || got[0].Runner != 7 {
		t.Errorf("%+v", got)
	}
}

// beforeRecord is a store in which something happens before open runs are taken over.
type beforeRecord struct {
	store.Store
	do func()
}

func (s beforeRecord) Ledger() store.Ledger { return beforeRecordLedger{s.Store.Ledger(), s.do} }

type beforeRecordLedger struct {
	store.Ledger
	do func()
}

func (l beforeRecordLedger) Record(ctx context.Context, b store.Batch) error {
	l.do()
	return l.Ledger.Record(ctx, b)
}

// A process that was thought to be gone ends its run, or a run comes to another one, while it is being
// taken over: it is not sent.
func TestAdoptionComesTooLate(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		for name, ended := range map[string]bool{"ended": true, "of another process": false} {
			t.Run(fmt.Sprintf("%s, at most once %v", name, once), func(t *testing.T) {
				t.Parallel()
				bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
					c.set(7, true)
					c.set(9, true)
					doc := spec("", every(50))
					if once {
						doc.Type = domain.AtMostOnce
					}
					id := c.create(doc)
					before := func() {}
					b := c.joinWith(func(w *world) {
						w.eng.owner.store = beforeRecord{w.gate, func() { before() }}
					})
					defer b.end()
					c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1}))
					open := domain.OpenRun{FireKey: domain.FireKey{JobID: id, ScheduledAt: c.now(), Nonce: 5},
						Version: 1, NextAt: c.now(), InFlight: true, CreatedAt: c.now(), Runner: 7}
					c.record(store.Batch{Open: []domain.OpenRun{open}})
					c.takeAll(b)
					fact := domain.Execution{FireKey: open.FireKey, Version: 1, Status: domain.StatusSuccess,
						StartedAt: c.now(), CompletedAt: c.now()}
					other := open
					other.Runner, other.TakenFrom = 9, 7
					before = func() {
						if ended {
							c.record(store.Batch{Facts: []domain.Execution{fact}})
						} else {
							c.record(store.Batch{Open: []domain.OpenRun{other}})
						}
					}
					c.set(7, false)
					c.pass(4 * time.Second)
					_, shown := b.eng.Live(open.ID())
					if n := len(c.callsOf(id)); n != 0 || shown == ended {
						t.Errorf("%d calls, shown as running: %v", n, shown)
					}
					if runs := b.openRuns(); ended != (len(runs) == 0) || !ended && runs[0].Runner != 9 {
						t.Errorf("open runs %+v", runs)
					}
				})
			})
		}
	}
}

// Runs of a job that are adopted together do not overlap where the job forbids it.
func TestAdoptedRunsDoNotOverlap(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		c.set(7, true)
		b := c.join()
		defer b.end()
		id := c.create(spec("?delay=2000", every(60), overlap(domain.OverlapQueue)))
		c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1}))
		var open []domain.OpenRun
		for i := range int64(3) {
			key := domain.FireKey{JobID: id, ScheduledAt: c.now() - 60_000*i}
			open = append(open, domain.OpenRun{FireKey: key, Version: 1, NextAt: c.now(), Runner: 7,
				RunUntil: c.now() + 60_000})
		}
		c.record(store.Batch{Open: open})
		c.takeAll(b)
		c.set(7, false)
		c.pass(12 * time.Second)
		calls := c.targets.of(id)
		for i := 1; i < len(calls); i++ {
			if d := calls[i].at.Sub(calls[i-1].at); d < 2*time.Second {
				t.Errorf("a call %s after the one before", d)
			}
		}
		if len(calls) < 3 || len(b.openRuns()) > 0 {
			t.Errorf("%d calls; open runs %+v", len(calls), b.openRuns())
		}
	})
}

// Where a takeover fails at its last step, the next owner need not wait for the runs that it had taken.
func TestTakeoverThatFailsGivesRunsBack(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		c.edge(0)
		id := c.create(spec("?delay=3000&status=503&first=1&after=15000", every(60)))
		for len(c.targets.all()) == 0 {
			c.pass(time.Second)
		}
		c.pass(4 * time.Second)
		c.set(c.node(), false)
		c.crash()
		b := c.join()
		defer b.end()
		b.gate.failAll(fault{before: errDisk}, opBeat)
		if err := b.eng.owner.own(context.Background(), []int{0, 1}); err == nil {
			t.Fatal("the takeover did not fail")
		}
		b.gate.fail(nil)
		third := c.join()
		defer third.end()
		c.pass(100 * time.Millisecond)
		c.takeAll(third)
		if n := third.eng.runner.away.len(); n > 0 {
			t.Errorf("%d runs are waited for", n)
		}
		third.pass(20 * time.Second)
		if n := len(third.callsOf(id)); n == 0 || third.targets.of(id)[1].Attempt != 2 {
			t.Error("the retry was not made")
		}
	})
}

// A process that loses a shard and gets it back at once carries on what it has just given up, once
// that is on record.
func TestGivenUpOnTheWay(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		b := c.joinWith(func(w *world) { w.eng.owner.store = w.db }) // adoptions are recorded without a delay
		defer b.end()
		id := c.create(spec("?status=503&first=1&after=9000", every(60)))
		c.handOver(c.world, b)
		c.edge(0)
		for len(c.targets.all()) == 0 {
			c.pass(time.Second)
		}
		c.pass(500 * time.Millisecond)
		b.gate.failAll(fault{delay: 1300 * time.Millisecond}, opRecord)
		c.steal(0, 1)
		c.pass(1200 * time.Millisecond) // it gives the retry up
		c.takeAll(b)
		c.pass(5 * time.Second)
		b.gate.fail(nil)
		if open := c.openRuns(); len(open) != 1 || open[0].Runner != b.node() {
			t.Errorf("%+v", open)
		}
		c.pass(10 * time.Second)
		if n := len(c.targets.of(id)); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

// ledgerOfRuns counts the open runs that are asked for by their keys.
type ledgerOfRuns struct {
	store.Ledger
	asked *[]int
}

func (l ledgerOfRuns) RunsOf(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error) {
	*l.asked = append(*l.asked, len(keys))
	return l.Ledger.RunsOf(ctx, keys)
}

type storeOfRuns struct {
	store.Store
	asked *[]int
}

func (s storeOfRuns) Ledger() store.Ledger { return ledgerOfRuns{s.Store.Ledger(), s.asked} }

// A look reads the open runs that are waited for, a bounded number of them, each in its turn; and
// nothing when there are none.
func TestLooksAreBounded(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		c.set(7, true)
		id := c.create(spec("", every(30)))
		other := c.create(spec("", every(30)))
		var asked []int
		b := c.joinWith(func(w *world) { w.eng.owner.store = storeOfRuns{w.gate, &asked} })
		defer b.end()
		c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1}))
		runs := make([]domain.OpenRun, lookMost+lookPart/2)
		for i := range runs {
			runs[i] = domain.OpenRun{FireKey: domain.FireKey{JobID: id, ScheduledAt: c.now(), Nonce: int64(i + 1)},
				Version: 1, InFlight: true, Runner: 7}
		}
		runs[0].JobID, runs[0].Runner = other, 0 // which is adopted at once
		c.record(store.Batch{Open: runs})
		c.takeAll(b)
		c.set(7, false)
		c.pass(4 * time.Second)
		total := 0
		for _, n := range asked {
			if total += n; n > lookPart {
				t.Errorf("%d open runs in one request", n)
			}
		}
		// Each is read once to be adopted and once to see that it was.
		if want := 2 * (len(runs) - 1); total != want || b.eng.runner.away.len() > 0 {
			t.Errorf("%d open runs were read, want %d; %d are waited for", total, want, b.eng.runner.away.len())
		}
		if n := len(c.callsOf(id)); n != len(runs)-1 {
			t.Errorf("%d were sent", n)
		}
	})
}

// One process alone asks nobody: what its last life left in good order is known exactly.
func TestAloneNobodyIsAsked(t *testing.T) {
	t.Parallel()
	asked := func(int64) bool { return false }
	bubbleWith(t, Config{Alive: asked}, func(t *testing.T, w *world) {
		id := w.create(spec("?net=refused", once, every(60), func(d *domain.SpecDoc) { d.Retry.DelayMs = 1500 }))
		for len(w.targets.of(id)) == 0 {
			w.pass(200 * time.Millisecond)
		}
		w.pass(300 * time.Millisecond)
		w.reboot(false, 5*time.Second) // its retry comes due meanwhile
		w.pass(20 * time.Second)
		if got := w.statuses(id); got[domain.StatusFailed] != 1 || got[domain.StatusUnknown] != 0 {
			t.Errorf("it ended as %v", got)
		}
	})
}
