package executor

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/resolve"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// The host with more idle connections comes first, then the one whose oldest has rested longer.
func TestSparesOrder(t *testing.T) {
	now := time.Now()
	many, few := 5, 2
	old, young := now.Add(-time.Minute), now
	for _, tc := range []struct {
		a, b spares
		want bool
	}{
		{spares{idle: many, oldest: old}, spares{idle: few, oldest: young}, true},
		{spares{idle: many, oldest: young}, spares{idle: few, oldest: old}, true},
		{spares{idle: few, oldest: old}, spares{idle: many, oldest: old}, false},
		{spares{idle: few, oldest: old}, spares{idle: many, oldest: young}, false},
		{spares{idle: few, oldest: old}, spares{idle: few, oldest: young}, true},
		{spares{idle: few, oldest: young}, spares{idle: few, oldest: old}, false},
		{spares{idle: few, oldest: old}, spares{idle: few, oldest: old}, false},
	} {
		if got := tc.a.before(tc.b); got != tc.want {
			t.Errorf("%+v before %+v: %v", tc.a, tc.b, got)
		}
	}
}

// roomBench has pools whose idle connections lead nowhere.
type roomBench struct {
	*room
	table  *table
	closed atomic.Int64
	looks  int
}

func newRoomBench(t *testing.T, most int, idle ...int) *roomBench {
	t.Helper()
	cfg := Config{MaxConns: most}
	cfg.setDefaults()
	b := &roomBench{table: newTable(&cfg)}
	b.room = &room{limits: &b.table.limits, pools: func() []*pool {
		b.looks++
		return b.table.list()
	}}
	now := monotonic.Now()
	for i, n := range idle {
		p := b.table.newPool(poolKey{host: target.Of(fmt.Sprintf("http://h%d.test", i))})
		if !b.table.addPool(p) {
			t.Fatal("no room for a pool")
		}
		b.add(p, n, now.Add(-time.Duration(i)*time.Second))
	}
	return b
}

// add adds idle connections that were used one after the other, the last one at the instant.
func (b *roomBench) add(p *pool, n int, last time.Time) {
	for i := range n {
		p.idle = append(p.idle, &conn{
			Conn: closings{n: &b.closed}, lastUse: last.Add(time.Duration(i-n) * time.Millisecond),
			retires: last.Add(time.Hour),
		})
	}
	addOpen(p, n)
}

// idle returns how many each host has, in the order of their names.
func (b *roomBench) idle() []int {
	pools := b.table.list()
	slices.SortFunc(pools, func(a, b *pool) int {
		return len(a.label)*1000 +
			int(a.label[1]) - len(b.label)*1000 - int(b.label[1])
	})
	out := make([]int, len(pools))
	for i, p := range pools {
		out[i] = len(p.idle)
	}
	return out
}

// The hosts that are supplied best give, until all have as many, and each gives its oldest.
func TestRoomIsMadeByTheBestSupplied(t *testing.T) {
	for _, tc := range []struct {
		most int
		want []int
	}{
		{20, []int{10, 1, 6, 3}},
		{19, []int{9, 1, 6, 3}},
		{16, []int{6, 1, 6, 3}},
		{15, []int{6, 1, 5, 3}}, // h2 has rested longer
		{14, []int{5, 1, 5, 3}},
		{8, []int{3, 1, 2, 2}},
		{3, []int{1, 1, 1, 0}},
	} {
		b := newRoomBench(t, tc.most, 10, 1, 6, 3)
		b.make(monotonic.Now())
		if got := b.idle(); !slices.Equal(got, tc.want) {
			t.Errorf("most %d: %v idle, want %v", tc.most, got, tc.want)
		}
		if n := b.table.open.Load(); n != int64(tc.most) || b.closed.Load() != 20-n {
			t.Errorf("most %d: %d open, %d closed", tc.most, n, b.closed.Load())
		}
		for _, p := range b.table.list() {
			if !slices.IsSortedFunc(p.idle, func(a, b *conn) int { return a.lastUse.Compare(b.lastUse) }) ||
				len(p.idle) > 0 && monotonic.Now().Sub(p.idle[len(p.idle)-1].lastUse) > 10*time.Second {
				t.Errorf("most %d: the latest of %s is gone", tc.most, p.label)
			}
		}
		if b.table.noRoom.Load() {
			t.Error("it is taken to have no room")
		}
	}
}

// What changed since the look is seen: connections that were taken, and, a second later, those
// that came back.
func TestRoomSeesChanges(t *testing.T) {
	b := newRoomBench(t, 20, 10, 1, 6, 3)
	now := monotonic.Now()
	b.limits.maxOpen = 19
	b.make(now)
	first := b.order[0].pool
	first.cutIdle(7) // in use
	b.limits.maxOpen = 18
	b.make(now)
	if got := b.idle(); !slices.Equal(got, []int{2, 1, 5, 3}) || b.looks != 1 {
		t.Errorf("%v idle after %d looks", got, b.looks)
	}
	b.add(first, 7, now)
	b.limits.maxOpen = 24
	b.make(now.Add(roomLook))
	if got := b.idle(); !slices.Equal(got, []int{8, 1, 5, 3}) || b.looks != 2 {
		t.Errorf("%v idle after %d looks", got, b.looks)
	}
}

// Where nothing is idle there may be more, and pools are not looked at for each of them.
func TestNoRoom(t *testing.T) {
	b := newRoomBench(t, 5, make([]int, 1000)...)
	for _, p := range b.table.list() {
		addOpen(p, 1)
	}
	now := monotonic.Now()
	for range 100 {
		b.make(now)
	}
	if b.looks != 1 || !b.table.noRoom.Load() {
		t.Errorf("%d looks, noRoom %v", b.looks, b.table.noRoom.Load())
	}
	b.make(now.Add(1000 * roomVisit))
	if b.looks != 2 {
		t.Errorf("%d looks", b.looks)
	}
}

// The order is right for any numbers, as a full sort would have it.
func TestRoomOrderAgainstSort(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		counts := make([]int, 1+random.IntN(9))
		total := 0
		for i := range counts {
			counts[i] = random.IntN(12)
			total += counts[i]
		}
		most := 1 + random.IntN(20)
		b := newRoomBench(t, most, counts...)
		b.make(monotonic.Now())
		want := slices.Clone(counts)
		for n := total; n > most; n-- {
			best := 0
			for i := range want {
				if want[i] >= want[best] { // the later one has rested longer
					best = i
				}
			}
			want[best]--
		}
		if got := b.idle(); !slices.Equal(got, want) && !sameLevels(got, want) {
			t.Fatalf("%v, at most %d: %v left, want %v", counts, most, got, want)
		}
	}
}

// sameLevels reports whether the numbers are the same but for their order: which of two equal
// hosts gives depends on whose oldest has rested longer.
func sameLevels(a, b []int) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// An opening makes room. The host with one connection keeps it.
func TestOpeningMakesRoom(t *testing.T) {
	rich, poor, next := count(t, always), count(t, always), count(t, always)
	var told atomic.Int64
	x := newTestExecutor(t, Config{MaxConns: 6, Metrics: Metrics{NoRoom: func(err error) {
		if err == nil {
			told.Add(1)
		}
	}}})
	mustSucceed(t, x, newCall(poor.url()))
	p := fillPool(t, x, rich, 5)
	if told.Load() != 0 {
		t.Error("there was room")
	}
	mustSucceed(t, x, newCall(next.url()))
	if n := x.pools.open.Load(); n != 6 || len(p.idle) != 4 || told.Load() != 1 {
		t.Errorf("%d connections, %d of the host with most, told %d times", n, len(p.idle), told.Load())
	}
	mustSucceed(t, x, newCall(poor.url()))
	poor.want(t, 1, 2)
}

// fillPool has n idle connections to one of several hosts.
func fillPool(t *testing.T, x *Executor, k *counter, n int) *pool {
	t.Helper()
	to, err := x.pools.find(spelling{origin: k.url()})
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]*conn, n)
	for i := range conns {
		e := newExchange()
		e.begin(&x.transport, newCall(k.url()), new(domain.Outcome))
		e.link.pool = to.pool
		if err := e.connect(true); err != nil {
			t.Fatal(err)
		}
		conns[i] = e.link.conn
	}
	for _, c := range conns {
		to.pool.keep(c, 0, monotonic.Now())
	}
	return to.pool
}

// Connections of HTTP/2 without a call make room, too, and those with a call do not.
func TestHTTP2MakesRoom(t *testing.T) {
	ca := newAuthority(t)
	begun, release := make(chan struct{}), make(chan struct{})
	wait := serveBoth(t, ca, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			begun <- struct{}{}
			<-release
		}
	})
	idle, next := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {}), count(t, always)
	x := newTLSExecutor(t, Config{MaxConns: 2, RootCAs: ca.pool})
	done := make(chan domain.Outcome)
	go func() { done <- do(x, newCall(wait.url("/wait"))) }()
	<-begun
	mustSucceed(t, x, newCall(idle.url("/")))
	mustSucceed(t, x, newCall(next.url()))
	if n := x.pools.open.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
	close(release)
	if out := <-done; out.Verdict != success {
		t.Errorf("%+v", out)
	}
	mustSucceed(t, x, newCall(wait.url("/")))
	if wait.http2.Load() != 1 || idle.http2.Load() != 1 {
		t.Errorf("%d and %d connections", wait.http2.Load(), idle.http2.Load())
	}
	mustSucceed(t, x, newCall(idle.url("/")))
	if idle.http2.Load() != 2 {
		t.Errorf("%d connections to the host that has made room", idle.http2.Load())
	}
}

// scarce refuses addresses as if there were no file left, so many times.
type scarce struct{ refusals atomic.Int64 }

func (*scarce) CheckName(string, uint16) error { return nil }

func (s *scarce) CheckAddr(string, netip.AddrPort) error {
	if s.refusals.Add(-1) >= 0 {
		return syscall.EMFILE
	}
	return nil
}

// A dial that finds no file left closes an idle connection and tries again, and is told.
func TestOutOfFilesMakesRoom(t *testing.T) {
	first, next := count(t, always), count(t, always)
	var told atomic.Int64
	files := new(scarce)
	x := newTestExecutor(t, Config{Guard: files, Metrics: Metrics{NoRoom: func(err error) {
		if resolve.IsOutOfFiles(err) {
			told.Add(1)
		}
	}}})
	mustSucceed(t, x, newCall(first.url()))
	files.refusals.Store(1)
	mustSucceed(t, x, newCall(next.url()))
	if n := x.pools.open.Load(); n != 1 || told.Load() != 1 {
		t.Errorf("%d connections, told %d times", n, told.Load())
	}
}

// A want of files says nothing of the host: it is not taken to refuse connections.
func TestOutOfFilesIsNoFaultOfTheHost(t *testing.T) {
	b := newPoolBench(t, Config{})
	for range 100 {
		b.p.cond.Dials.Begin()
		noteFault(&b.p.cond.Dials, syscall.EMFILE)
		b.p.cond.Dials.Begin()
		noteFault(&b.p.cond.Dials, syscall.ENFILE)
	}
	if dials, failed := b.p.cond.Dials.Unanswered(); dials != 0 || failed != 0 {
		t.Errorf("%d dials, %d of them failed", dials, failed)
	}
}
