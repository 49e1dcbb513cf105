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
	f := old[n]
	old[n] = nil
	*h = old[:n]
	return f
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

// Add takes a fire that is to be sent again at f.retryAt.
func (r *Retries) Add(f *run.Run) {
	r.mu.Lock()
	heap.Push(&r.heap, f)
	first := r.heap[0] == f
	r.mu.Unlock()
	if first {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// Run pushes fires as their retries come due, until the context ends.
func (r *Retries) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.runOnce())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
	}
}

// runOnce pushes what is due and returns how long there is nothing to do.
func (r *Retries) runOnce() time.Duration {
	now := clock.NowMs(r.clock)
	var due []*run.Run
	r.mu.Lock()
	for len(r.heap) > 0 && r.heap[0].RetryAt <= now {
		due = append(due, heap.Pop(&r.heap).(*run.Run))
	}
	r.due = due
	wait := time.Second // a step of the wall clock is noticed within this
	if len(r.heap) > 0 {
		wait = min(wait, time.Duration(r.heap[0].RetryAt-now)*time.Millisecond)
	}
	r.mu.Unlock()
	if len(due) > 0 {
		r.push(due)
		r.mu.Lock()
		r.due = nil
		r.mu.Unlock()
	}
	return wait
}

// Take removes and returns the fires of a job that match.
func (r *Retries) Take(match func(*run.Run) bool) []*run.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*run.Run
	kept := r.heap[:0]
	for _, f := range r.heap {
		if match(f) {
			out = append(out, f)
		} else {
			kept = append(kept, f)
		}
	}
	clear(r.heap[len(kept):])
	r.heap = kept
	heap.Init(&r.heap)
	return out
}

// Len returns how many runs wait.
func (r *Retries) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heap)
}

// All returns the waiting fires.
func (r *Retries) All() []*run.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone([]*run.Run(r.heap))
}

// Find returns the first fire that matches, waiting or being pushed, or nil.
func (r *Retries) Find(match func(*run.Run) bool) *run.Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fires := range [][]*run.Run{r.heap, r.due} {
		for _, f := range fires {
			if match(f) {
				return f
			}
		}
	}
	return nil
}
