package front

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// DefaultConnectionRate is how many new connections a second are accepted, in the
// long run. One costs 100 to 120 us of CPU from Accept until it is closed again for
// another one: the kernel's work, a goroutine, its buffers, two locks. 2,000 are a
// quarter of a core, which leaves the rest to the fires during a flood too.
const DefaultConnectionRate = 2_000

const (
	// What a connection costs, in parts of the budget. To accept one and to reset
	// it takes 28 us, a quarter: up to 8,000 a second are refused.
	admission = 4
	refusal   = 1

	// evenShare is the part of a second's connections that may come at once all
	// the time, 50. So a flood is accepted evenly, and not in bursts whenever
	// the attackers' kernels send their packets again.
	evenShare = 40

	// reserveShare is the part that may come at once now and then, 500 more: clients
	// that all start together. They take 60 ms of CPU, so that the
	// reserve comes back slowly, within reserveTime.
	reserveShare = 4
	reserveTime  = 20 * time.Second

	// addressShare is the part of all that one address may have during a flood,
	// 200 a second.
	addressShare = 10

	// floodAfter is how long connections may arrive faster than they are accepted
	// before addresses above their share are refused.
	floodAfter = 250 * time.Millisecond

	// minPause is the shortest pause. A shorter one would wake a thread for each
	// connection, and that costs as much as the pause saves.
	minPause = 2 * time.Millisecond
)

// Backlog is how many connections the kernel should hold for Accept. They are accepted at
// 2,000 a second or faster, so that a connection waits at most 64 ms in the queue. When
// the queue is full the kernel drops the packet that opens a connection, and the client's
// kernel sends it again after a second. That slows down a client that opens connections
// as fast as possible. With the usual 4,096, other clients would wait for two seconds
// behind an attacker.
const Backlog = 128

// ListenerConfig is what a listener of the API is made of.
type ListenerConfig struct {
	Listener  net.Listener // with a queue of [Backlog]
	Clock     clock.Clock
	Metrics   *telemetry.Metrics
	PerSecond int         // connections accepted a second; zero: DefaultConnectionRate
	Proxies   Proxies     // are never refused: each has one address for all its clients
	Failed    func(error) // is called when a connection cannot be accepted; nil: it is not told
	Log       *slog.Logger
}

// sendBuffer is what the system keeps of an answer for a slow client; Linux counts it double.
// On a way of 100 ms it allows 2.5 MB/s. When a third of it is free the next write goes on: with
// the megabytes to which it grows otherwise, a client that makes progress would look stalled.
const sendBuffer = 128 << 10

// rateListener bounds how fast connections are accepted, before anything is spent on
// them:
//
//	kernel's queue ─▶ budget left? ─▶ a flood, and the address over its share? ─▶ server
//	                  no: pause       yes: reset
//
// While the budget lasts every connection is accepted, also from a proxy that opens one
// for each request. Beyond the budget Accept pauses, and the queue in the kernel fills.
// With pauses alone one greedy address could fill the queue. So once the budget has been
// exceeded for a while, addresses that take more than their share are refused. A refusal
// is cheap, so that those behind in the queue are reached: an honest client gets
// through it in 16 to 64 ms. Loopback addresses are never refused, only slowed down: all
// clients of a proxy on this machine come from there. The same goes for [Proxies].
//
// The table of addresses is bounded. An attacker with more addresses than it holds is
// slowed down by the pauses alone and not refused: refusing him would use up the common
// share of honest clients.
type rateListener struct {
	net.Listener

	clock           clock.Clock
	refused         prometheus.Counter
	paused          prometheus.Counter
	failed          func(error)
	log             *slog.Logger
	proxies         Proxies
	open            context.Context // ends with Close
	shut            context.CancelFunc
	mu              sync.Mutex
	budget          *rate.Limiter // of admission and refusal
	reserve         *rate.Limiter // of connections
	addresses       *access.Addresses
	overBudgetSince time.Time // when the budget was first exceeded; zero: it is not
}

// NewListener returns a listener that accepts so many connections a second. The
// error is about the config.
func NewListener(c ListenerConfig) (net.Listener, error) {
	if c.Listener == nil || c.Clock == nil || c.Metrics == nil || c.Log == nil || c.PerSecond < 0 {
		return nil, errors.New("front: Listener, Clock, Metrics and Log are required, and PerSecond must not be " +
			"negative")
	}
	perSecond := cmp.Or(c.PerSecond, DefaultConnectionRate)
	share, reserve := max(perSecond/addressShare, 1), max(perSecond/reserveShare, 1)
	t := &rateListener{
		Listener: c.Listener, clock: c.Clock, refused: c.Metrics.ConnectionsRefused, paused: c.Metrics.AcceptPauses,
		budget:    rate.NewLimiter(rate.Limit(perSecond*admission), max(perSecond/evenShare, 1)*admission),
		reserve:   rate.NewLimiter(rate.Limit(float64(reserve)/reserveTime.Seconds()), reserve),
		addresses: access.NewAddresses(rate.Limit(share), share), failed: c.Failed,
		log: c.Log, proxies: c.Proxies,
	}
	t.open, t.shut = context.WithCancel(context.Background())
	return t, nil
}

// Accept returns the next connection that is not refused.
func (l *rateListener) Accept() (net.Conn, error) {
	for {
		paid, ok := l.waitForBudget()
		if !ok {
			return nil, net.ErrClosed
		}
		c, err := l.Listener.Accept()
		if err != nil {
			if l.failed != nil {
				l.failed(err)
			}
			return nil, err
		}
		if paid || l.admit(c.RemoteAddr()) {
			if b, ok := c.(interface{ SetWriteBuffer(bytes int) error }); ok {
				_ = b.SetWriteBuffer(sendBuffer) // otherwise the system lets it grow
			}
			return &clientConn{Conn: l.proxies.named(c, l.clock), log: l.log}, nil
		}
		l.refused.Inc()
		reset(c)
	}
}

// Close ends a pause too.
func (l *rateListener) Close() error {
	l.shut()
	return l.Listener.Close()
}

// waitForBudget waits until the budget has room for a connection, and reports whether the
// reserve has paid for it. ok is false if the listener was closed.
func (l *rateListener) waitForBudget() (paid, ok bool) {
	for {
		pause, paid := l.pause(l.clock.Now())
		if pause == 0 {
			return paid, true
		}
		if !clock.Wait(l.open, pause) {
			return false, false
		}
		l.paused.Add(pause.Seconds())
	}
}

// pause returns for how long nobody is to be let in, and whether the reserve has
// paid for the next one.
func (l *rateListener) pause(now time.Time) (pause time.Duration, paid bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	missing := admission - l.budget.TokensAt(now)
	if missing <= 0 {
		return 0, false
	}
	if l.reserve.AllowN(now, 1) {
		return 0, true
	}
	if l.overBudgetSince.IsZero() {
		l.overBudgetSince = now
	}
	return max(minPause, time.Duration(missing/float64(l.budget.Limit())*float64(time.Second))), false
}

// admit decides about a connection, and pays for it.
func (l *rateListener) admit(from net.Addr) bool {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.budget.TokensAt(now) >= float64(l.budget.Burst()) {
		l.overBudgetSince = time.Time{} // nobody was waiting
	}
	cost, ok := admission, true
	if !l.overBudgetSince.IsZero() && !l.within(from, now) && now.Sub(l.overBudgetSince) >= floodAfter {
		cost, ok = refusal, false
	}
	l.budget.ReserveN(now, cost)
	return ok
}

// within takes from the share of an address, and reports whether the share was
// sufficient; under mu.
func (l *rateListener) within(from net.Addr, now time.Time) bool {
	tcp, _ := from.(*net.TCPAddr)
	if tcp == nil {
		return true
	}
	addr, ok := netip.AddrFromSlice(tcp.IP)
	if !ok || addr.Unmap().IsLoopback() || l.proxies.Trusts(addr) {
		return true
	}
	share := l.addresses.Of(addr, now)
	return share == nil || share.AllowN(now, 1)
}

// reset throws a connection away at the least cost: without a farewell, and
// without the minute for which the kernel keeps one that was closed in good
// order.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
