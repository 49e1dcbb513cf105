package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Lookup looks a name up. It returns the addresses in the order in which they should be
// tried, or a [net.DNSError]. One with IsNotFound says with authority that there is no
// address, and Answer.TTL may then say for how long.
type Lookup func(ctx context.Context, name string) (Answer, error)

// Answer is what a lookup found.
type Answer struct {
	Addrs []netip.Addr
	TTL   time.Duration // zero: not known, or not to be kept
	// the question for addresses of this family failed
	Missing4, Missing6 bool
}

// kind is what became of a lookup.
type kind int

const (
	found   kind = iota
	absent       // an authoritative no
	failed       // the name servers said nothing of the name
	timeout      // no name server answered in time
	noFile       // none was asked: there are too many open files
)

// kindOf returns what became of a lookup that ended with the error.
func kindOf(err error) kind {
	if err == nil {
		return found
	}
	if IsOutOfFiles(err) {
		return noFile
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return absent
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return timeout
	}
	return failed
}

// IsOutOfFiles reports whether the process, or the system, can have no further file open.
func IsOutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// bound returns the addresses that are kept: the first maxPerFamily of each family, in
// their order and in their usual form.
func bound(addrs []netip.Addr) []netip.Addr {
	kept := make([]netip.Addr, 0, min(len(addrs), 2*maxPerFamily))
	var n4, n6 int
	for _, a := range addrs {
		a = a.Unmap()
		n := &n6
		if a.Is4() {
			n = &n4
		}
		if *n < maxPerFamily {
			*n++
			kept = append(kept, a)
		}
	}
	return kept
}

// complete adds the known addresses of a family whose question failed. added says
// whether there were any.
func complete(a Answer, known []netip.Addr) (addrs []netip.Addr, added bool) {
	addrs = a.Addrs
	for _, k := range known {
		missing := a.Missing6
		if k.Is4() {
			missing = a.Missing4
		}
		if missing && !slices.Contains(addrs, k) {
			addrs, added = append(addrs, k), true
		}
	}
	return addrs, added
}

// useFor returns for how long addresses are used.
func useFor(ttl time.Duration) time.Duration { return min(max(ttl, minTTL), maxTTL) }

// refuseFor returns for how long a refusal is remembered.
func refuseFor(ttl time.Duration) time.Duration {
	if ttl == 0 {
		return defaultRefusal
	}
	return min(max(ttl, minTTL), maxRefusal)
}

// retryAfter returns for how long the n-th failure in a row is remembered.
func retryAfter(n int) time.Duration {
	const doublings = 5 // 32 s, more than maxRetry
	return min(minRetry<<min(n-1, doublings), maxRetry)
}

// aheadOf returns when within the time of an answer it is looked up again. The draw is
// from [0, 1).
func aheadOf(d time.Duration, draw float64) time.Duration {
	return time.Duration(float64(d) * (aheadFrom + (aheadTo-aheadFrom)*draw))
}

// keptFor returns for how long after its last use a name whose answer lasts d is looked
// up ahead: while it may be needed for the next connection, but not for more than
// maxUnused lookups.
func keptFor(d, keep time.Duration) time.Duration { return max(d, min(maxUnused*d, keep)) }
