package access

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"golang.org/x/time/rate"
)

// Failures of one address: ten at once, then one a second. Whoever has
// mistyped a key notices nothing; a program that tries keys gets 86,400 a day,
// of which it would need more than 10^30 for a key of 24 random characters.
const (
	failureBurst = 10
	failureRate  = rate.Limit(1)

	// maxAddresses bounds the memory: some 200 bytes each, 1.6 MB in all. An
	// address is forgotten once its allowance is full again.
	maxAddresses = 8_192
	sweepEvery   = time.Second
)

// Throttle counts failed attempts by the address that they come from.
type Throttle struct {
	clock clock.Clock

	mu      sync.Mutex
	byAddr  map[netip.Addr]*rate.Limiter
	beyond  *rate.Limiter // all addresses that there is no room for, together
	sweptAt time.Time
}

// NewThrottle returns a throttle that has seen no failure.
func NewThrottle(c clock.Clock) *Throttle {
	return &Throttle{clock: c, byAddr: map[netip.Addr]*rate.Limiter{}, beyond: rate.NewLimiter(failureRate, failureBurst)}
}

// Wait returns how long an address has to wait before it may try again; zero:
// it may now.
func (t *Throttle) Wait(from netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byAddr[group(from)]
	if l == nil {
		if len(t.byAddr) < maxAddresses {
			return 0
		}
		l = t.beyond
	}
	return untilNext(l, t.clock.Now())
}

// untilNext returns how long it takes until a limiter has a token.
func untilNext(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing/float64(failureRate)*1e3)) * time.Millisecond
}

// Failed counts a failure. Where the address is over its failures already it
// returns how long it has to wait, as Wait does: of many attempts at a time no
// more are told that they failed than there may be.
func (t *Throttle) Failed(from netip.Addr) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	from = group(from)
	l := t.byAddr[from]
	if l == nil {
		if len(t.byAddr) >= maxAddresses {
			t.sweep(now)
		}
		if l = t.beyond; len(t.byAddr) < maxAddresses {
			l = rate.NewLimiter(failureRate, failureBurst)
			t.byAddr[from] = l
		}
	}
	if l.AllowN(now, 1) {
		return 0
	}
	return max(untilNext(l, now), time.Millisecond)
}

// sweep forgets the addresses that have not failed lately, at most once a
// second: an attack from many addresses must not make each failure dear.
func (t *Throttle) sweep(now time.Time) {
	if since := now.Sub(t.sweptAt); since >= 0 && since < sweepEvery {
		return
	}
	t.sweptAt = now
	for addr, l := range t.byAddr {
		if l.TokensAt(now) >= failureBurst {
			delete(t.byAddr, addr)
		}
	}
}

// group returns what counts as one address: of IPv6 the network of 64 bits,
// since whoever has one address there has all of it.
func group(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
