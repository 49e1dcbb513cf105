package record

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Sizes and times of a group commit.
const (
	BatchRows     = 1_000                 // a commit takes at most four of these
	maxDelay      = 5 * time.Millisecond  // how long a result waits for others to join its commit
	maxDelayBusy  = 20 * time.Millisecond // the same while results come fast
	busyResults   = 50                    // results within maxDelay from which they come fast: 10,000 a second
	MaxUnrecorded = 100_000               // results in memory; beyond it workers wait
	retryCommit   = 250 * time.Millisecond
)

// Entry is one result or one open run on its way to the store.
type Entry struct {
	Fact domain.Execution // without a status: there is none
	Open *domain.OpenRun
	Run  *run.Run
	Done func() // after the commit, on the recorder's goroutine

	// Fence is the lease under which the fact was decided; nil: it was observed.
	Fence   *store.Fence
	Refused bool // the lease did not hold: nothing of the entry is on record

	Idempotency *domain.IdempotencyRecord // of a trigger; nil: it has none
}

// Ends reports whether the entry has the result of an execution.
func (en *Entry) Ends() bool { return en.Fact.Status != "" }

// Recorder commits results in groups. Workers append to a slice under a mutex;
// one goroutine swaps the slice for an empty one and commits it. A batch that
// fails is tried again, the same batch, until the store takes it: the store
// promises that a repeat changes nothing.
type Recorder struct {
	ledger   store.Ledger
	clock    clock.Clock
	node     int64                               // the runner of open runs: see store.Batch
	OnStale  func(fences []store.Fence)          // after a commit that leases refused; set before Run
	onCommit func(b []Entry, took time.Duration) // after each commit
	onError  func(error)                         // after each failed try; nil: it works again

	mu      lock.Leaf
	room    *sync.Cond
	entries []Entry
	batch   []Entry    // being committed
	moved   clock.Mark // when it last got on: a commit ended, or the first entry came
	spare   []Entry
	urgent  bool
	closing bool
	stopped bool

	spareBatch store.Batch // memory for the next commit

	wake chan struct{}
	Idle chan struct{} // closed when the goroutine has ended
}

// NewRecorder makes a recorder; Run starts it. onCommit follows each commit, onError
// each try: nil says that the store works again. node is the random number of this process.
func NewRecorder(l store.Ledger, c clock.Clock, node int64, onCommit func([]Entry, time.Duration),
	onError func(error)) *Recorder {
	rec := &Recorder{
		ledger: l, clock: c, node: node, onCommit: onCommit, onError: onError, OnStale: func([]store.Fence) {},
		wake: make(chan struct{}, 1), Idle: make(chan struct{}),
	}
	rec.room = sync.NewCond(&rec.mu)
	return rec
}

// Add takes entries. It waits while too many are on their way: that is the
// back-pressure of a store that does not commit.
func (rec *Recorder) Add(entries ...Entry) { rec.put(false, entries) }

// AddNow is add for entries that somebody waits for: they do not linger, and
// they do not wait for room, because their number is bounded by their callers.
func (rec *Recorder) AddNow(entries ...Entry) { rec.put(true, entries) }

func (rec *Recorder) put(urgent bool, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	rec.mu.Lock()
	for !urgent && len(rec.entries) >= MaxUnrecorded && !rec.stopped {
		rec.room.Wait()
	}
	if len(rec.entries)+len(rec.batch) == 0 {
		rec.moved = rec.clock.Mark()
	}
	rec.entries = append(rec.entries, entries...)
	rec.urgent = rec.urgent || urgent
	n := len(rec.entries)
	rec.mu.Unlock()
	if urgent || n == len(entries) || n >= BatchRows {
		select {
		case rec.wake <- struct{}{}:
		default:
		}
	}
}

// Run commits until close is called and everything is committed, or until the
// context ends, which gives up what the store does not take.
func (rec *Recorder) Run(ctx context.Context) {
	defer close(rec.Idle)
	defer rec.GiveUp()
	for {
		rec.gather(ctx)
		batch, closing := rec.swap()
		if len(batch) == 0 {
			if closing || ctx.Err() != nil {
				return
			}
			continue
		}
		for len(batch) > 0 {
			n := min(len(batch), 4*BatchRows)
			if !rec.commit(ctx, batch[:n]) {
				return
			}
			done := batch[:n]
			batch = batch[n:]
			rec.committing(batch)
			clear(done) // the memory is used again; what it names may go
		}
	}
}

// gather waits until there is a batch worth a commit.
func (rec *Recorder) gather(ctx context.Context) {
	rec.mu.Lock()
	n, urgent := len(rec.entries), rec.urgent || rec.closing
	rec.mu.Unlock()
	if n == 0 && !urgent {
		select {
		case <-rec.wake:
		case <-ctx.Done():
		}
	}
	// A commit costs the same for one row and for a thousand. At a high rate it
	// pays to wait longer for them; at a low one a crash would only find more
	// that is not on record.
	timer := time.NewTimer(maxDelay)
	defer timer.Stop()
	waited := false
	for {
		rec.mu.Lock()
		n, urgent = len(rec.entries), rec.urgent || rec.closing
		rec.mu.Unlock()
		if n >= BatchRows || urgent || ctx.Err() != nil {
			return
		}
		select {
		case <-timer.C:
			if waited || rec.waiting() < busyResults { // as many as there are by now
				return
			}
			waited = true
			timer.Reset(maxDelayBusy - maxDelay)
		case <-rec.wake:
		case <-ctx.Done():
		}
	}
}

// waiting returns how many entries wait for the next batch.
func (rec *Recorder) waiting() int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return len(rec.entries)
}

func (rec *Recorder) swap() (batch []Entry, closing bool) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	batch, rec.entries, rec.spare = rec.entries, rec.spare[:0], nil
	rec.spare = batch[:0]
	rec.batch = batch
	rec.moved = rec.clock.Mark()
	rec.urgent = false
	rec.room.Broadcast()
	return batch, rec.closing
}

// committing notes what is left of the batch.
func (rec *Recorder) committing(remaining []Entry) {
	rec.mu.Lock()
	rec.batch = remaining
	rec.moved = rec.clock.Mark()
	rec.mu.Unlock()
}

// Stalled returns for how long nothing was recorded although something waits for
// it, whatever the reason: an error, a call that does not return, a commit that
// takes long. Zero: nothing waits.
func (rec *Recorder) Stalled() time.Duration {
	rec.mu.Lock()
	waits, moved := len(rec.entries)+len(rec.batch) > 0, rec.moved
	rec.mu.Unlock()
	if !waits {
		return 0
	}
	return rec.clock.Since(moved)
}

// commit records one batch, however often it takes. It returns false when the
// context ended first.
func (rec *Recorder) commit(ctx context.Context, batch []Entry) bool {
	b := rec.compose(batch)
	for tries := 0; ; tries++ {
		start := rec.clock.Mark()
		err := rec.ledger.Record(ctx, b)
		if err == nil {
			failpoint.Hit("engine.recorded")
			rec.onError(nil)
			rec.onCommit(batch, rec.clock.Since(start))
			if tries == 0 { // a try that failed may still be reading it
				clear(b.Facts)
				clear(b.Open)
				rec.spareBatch = store.Batch{Facts: b.Facts[:0], Open: b.Open[:0]}
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if stale := store.StaleShards(err); stale != nil {
			rec.OnStale(refuse(batch, stale))
			b = rec.compose(batch)
			continue
		}
		rec.onError(err)
		if !clock.Wait(ctx, retryCommit) {
			return false
		}
	}
}

// compose makes the batch of the store.
func (rec *Recorder) compose(batch []Entry) store.Batch {
	b := rec.spareBatch
	rec.spareBatch, b.Runner = store.Batch{}, rec.node
	for i := range batch {
		en := &batch[i]
		switch {
		case en.Refused:
			continue
		case en.Ends() && en.Fence == nil:
			b.Facts = append(b.Facts, en.Fact)
		case en.Ends():
			b.Decisions = append(b.Decisions, store.Decision{Execution: en.Fact})
			if !slices.Contains(b.Fences, *en.Fence) {
				b.Fences = append(b.Fences, *en.Fence)
			}
		}
		if en.Open != nil {
			open := *en.Open
			if open.TakenFrom == 0 { // it is neither taken over nor given up
				open.Runner = rec.node
			}
			b.Open = append(b.Open, open)
		}
		if en.Idempotency != nil {
			b.Idempotency = append(b.Idempotency, *en.Idempotency)
		}
	}
	return b
}

// refuse marks the decisions under leases that do not hold, and returns these leases. Where
// a batch has two leases of a shard, the older one does not hold; the next try says whether
// the newer one does.
func refuse(batch []Entry, stale []int) (fences []store.Fence) {
	for _, number := range stale {
		oldest := int64(0)
		for i := range batch {
			if en := &batch[i]; !en.Refused && en.Fence != nil && en.Fence.Number == number &&
				(oldest == 0 || en.Fence.Epoch < oldest) {
				oldest = en.Fence.Epoch
			}
		}
		for i := range batch {
			en := &batch[i]
			if en.Refused || en.Fence == nil || en.Fence.Number != number || en.Fence.Epoch != oldest {
				continue
			}
			en.Refused = true
			if !slices.Contains(fences, *en.Fence) {
				fences = append(fences, *en.Fence)
			}
		}
	}
	return fences
}

// Close lets run end once everything is committed.
func (rec *Recorder) Close() {
	rec.mu.Lock()
	rec.closing = true
	rec.mu.Unlock()
	select {
	case rec.wake <- struct{}{}:
	default:
	}
}

// GiveUp frees workers that wait for room.
func (rec *Recorder) GiveUp() {
	rec.mu.Lock()
	rec.stopped = true
	rec.mu.Unlock()
	rec.room.Broadcast()
}

// Backlog returns how many entries are not committed.
func (rec *Recorder) Backlog() int {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return len(rec.entries) + len(rec.batch)
}

// Find returns the first fire with an entry on its way that matches, or nil.
func (rec *Recorder) Find(match func(*run.Run) bool) *run.Run {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	for _, entries := range [][]Entry{rec.batch, rec.entries} {
		for i := range entries {
			if r := entries[i].Run; r != nil && match(r) {
				return r
			}
		}
	}
	return nil
}
