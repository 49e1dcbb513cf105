package access

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

const (
	// maxAddresses bounds the memory: some 200 bytes each, 1.6 MB in all. An
	// address is dropped once its allowance is full again.
	maxAddresses = 8_192
	sweepEvery   = time.Second
)

// Addresses gives each address an allowance of its own, and remembers a bounded
// number of them. It is not safe for concurrent use.
type Addresses struct {
	limit   rate.Limit
	burst   int
	byAddr  map[netip.Addr]*rate.Limiter
	sweptAt time.Time
}

// NewAddresses returns a table in which each address may do burst things at
// once, and limit a second in the long run.
func NewAddresses(limit rate.Limit, burst int) *Addresses {
	return &Addresses{limit: limit, burst: burst, byAddr: map[netip.Addr]*rate.Limiter{}}
}

// Full reports whether there is no room for another address.
func (a *Addresses) Full() bool { return len(a.byAddr) >= maxAddresses }

// Known returns the allowance of an address, or nil when none was made or all of
// it has come back since.
func (a *Addresses) Known(from netip.Addr) *rate.Limiter { return a.byAddr[group(from)] }

// Of returns the allowance of an address and makes it where there is none; nil:
// there is no room for it.
func (a *Addresses) Of(from netip.Addr, now time.Time) *rate.Limiter {
	from = group(from)
	if l := a.byAddr[from]; l != nil {
		return l
	}
	if a.Full() {
		a.sweep(now)
	}
	if a.Full() {
		return nil
	}
	l := rate.NewLimiter(a.limit, a.burst)
	a.byAddr[from] = l
	return l
}

// sweep drops the addresses whose allowance is whole, at most once a second:
// an attack from many addresses must not make each look dear.
func (a *Addresses) sweep(now time.Time) {
	if since := now.Sub(a.sweptAt); since >= 0 && since < sweepEvery {
		return
	}
	a.sweptAt = now
	for addr, l := range a.byAddr {
		if l.TokensAt(now) >= float64(a.burst) {
			delete(a.byAddr, addr)
		}
	}
}

// group returns what counts as one address. For IPv6 it is the network of 64 bits,
// because a client with one address there usually has the whole network.
func group(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
