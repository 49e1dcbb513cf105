package due

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// retryHeap orders fires by the instant of their retry.
type retryHeap []*run.Run

func (h retryHeap) Len() int           { return len(h) }
func (h retryHeap) Less(i, j int) bool { return h[i].RetryAt < h[j].RetryAt }
func (h retryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retryHeap) Push(x any)        { *h = append(*h, x.(*run.Run)) }
func (h *retryHeap) Pop() any {
	old := *h
	n := len(old) - 1
	r := old[n]
	old[n] = nil
	*h = old[:n]
	return r
}

// Retries holds the fires that wait for their next attempt. Each has an open
// run on record before it comes here, so a crash loses none.
type Retries struct {
	clock clock.Clock
	push  func([]*run.Run)
	mu    lock.Leaf
	heap  retryHeap
	due   []*run.Run // no longer in heap, and being pushed
	wake  chan struct{}
}

// NewRetries makes an empty one. push gets the runs whose retry is due.
func NewRetries(c clock.Clock, push func([]*run.Run)) *Retries {
	return &Retries{clock: c, push: push, wake: make(chan struct{}, 1)}
}

// Add takes a run that is to be sent again at its RetryAt.
func (rs *Retries) Add(r *run.Run) {
	rs.mu.Lock()
	heap.Push(&rs.heap, r)
	first := rs.heap[0] == r
	rs.mu.Unlock()
	if first {
		select {
		case rs.wake <- struct{}{}:
		default:
		}
	}
}

// Run pushes fires as their retries come due, until the context ends.
func (rs *Retries) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(rs.runOnce())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-rs.wake:
		}
	}
}

// runOnce pushes what is due and returns how long there is nothing to do.
func (rs *Retries) runOnce() time.Duration {
	now := clock.NowMs(rs.clock)
	var due []*run.Run
	rs.mu.Lock()
	for len(rs.heap) > 0 && rs.heap[0].RetryAt <= now {
		due = append(due, heap.Pop(&rs.heap).(*run.Run))
	}
	rs.due = due
	wait := time.Second // a step of the wall clock is noticed within this
	if len(rs.heap) > 0 {
		wait = min(wait, time.Duration(rs.heap[0].RetryAt-now)*time.Millisecond)
	}
	rs.mu.Unlock()
	if len(due) > 0 {
		rs.push(due)
		rs.mu.Lock()
		rs.due = nil
		rs.mu.Unlock()
	}
	return wait
}

// Take removes and returns the fires of a job that match.
func (rs *Retries) Take(match func(*run.Run) bool) []*run.Run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var out []*run.Run
	kept := rs.heap[:0]
	for _, r := range rs.heap {
		if match(r) {
			out = append(out, r)
		} else {
			kept = append(kept, r)
		}
	}
	clear(rs.heap[len(kept):])
	rs.heap = kept
	heap.Init(&rs.heap)
	return out
}

// Len returns how many runs wait.
func (rs *Retries) Len() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return len(rs.heap)
}

// All returns the waiting fires.
func (rs *Retries) All() []*run.Run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Clone([]*run.Run(rs.heap))
}

// Find returns the first fire that matches, waiting or being pushed, or nil.
func (rs *Retries) Find(match func(*run.Run) bool) *run.Run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, fires := range [][]*run.Run{rs.heap, rs.due} {
		for _, r := range fires {
			if match(r) {
				return r
			}
		}
	}
	return nil
}
