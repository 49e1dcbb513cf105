package executor

import (
	"net/netip"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/egress"
)

func TestLifetime(t *testing.T) {
	for _, tc := range []struct {
		maxAge time.Duration
		draw   float64
		want   time.Duration
	}{
		{5 * time.Minute, 0, 5 * time.Minute},
		{5 * time.Minute, 0.5, 225 * time.Second},
		{5 * time.Minute, 0.999999, 150*time.Second + 150*time.Microsecond},
		{time.Millisecond, 0.5, 750 * time.Microsecond},
		{1<<63 - 1, 0, 1<<63 - 1},
	} {
		if got := lifetime(tc.maxAge, tc.draw); got != tc.want {
			t.Errorf("at most %v, draw %v: %v, want %v", tc.maxAge, tc.draw, got, tc.want)
		}
	}
}

func TestTooOld(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		retires time.Duration // from now
		want    bool
	}{{-time.Hour, true}, {-1, true}, {0, true}, {1, false}, {time.Hour, false}} {
		if got := (&conn{retires: now.Add(tc.retires)}).tooOld(now); got != tc.want {
			t.Errorf("retires in %v: %v", tc.retires, got)
		}
	}
}

// setAge lets the idle connections of the host retire at so much from now, the
// first one first.
func (p *pool) setAge(ages ...time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, age := range ages {
		p.idle[i].retires = monotonic.Now().Add(age)
	}
}

func wantConns(t *testing.T, x *Executor, p *pool, n int) {
	t.Helper()
	if p.open != n || len(p.idle) != n || x.pools.open.Load() != int64(n) {
		t.Errorf("%d open, %d idle, %d counted, want %d of each", p.open, len(p.idle), x.pools.open.Load(), n)
	}
}

// A connection that is too old is closed when a call would take it, and the next
// one is taken, or none.
func TestOldConnectionsAreNotTaken(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	p := fill(t, x, k, 3) // and the one of the first call
	p.setAge(-1, time.Hour, -1, -1)
	young := p.idle[1]
	mustSucceed(t, x, newCall(k.url()))
	wantConns(t, x, p, 2) // the first one was not looked at
	if p.idle[1] != young {
		t.Error("a connection that was young enough was not taken")
	}
	p.setAge(-1, -1)
	mustSucceed(t, x, newCall(k.url()))
	wantConns(t, x, p, 1)
	if p.idle[0] == young || k.requests.Load() != 3 {
		t.Errorf("%d requests", k.requests.Load())
	}
}

// One that has become too old during a call is closed after it, and those that
// rest are closed by the reaper.
func TestOldConnectionsAreNotKept(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{})
	p := fill(t, x, k, 3)
	c, _ := p.take(false, monotonic.Now())
	c.retires = monotonic.Now()
	p.keep(c, 0, monotonic.Now())
	wantConns(t, x, p, 3)
	p.setAge(-1, time.Hour, -1)
	if p.closeIdle(monotonic.Now().Add(-time.Hour)) {
		t.Error("the host is out of use")
	}
	wantConns(t, x, p, 1)
	mustSucceed(t, x, newCall(k.url()))
	wantConns(t, x, p, 1)
}

// New connections retire within the bounds, and not at the same time.
func TestAgesAreSpread(t *testing.T) {
	x := newTestExecutor(t, Config{})
	k := count(t, always)
	before := monotonic.Now()
	p := fill(t, x, k, 20)
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := map[time.Time]bool{}
	for _, c := range p.idle {
		seen[c.retires] = true
		if c.retires.Before(before.Add(DefaultMaxConnAge/2)) ||
			c.retires.After(monotonic.Now().Add(DefaultMaxConnAge)) {
			t.Errorf("retires after %v", c.retires.Sub(before))
		}
	}
	if len(seen) < len(p.idle)/2 {
		t.Errorf("%d instants for %d connections", len(seen), len(p.idle))
	}
}

// A target that has moved by DNS is called where it is now, though the old place
// still answers and its connection never rests.
func TestMovedTargetIsFollowed(t *testing.T) {
	names := serveNames(t, map[string][]netip.Addr{"moved.test.": parseAddrs("127.0.0.2")})
	before := serveAt(t, "127.0.0.2:0", "keep-alive")
	port := portOf(t, before.addr)
	after := serveAt(t, "127.0.0.3:"+port, "keep-alive")
	x := guarded(t, egress.Private, "", "", names)
	url := "http://moved.test:" + port + "/"
	mustSucceed(t, x, newCall(url))
	names.SetAddrs("moved.test.", 3600, "127.0.0.3")
	expireNames(x, names)
	mustSucceed(t, x, newCall(url))
	if old, now := before.answers.Load(), after.answers.Load(); old != 2 || now != 0 {
		t.Fatalf("%d calls to the old place and %d to the new one before the age", old, now)
	}
	onlyHost(t, x).setAge(0)
	for range 3 {
		mustSucceed(t, x, newCall(url))
	}
	if old, now := before.answers.Load(), after.answers.Load(); old != 2 || now != 3 || after.conns.Load() != 1 {
		t.Errorf("%d calls to the old place and %d to the new one", old, now)
	}
}

// The whole of it, with an age that passes while calls are made.
func TestConnectionsRetireUnderLoad(t *testing.T) {
	k := count(t, always)
	x := newTestExecutor(t, Config{MaxConnAge: 5 * time.Millisecond})
	for k.conns.Load() < 10 {
		mustSucceed(t, x, newCall(k.url()))
	}
	if k.requests.Load() < k.conns.Load() {
		t.Errorf("%d requests on %d connections", k.requests.Load(), k.conns.Load())
	}
}
