package dispatch

import (
	"sync"
	"time"
)

const maxIdle = 1024 // workers kept without work; more end

// workers are the goroutines that take, call and take again. One that finds more
// work wakes the next, so a burst wakes as many as can be used and no more.
type workers struct {
	most int    // at a time
	work func() // runs one of them
	cond *sync.Cond

	n, idle int
	closed  bool
	waking  bool          // wakeAfter is outstanding
	drained chan struct{} // closed when the last one ends after close
}

// newWorkers makes workers that are under the lock.
func newWorkers(l sync.Locker, most int, work func()) workers {
	return workers{most: most, work: work, cond: sync.NewCond(l), drained: make(chan struct{})}
}

// wake lets one more of them look for work.
func (w *workers) wake() {
	if w.idle > 0 {
		w.cond.Signal()
		return
	}
	if w.n < w.most {
		w.n++
		go w.work()
	}
}

// wakeAfter lets one more of them look for work after so long. While one call of it is
// outstanding, further ones have no effect.
func (w *workers) wakeAfter(d time.Duration) {
	if w.waking {
		return
	}
	w.waking = true
	time.AfterFunc(d, func() {
		w.cond.L.Lock()
		defer w.cond.L.Unlock()
		if w.waking = false; !w.closed {
			w.wake()
		}
	})
}

// await waits until the worker that calls it is woken, or reports that it has to end.
func (w *workers) await() (woken bool) {
	if w.closed || w.idle >= maxIdle {
		w.n--
		if w.closed && w.n == 0 {
			close(w.drained)
		}
		return false
	}
	w.idle++
	w.cond.Wait()
	w.idle--
	return true
}

// close lets all of them end, those that wait at once.
func (w *workers) close() {
	if w.closed {
		return
	}
	w.closed = true
	if w.n == 0 {
		close(w.drained)
	}
	w.cond.Broadcast()
}
