package engine

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// ending is what follows an attempt.
type ending struct {
	status  domain.Status // final, or PENDING for a retry
	delayMs int64         // before the retry
}

// decideEnding applies the retry policy to an attempt that has ended. failures
// counts the attempts of the execution that failed, this one included.
func decideEnding(p plan, out *domain.Outcome, failures int) ending {
	switch {
	case out.Verdict == domain.VerdictSuccess:
		return ending{status: domain.StatusSuccess}
	case out.Verdict == domain.VerdictFinal:
		return ending{status: domain.StatusFailed}
	case p.once && out.MaybeSent:
		// A second request could be a second delivery.
		return ending{status: domain.StatusFailed}
	case failures > p.retry.MaxRetries:
		return ending{status: domain.StatusFailed}
	}
	return ending{domain.StatusPending, p.retry.Delay(failures, out.RetryAfterMs)}
}

// retryHeap orders fires by the instant of their retry.
type retryHeap []*fire

func (h retryHeap) Len() int           { return len(h) }
func (h retryHeap) Less(i, j int) bool { return h[i].retryAt < h[j].retryAt }
func (h retryHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retryHeap) Push(x any)        { *h = append(*h, x.(*fire)) }
func (h *retryHeap) Pop() any {
	old := *h
	n := len(old) - 1
	f := old[n]
	old[n] = nil
	*h = old[:n]
	return f
}

// retrier holds the fires that wait for their next attempt. Each has an open
// run on record before it comes here, so a crash loses none.
type retrier struct {
	clock clock.Clock
	push  func([]*fire)
	mu    sync.Mutex
	heap  retryHeap
	due   []*fire // no longer in heap, and being pushed
	wake  chan struct{}
}

func newRetrier(c clock.Clock, push func([]*fire)) *retrier {
	return &retrier{clock: c, push: push, wake: make(chan struct{}, 1)}
}

// add takes a fire that is to be sent again at f.retryAt.
func (r *retrier) add(f *fire) {
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

// run pushes fires as their retries come due, until the context ends.
func (r *retrier) run(ctx context.Context) {
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
func (r *retrier) runOnce() time.Duration {
	now := clock.NowMs(r.clock)
	var due []*fire
	r.mu.Lock()
	for len(r.heap) > 0 && r.heap[0].retryAt <= now {
		due = append(due, heap.Pop(&r.heap).(*fire))
	}
	r.due = due
	wait := time.Second // a step of the wall clock is noticed within this
	if len(r.heap) > 0 {
		wait = min(wait, time.Duration(r.heap[0].retryAt-now)*time.Millisecond)
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

// take removes and returns the fires of a job that match.
func (r *retrier) take(match func(*fire) bool) []*fire {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*fire
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

func (r *retrier) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heap)
}

// all returns the waiting fires.
func (r *retrier) all() []*fire {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone([]*fire(r.heap))
}

// find returns the first fire that matches, waiting or being pushed, or nil.
func (r *retrier) find(match func(*fire) bool) *fire {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fires := range [][]*fire{r.heap, r.due} {
		for _, f := range fires {
			if match(f) {
				return f
			}
		}
	}
	return nil
}
