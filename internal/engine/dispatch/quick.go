package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

const (
	// quickPerCore is how many quick calls there may be at a time, for each core. 32 calls
	// that end within 2 ms each are 16,000 a second, more than a core can make. More of
	// them only wait, for a processor, here or at the target, and each of them needs a
	// goroutine and a connection: with 64 calls to each of 100 hosts a call takes three
	// times the processor time of one to a single host.
	quickPerCore = 32
	// quickFor is for how long a call counts as a quick one. One that lasts longer waits
	// for its target or for a connection, and not for a processor.
	quickFor = 10 * time.Millisecond
)

// quickCalls bounds the calls that are expected to end soon. They are a part of the calls
// in flight.
type quickCalls struct {
	most int
	n    int
	next *run.Run // the first one in the list of calls in flight that may still count

	reached bool // there was no room, since takeReached was called last
}

// begin notes a call that was just added to the list. counts says whether it is expected
// to end soon.
func (q *quickCalls) begin(r *run.Run, counts bool) {
	if q.next == nil {
		q.next = r
	}
	if r.Quick = counts; counts {
		q.n++
	}
}

// end notes a call that is about to be removed from the list.
func (q *quickCalls) end(r *run.Run) {
	if q.next == r {
		q.next = r.CallNext
	}
	q.drop(r)
}

func (q *quickCalls) drop(r *run.Run) {
	if r.Quick {
		r.Quick = false
		q.n--
	}
}

// full reports whether there may be no more at the instant, in Unix milliseconds.
func (q *quickCalls) full(now int64) bool {
	if q.n < q.most {
		return false
	}
	for r := q.next; r != nil && (r.Since > now || r.Since <= now-quickFor.Milliseconds()); r = r.CallNext {
		q.drop(r)
		q.next = r.CallNext
	}
	if q.n < q.most {
		return false
	}
	q.reached = true
	return true
}

// takeReached reports whether there was no room since it was called last.
func (q *quickCalls) takeReached() bool {
	reached := q.reached
	q.reached = false
	return reached
}
