package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// quickCalls are the calls that are expected to end soon, of which host.Crowd says how many
// there may be at a time. They are a part of the calls in flight.
type quickCalls struct {
	crowd host.Crowd
	n     int      // that count
	next  *run.Run // the first one in the list of calls in flight that may still count
}

// begin notes a call that was just added to the list. counts says whether it is expected
// to end soon.
func (q *quickCalls) begin(r *run.Run, counts bool) {
	if q.next == nil {
		q.next = r
	}
	r.BeganQuick = counts
	if r.Quick = counts; counts {
		q.n++
	}
}

// end notes a call that ended at the instant, took so long at its target, and is about to be
// removed from the list.
func (q *quickCalls) end(r *run.Run, now int64, took time.Duration) {
	if q.next == r {
		q.next = r.CallNext
	}
	q.drop(r)
	if r.BeganQuick {
		q.crowd.Ended(r.Since, now, took)
	}
}

func (q *quickCalls) drop(r *run.Run) {
	if r.Quick {
		r.Quick = false
		q.n--
	}
}

// full reports whether there may be no more at the instant, in Unix milliseconds.
func (q *quickCalls) full(now int64) bool {
	if q.crowd.Room(q.n, now) {
		return false
	}
	last := now - q.crowd.CountsFor().Milliseconds()
	for r := q.next; r != nil && (r.Since > now || r.Since <= last); r = r.CallNext {
		if r.Quick {
			q.crowd.Expired()
		}
		q.drop(r)
		q.next = r.CallNext
	}
	return !q.crowd.Room(q.n, now)
}
