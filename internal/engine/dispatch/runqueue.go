package dispatch

import "github.com/belfry-scheduler/belfry/internal/engine/run"

// runQueue is a first-in first-out queue, linked through the runs.
type runQueue struct {
	head, tail *run.Run
	n          int
}

func (q *runQueue) push(r *run.Run) {
	r.QueueNext = nil
	if q.tail == nil {
		q.head = r
	} else {
		q.tail.QueueNext = r
	}
	q.tail = r
	q.n++
}

func (q *runQueue) pop() *run.Run {
	r := q.head
	if r == nil {
		return nil
	}
	q.head, r.QueueNext = r.QueueNext, nil
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return r
}

// append moves all runs of another queue to the end of this one.
func (q *runQueue) append(from *runQueue) {
	switch {
	case from.n == 0:
		return
	case q.tail == nil:
		q.head = from.head
	default:
		q.tail.QueueNext = from.head
	}
	q.tail, q.n = from.tail, q.n+from.n
	*from = runQueue{}
}

// remove takes the runs out that match.
func (q *runQueue) remove(match func(*run.Run) bool) (out []*run.Run) {
	var kept runQueue
	for r := q.pop(); r != nil; r = q.pop() {
		if match(r) {
			out = append(out, r)
		} else {
			kept.push(r)
		}
	}
	*q = kept
	return out
}

// all calls fn for each run until it returns false.
func (q *runQueue) all(fn func(*run.Run) bool) bool {
	for r := q.head; r != nil; r = r.QueueNext {
		if !fn(r) {
			return false
		}
	}
	return true
}
