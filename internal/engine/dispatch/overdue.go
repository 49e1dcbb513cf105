package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

const (
	// overdueAfter is for how long the oldest fire must have waited before it is behind
	// newer ones. Without that a host that is behind by so long catches up in
	// load / (1 - load) times as long: 9 s at nine tenths of what it can sustain. So new
	// fires are on time 10 s after an overload in either case.
	overdueAfter = time.Second
	// mostBacklogs is how many backlogs of ranges a host has at a time. Each has a range of
	// a job's fires, so a job has at most one more than this.
	mostBacklogs = 8
	// otherTurn is which turn in a row live fires do not get while others wait, of a host
	// and of all: nothing waits forever, and live fires keep 0.97 of what can be sustained.
	otherTurn = 32
)

// pace is how many live fires of a host come due and how many end.
type pace struct {
	due, ended         int     // in this second
	duePace, endedPace float64 // a second, on average over some seconds
}

// endSecond begins the next second. An average falls from twice what can be sustained to
// half of it within 2 s, to nine tenths within 4 s. That of what ends follows more slowly:
// at a host that does not answer, all calls of a second may time out in the same second.
func (p *pace) endSecond() {
	p.duePace += (float64(p.due) - p.duePace) / 2
	p.endedPace += (float64(p.ended) - p.endedPace) / 4
	p.due, p.ended = 0, 0
}

// catchesUp reports whether what waits has to be behind what comes due from now on: the
// oldest fire has waited for long, and fewer fires come due than end. While as many come
// due, or more, fires would only change places; and with each change a job would have one
// more range of fires.
func catchesUp(oldest time.Duration, duePace, endedPace float64) bool {
	return oldest >= overdueAfter && duePace < endedPace
}

// usedBy returns how many of some slots the live fires need: on average the part that they
// are of what ends (Little's law, all slots being taken), and as many again for those that
// are due at one instant.
func (p *pace) usedBy(slots int) int { return int(2 * float64(slots) * p.duePace / p.endedPace) }

// backlog is the overdue fires of a host: runs, and ranges of those that had found no room.
// The oldest goes first.
type backlog struct {
	runs  runQueue
	spans []spanQueue // of each time the host caught up; none is empty
}

// ranges returns how many ranges there are.
func (b *backlog) ranges() (n int) {
	for i := range b.spans {
		n += len(b.spans[i].heap)
	}
	return n
}

func (b *backlog) empty() bool { return b.runs.n == 0 && len(b.spans) == 0 }

// pop takes the oldest fire, one that waits as a run, or with fromSpan one of a range. It
// returns nil also if none of the oldest range is to be sent.
func (b *backlog) pop(fromSpan func(*run.Span) *run.Run) (r *run.Run, wasQueued bool) {
	if len(b.spans) == 0 || fromSpan == nil ||
		(b.runs.n > 0 && b.runs.head.Since <= b.spans[0].first().Next) {
		return b.runs.pop(), true
	}
	r = fromSpan(b.spans[0].first())
	b.spans[0].advanced()
	b.dropEmpty()
	return r, false
}

// trim gives up the oldest fires of a job that has too many in ranges, those in the queue
// of ranges included, and reports whether it did. It returns false as well if the job has
// none in the backlog.
func (b *backlog) trim(j *run.Job, queue *spanQueue, trim func(*run.Span, int) bool) bool {
	var oldest *spanQueue
	others := queue.last[j].Grown
	for i := len(b.spans) - 1; i >= 0; i-- {
		if s := b.spans[i].last[j]; s != nil {
			oldest, others = &b.spans[i], others+s.Grown
		}
	}
	if oldest == nil {
		return false
	}
	s := oldest.last[j]
	if !trim(s, others-s.Grown) {
		return false
	}
	oldest.moved(j)
	b.dropEmpty()
	return true
}

func (b *backlog) dropEmpty() {
	for i := 0; i < len(b.spans); {
		if b.spans[i].first() != nil {
			i++
			continue
		}
		copy(b.spans[i:], b.spans[i+1:])
		b.spans[len(b.spans)-1] = spanQueue{}
		b.spans = b.spans[:len(b.spans)-1]
	}
}
