package dispatch

import (
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
)

const (
	// overdueAfter is for how long the oldest fire must have waited before it is behind
	// newer ones. Without that a host that is behind by so long catches up in
	// load / (1 - load) times as long: 9 s at nine tenths of what it can sustain. So new
	// fires are on time 10 s after an overload in either case.
	overdueAfter = time.Second
	// mostBacklogs is how many backlogs a host has at a time. Each has a range of a job's
	// fires, so a job has at most one more than this.
	mostBacklogs = 8
	// otherTurn is which turn in a row live fires do not get while others wait, of a host
	// and of all: nothing waits forever, and live fires keep 0.97 of what can be sustained.
	otherTurn = 32
)

// pace is how many live fires of a host come due and how many end.
type pace struct {
	due, ended         int     // in this second
	duePace, endedPace float64 // a second, on average over some seconds
	dueBefore          float64 // duePace of the second before
}

// endSecond begins the next second. An average falls from twice what can be sustained to
// half of it within 2 s, to nine tenths within 4 s; a second later that counts (fewerDue).
// That of what ends follows more slowly: at a host that does not answer, all calls of a
// second may time out in the same second.
func (p *pace) endSecond() {
	p.dueBefore = p.duePace
	p.duePace += (float64(p.due) - p.duePace) / 2
	p.endedPace += (float64(p.ended) - p.endedPace) / 4
	p.due, p.ended = 0, 0
}

// fewerDue reports whether fewer fires come due than end, in this second and in the one before:
// of fires that are due at a second's edge, one of them may have those of two, and the next
// none.
func (p *pace) fewerDue() bool { return max(p.duePace, p.dueBefore) < p.endedPace }

// catchesUp reports whether what waits has to be behind what comes due from now on: the
// oldest fire has waited for long, and fewer fires come due than end. While as many come
// due, or more, fires would only change places; and with each change a job would have one
// more range of fires.
func catchesUp(oldest time.Duration, p *pace) bool { return oldest >= overdueAfter && p.fewerDue() }

// usedBy returns how many of some slots the live fires need: on average the part that they
// are of what ends (Little's law, all slots being taken), and as many again for those that
// are due at one instant.
func (p *pace) usedBy(slots int) int { return int(2 * float64(slots) * p.duePace / p.endedPace) }

// backlog is what waited when a host caught up: runs, and ranges of those that had found no
// room. Of these the oldest fire goes first.
type backlog struct {
	runs  runQueue
	spans spanQueue
}

func (b *backlog) empty() bool { return b.runs.n == 0 && b.spans.first() == nil }

// pop takes the oldest fire, one that waits as a run, or with fromSpan one of a range. It
// returns nil also if none of the oldest range is to be sent.
func (b *backlog) pop(fromSpan func(*run.Span) *run.Run) (r *run.Run, wasQueued bool) {
	s := b.spans.first()
	if s == nil || fromSpan == nil || (b.runs.n > 0 && b.runs.head.Since <= s.Next) {
		return b.runs.pop(), true
	}
	r = fromSpan(s)
	b.spans.advanced()
	return r, false
}

// overdue is the backlogs of a host, the oldest first; none is empty.
//
// What the live fires leave goes to the last one: a host that is behind for some seconds
// once more, while an hour's backlog is sent, does not put the fires of these seconds
// behind those of the hour. The turns that live fires do not get go to the first one, so
// that W moves.
type overdue []backlog

// add makes a backlog of the queues, which are empty then. With so many backlogs runs join
// the last one, and ranges stay where they are, with the runs: added is false.
func (o *overdue) add(runs *runQueue, spans *spanQueue, most int) (added bool) {
	switch {
	case len(*o) < most:
		*o = append(*o, backlog{*runs, *spans})
		*runs, *spans = runQueue{}, spanQueue{}
	case len(*o) == 0 || spans.first() != nil:
		return false
	default:
		(*o)[len(*o)-1].runs.append(runs)
	}
	return true
}

// pop is that of one of the backlogs, the oldest one or the last.
func (o *overdue) pop(oldest bool, fromSpan func(*run.Span) *run.Run) (r *run.Run, wasQueued bool) {
	from := o.fireable(oldest, fromSpan == nil)
	if from < 0 {
		return nil, false
	}
	r, wasQueued = (*o)[from].pop(fromSpan)
	o.dropEmpty(from)
	return r, wasQueued
}

// fireable returns the place of the backlog to send from; -1: there is none. runsOnly says
// that ranges are not sent.
func (o *overdue) fireable(oldest, runsOnly bool) int {
	place := -1
	for i := range *o {
		if runsOnly && (*o)[i].runs.n == 0 {
			continue
		}
		if place = i; oldest {
			break
		}
	}
	return place
}

// dropEmpty removes a backlog if it is empty.
func (o *overdue) dropEmpty(i int) {
	if (*o)[i].empty() {
		*o = slices.Delete(*o, i, i+1)
	}
}

// queued returns how many runs wait.
func (o *overdue) queued() (n int) {
	for i := range *o {
		n += (*o)[i].runs.n
	}
	return n
}

// ranges returns how many ranges there are.
func (o *overdue) ranges() (n int) {
	for i := range *o {
		n += len((*o)[i].spans.heap)
	}
	return n
}

// all calls fn for each run that waits until it returns false.
func (o *overdue) all(fn func(*run.Run) bool) bool {
	for i := range *o {
		if !(*o)[i].runs.all(fn) {
			return false
		}
	}
	return true
}

// remove takes the runs out that match.
func (o *overdue) remove(match func(*run.Run) bool) (out []*run.Run) {
	for i := len(*o) - 1; i >= 0; i-- {
		out = append(out, (*o)[i].runs.remove(match)...)
		o.dropEmpty(i)
	}
	return out
}

// trim gives up the oldest fires of a job that has too many in ranges, those in the queue
// of ranges included, and reports whether it did. It returns false as well if the job has
// none in a backlog.
func (o *overdue) trim(j *run.Job, queue *spanQueue, trim func(*run.Span, int) bool) bool {
	oldest, others := -1, queue.last[j].Grown
	for i := len(*o) - 1; i >= 0; i-- {
		if s := (*o)[i].spans.last[j]; s != nil {
			oldest, others = i, others+s.Grown
		}
	}
	if oldest < 0 {
		return false
	}
	spans := &(*o)[oldest].spans
	s := spans.last[j]
	if !trim(s, others-s.Grown) {
		return false
	}
	spans.moved(j)
	o.dropEmpty(oldest)
	return true
}

const (
	// briefPerCore is how many overdue calls there are at a time to hosts that answer at
	// once, for each core, and briefFor for how long one counts. At 1 ms a call they are
	// 32,000 a second and core, more than a core can make. More of them would take the
	// processor from live calls: where it is slow, so that calls do not count as quick ones
	// until they end, they would fill the slots of all hosts. One that lasts longer waits for
	// its target.
	briefPerCore = 32
	briefFor     = 100 * time.Millisecond
)

// briefCalls counts overdue calls to hosts that answer at once. They are a part of the calls
// in flight.
type briefCalls struct {
	n    int
	next *run.Run // the first one in the list of calls in flight that may still count
}

// shares are the slots of all hosts, and what is bounded beside them.
type shares struct {
	host.Slots
	brief     briefCalls
	mostBrief int // zero: there is no limit
}

// briefFull reports whether there may be no more overdue calls to hosts that answer at once.
func (s *shares) briefFull() bool { return s.mostBrief > 0 && s.brief.n >= s.mostBrief }

// begin notes a call that was just added to the list.
func (b *briefCalls) begin(r *run.Run, counts bool) {
	if b.next == nil {
		b.next = r
	}
	if r.Brief = counts; counts {
		b.n++
	}
}

// end notes a call that is about to be removed from the list.
func (b *briefCalls) end(r *run.Run) {
	if b.next == r {
		b.next = r.CallNext
	}
	b.drop(r)
}

func (b *briefCalls) drop(r *run.Run) {
	if r.Brief {
		r.Brief = false
		b.n--
	}
}

// expire drops those that have lasted at the instant, in Unix milliseconds, or that began
// after it: the clock was set back.
func (b *briefCalls) expire(now int64) {
	for r := b.next; b.n > 0 && r != nil && (r.Since > now || r.Since <= now-briefFor.Milliseconds()); r = r.CallNext {
		b.drop(r)
		b.next = r.CallNext
	}
}
