package engine

// How many calls one host gets at a time is found while they run. Too few and
// a slow target is starved: at 100 ms a call, 64 slots carry 640 calls a
// second. Too many and a fast one is drowned: every slot is a connection, and
// beyond what the two machines can work on at once a further one only waits.
//
// The rule climbs while climbing pays (a coarse form of the gradient limits of
// congestion control): when every slot is taken, fires wait and nothing comes
// back, the calls are slow, so the limit doubles; when more come back than
// before it grows by half; otherwise it stays. Once a second it falls back to
// twice what Little's law says was in use (L = lambda * W: the sum of the
// durations of a second's calls, in seconds, is the mean number in flight).

const (
	minHostLimit = 64 // enough to fill the cores at a target that answers at once
	slowTicks    = 50 // mean duration, in ticks, from which a target is slow for sure: 250 ms
)

// hostLoad is what one tick saw of a host whose slots were all taken while
// fires waited.
type hostLoad struct {
	limit    int // slots now
	ceiling  int // the most it may have
	finished int // calls that ended in this tick
	before   int // calls that ended in the last tick under pressure
}

// grow returns the limit for the next tick.
func (l hostLoad) grow() int {
	next := l.limit
	switch {
	case l.finished == 0, l.finished*slowTicks < l.limit:
		next = l.limit * 2
	case l.finished*10 > l.before*11:
		next = l.limit + l.limit/2
	}
	return min(next, l.ceiling)
}

// relaxed returns the limit that a second's use asks for: busyMs is the sum of
// the durations of the calls that ended in it, calls those in flight now.
func relaxed(limit, calls int, busyMs int64) int {
	inUse := int((busyMs + 999) / 1000)
	return min(limit, max(minHostLimit, 2*inUse, calls))
}
