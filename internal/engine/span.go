package engine

import (
	"container/heap"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// span is a run of fires that are due and not sent: those of one version from
// next to last, both inclusive. It stands for all of them in the memory of
// one, because fires can be computed; a host that is dead for a day costs a
// span per job, not a fire per second.
type span struct {
	job  *job
	ver  *version
	next int64 // the first fire left, Unix milliseconds
	last int64 // the last one
	lane lane

	grown int // fires that joined it one by one and are left; bounds a backlog, see Engine.trim
	slot  int // its place in a spanHeap
}

// extend takes a further fire at the end of the span. It refuses one that is
// not the next fire of the same version: there would be a hole.
func (s *span) extend(ver *version, at int64) bool {
	if s.ver != ver || at <= s.last || ver.nextAfter(s.job, s.last) != at {
		return false
	}
	s.last = at
	s.grown++
	return true
}

// pop takes the first fire off the span. The span is empty when next is never.
func (s *span) pop() (at int64) {
	at = s.next
	s.grown = max(0, s.grown-1)
	s.next = s.ver.nextAfter(s.job, at)
	if s.next > s.last {
		s.next = never
	}
	return at
}

// skipTo moves the span past every fire before the instant. It returns the
// range that was left out and its last fire, or nil.
func (s *span) skipTo(cutoff int64) (left *domain.MissedRange, last int64) {
	if s.next >= cutoff {
		return nil, 0
	}
	left = &domain.MissedRange{From: s.next}
	for s.next < cutoff {
		last = s.pop()
		left.Count++
	}
	return left, last
}

// spanHeap orders spans by their first fire, so that the oldest goes first
// whatever job it belongs to.
type spanHeap []*span

func (h spanHeap) Len() int           { return len(h) }
func (h spanHeap) Less(i, j int) bool { return h[i].next < h[j].next }
func (h spanHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}
func (h *spanHeap) Push(x any) {
	s := x.(*span)
	s.slot = len(*h)
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
func (h spanHeap) first() *span {
	if len(h) == 0 {
		return nil
	}
	return h[0]
}

// settle restores the order after the first span moved on, and removes it when
// it is empty.
func (h *spanHeap) settle() {
	if (*h)[0].next == never {
		heap.Pop(h)
		return
	}
	heap.Fix(h, 0)
}

// spanQueue is the spans of a host, oldest fire first, and for each job the
// last one: fires that follow on it make it longer.
type spanQueue struct {
	heap spanHeap
	last map[*job]*span
}

// add takes a range of fires. When it goes on where the job's last range ends,
// that one grows instead, and merged is true.
func (q *spanQueue) add(s *span) (merged bool) {
	if last := q.last[s.job]; last != nil && s.next == s.last && last.extend(s.ver, s.next) {
		return true
	}
	if q.last == nil {
		q.last = make(map[*job]*span)
	}
	q.last[s.job] = s
	heap.Push(&q.heap, s)
	return false
}

// moved restores the order after the first fire of the job's last span is
// another one. The span has fires left.
func (q *spanQueue) moved(j *job) { heap.Fix(&q.heap, q.last[j].slot) }

// follows reports whether a fire has others of its job before it in the queue.
func (q *spanQueue) follows(f *fire) bool {
	last := q.last[f.job]
	return last != nil && last.last < f.at
}

func (q *spanQueue) first() *span { return q.heap.first() }

// settle follows the first span after it moved on.
func (q *spanQueue) settle() {
	s := q.first()
	q.heap.settle()
	if s.next == never && q.last[s.job] == s {
		delete(q.last, s.job)
	}
}
