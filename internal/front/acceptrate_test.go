package front

import (
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// queue is a listener in memory, with a queue as the kernel keeps one.
type queue struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.waiting:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

func (q *queue) Close() error   { close(q.closed); return nil }
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }

// fakeConn is a connection that comes in; of what it can do only Close is asked.
type fakeConn struct {
	net.Conn
	from   *net.TCPAddr
	came   time.Time
	closed atomic.Bool
}

func (k *fakeConn) RemoteAddr() net.Addr { return k.from }
func (k *fakeConn) Close() error         { k.closed.Store(true); return nil }

// from waits in front of the queue until there is room.
func (q *queue) from(ip string) *fakeConn { return q.fromIP(net.ParseIP(ip)) }

func (q *queue) fromIP(ip net.IP) *fakeConn {
	k := &fakeConn{from: &net.TCPAddr{IP: ip}, came: time.Now()}
	select {
	case q.waiting <- k:
	case <-q.closed:
	}
	return k
}

// entry is one that was let in.
type entry struct {
	*fakeConn
	at time.Time
}

// testListener is a rateListener with a server that accepts every connection that the
// listener returns.
type testListener struct {
	*queue
	*rateListener
	metrics *telemetry.Metrics
	served  sync.WaitGroup

	mu  sync.Mutex
	let []entry
}

// newTestListener opens one of the default rate. Close it at the end.
func newTestListener(t *testing.T) *testListener {
	t.Helper()
	e := &testListener{queue: &queue{waiting: make(chan net.Conn, Backlog), closed: make(chan struct{})},
		metrics: telemetry.NewMetrics()}
	l, err := NewListener(ListenerConfig{Listener: e.queue, Clock: clock.System{}, Metrics: e.metrics,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	e.rateListener = l.(*rateListener)
	e.served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			e.mu.Lock()
			e.let = append(e.let, entry{c.(*clientConn).Conn.(*fakeConn), time.Now()})
			e.mu.Unlock()
		}
	})
	return e
}

// end closes it and returns who was let in.
func (e *testListener) end(t *testing.T) []entry {
	t.Helper()
	if err := e.rateListener.Close(); err != nil {
		t.Error(err)
	}
	e.served.Wait()
	return e.let
}

func (e *testListener) refusals() int { return int(testutil.ToFloat64(e.metrics.ConnectionsRefused)) }

// flood has each address come again and again, as fast as the queue takes it.
func (e *testListener) flood(addresses func(i uint32) net.IP, attackers int) {
	var next atomic.Uint32
	for range attackers {
		e.served.Go(func() {
			for {
				select {
				case <-e.closed:
					return
				default:
					e.fromIP(addresses(next.Add(1)))
				}
			}
		})
	}
}

func ipv4(base string, i uint32) net.IP {
	ip := make(net.IP, net.IPv4len)
	binary.BigEndian.PutUint32(ip, binary.BigEndian.Uint32(net.ParseIP(base).To4())+i)
	return ip
}

// TestManyComeAtOnce: clients that start together are not kept waiting, not
// even for a millisecond, and again half a minute later.
func TestManyComeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		for range 2 {
			for i := range uint32(500) {
				e.fromIP(ipv4("192.0.2.0", i%3))
			}
			synctest.Wait()
			time.Sleep(30 * time.Second)
		}
		let := e.end(t)
		for _, k := range let {
			if wait := k.at.Sub(k.came); wait != 0 {
				t.Fatalf("one waited for %s", wait)
			}
		}
		if len(let) != 1_000 || testutil.ToFloat64(e.metrics.AcceptPauses) != 0 {
			t.Errorf("%d were let in, after %v s of pause", len(let), testutil.ToFloat64(e.metrics.AcceptPauses))
		}
	})
}

// TestAProxyIsNotRefused: one address that opens a connection for each request,
// a little slower than what is let in, or for a moment much faster.
func TestAProxyIsNotRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		n := 0
		for range 60 {
			for range 9 { // 1,900 a second
				for range 190 {
					e.from("192.0.2.1")
					time.Sleep(100 * time.Millisecond / 190)
				}
				n += 190
			}
			for range 190 {
				e.from("192.0.2.1")
			}
			n += 190
			time.Sleep(100 * time.Millisecond)
		}
		let := e.end(t)
		if len(let) != n || e.refusals() != 0 {
			t.Errorf("%d of %d were let in, %d refused", len(let), n, e.refusals())
		}
		for _, k := range let {
			if wait := k.at.Sub(k.came); wait > 100*time.Millisecond {
				t.Fatalf("one waited for %s", wait)
			}
		}
	})
}

// TestFloodComesEvenly: a flood from the machine itself is slowed down to the
// rate, in every tenth of a second, and nobody is refused.
func TestFloodComesEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		began := time.Now()
		e.flood(func(i uint32) net.IP { return ipv4("127.0.0.2", i%6) }, 6)
		time.Sleep(10 * time.Second)
		let := e.end(t)
		tenths := [100]int{}
		for _, k := range let {
			tenths[min(k.at.Sub(began)/(100*time.Millisecond), 99)]++
		}
		if n := tenths[0]; n < 500 || n > 800 { // the reserve, 50, and what comes in a tenth
			t.Errorf("%d in the first tenth of a second", n)
		}
		for i, n := range tenths[1:] {
			if n < 190 || n > 210 {
				t.Errorf("%d in tenth %d", n, i+1)
			}
		}
		if e.refusals() != 0 {
			t.Errorf("%d were refused", e.refusals())
		}
		if paused := testutil.ToFloat64(e.metrics.AcceptPauses); paused < 9 || paused > 10.01 {
			t.Errorf("a pause of %v s", paused)
		}
	})
}

// TestAFloodKeepsNobodyOut: while few addresses flood the queue, of IPv4 and
// of one network of IPv6, others come through it in some tens of milliseconds,
// the flood is refused, and when it is over its addresses may come again.
func TestAFloodKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		network := net.ParseIP("2001:db8::")
		e.flood(func(i uint32) net.IP {
			if i%4 > 0 {
				return ipv4("192.0.2.1", i%4)
			}
			ip := append(net.IP(nil), network...)
			binary.BigEndian.PutUint32(ip[12:], i)
			return ip
		}, 8)
		time.Sleep(floodAfter + 50*time.Millisecond)
		before, refused := e.count(), e.refusals()
		var client []*fakeConn
		for i := range uint32(50) {
			client = append(client, e.fromIP(ipv4("198.51.100.1", i%5)))
			time.Sleep(100 * time.Millisecond)
		}
		seconds := 5.0
		refused = e.refusals() - refused
		admitted := e.count() - before
		let := e.end(t)
		at := map[*fakeConn]time.Time{}
		for _, k := range let {
			at[k.fakeConn] = k.at
		}
		for i, k := range client {
			longest := 30 * time.Millisecond
			if i < 10 { // the attackers' shares last for a while
				longest = 70 * time.Millisecond
			}
			if wait := at[k].Sub(k.came); at[k].IsZero() || wait > longest {
				t.Errorf("number %d, no part of it, waited for %s, let in at %v", i, wait, at[k])
			}
		}
		// Four attackers have 200 a second each, and as much at once.
		if limit := 4*(200*seconds+200) + 50; float64(admitted) > limit {
			t.Errorf("%d were let in, want at most %.0f", admitted, limit)
		}
		if n := float64(refused); n < 4_000*seconds || n > 8_000*seconds {
			t.Errorf("%.0f were refused a second", n/seconds)
		}
		for _, k := range let {
			if k.closed.Load() {
				t.Fatal("one that was let in is closed")
			}
		}
	})
}

func (e *testListener) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.let)
}

// TestAFloodPasses: clients that were refused in a flood are accepted after it, and the
// refused connections are closed.
func TestAFloodPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		defer e.end(t)
		var flood []*fakeConn
		for range 5_000 {
			flood = append(flood, e.from("192.0.2.1"))
		}
		time.Sleep(100 * time.Millisecond)
		closed := 0
		for _, k := range flood {
			if k.closed.Load() {
				closed++
			}
		}
		if n := e.refusals(); closed == 0 || closed != n || e.count() != len(flood)-n {
			t.Errorf("%d let in, %d refused, %d closed", e.count(), n, closed)
		}
		again := e.from("192.0.2.1")
		synctest.Wait()
		if again.closed.Load() || e.let[len(e.let)-1].fakeConn != again {
			t.Error("it is not forgiven")
		}
	})
}

// TestAFloodOfManyAddresses has a million of them: what is remembered is bounded,
// and an honest client is not refused for their sake.
func TestAFloodOfManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		e.flood(func(i uint32) net.IP { return ipv4("10.0.0.0", i) }, 8)
		time.Sleep(10 * time.Second)
		k := e.from("192.0.2.1")
		time.Sleep(100 * time.Millisecond)
		let := e.end(t)
		if e.refusals() != 0 {
			t.Errorf("%d were refused", e.refusals())
		}
		last := let[len(let)-250:]
		found := false
		for _, l := range last {
			found = found || l.fakeConn == k && l.at.Sub(k.came) <= 70*time.Millisecond
		}
		if !found {
			t.Error("an honest client did not come through the queue")
		}
	})
}

// TestClosingEndsAPause closes a listener that pauses, and one that waits.
func TestClosingEndsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newTestListener(t)
		for range 700 {
			e.from("127.0.0.1")
		}
		synctest.Wait()
		if len(e.waiting) == 0 {
			t.Error("it does not pause")
		}
		before := time.Now()
		e.end(t)
		if time.Since(before) != 0 {
			t.Error("the pause went on")
		}
		newTestListener(t).end(t)
	})
}

func TestListenerConfig(t *testing.T) {
	q, m, log := &queue{}, telemetry.NewMetrics(), slog.New(slog.DiscardHandler)
	for _, c := range []ListenerConfig{
		{}, {Listener: q}, {Listener: q, Clock: clock.System{}, Log: log}, {Listener: q, Metrics: m, Log: log},
		{Clock: clock.System{}, Metrics: m, Log: log}, {Listener: q, Clock: clock.System{}, Metrics: m},
		{Listener: q, Clock: clock.System{}, Metrics: m, Log: log, PerSecond: -1},
	} {
		if _, err := NewListener(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	for _, perSecond := range []int{1, 10, 1_000_000} { // no share is rounded to nothing
		l, err := NewListener(ListenerConfig{Listener: q, Clock: clock.System{}, Metrics: m,
			PerSecond: perSecond, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		s := l.(*rateListener)
		if s.budget.Burst() < admission || s.reserve.Burst() < 1 ||
			s.addresses.Of(netip.MustParseAddr("192.0.2.1"), time.Time{}).Burst() < 1 {
			t.Errorf("%d a second: nobody would come in", perSecond)
		}
		s.shut()
	}
}

// TestReset: the client sees at once that it was thrown out.
func TestReset(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reset(c)
	if _, err := io.ReadAll(client); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client reads %v", err)
	}
}
