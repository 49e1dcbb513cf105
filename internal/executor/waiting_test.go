package executor

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// closings is a connection that counts how often connections were closed.
type closings struct {
	net.Conn
	n *atomic.Int64
}

func (c closings) Close() error {
	c.n.Add(1)
	return nil
}

// poolBench is a pool whose connections lead nowhere.
type poolBench struct {
	t      *testing.T
	p      *pool
	closed atomic.Int64
}

func newPoolBench(t *testing.T, cfg Config) *poolBench {
	t.Helper()
	cfg.setDefaults()
	table := newTable(&cfg)
	p := table.newPool(poolKey{host: target.Of("http://a.test")})
	if !table.addPool(p) {
		t.Fatal("no room for a pool")
	}
	return &poolBench{t: t, p: p}
}

func (b *poolBench) conn() *conn {
	return &conn{Conn: closings{n: &b.closed}, retires: monotonic.Now().Add(time.Hour)}
}

func (b *poolBench) wait(fresh bool) *waiter {
	w := &waiter{fresh: fresh, since: monotonic.Now(), ready: make(chan supply, 1)}
	if _, waits := b.p.enqueue(w); !waits {
		b.t.Fatal("a connection was found")
	}
	return w
}

// open begins an opening as a calm turn does.
func (b *poolBench) open() *waiter {
	allowed := host.TurnNow{Cores: 1}.Allow()
	return b.p.beginOpening(monotonic.Now().Add(time.Minute), &allowed)
}

// in returns one more connection in use.
func (b *poolBench) in() *conn {
	addOpen(b.p, 1)
	return b.conn()
}

func (b *poolBench) want(when string, open, opening, idle, closed int) {
	b.t.Helper()
	p := b.p
	if p.open != open || p.opening != opening || len(p.idle) != idle || b.closed.Load() != int64(closed) {
		b.t.Errorf("%s: %d open, %d under way, %d idle, %d closed; want %d, %d, %d, %d", when,
			p.open, p.opening, len(p.idle), b.closed.Load(), open, opening, idle, closed)
	}
	if got := p.cond.Carried(); got != open-opening {
		b.t.Errorf("%s: the host was told of %d connections, want %d", when, got, open-opening)
	}
}

// got returns what a waiter has got, which must be there.
func (b *poolBench) got(w *waiter) supply {
	b.t.Helper()
	select {
	case a := <-w.ready:
		return a
	default:
		b.t.Fatal("a call has got nothing")
		return supply{}
	}
}

// A call that waits takes the connection that another call frees. The one that was under
// way for it goes to the next call, or rests.
func TestFirstConnectionServes(t *testing.T) {
	b := newPoolBench(t, Config{})
	used := b.in()
	first, second := b.wait(false), b.wait(false)
	if w := b.open(); w != first {
		t.Fatal("the connection is not for the call that waits longest")
	}
	b.want("one is under way", 2, 1, 0, 0)
	b.p.keep(used, 0, monotonic.Now())
	if a := b.got(first); a.conn != used || !a.began.IsZero() {
		t.Errorf("%+v", a)
	}
	opened := b.conn()
	b.p.arrived(first, supply{conn: opened, began: monotonic.Now()})
	if a := b.got(second); a.conn != opened || !a.began.IsZero() {
		t.Errorf("%+v", a)
	}
	b.want("both were served", 2, 0, 0, 0)

	third := b.wait(false)
	b.open()
	b.p.keep(used, 0, monotonic.Now())
	b.got(third)
	b.p.arrived(third, supply{conn: b.conn()})
	b.want("nobody needs the new one", 3, 0, 1, 0)
}

// A connection that lost the race is closed where its host is not worth it.
func TestConnectionBeyondWorth(t *testing.T) {
	b := newPoolBench(t, Config{})
	limit := host.NewLimit(b.p.cond, 2) // each slot is worth one
	_ = limit
	used, other := b.in(), b.in()
	w := b.wait(false)
	if b.open() != nil {
		t.Error("a connection beyond the slots")
	}
	if !b.p.openAtEnd(w) {
		t.Error("a call that may not wait any longer opens none")
	}
	b.p.keep(used, 0, monotonic.Now())
	b.p.arrived(w, supply{conn: b.conn()})
	b.want("one too many", 2, 0, 0, 1)
	b.p.keep(other, 0, monotonic.Now())
	b.want("it rests", 2, 0, 1, 1)
}

// A call whose connection was found closed takes none that was in use before.
func TestFreshWaiter(t *testing.T) {
	b := newPoolBench(t, Config{})
	used := b.in()
	fresh := b.wait(true)
	b.p.keep(used, 0, monotonic.Now())
	b.want("an old one rests", 1, 0, 1, 0)
	if b.open() != fresh {
		t.Fatal("no new one is opened")
	}
	b.p.arrived(fresh, supply{err: errors.New("no"), phase: phaseHandshake})
	if a := b.got(fresh); a.err == nil || a.phase != phaseHandshake {
		t.Errorf("%+v", a)
	}
	b.want("that failed", 1, 0, 1, 0)
}

// What became of an opening that nobody needs is nobody's failure.
func TestFailedOpeningThatLostTheRace(t *testing.T) {
	b := newPoolBench(t, Config{})
	used := b.in()
	first, second := b.wait(false), b.wait(false)
	b.open()
	b.p.keep(used, 0, monotonic.Now())
	if b.p.needed(first) || !b.p.needed(second) {
		t.Error("it is not known who needs a connection")
	}
	b.p.arrived(first, supply{err: errors.New("no")})
	b.got(first)
	select {
	case a := <-second.ready:
		t.Errorf("a call has got the failure of another one: %+v", a)
	default:
	}
	b.want("it is over", 1, 0, 0, 0)
}

// At its most connections a host waits, unless an idle one can make room that the call
// cannot use.
func TestWaitAtTheMost(t *testing.T) {
	b := newPoolBench(t, Config{MaxConnsPerHost: 1})
	used := b.in()
	w := b.wait(false)
	if b.open() != nil || b.p.openAtEnd(w) {
		t.Error("one too many is opened")
	}
	if a := b.got(w); a.err == nil || !strings.Contains(a.err.Error(), "1 in use") {
		t.Errorf("%+v", a)
	}
	b.p.keep(used, 0, monotonic.Now())
	fresh := b.wait(true)
	if b.open() != fresh {
		t.Error("an idle connection makes no room")
	}
	b.want("its place was taken", 1, 1, 0, 1)
}

// A call that has waited for long enough gives up, and says why. One for which
// a connection is under way does not.
func TestGiveUp(t *testing.T) {
	b := newPoolBench(t, Config{})
	b.in()
	first, second, served := b.wait(false), b.wait(false), b.wait(false)
	b.open()
	b.p.giveUp(second, false)
	for _, w := range []*waiter{first, second} {
		if b.p.giveUp(w, false); len(w.ready) != 0 {
			t.Error("a call gives up too soon")
		}
	}
	b.p.giveUp(first, true)
	if b.p.giveUp(second, true); len(first.ready) != 0 {
		t.Error("a call gives up for which a connection is under way")
	}
	f := failure{err: b.got(second).err, phase: phaseConnect}
	if got, want := f.describe(), "not sent: no connection to a.test:80 was free in time, with 1 in use and 1 being "+
		"opened"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.p.keep(b.conn(), 0, monotonic.Now())
	b.got(first)
	b.p.giveUp(first, true)
	b.p.arrived(first, supply{conn: b.conn()})
	if a := b.got(served); a.conn == nil {
		t.Errorf("%+v", a)
	}
}

// A connection that its host closes after each answer serves no call that waits.
func TestFreedConnectionOfWaryHost(t *testing.T) {
	for name, of := range map[string]func(*pool) time.Duration{
		"it closes soon":         func(p *pool) time.Duration { p.sawClosed(0); return 0 },
		"it says that it closes": func(*pool) time.Duration { return notKept },
	} {
		b := newPoolBench(t, Config{})
		used := b.in()
		w := b.wait(false)
		b.p.keep(used, of(b.p), monotonic.Now())
		if len(w.ready) != 0 {
			t.Errorf("%s: a call has got its connection", name)
		}
		if b.open() != w {
			t.Errorf("%s: no new one is opened", name)
		}
	}
}

// Hosts take turns, and those without a connection come first, whatever waits elsewhere.
func TestConnectorTakesTurns(t *testing.T) {
	table := newTable(func() *Config { c := Config{}; c.setDefaults(); return &c }())
	began := make(map[*pool]int)
	c := newConnector(table, func(p *pool, _ *waiter) { began[p]++ })
	c.cores = 1
	past := monotonic.Now().Add(-time.Second)
	pools := make([]*pool, 10)
	for i := range pools {
		p := table.newPool(poolKey{host: target.Of("http://a" + string(rune('0'+i)) + ".test")})
		pools[i] = p
		n := 1
		if i < 5 {
			p.open, n = 1, 100 // one in use, and many calls
		}
		for range n {
			p.enqueue(&waiter{since: past, ready: make(chan supply, 1)})
		}
		p.inLine = true
		c.line = append(c.line, p)
	}
	for range 2 {
		c.runTurn(monotonic.Now(), time.Second) // busy: 4 to hosts without any, 1 to others
	}
	for i, p := range pools {
		if i >= 5 && began[p] != 1 {
			t.Errorf("host %d without a connection: %d under way", i, began[p])
		}
	}
	for range 13 {
		c.runTurn(monotonic.Now(), time.Second)
	}
	for i, p := range pools[:5] {
		if began[p] != 3 {
			t.Errorf("host %d: %d under way after 15 turns of one each", i, began[p])
		}
	}
	if !c.runTurn(monotonic.Now(), 0) || len(c.line) != 5 {
		t.Errorf("%d hosts are in the line", len(c.line))
	}
}

// The wait for a connection is not the target's time, and is distinguished from it. A stall
// of the machine between two steps of the first call counts as such a wait, so it is tried
// with a longer time.
func TestWaitIsHeld(t *testing.T) {
	atTimeout(t, func(wait time.Duration) (fault string) { return waitIsHeld(t, wait) })
}

func waitIsHeld(t *testing.T, wait time.Duration) (fault string) {
	t.Helper()
	arrived, release := make(chan struct{}, 2), make(chan struct{})
	k := count(t, func(n, answered int, _ net.Conn) bool {
		arrived <- struct{}{}
		if n == 1 && answered == 0 {
			<-release
		}
		return true
	})
	x := newTestExecutor(t, Config{})
	done := make(chan domain.Outcome, 2)
	call := func() {
		var out domain.Outcome
		x.Do(newCall(k.url()), &out)
		done <- out
	}
	go call()
	<-arrived
	p := onlyHost(t, x)
	limit := host.NewLimit(p.cond, 1) // no further connection
	_ = limit
	go call()
	for p.cond.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(wait)
	close(release)
	first, second := <-done, <-done
	if first.Held > second.Held {
		first, second = second, first
	}
	// The first call may have been sent a little after its connection arrived.
	if first.Held > wait/2 || second.Held < wait || second.Took == 0 || first.Took < wait/2 {
		fault = fmt.Sprintf("held for %s and %s, took %s and %s", first.Held, second.Held, first.Took, second.Took)
	}
	k.want(t, 1, 2)
	return fault
}
