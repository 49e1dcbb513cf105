package engine

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

var (
	seeds     = flag.Int("seeds", randomSeeds, "how many seeds TestRandom runs")
	firstSeed = flag.Uint64("seed", 1, "the first of them")
)

// Random jobs, edits, triggers, stops, crashes and failures of the store, and
// then the record is held against the calendar. Every fourth world has many shards,
// of which the engine takes all but one while it runs. A failure names its seed:
//
//	go test ./internal/engine -run TestRandom -seed N -seeds 1
func TestRandom(t *testing.T) {
	t.Parallel()
	for i := range *seeds {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 0))
			slots := 1 + r.IntN(40)
			cfg := Config{MaxInFlight: slots, MaxInFlightPerHost: slots}
			if i%4 == 3 {
				bubbleOfShards(t, 2+r.IntN(6), cfg, func(t *testing.T, w *world) { random(t, w, r, seed) })
				return
			}
			bubbleWith(t, cfg, func(t *testing.T, w *world) { random(t, w, r, seed) })
		})
	}
}

func random(t *testing.T, w *world, r *rand.Rand, seed uint64) {
	t.Helper()
	w.piece = []int{0, 1, 2 + r.IntN(40)}[r.IntN(3)]
	w.part = r.IntN(4)
	w.eng.registry.mu.Lock()
	w.eng.registry.table.SetPart(max(1, w.part)) // before the first reboot too
	w.eng.registry.mu.Unlock()
	c := &chaos{world: w, Rand: r}
	for range 30 {
		c.step()
		w.pass(time.Duration(r.IntN(1800)) * time.Millisecond)
	}
	c.finish()
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// chaos does one random thing after the other to a world.
type chaos struct {
	*world
	*rand.Rand
}

// step does one random thing. Errors of edits are right while the store fails:
// the checker reads what became of them.
func (c *chaos) step() {
	switch n := c.IntN(100); {
	case len(c.jobs) < 3 || n < 12:
		c.add()
	case n < 30:
		_, _ = c.update(c.any(), func(d *domain.SpecDoc) { c.shape(d) })
	case n < 38:
		_, _ = c.update(c.any(), paused)
	case n < 48:
		_, _ = c.update(c.any(), active)
	case n < 52:
		_, _ = c.delete(c.any())
	case n < 64:
		_, _ = c.trigger(c.any())
	case n < 68:
		c.again(true)
	case n < 72:
		c.gate.crashAtWrite(1+c.IntN(6), c.IntN(2) == 0)
	case n < 76:
		c.again(false)
	case n < 84:
		c.gate.failAll([]fault{{before: errDisk}, {after: errDisk}, {delay: time.Second}}[c.IntN(3)],
			[]op{opRecord, opBeat, opCreate, opUpdate, opDelete, opGet}[c.IntN(6)])
	case n < 86:
		c.gate.failAll([]fault{{before: errDisk}, {after: errDisk}, {delay: 2 * time.Second}}[c.IntN(3)])
	default:
		c.gate.fail(nil)
	}
	if c.gate.dead() {
		c.reboot(true, c.gap())
	}
}

func (c *chaos) any() domain.JobID { return c.jobs[c.IntN(len(c.jobs))] }

func (c *chaos) gap() time.Duration {
	return time.Duration(c.IntN(c.IntN(20_000)+1)) * time.Millisecond
}

// again crashes or stops, and starts after a gap.
func (c *chaos) again(crash bool) {
	if crash {
		c.crash()
	} else {
		_ = c.stop(time.Duration(c.IntN(4000)) * time.Millisecond) // a failing store is no reason to lose a fire
	}
	c.pass(c.gap())
	c.boot()
}

// add makes a job. Its id counts even when the creation was refused: whatever
// of it is in the store has to be right.
func (c *chaos) add() {
	d := spec("")
	c.shape(&d)
	d.IsActive = c.IntN(10) > 0
	for _, x := range c.edit.Create(context.Background(), []domain.SpecDoc{d}) {
		if domain.ErrorCode(x.Err) == domain.CodeInvalid {
			c.t.Error(x.Err)
		}
		c.jobs = append(c.jobs, x.Version.JobID)
	}
}

// shape draws a document.
func (c *chaos) shape(d *domain.SpecDoc) {
	pick := func(s ...string) string { return s[c.IntN(len(s))] }
	d.Schedule = pick("* * * * * *", "* * * * * *", "*/2 * * * * *", "*/7 * * * * *", "@every 3s")
	d.API = "http://" + pick("a", "b", "c") + ".test/?" +
		pick("", "", "status=500", "status=503&first=1", "status=404", "net=refused", "net=reset",
			"status=429&first=1&after=3000") +
		pick("", "", "&delay=300", "&delay=900", "&delay=2500", "&delay=8000")
	d.Type = []domain.Guarantee{domain.AtLeastOnce, domain.AtMostOnce}[c.IntN(2)]
	d.Overlap = []domain.OverlapPolicy{domain.OverlapAllow, domain.OverlapSkip, domain.OverlapQueue}[c.IntN(3)]
	d.Misfire = domain.Misfire{
		Policy:   []domain.MisfirePolicy{domain.MisfireRunAll, domain.MisfireRunLatest, domain.MisfireSkip}[c.IntN(3)],
		MaxAgeMs: int64(5_000 + c.IntN(60_000)), MaxRuns: 1 + c.IntN(20),
	}
	d.JitterMs = []int64{0, 0, 0, 700}[c.IntN(4)]
	d.TimeoutMs = []int64{30_000, 1_000}[c.IntN(2)]
	d.Retry.MaxRetries = c.IntN(4)
}

// finish heals the store, ends every job, waits for the end of what runs, and
// checks.
func (c *chaos) finish() {
	c.gate.fail(nil)
	c.gate.crashAtWrite(0, false)
	c.pass(20 * time.Second) // edits of unknown outcome become known, calls that were delayed end
	if c.gate.dead() {
		c.reboot(true, c.gap())
		c.pass(20 * time.Second)
	}
	for _, id := range c.jobs {
		if _, err := c.delete(id); err != nil && domain.ErrorCode(err) != domain.CodeNotFound {
			c.t.Error(err)
		}
	}
	c.pass(70 * time.Second)
	c.check(c.now())
	if runs := c.openRuns(); len(runs) > 0 {
		c.t.Errorf("open runs are left: %+v", runs)
	}
	if n := c.eng.shards.Holds.Seconds(); n > 0 {
		c.t.Errorf("%d seconds are held for ever", n)
	}
	if lag := c.now() - c.eng.shards.Watermark(); lag > 3000 {
		c.t.Errorf("the watermark is %d ms behind", lag)
	}
}
