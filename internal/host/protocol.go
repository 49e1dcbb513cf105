package host

import "time"

const (
	// ManyCalls is after how many calls of a host it is judged anew by which protocol it is
	// called, and manyWithin is how soon these must have followed each other: below two a
	// second nothing is saved that could be measured.
	ManyCalls  = 16
	manyWithin = 8 * time.Second

	// usualTarget is the usual time of the calls of a quick host. Its quickest take quickTarget
	// at most; while this processor is busy, others wait for it, up to slowCall.
	usualTarget = slowCall
)

// BeginsByHTTP1 reports whether an https host of which no call has ended is called by HTTP/1.1
// until its calls show what is cheaper. It is one that may be quick: the time of a round trip to
// it is known, and short. To a distant one several connections would be opened meanwhile.
func BeginsByHTTP1(roundTrip time.Duration) bool { return 0 < roundTrip && roundTrip <= quickTarget }

// CheaperByHTTP1 reports whether calls to an https host that offers HTTP/2 as well cost less by
// HTTP/1.1. At a host that answers within 2 ms, few connections carry all calls, and a request
// costs either side less by HTTP/1.1 (ADR 32). At others, each call in flight needs a
// connection of its own by HTTP/1.1, with a handshake and memory, and a stream by HTTP/2.
//
// took is how long the last ManyCalls calls took to follow each other; quickest and usual are
// those of the host, zero: not known. is says that HTTP/1.1 was cheaper so far: this changes only
// when the calls take twice as long, so that it does not change to and fro.
func CheaperByHTTP1(is bool, took, quickest, usual time.Duration) bool {
	if quickest == 0 || usual == 0 {
		return is
	}
	if is {
		return quickest <= 2*quickTarget && usual <= 2*usualTarget
	}
	return took <= manyWithin && quickest <= quickTarget && usual <= usualTarget
}
