package dispatch

import (
	"container/heap"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// spanHeap orders spans by their first fire, so that the oldest goes first
// whatever job it belongs to.
type spanHeap []*run.Span

func (h spanHeap) Len() int { return len(h) }

func (h spanHeap) Less(i, j int) bool { return h[i].Next < h[j].Next }

func (h spanHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].Slot, h[j].Slot = i, j
}

func (h *spanHeap) Push(x any) {
	s := x.(*run.Span)
	s.Slot = len(*h)
	*h = append(*h, s)
}

func (h *spanHeap) Pop() any {
	old := *h
	n := len(old) - 1
	s := old[n]
	old[n] = nil
	*h = old[:n]
	return s
}

// first returns the span with the oldest fire, or nil.
func (h spanHeap) first() *run.Span {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// fix restores the order after the first span moved on, and removes it when
// it is empty.
func (h *spanHeap) fix() {
	if (*h)[0].Next == run.Never {
		heap.Pop(h)
		return
	}
	heap.Fix(h, 0)
}

// spanQueue is the spans of a host, oldest fire first, and for each job the
// last one: fires that follow on it make it longer.
type spanQueue struct {
	heap spanHeap
	last map[*run.Job]*run.Span
}

// add takes a range of fires. When it goes on where the job's last range ends,
// that one grows instead, and merged is true.
func (q *spanQueue) add(s *run.Span) (merged bool) {
	if last := q.last[s.Job]; last != nil && s.Next == s.Last && last.Extend(s.Ver, s.Next) {
		return true
	}
	if q.last == nil {
		q.last = make(map[*run.Job]*run.Span)
	}
	q.last[s.Job] = s
	heap.Push(&q.heap, s)
	return false
}

// moved restores the order after the first fire of the job's last span is another one, and
// removes the span if it is empty.
func (q *spanQueue) moved(j *run.Job) {
	s := q.last[j]
	if s.Next != run.Never {
		heap.Fix(&q.heap, s.Slot)
		return
	}
	heap.Remove(&q.heap, s.Slot)
	delete(q.last, j)
}

// follows reports whether a fire has others of its job before it in the queue.
func (q *spanQueue) follows(r *run.Run) bool {
	last := q.last[r.Job]
	return last != nil && last.Last < r.At
}

func (q *spanQueue) first() *run.Span { return q.heap.first() }

// advanced follows the first span after it moved on.
func (q *spanQueue) advanced() {
	s := q.first()
	q.heap.fix()
	if s.Next == run.Never && q.last[s.Job] == s {
		delete(q.last, s.Job)
	}
}
