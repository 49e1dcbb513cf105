package resolve

import (
	"container/list"
	"net/netip"
	"time"
)

// entry is what is remembered of a name.
type entry struct {
	name    string
	addrs   []netip.Addr  // the last that were found; nil: none, or an authoritative no since then
	ends    time.Time     // end of the TTL of addrs
	whole   time.Time     // end of the last answer in which no family was missing
	err     error         // of the last lookup
	since   time.Time     // when lookups began to fail; zero: the last one did not fail
	fails   int           // in a row
	slow    bool          // the last lookup was slow
	until   time.Time     // for how long the outcome of the last lookup is used
	ahead   time.Time     // when the name is looked up again if it is in use
	used    time.Time     // when it was last asked for
	keep    time.Duration // how long after that it is in use
	pending *lookup
	timer   *time.Timer
	place   *list.Element // among all entries, by their last use
}

// lookup is one lookup of a name: it waits in line, is under way, or has ended.
type lookup struct {
	entry *entry
	class class
	place *list.Element // in the line; nil: not in it
	asked time.Time
	done  chan struct{} // closed when the fields below are set

	addrs []netip.Addr
	stale bool // addrs are past their TTL
	err   error
}

// advice is how a call gets its addresses.
type advice int

const (
	serve        advice = iota // the known addresses, at once
	refuse                     // the known error, at once
	await                      // by the lookup
	awaitBriefly               // by the lookup, or the known addresses when it takes too long
)

// judge decides how a call gets its addresses. Addresses past their TTL are served at
// once while the last failure is remembered, while a lookup is under way that began in time,
// and when a lookup has taken staleWait already.
func (e *entry) judge(now time.Time) advice {
	valid := now.Before(e.until)
	switch usable := e.usable(now); {
	case usable && (valid || e.pending.beganBy(e.until) || e.pending.beganBy(now.Add(-staleWait))):
		return serve
	case usable:
		return awaitBriefly
	case valid && e.err != nil:
		return refuse
	}
	return await
}

// usable reports whether there are addresses that may be used at need.
func (e *entry) usable(now time.Time) bool {
	return len(e.addrs) > 0 && now.Before(e.ends.Add(maxStale))
}

// beganBy reports whether there is a lookup that was asked for at or before t.
func (l *lookup) beganBy(t time.Time) bool { return l != nil && !l.asked.After(t) }

// inUse reports whether the name was asked for lately.
func (e *entry) inUse(now time.Time) bool { return now.Sub(e.used) <= e.keep }

// suspect reports whether the next lookup may well be slow.
func (e *entry) suspect() bool { return e.fails > 0 || e.slow }

// learn takes in the outcome of a lookup that took so long. keep is Config.KeepFor,
// the draw is from [0, 1).
func (e *entry) learn(a Answer, err error, now time.Time, took, keep time.Duration, draw float64) {
	e.err, e.slow = err, took > slowLookup
	var d, lasting time.Duration
	switch kindOf(err) {
	case found:
		d, lasting = e.learnFound(a, now), useFor(a.TTL)
	case absent:
		e.addrs, e.since, e.fails = nil, time.Time{}, 0
		d = refuseFor(a.TTL)
	case noFile: // says nothing of the name; the next call asks, when an idle connection has made room
		if lasting = maxRetry; e.usable(now) {
			d = retryAfter(1)
		} else {
			e.addrs = nil
		}
	default:
		if e.fails++; e.since.IsZero() {
			e.since = now
		}
		if !e.usable(now) {
			e.addrs = nil
		}
		d, lasting = retryAfter(e.fails), maxRetry
	}
	e.until, e.ahead, e.keep = now.Add(d), now.Add(aheadOf(d, draw)), keptFor(lasting, keep)
}

// learnFound takes in addresses, and returns when the name is to be looked up again. A
// family whose question failed keeps its addresses for maxStale, and is asked for soon.
func (e *entry) learnFound(a Answer, now time.Time) time.Duration {
	d := useFor(a.TTL)
	e.since = time.Time{}
	known := e.addrs
	if !now.Before(e.whole.Add(maxStale)) {
		known = nil
	}
	addrs, added := complete(Answer{bound(a.Addrs), a.TTL, a.Missing4, a.Missing6}, known)
	e.addrs, e.ends = addrs, now.Add(d)
	if !added {
		e.whole, e.fails = e.ends, 0
		return d
	}
	e.fails++
	return min(d, retryAfter(e.fails))
}
