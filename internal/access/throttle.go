package access

import (
	"cmp"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"golang.org/x/time/rate"
)

// Failures of one address: ten at once, then one a second. A person who mistypes a key
// does not notice the limit. A program that guesses keys gets 86,400 attempts a day, of
// which it would need more than 10^30 for a key of 24 random characters.
const (
	FailureBurst = 10
	failureRate  = rate.Limit(1)

	// FailureWindow is how long it takes until FailureBurst failures are permitted again.
	FailureWindow = FailureBurst * time.Second
)

// Throttle counts failed attempts by the address that they come from.
type Throttle struct {
	clock clock.Clock

	mu     sync.Mutex
	known  *Addresses
	beyond *rate.Limiter // all addresses that there is no room for, together
}

// NewThrottle returns a throttle that has seen no failure.
func NewThrottle(c clock.Clock) *Throttle {
	return &Throttle{clock: c, known: NewAddresses(failureRate, FailureBurst),
		beyond: rate.NewLimiter(failureRate, FailureBurst)}
}

// Wait returns how long an address has to wait before it may try again; zero:
// it may now.
func (t *Throttle) Wait(from netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.known.Known(from)
	if l == nil {
		if !t.known.Full() {
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

// Failed counts a failure. If the address has exceeded its failures, Failed returns how
// long it has to wait, as Wait does. So even of simultaneous attempts, no more than the
// limit are answered as failures.
func (t *Throttle) Failed(from netip.Addr) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	l := cmp.Or(t.known.Of(from, now), t.beyond)
	if l.AllowN(now, 1) {
		return 0
	}
	return max(untilNext(l, now), time.Millisecond)
}
