package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// The victim is a process that opens a store and works on it until its disk
// fails. It runs a script that follows from a seed, so that the test which
// started it knows what each step was, and what the store must hold after it.

// victimEnv holds the path of the database, victimArgs "seed first-step".
const (
	victimEnv  = "BELFRY_TEST_VICTIM"
	victimArgs = "BELFRY_TEST_VICTIM_ARGS"
)

// scriptSteps is how many steps a script has.
const scriptSteps = 60

// step is one call, or a few, whose success the victim reports.
type step struct {
	what   string
	create []domain.Version
	update *domain.Version
	remove *domain.Version // the current version; its EffectiveTo is the end
	batch  store.Batch
	beat   int64
	expire int64
	reopen bool // close in good order and open again
}

// ledgerState is what a store must hold.
type ledgerState struct {
	Jobs      map[domain.JobID]domain.Version // not deleted: the current version
	Facts     map[domain.FireKey]domain.Status
	Open      map[domain.FireKey]bool
	Totals    map[domain.Status]int64
	Watermark int64
}

func (m ledgerState) clone() ledgerState {
	m.Jobs, m.Facts, m.Open, m.Totals = maps.Clone(m.Jobs), maps.Clone(m.Facts), maps.Clone(m.Open),
		maps.Clone(m.Totals)
	return m
}

func emptyState() ledgerState {
	return ledgerState{
		Jobs: map[domain.JobID]domain.Version{}, Facts: map[domain.FireKey]domain.Status{},
		Open: map[domain.FireKey]bool{}, Totals: map[domain.Status]int64{},
	}
}

// script returns the steps of a seed and the state after each number of them.
func script(seed uint64) (steps []step, states []ledgerState) {
	g := &scripter{random: rand.New(rand.NewPCG(seed, 7)), at: noon, state: emptyState()}
	states = append(states, g.state.clone())
	for len(steps) < scriptSteps {
		if s := g.step(); s.what != "" {
			steps = append(steps, s)
			states = append(states, g.state.clone())
		}
	}
	return steps, states
}

type scripter struct {
	random *rand.Rand
	state  ledgerState
	at     int64 // the latest instant on record
	made   int   // jobs ever created
}

func (g *scripter) step() step {
	switch n := g.random.IntN(40); {
	case n < 8:
		return g.create()
	case n < 12:
		return g.edit()
	case n < 14:
		return g.remove()
	case n < 26:
		return g.record()
	case n < 30:
		return g.begin()
	case n < 36:
		g.state.Watermark = g.at
		return step{what: "beat", beat: g.at}
	case n < 38:
		return step{what: "reopen", reopen: true}
	default:
		return g.expire()
	}
}

func (g *scripter) create() step {
	s := step{what: "create"}
	for range 1 + g.random.IntN(3) {
		g.made++
		v := version(g.made)
		s.create = append(s.create, v)
		g.state.Jobs[v.JobID] = v
	}
	return s
}

// pick returns the current version of a job that is not deleted.
func (g *scripter) pick() (domain.Version, bool) {
	for range 10 {
		if g.made == 0 {
			break
		}
		if v, ok := g.state.Jobs[jobID(1+g.random.IntN(g.made))]; ok {
			return v, true
		}
	}
	return domain.Version{}, false
}

func (g *scripter) edit() step {
	v, ok := g.pick()
	if !ok {
		return step{}
	}
	v.Number++
	v.EffectiveFrom += second
	v.Spec.API = fmt.Sprintf("http://127.0.0.1:4444/%d", v.Number)
	g.state.Jobs[v.JobID] = v
	return step{what: "update", update: &v}
}

func (g *scripter) remove() step {
	v, ok := g.pick()
	if !ok {
		return step{}
	}
	v.EffectiveTo = v.EffectiveFrom + second
	delete(g.state.Jobs, v.JobID)
	return step{what: "delete", remove: &v}
}

// record records some fires of one day, some of them of open runs.
func (g *scripter) record() step {
	g.at += g.random.Int64N(9) * hour
	s := step{what: "record"}
	for range 1 + g.random.IntN(5) {
		g.at += second
		e := success(1+g.random.IntN(5), g.at)
		if g.random.IntN(3) == 0 {
			e = failure(1+g.random.IntN(5), g.at)
		}
		for k := range g.state.Open { // at most one: begin sees to it
			if dayOf(k.ScheduledAt) == dayOf(g.at) {
				e.FireKey = k
				delete(g.state.Open, k)
			}
		}
		s.batch.Facts = append(s.batch.Facts, e)
		g.state.Facts[e.FireKey] = e.Status
		g.state.Totals[e.Status]++
	}
	return s
}

func (g *scripter) begin() step {
	if len(g.state.Open) > 0 {
		return step{}
	}
	g.at += second
	r := openRun(1+g.random.IntN(5), g.at)
	r.Nonce = g.at
	g.state.Open[r.FireKey] = true
	return step{what: "begin", batch: store.Batch{Open: []domain.OpenRun{r}}}
}

func (g *scripter) expire() step {
	before := dayOf(g.at - 36*hour).start()
	maps.DeleteFunc(g.state.Facts, func(k domain.FireKey, _ domain.Status) bool { return k.ScheduledAt < before })
	return step{what: "expire", expire: before}
}

// victim is the process's side.
type victim struct {
	path  string
	s     *Store
	lease store.Lease
}

func (v *victim) open(ctx context.Context) (err error) {
	if v.s, err = Open(ctx, Config{Path: v.path}); err != nil {
		return err
	}
	claimed, err := claimShard(ctx, v.s)
	if err != nil {
		return err
	}
	v.lease = claimed[0].Lease
	// As a recovery does. It ends open runs whose facts a crash has outrun, which would keep their day.
	if err := v.s.Ledger().OpenRuns(ctx, store.ShardSet{}, func(domain.OpenRun) error { return nil }); err != nil {
		return err
	}
	if scripted(claimed[0].Watermark) == 0 {
		return v.s.Shards().ResetWatermark(ctx, 0)
	}
	return nil
}

// scripted returns a watermark as the script moves it: a new database begins with its own
// clock, long after the time of the script.
func scripted(w int64) int64 {
	if w > noon+100*dayMs {
		return 0
	}
	return w
}

func (v *victim) do(ctx context.Context, s step) error {
	switch {
	case s.create != nil:
		return v.s.Jobs().Create(ctx, s.create)
	case s.update != nil:
		return v.s.Jobs().Update(ctx, *s.update)
	case s.remove != nil:
		return v.s.Jobs().Delete(ctx, s.remove.JobID, s.remove.Number, s.remove.EffectiveTo)
	case s.beat != 0:
		_, err := v.s.Shards().Beat(ctx, []store.Beat{{Clock: nowMs(), Lease: v.lease, Watermark: s.beat}}, 3*second)
		return err
	case s.expire != 0:
		_, err := v.s.History().Expire(ctx, s.expire)
		return err
	case s.reopen:
		if err := v.s.Close(); err != nil {
			return err
		}
		return v.open(ctx)
	default:
		return v.s.Ledger().Record(ctx, s.batch)
	}
}

// runVictim runs the script from a step on and writes the number of each step
// that was acknowledged; first that of the one before, when the store is open.
func runVictim(out io.Writer, path, args string) error {
	var seed uint64
	var first int
	if _, err := fmt.Sscan(args, &seed, &first); err != nil {
		return err
	}
	ctx := context.Background()
	v := &victim{path: path}
	if err := v.open(ctx); err != nil {
		return err
	}
	steps, _ := script(seed)
	for i := first; ; i++ {
		if _, err := io.WriteString(out, strconv.Itoa(i)+"\n"); err != nil {
			return err
		}
		if i == len(steps) {
			return nil
		}
		if err := v.do(ctx, steps[i]); err != nil {
			return fmt.Errorf("step %d, %s: %w", i, steps[i].what, err)
		}
	}
}

// victimMain is the main function of a test binary that was started as a
// victim. It leaves without Close: the power has gone, or will.
func victimMain(path string) {
	if err := runVictim(os.Stdout, path, os.Getenv(victimArgs)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// observe reads what a store holds.
func observe(ctx context.Context, s *Store, limit int) (ledgerState, error) {
	got := emptyState()
	jobs, err := s.Jobs().List(ctx, store.JobQuery{Limit: limit})
	for _, j := range jobs.Jobs {
		got.Jobs[j.ID] = j.Current
	}
	facts, recentErr := store.Recent(ctx, s.History(), store.Page{Limit: limit})
	for _, e := range facts {
		got.Facts[e.FireKey] = e.Status
	}
	openErr := s.Ledger().OpenRuns(ctx, store.ShardSet{}, func(r domain.OpenRun) error {
		got.Open[r.FireKey] = true
		return nil
	})
	sum, totalsErr := s.History().Totals(ctx, 0)
	for status, n := range sum.ByStatus {
		if n > 0 {
			got.Totals[status] = n
		}
	}
	claimed, claimErr := claimShard(ctx, s)
	got.Watermark = scripted(store.LeastWatermark(claimed))
	return got, errors.Join(err, recentErr, openErr, totalsErr, claimErr)
}

// claimShard claims the shard for a process that has ended or will.
func claimShard(ctx context.Context, s *Store) ([]store.Shard, error) {
	rows, err := s.Shards().Peek(ctx)
	if err != nil {
		return nil, err
	}
	claimed, err := s.Shards().Claim(ctx, 1, store.ClaimsOf(rows))
	if err == nil && len(claimed) == 0 {
		err = errors.New("the shard was not claimed")
	}
	return claimed, err
}

func nowMs() int64 { return clock.NowMs(clock.System{}) }
