package cluster_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

const ahead = 3_000

// owner owns shards by claims and beats alone: it has no jobs.
type owner struct {
	token  int64
	shards store.Shards
	clk    clock.Clock
	loads  time.Duration // that a takeover takes

	group *group
	rules string // by which it fires: see group.rules

	mu     sync.Mutex
	leases map[int]store.Shard
}

func (o *owner) Node() int64 { return o.token }

func (o *owner) Owned() (numbers []int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := range o.leases {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func (o *owner) Unfit(context.Context) (string, error) {
	o.group.mu.Lock()
	defer o.group.mu.Unlock()
	if o.group.rules != o.rules {
		return "the rules are " + o.group.rules, nil
	}
	return "", nil
}

func (o *owner) Own(ctx context.Context, claims []store.Claim) (got []int, err error) {
	rows, err := o.shards.Claim(ctx, o.token, claims)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		o.group.mu.Lock()
		o.group.rules = o.rules
		o.group.mu.Unlock()
	}
	o.mu.Lock()
	for _, sh := range rows {
		o.leases[sh.Number] = sh
		got = append(got, sh.Number)
		o.group.taken(sh.Number)
	}
	o.mu.Unlock()
	clock.Wait(ctx, o.loads)
	return got, nil
}

func (o *owner) beats(numbers []int) (beats []store.Beat) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range numbers {
		sh := o.leases[n]
		beats = append(beats, store.Beat{Number: n, Lease: sh.Lease, Clock: clock.NowMs(o.clk), Last: sh.Progress()})
	}
	return beats
}

func (o *owner) Release(ctx context.Context, numbers []int) error {
	beats := o.beats(numbers)
	o.mu.Lock()
	for _, n := range numbers {
		delete(o.leases, n)
	}
	o.mu.Unlock()
	o.group.released(numbers)
	return o.shards.Release(ctx, beats, ahead)
}

// beat renews the leases once a second.
func (o *owner) beat(ctx context.Context) {
	for clock.Wait(ctx, time.Second) {
		rows, err := o.shards.Beat(ctx, o.beats(o.Owned()), ahead)
		if err != nil {
			continue
		}
		o.mu.Lock()
		held := make(map[int]bool)
		for _, sh := range rows {
			if _, still := o.leases[sh.Number]; still {
				o.leases[sh.Number], held[sh.Number] = sh, true
			}
		}
		for n := range o.leases {
			if !held[n] && o.loads == 0 {
				delete(o.leases, n)
			}
		}
		o.mu.Unlock()
	}
}

// group is nodes on one database.
type group struct {
	t    *testing.T
	disk *memory.Disk

	mu      sync.Mutex
	free    map[int]time.Time // since when shards that were released have no owner
	longest time.Duration     // that one had none
	rules   string            // that are on record: those of the last owner who took shards
}

func (g *group) released(numbers []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range numbers {
		g.free[n] = time.Now()
	}
}

func (g *group) taken(number int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if since, found := g.free[number]; found {
		g.longest = max(g.longest, time.Since(since))
	}
}

// machine is a node of a group.
type machine struct {
	*cluster.Node
	owner *owner
	kill  context.CancelFunc
	ended chan struct{}
}

const shardsOfTest = 64

func newGroup(t *testing.T) *group {
	return &group{t: t, disk: memory.NewShardedDisk(clock.System{}, shardsOfTest), free: map[int]time.Time{}}
}

func (g *group) start(name, role string, loads time.Duration) *machine {
	g.t.Helper()
	return g.startWith("", name, role, loads)
}

// startWith starts a node that fires by some rules.
func (g *group) startWith(rules, name, role string, loads time.Duration, change ...func(*cluster.Config)) *machine {
	g.t.Helper()
	s := g.disk.Join()
	o := &owner{
		token: time.Now().UnixNano(), shards: s.Shards(), clk: clock.System{}, loads: loads,
		leases: map[int]store.Shard{}, group: g, rules: rules,
	}
	time.Sleep(time.Nanosecond) // the next token is another one
	c := cluster.Config{
		Shards: s.Shards(), Nodes: s.Nodes(), Owner: o, Clock: clock.System{},
		Agreed: clock.NewAgreed(clock.System{}), Log: slog.New(slog.DiscardHandler),
		Self: store.Node{Name: name, Role: role},
	}
	for _, f := range change {
		f(&c)
	}
	n, err := cluster.New(c)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, kill := context.WithCancel(g.t.Context())
	m := &machine{Node: n, owner: o, kill: kill, ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		go o.beat(ctx)
		n.Run(ctx)
	}()
	return m
}

func owns(machines ...*machine) (counts []int) {
	for _, m := range machines {
		counts = append(counts, len(m.owner.Owned()))
	}
	return counts
}

func total(machines ...*machine) (n int) {
	for _, count := range owns(machines...) {
		n += count
	}
	return n
}

// TestNodesShare: nodes that start together have a fair share within seconds. A node that comes
// later gets its share, and nothing moves then.
func TestNodesShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		a, b := g.start("a", cluster.RoleAll, 0), g.start("b", cluster.RoleScheduler, 0)
		api := g.start("api", cluster.RoleAPI, 0)
		time.Sleep(3 * time.Second)
		if total(a, b) != shardsOfTest {
			t.Fatalf("after 3 s %v shards have an owner", owns(a, b))
		}
		time.Sleep(40 * time.Second)
		if got := owns(a, b, api); !slices.Equal(got, []int{32, 32, 0}) {
			t.Fatalf("the shares are %v", got)
		}
		c := g.start("c", cluster.RoleAll, 0)
		time.Sleep(60 * time.Second)
		got := owns(a, b, c)
		if slices.Min(got) != 21 || slices.Max(got) != 22 || total(a, b, c) != shardsOfTest {
			t.Errorf("the shares of three are %v", got)
		}
		before := owned(a, b, c)
		time.Sleep(5 * time.Minute)
		if after := owned(a, b, c); !slices.EqualFunc(before, after, slices.Equal) {
			t.Errorf("shards move although nothing happens: %v, then %v", before, after)
		}
		if v := api.View(); v.Schedulers() != 3 || v.Unowned() != 0 || v.Owned(c.owner.token) != len(c.owner.Owned()) {
			t.Errorf("the node without shards sees %d schedulers and %d shards without an owner", v.Schedulers(),
				v.Unowned())
		}
		if g.longest > 300*time.Millisecond {
			t.Errorf("a shard that moved had no owner for %s", g.longest)
		}
		for _, m := range []*machine{a, b, c, api} {
			if check := m.Check(); !check.OK || check.Warning != "" {
				t.Errorf("health: %+v", check)
			}
		}
	})
}

func owned(machines ...*machine) (all [][]int) {
	for _, m := range machines {
		all = append(all, m.owner.Owned())
	}
	return all
}

// TestDeadNodeIsReplaced: the shards of a node that is killed have another owner within 9 s. An
// owner whose takeover takes long is not taken for dead.
func TestDeadNodeIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		a, b := g.start("a", cluster.RoleAll, 12*time.Second), g.start("b", cluster.RoleAll, 0)
		time.Sleep(time.Minute)
		if got := owns(a, b); !slices.Equal(got, []int{32, 32}) {
			t.Fatalf("the shares are %v", got)
		}
		b.kill()
		time.Sleep(6 * time.Second)
		if got := len(a.owner.Owned()); got != 32 {
			t.Fatalf("after 6 s the other node has %d shards: the owner could be there", got)
		}
		time.Sleep(3 * time.Second)
		if got := len(a.owner.Owned()); got != shardsOfTest {
			t.Errorf("after 9 s the other node has %d shards", got)
		}
		if a.View().Alive(b.owner.token) {
			t.Error("the dead node is taken for alive")
		}
		time.Sleep(2 * time.Hour)
		if _, found := a.View().Node(b.owner.token); found {
			t.Error("the row of the dead node is kept for ever")
		}
	})
}

// TestDrainHandsOver: a node that drains has no shards soon after, and each of them has another
// owner within 300 ms.
func TestDrainHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		a, b := g.start("a", cluster.RoleAll, 0), g.start("b", cluster.RoleAll, 0)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := a.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if got := owns(a, b); !slices.Equal(got, []int{0, shardsOfTest}) {
			t.Errorf("300 ms after the drain the shares are %v", got)
		}
		a.kill()
		<-a.ended
		if err := a.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if _, found := b.View().Node(a.owner.token); found {
			t.Error("the node that has left is still there")
		}
	})
}

// TestLonelyNodeDrains: a node that is alone gives its shards away too, without waiting for anybody.
func TestLonelyNodeDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		a := g.start("a", cluster.RoleAll, 0)
		time.Sleep(5 * time.Second)
		begun := time.Now()
		if err := a.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 300*time.Millisecond {
			t.Errorf("the drain took %s", took)
		}
		if check := a.Check(); check.Warning != "" {
			t.Logf("health: %s", check.Warning)
		}
		time.Sleep(3 * time.Second)
		if check := a.Check(); check.Warning != "no node of the cluster fires jobs" {
			t.Errorf("health says %q", check.Warning)
		}
		a.SetDraining(false)
		time.Sleep(3 * time.Second)
		if got := owns(a); got[0] != shardsOfTest {
			t.Errorf("after the drain ended the node owns %d shards", got[0])
		}
	})
}

// TestOtherRulesWait: a node that would fire by other rules takes no shards while somebody owns some,
// and disturbs no one. It takes all when the last one has stopped. Of two that start at the same time
// with different rules one does.
func TestOtherRulesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t)
		g.rules = "old"
		a, b := g.startWith("old", "a", cluster.RoleAll, 0), g.startWith("old", "b", cluster.RoleAll, 0)
		time.Sleep(time.Minute)
		c := g.startWith("new", "c", cluster.RoleAll, 0)
		moved := owned(a, b)
		time.Sleep(time.Minute)
		if after := owned(a, b); len(c.owner.Owned()) > 0 || !slices.EqualFunc(moved, after, slices.Equal) {
			t.Errorf("beside a node with other rules shards move: %v, then %v and %v", moved, after, c.owner.Owned())
		}
		if check := c.Check(); !strings.Contains(check.Warning, "the rules are old") {
			t.Errorf("health: %+v", check)
		}
		for _, m := range []*machine{a, b} {
			if err := m.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			m.kill()
		}
		time.Sleep(3 * time.Second)
		if got := owns(a, b, c); !slices.Equal(got, []int{0, 0, shardsOfTest}) {
			t.Errorf("after the others have stopped the shares are %v", got)
		}
		if check := c.Check(); check.Warning != "" {
			t.Errorf("health: %+v", check)
		}
		c.kill()
		d, e := g.startWith("newer", "d", cluster.RoleAll, 0), g.startWith("newest", "e", cluster.RoleAll, 0)
		for range 60 {
			time.Sleep(time.Second)
			if got := owns(d, e); min(got[0], got[1]) > 0 {
				t.Fatalf("nodes with different rules own %v shards", got)
			}
		}
		if total(d, e) != shardsOfTest {
			t.Errorf("of two nodes with different rules neither owns all shards: %v", owns(d, e))
		}
	})
}

// refused is an owner that gets nothing, as one that has not noticed yet that it has lost a shard.
type refused struct{ asked int }

func (*refused) Node() int64                           { return 7 }
func (*refused) Owned() []int                          { return nil }
func (*refused) Unfit(context.Context) (string, error) { return "", nil }
func (*refused) Release(context.Context, []int) error  { return nil }

func (r *refused) Own(context.Context, []store.Claim) ([]int, error) {
	r.asked++
	if r.asked > 1_000 {
		panic("a node claims without a pause")
	}
	return nil, nil
}

// A node that gets nothing looks again after a pause.
func TestNothingToClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, owner := memory.NewShardedDisk(clock.System{}, shardsOfTest), new(refused)
		db := disk.Join()
		n, err := cluster.New(cluster.Config{Shards: db.Shards(), Nodes: db.Nodes(), Owner: owner,
			Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Self: store.Node{Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n.Run(ctx)
		if owner.asked < 5 || owner.asked > 60 {
			t.Errorf("claimed %d times in 10 s", owner.asked)
		}
	})
}
