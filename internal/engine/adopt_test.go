package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A call that its last owner finishes counts as running at the next one, is shown there, is not sent
// again, and keeps W of its shard from nothing. Its job is free within about a second of its end.
func TestCallGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	for policy, want := range map[domain.OverlapPolicy]struct{ early, skipped bool }{
		domain.OverlapAllow: {early: true}, domain.OverlapSkip: {skipped: true}, domain.OverlapQueue: {},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				b := c.join()
				defer b.end()
				c.edge(0)
				id := c.create(spec("?delay=12000", overlap(policy), every(3)))
				c.edge(100 * time.Millisecond)
				for len(c.targets.of(id)) == 0 {
					c.pass(time.Second)
				}
				first := c.targets.of(id)[0].Key
				c.handOver(c.world, b)
				c.pass(5 * time.Second)
				if live := b.eng.LiveByJob(id, 10); len(live) == 0 ||
					live[len(live)-1].FireKey != first || live[len(live)-1].Status != domain.StatusRunning {
					t.Errorf("the owner shows %+v", live)
				}
				if n := len(c.targets.of(id)); (n > 1) != want.early {
					t.Errorf("%d calls while the first one runs elsewhere", n)
				}
				if n := b.statuses(id)[domain.StatusSkipped]; (n > 0) != want.skipped {
					t.Errorf("%d fires were skipped", n)
				}
				if lag := b.now() - b.eng.shards.Watermark(); want.skipped && lag > 2_500 {
					t.Errorf("W is %d ms behind", lag)
				}
				c.pass(8500 * time.Millisecond)
				if _, found := b.eng.Live(first.ID()); found {
					t.Error("the execution is on record, and is shown as running")
				}
				c.pass(6 * time.Second)
				if n := len(c.targets.of(id)); n < 2 {
					t.Error("the job is not free")
				}
				c.pass(30 * time.Second)
				b.check(first.ScheduledAt + 6_000)
				if n := b.eng.runner.away.len(); n > 0 {
					t.Errorf("%d runs are looked at for ever", n)
				}
				for key, n := range c.callsOf(id) {
					if n != 1 {
						t.Errorf("%v was sent %d times", key, n)
					}
				}
			})
		})
	}
}

// placed is an open run that some process has left on record, and what its job's owner makes of it.
type placed struct {
	name     string
	runner   int64 // 0: nobody, 7: one that is there, 8: one that is gone
	until    time.Duration
	inFlight bool
	due      time.Duration // of its next attempt
	crashes  int
	once     bool

	after   time.Duration // when it has been decided; zero: it has not
	status  domain.Status // of its end, or PENDING: it was sent
	crashed int           // that the next owner counts
	text    string        // of the record
}

var placedRuns = []placed{
	{name: "of a process that is there", runner: 7, until: time.Hour, inFlight: true},
	{name: "without a limit", runner: 7, inFlight: true},
	{name: "past its time", runner: 7, until: 4 * time.Second, inFlight: true, after: 6 * time.Second,
		status: domain.StatusPending},
	{name: "past its time, twice after a crash", runner: 7, until: 4 * time.Second, inFlight: true, crashes: 2,
		after: 6 * time.Second, status: domain.StatusPending, crashed: 2},
	{name: "past its time, at most once", runner: 7, until: 4 * time.Second, inFlight: true, once: true,
		after: 6 * time.Second, status: domain.StatusUnknown, text: "has not recorded its outcome in time"},
	{name: "of a process that is gone", runner: 8, until: time.Hour, inFlight: true, after: time.Second,
		status: domain.StatusPending, crashed: 1},
	{name: "the third crash", runner: 8, until: time.Hour, inFlight: true, crashes: 2, after: time.Second,
		status: domain.StatusFailed, text: "poison"},
	{name: "past its time, its retry was due", runner: 7, until: 4 * time.Second, once: true, after: 6 * time.Second,
		status: domain.StatusUnknown},
	{name: "of a process that is gone, its retry was due", runner: 8, once: true, after: time.Second,
		status: domain.StatusUnknown},
	{name: "given up in flight", inFlight: true, crashes: 2, after: 2 * time.Second, status: domain.StatusPending,
		crashed: 2},
	{name: "given up in flight, at most once", inFlight: true, once: true, after: 2 * time.Second,
		status: domain.StatusUnknown, text: run.LostOutcome},
	{name: "given up", after: 2 * time.Second, status: domain.StatusPending, once: true},
	{name: "given up before its retry", due: 5 * time.Second, after: 7 * time.Second,
		status: domain.StatusPending},
}

// placedAt is the process that has left a run of the table when its owner takes the shard: those
// that were given up were not yet.
func (p *placed) placedAt() int64 {
	if p.runner == 0 {
		return 7
	}
	return p.runner
}

// What the owner of a job makes of an open run that somebody else has.
func TestOpenRunsElsewhere(t *testing.T) {
	t.Parallel()
	for _, p := range placedRuns {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
				c.set(7, true)
				doc := spec("?delay=5000", every(30))
				if p.once {
					once(&doc)
				}
				id := c.create(doc)
				c.pass(2 * time.Second)
				b := c.join()
				defer b.end()
				c.ok(ShareOf(c.eng).Release(context.Background(), c.eng.shards.All()))
				now := c.now()
				open := domain.OpenRun{FireKey: domain.FireKey{JobID: id, ScheduledAt: now, Nonce: 5}, Version: 1,
					NextAt: now + p.due.Milliseconds(), InFlight: p.inFlight, Crashes: p.crashes, CreatedAt: now,
					Runner: p.placedAt()}
				if p.until > 0 {
					open.RunUntil = now + p.until.Milliseconds()
				}
				c.record(store.Batch{Open: []domain.OpenRun{open}})
				c.takeAll(b)
				if p.runner == 0 { // it is given up later
					c.pass(1500 * time.Millisecond)
					if n := len(c.callsOf(id)); n > 0 {
						t.Error("it was sent before it was given up")
					}
					gone := open
					gone.Runner, gone.TakenFrom = 0, open.Runner
					c.record(store.Batch{Open: []domain.OpenRun{gone}})
				}
				c.pass(p.after + 1500*time.Millisecond)
				p.check(t, b, open)
			})
		})
	}
}

func (p *placed) check(t *testing.T, w *world, open domain.OpenRun) {
	t.Helper()
	calls := w.callsOf(open.JobID)[open.FireKey]
	rows, err := w.db.Ledger().RunsOf(context.Background(), []domain.FireKey{open.FireKey})
	w.ok(err)
	switch {
	case p.after == 0:
		if calls != 0 || len(rows) != 1 || rows[0].Runner != open.Runner {
			t.Errorf("%d calls, open runs %+v", calls, rows)
		}
		if x, found := w.eng.Live(open.ID()); !found || x.Status != domain.StatusRunning {
			t.Errorf("it is shown as %+v, %v", x, found)
		}
	case p.status == domain.StatusPending:
		if calls != 1 || len(rows) != 1 || rows[0].Runner != w.node() || rows[0].Crashes != p.crashed {
			t.Errorf("%d calls, open runs %+v", calls, rows)
		}
		if len(rows) == 1 && (rows[0].RunUntil < w.now() || rows[0].InFlight != (p.crashed > 0)) {
			t.Errorf("it is %d: %+v", w.now(), rows[0])
		}
	default:
		x, err := w.db.History().Execution(context.Background(), open.ID())
		w.ok(err)
		if calls != 0 || len(rows) != 0 || x.Status != p.status || !strings.Contains(x.Error, p.text) {
			t.Errorf("%d calls, open runs %+v, recorded as %+v", calls, rows, x)
		}
	}
}

func (w *world) record(b store.Batch) {
	w.t.Helper()
	w.ok(w.db.Ledger().Record(context.Background(), b))
}

// A call that fails after the hand-over is tried again by the next owner.
func TestRetryAfterHandOver(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
		b := c.join()
		defer b.end()
		c.edge(0)
		var docs []domain.SpecDoc
		for _, p := range []domain.OverlapPolicy{domain.OverlapAllow, domain.OverlapSkip, domain.OverlapQueue} {
			docs = append(docs, spec("?delay=4000&status=503&first=2", overlap(p), every(20)),
				spec("?delay=4000&status=503&first=1&after=9000", overlap(p), every(20)))
		}
		c.create(docs...)
		for len(c.targets.all()) == 0 {
			c.pass(time.Second)
		}
		c.handOver(c.world, b)
		c.pass(time.Minute)
		b.check(b.now() - 30_000)
		for _, id := range c.jobs {
			for key, n := range c.callsOf(id) {
				if x, _ := b.db.History().Execution(context.Background(), key.ID()); n != x.RetryCount+1 &&
					key.ScheduledAt < b.now()-30_000 {
					t.Errorf("%v was sent %d times, on record are %d retries", key, n, x.RetryCount)
				}
			}
		}
	})
}

// A process that gets a shard back knows the calls that it is still making.
func TestShardComesBack(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		target string
		calls  int
	}{
		"and the call succeeds": {"?delay=12000", 1}, "and the call fails": {"?delay=12000&status=503&first=1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				c.edge(0)
				id := c.create(spec(row.target, overlap(domain.OverlapSkip), every(5)))
				for len(c.targets.all()) == 0 {
					c.pass(time.Second)
				}
				first := c.targets.of(id)[0].Key
				begun := c.targets.of(id)[0].wall
				c.handOver(c.world, c.world)
				c.pass(5 * time.Second)
				live := c.eng.LiveByJob(id, 5)
				if len(live) != 1 || live[0].FireKey != first || live[0].StartedAt != begun {
					t.Errorf("the owner shows %+v, the call began at %d", live, begun)
				}
				if page := c.eng.LiveList(store.ExecutionQuery{Limit: 10}); len(page.Executions) != 1 {
					t.Errorf("it is listed as %+v", page.Executions)
				}
				c.pass(time.Minute)
				c.check(c.now() - 30_000)
				if n := c.callsOf(id)[first]; n != row.calls {
					t.Errorf("it was sent %d times, want %d", n, row.calls)
				}
			})
		})
	}
}

// What waits for a call elsewhere is dropped with its shard, and the call ends on record nevertheless.
func TestShardIsLostWhileACallGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(c *cluster, b *world){
		"lost": func(c *cluster, _ *world) { c.steal(0, 1, 2, 3) },
		"released": func(c *cluster, b *world) {
			c.ok(ShareOf(b.eng).Release(context.Background(), []int{0, 1, 2, 3}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
				b := c.join()
				defer b.end()
				c.create(spec("?delay=9000", every(20)), spec("?delay=9000", overlap(domain.OverlapSkip), every(20)),
					spec("?delay=9000", overlap(domain.OverlapQueue), every(20)))
				for len(c.targets.all()) < 3 {
					c.pass(time.Second)
				}
				c.handOver(c.world, b)
				c.pass(2500 * time.Millisecond)
				if b.eng.runner.away.len() < 3 {
					t.Fatal("nothing is carried out elsewhere")
				}
				begun := c.now()
				leave(c, b)
				if took := c.now() - begun; took > 1200 {
					t.Errorf("it took %d ms", took)
				}
				c.pass(1500 * time.Millisecond)
				if n := b.eng.runner.away.len(); n > 0 {
					t.Errorf("%d runs of jobs that are not owned", n)
				}
				c.takeAll(c.world)
				c.pass(2 * time.Minute)
				c.check(c.now() - 25_000)
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

// A loss of shards finds runs of every kind that wait for their jobs to be free, and gives up those
// that have open runs.
func TestShardIsLostWithRunsThatWait(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 4, func(t *testing.T, c *cluster) {
		for range 5 {
			c.create(spec("?delay=3000", overlap(domain.OverlapQueue)),
				spec("?delay=3000", overlap(domain.OverlapSkip)))
		}
		c.pass(7 * time.Second)
		c.crash()
		c.pass(8 * time.Second)
		c.boot()
		c.set(c.node(), true)
		c.pass(time.Second)
		resumed := 0
		for j := range c.eng.registry.jobs.All() {
			resumed += len(j.ReadBacklog().Resumed)
		}
		if resumed == 0 {
			t.Fatal("no run waits")
		}
		c.steal(0, 1, 2, 3)
		stolen := c.now()
		c.pass(1500 * time.Millisecond)
		free := 0
		for _, open := range c.openRuns() {
			if open.Runner == 0 && !open.InFlight {
				free++
			}
		}
		if least := resumed - len(c.jobs); free < least { // of each job one may have been sent meanwhile
			t.Errorf("%d open runs were given up, want %d", free, least)
		}
		c.takeAll(c.world)
		c.pass(5 * time.Minute)
		c.check(stolen)
	})
}

// A hand-over does not wait for a retry whose open run is being recorded meanwhile.
func TestReleaseBesideARetry(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		b := c.join()
		defer b.end()
		c.edge(0)
		c.create(spec("?delay=100&status=503&first=1&after=50000", every(60)))
		for len(c.targets.all()) == 0 {
			c.pass(50 * time.Millisecond)
		}
		c.gate.failAll(fault{delay: 300 * time.Millisecond}, opRecord)
		c.pass(150 * time.Millisecond) // the call has ended, its retry is being recorded
		begun := c.now()
		c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1}))
		if took := c.now() - begun; took > 1500 {
			t.Errorf("the hand-over took %d ms", took)
		}
		c.gate.fail(nil)
		c.takeAll(b)
		c.pass(70 * time.Second)
		b.check(b.now() - 15_000)
	})
}

// A call of a job that was deleted is handed over as any other is.
func TestReleaseWithACallOfADeletedJob(t *testing.T) {
	t.Parallel()
	for name, delay := range map[string]string{"short": "?delay=700", "long": "?delay=5000"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
				b := c.join()
				defer b.end()
				c.edge(0)
				id := c.create(spec(delay, every(5)))
				for len(c.targets.all()) == 0 {
					c.pass(50 * time.Millisecond)
				}
				if _, err := c.delete(id); err != nil {
					t.Fatal(err)
				}
				c.handOver(c.world, b)
				c.pass(10 * time.Second)
				b.check(b.now() - 3000)
				if got := b.statuses(id); got[domain.StatusSuccess] != 1 {
					t.Errorf("it ended as %v", got)
				}
			})
		})
	}
}

// A process that stops while calls are in flight leaves them: the owner of their jobs does not wait
// until it notices that the process is gone.
func TestStopLeavesCalls(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		b := c.join()
		c.edge(0)
		id := c.create(spec("?delay=20000", every(60)), spec("?delay=20000", once, every(60)))
		for len(c.targets.all()) < 2 {
			c.pass(time.Second)
		}
		alwaysOnce := c.targets.of(id)[0].Key
		first := c.targets.of(c.jobs[0])[0].Key
		c.handOver(c.world, b)
		c.pass(2 * time.Second)
		jobs := c.jobs
		c.ok(c.stop(3 * time.Second))
		c.eng = nil
		b.pass(2500 * time.Millisecond)
		if n := b.callsOf(first.JobID)[first]; n != 2 {
			t.Errorf("it was sent %d times", n)
		}
		x, err := b.db.History().Execution(context.Background(), alwaysOnce.ID())
		if err != nil || x.Status != domain.StatusUnknown {
			t.Errorf("at most once: %+v, %v", x, err)
		}
		b.pass(30 * time.Second)
		b.jobs = jobs
		b.check(b.now() - 10_000)
		b.end()
	})
}

// Every open run of a process says until when that process may carry it out, and one that was given
// up says nothing.
func TestRunUntilIsOnRecord(t *testing.T) {
	t.Parallel()
	bubbleOfNodes(t, 2, func(t *testing.T, c *cluster) {
		b := c.join()
		defer b.end()
		c.create(spec("?delay=50000&status=503&first=1", every(60), func(d *domain.SpecDoc) { d.TimeoutMs = 55_000 }),
			spec("?status=503&after=40000", every(60)))
		c.edge(0)
		for len(c.targets.all()) == 0 {
			c.pass(time.Second)
		}
		c.pass(98 * time.Second) // of the first job a second attempt and a new fire are long calls
		_, err := c.trigger(c.create(spec("?delay=5000", paused)))
		c.ok(err)
		seen := map[bool]int{}
		for _, open := range c.openRuns() {
			timeout := int64(30_000)
			if open.JobID == c.jobs[0] {
				timeout = 55_000
			}
			begins := open.NextAt
			for _, s := range c.targets.of(open.JobID) {
				if open.InFlight && s.Key == open.FireKey {
					begins = s.wall
				}
			}
			if least := begins + 2*timeout; open.Runner != c.node() || open.RunUntil < least ||
				open.RunUntil > least+60_000 {
				t.Errorf("%+v begins at %d", open, begins)
			}
			seen[open.InFlight]++
		}
		if seen[true] < 3 || seen[false] < 1 {
			t.Fatalf("open runs: %v", seen)
		}
		c.ok(ShareOf(c.eng).Release(context.Background(), []int{0, 1}))
		for _, open := range c.openRuns() {
			if (open.RunUntil != 0) != open.InFlight || (open.Runner != 0) != open.InFlight {
				t.Errorf("after the hand-over: %+v", open)
			}
		}
	})
}
