package engine

import (
	"context"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	batchRows     = 1_000                 // a commit takes at most four of these
	linger        = 5 * time.Millisecond  // how long a result waits for company
	longLinger    = 20 * time.Millisecond // the same where much company comes
	muchCompany   = 50                    // results within linger: 10,000 a second
	maxUnrecorded = 100_000               // results in memory; beyond it workers wait
	retryCommit   = 250 * time.Millisecond
)

// entry is one result or one open run on its way to the store.
type entry struct {
	fact domain.Execution // without a status: there is none
	open *domain.OpenRun
	fire *fire
	done func() // after the commit, on the recorder's goroutine
}

// ends reports whether the entry has the result of an execution.
func (en *entry) ends() bool { return en.fact.Status != "" }

// recorder commits results in groups. Workers append to a slice under a mutex;
// one goroutine swaps the slice for an empty one and commits it. A batch that
// fails is tried again, the same batch, until the store takes it: the store
// promises that a repeat changes nothing.
type recorder struct {
	ledger   store.Ledger
	clock    clock.Clock
	onCommit func(b []entry, took time.Duration) // after each commit
	onError  func(error)                         // after each failed try; nil: it works again

	mu      sync.Mutex
	room    *sync.Cond
	entries []entry
	batch   []entry    // being committed
	moved   clock.Mark // when it last got on: a commit ended, or the first entry came
	spare   []entry
	urgent  bool
	closing bool
	stopped bool

	spareBatch store.Batch // memory for the next commit

	wake chan struct{}
	idle chan struct{} // closed when the goroutine has ended
}

func newRecorder(l store.Ledger, c clock.Clock) *recorder {
	r := &recorder{ledger: l, clock: c, wake: make(chan struct{}, 1), idle: make(chan struct{})}
	r.room = sync.NewCond(&r.mu)
	return r
}

// add takes entries. It waits while too many are on their way: that is the
// back-pressure of a store that does not commit.
func (r *recorder) add(entries ...entry) { r.put(false, entries) }

// addNow is add for entries that somebody waits for: they do not linger, and
// they do not wait for room, because their number is bounded by their callers.
func (r *recorder) addNow(entries ...entry) { r.put(true, entries) }

func (r *recorder) put(urgent bool, entries []entry) {
	if len(entries) == 0 {
		return
	}
	r.mu.Lock()
	for !urgent && len(r.entries) >= maxUnrecorded && !r.stopped {
		r.room.Wait()
	}
	if len(r.entries)+len(r.batch) == 0 {
		r.moved = r.clock.Mark()
	}
	r.entries = append(r.entries, entries...)
	r.urgent = r.urgent || urgent
	n := len(r.entries)
	r.mu.Unlock()
	if urgent || n == len(entries) || n >= batchRows {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// run commits until close is called and everything is committed, or until the
// context ends, which gives up what the store does not take.
func (r *recorder) run(ctx context.Context) {
	defer close(r.idle)
	defer r.giveUp()
	for {
		r.gather(ctx)
		batch, closing := r.swap()
		if len(batch) == 0 {
			if closing || ctx.Err() != nil {
				return
			}
			continue
		}
		for len(batch) > 0 {
			n := min(len(batch), 4*batchRows)
			if !r.commit(ctx, batch[:n]) {
				return
			}
			done := batch[:n]
			batch = batch[n:]
			r.committing(batch)
			clear(done) // the memory is used again; what it names may go
		}
	}
}

// gather waits until there is a batch worth a commit.
func (r *recorder) gather(ctx context.Context) {
	r.mu.Lock()
	n, hurry := len(r.entries), r.urgent || r.closing
	r.mu.Unlock()
	if n == 0 && !hurry {
		select {
		case <-r.wake:
		case <-ctx.Done():
		}
	}
	// A commit costs the same for one row and for a thousand. At a high rate it
	// pays to wait longer for them; at a low one a crash would only find more
	// that is not on record.
	timer := time.NewTimer(linger)
	defer timer.Stop()
	waited := false
	for {
		r.mu.Lock()
		n, hurry = len(r.entries), r.urgent || r.closing
		r.mu.Unlock()
		if n >= batchRows || hurry || ctx.Err() != nil {
			return
		}
		select {
		case <-timer.C:
			if waited || n < muchCompany {
				return
			}
			waited = true
			timer.Reset(longLinger - linger)
		case <-r.wake:
		case <-ctx.Done():
		}
	}
}

func (r *recorder) swap() (batch []entry, closing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	batch, r.entries, r.spare = r.entries, r.spare[:0], nil
	r.spare = batch[:0]
	r.batch = batch
	r.moved = r.clock.Mark()
	r.urgent = false
	r.room.Broadcast()
	return batch, r.closing
}

// committing notes what is left of the batch.
func (r *recorder) committing(left []entry) {
	r.mu.Lock()
	r.batch = left
	r.moved = r.clock.Mark()
	r.mu.Unlock()
}

// stalled returns for how long nothing was recorded although something waits for
// it, whatever the reason: an error, a call that does not return, a commit that
// takes long. Zero: nothing waits.
func (r *recorder) stalled() time.Duration {
	r.mu.Lock()
	waits, moved := len(r.entries)+len(r.batch) > 0, r.moved
	r.mu.Unlock()
	if !waits {
		return 0
	}
	return r.clock.Since(moved)
}

// commit records one batch, however often it takes. It returns false when the
// context ended first.
func (r *recorder) commit(ctx context.Context, batch []entry) bool {
	b := r.spareBatch
	r.spareBatch = store.Batch{}
	for i := range batch {
		if batch[i].ends() {
			b.Facts = append(b.Facts, batch[i].fact)
		}
		if batch[i].open != nil {
			b.Open = append(b.Open, *batch[i].open)
		}
	}
	for tries := 0; ; tries++ {
		start := r.clock.Mark()
		err := r.ledger.Record(ctx, b)
		if err == nil {
			failpoint.Hit("engine.recorded")
			r.onError(nil)
			r.onCommit(batch, r.clock.Since(start))
			if tries == 0 { // a try that failed may still be reading it
				clear(b.Facts)
				clear(b.Open)
				r.spareBatch = store.Batch{Facts: b.Facts[:0], Open: b.Open[:0]}
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.onError(err)
		if !clock.Wait(ctx, retryCommit) {
			return false
		}
	}
}

// close lets run end once everything is committed.
func (r *recorder) close() {
	r.mu.Lock()
	r.closing = true
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// giveUp frees workers that wait for room.
func (r *recorder) giveUp() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.room.Broadcast()
}

// backlog returns how many entries are not committed.
func (r *recorder) backlog() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries) + len(r.batch)
}

// find returns the first fire with an entry on its way that matches, or nil.
func (r *recorder) find(match func(*fire) bool) *fire {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, entries := range [][]entry{r.batch, r.entries} {
		for i := range entries {
			if f := entries[i].fire; f != nil && match(f) {
				return f
			}
		}
	}
	return nil
}
