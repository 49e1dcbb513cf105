package record

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var errLedger = errors.New("disk I/O error")

// ledger keeps the batches that it receives, and fails while the test wants it to.
type ledger struct {
	store.Ledger
	mu      sync.Mutex
	batches []store.Batch
	tries   int
	err     error
	owned   map[int]store.Lease // leases that hold
}

func (l *ledger) Record(ctx context.Context, b store.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries++
	if l.err != nil {
		return l.err
	}
	for _, f := range b.Fences {
		if l.owned[f.Number] != f.Lease {
			return store.Stale(f.Number)
		}
	}
	l.batches = append(l.batches, store.Batch{Facts: slices.Clone(b.Facts), Open: slices.Clone(b.Open),
		Decisions: b.Decisions, Runner: b.Runner})
	return ctx.Err()
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
}

func (l *ledger) facts() (out []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		for i := range b.Facts {
			out = append(out, b.Facts[i].ScheduledAt)
		}
	}
	return out
}

// recording runs a recorder on virtual time.
func recording(t *testing.T, test func(t *testing.T, rec *Recorder, l *ledger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		rec := NewRecorder(l, &clock.Manual{}, 7, func([]Entry, time.Duration) {}, func(error) {})
		ctx, cancel := context.WithCancel(context.Background())
		go rec.Run(ctx)
		test(t, rec, l)
		cancel()
		<-rec.Idle
	})
}

func factAt(at int64) Entry {
	return Entry{Fact: domain.Execution{FireKey: domain.FireKey{ScheduledAt: at}, Status: domain.StatusSuccess}}
}

func TestRecorderGroups(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		for i := range 300 { // within the time that a result waits for company
			rec.Add(factAt(int64(i)))
		}
		<-time.After(2 * maxDelay)
		synctest.Wait()
		if len(l.facts()) != 0 {
			t.Error("a crowd does not wait for more")
		}
		<-time.After(maxDelayBusy - maxDelay)
		synctest.Wait()
		if len(l.batches) != 1 || len(l.facts()) != 300 {
			t.Errorf("%d commits of %d facts, want one of 300", len(l.batches), len(l.facts()))
		}
		began := time.Now()
		committed := make(chan time.Duration, 1)
		rec.AddNow(Entry{Open: &domain.OpenRun{}, Done: func() { committed <- time.Since(began) }})
		synctest.Wait()
		if len(l.batches) != 2 || len(l.batches[1].Open) != 1 {
			t.Error("what somebody waits for is not committed at once")
		}
		many := make([]Entry, 10*BatchRows)
		for i := range many {
			many[i] = factAt(int64(1000 + i))
		}
		rec.Add(many...)
		synctest.Wait()
		for i, b := range l.batches {
			if n := len(b.Facts) + len(b.Open); n > 4*BatchRows {
				t.Errorf("commit %d has %d rows", i, n)
			}
		}
		if got := l.facts(); len(got) != 300+10*BatchRows || !slices.IsSorted(got) {
			t.Errorf("%d facts on record, in order: %v", len(got), slices.IsSorted(got))
		}
	})
}

// A few results do not wait as long as many do: at a low rate a crash should find
// little that is not on record.
func TestRecorderWaitsLittleForFew(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		for i := range busyResults - 1 {
			rec.Add(factAt(int64(i)))
		}
		<-time.After(maxDelay)
		synctest.Wait()
		if n := len(l.facts()); n != busyResults-1 {
			t.Errorf("%d results on record after %s", n, maxDelay)
		}
	})
}

// A batch that fails is tried again, the same batch, and those after it wait.
func TestRecorderRepeats(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		var errs []error
		rec.onError = func(err error) { errs = append(errs, err) }
		commits := 0
		rec.onCommit = func(b []Entry, _ time.Duration) { commits += len(b) }
		l.fail(errLedger)
		rec.Add(factAt(1), factAt(2))
		<-time.After(time.Second)
		rec.Add(factAt(3))
		<-time.After(time.Second)
		synctest.Wait()
		if l.tries < 7 || commits != 0 || rec.Backlog() != 3 {
			t.Errorf("%d tries, %d committed, %d wait", l.tries, commits, rec.Backlog())
		}
		if r := rec.Find(func(*run.Run) bool { return true }); r != nil {
			t.Error("an entry without a fire was found")
		}
		l.fail(nil)
		<-time.After(time.Second)
		synctest.Wait()
		if got := l.facts(); !slices.Equal(got, []int64{1, 2, 3}) || len(l.batches[0].Facts) != 2 || commits != 3 ||
			rec.Backlog() != 0 {
			t.Errorf("on record: %v in %d commits", got, len(l.batches))
		}
		if !errors.Is(errs[0], errLedger) || errs[len(errs)-1] != nil {
			t.Errorf("errors: %v", errs)
		}
	})
}

// A full recorder makes those who add wait; what somebody waits for goes in.
func TestRecorderBackPressure(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		l.fail(errLedger)
		rec.Add(factAt(0))
		<-time.After(time.Second) // it is the batch that fails
		full := make([]Entry, MaxUnrecorded)
		for i := range full {
			full[i] = factAt(int64(i + 1))
		}
		rec.Add(full...)
		added := make(chan struct{})
		go func() {
			rec.Add(factAt(MaxUnrecorded + 1))
			close(added)
		}()
		rec.AddNow(Entry{Open: &domain.OpenRun{}})
		rec.Add() // nothing waits for nothing
		synctest.Wait()
		select {
		case <-added:
			t.Fatal("a full recorder took a result")
		default:
		}
		l.fail(nil)
		<-added
		<-time.After(time.Second)
		synctest.Wait()
		if n := len(l.facts()); n != MaxUnrecorded+2 {
			t.Errorf("%d facts on record", n)
		}
	})
}

// close commits everything; the end of the context gives up, says how much was
// lost, and frees those who wait.
func TestRecorderEnds(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		l.fail(errLedger)
		rec.Add(factAt(1))
		<-time.After(time.Second)
		rec.Add(factAt(2))
		rec.Close()
		<-time.After(time.Second)
		l.fail(nil)
		<-rec.Idle
		if got := l.facts(); !slices.Equal(got, []int64{1, 2}) || rec.Backlog() != 0 {
			t.Errorf("on record after close: %v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{err: errLedger}
		rec := NewRecorder(l, &clock.Manual{}, 7, func([]Entry, time.Duration) { t.Error("committed") }, func(error) {})
		ctx, cancel := context.WithCancel(context.Background())
		go rec.Run(ctx)
		rec.Add(factAt(1))
		<-time.After(time.Second)
		rec.Add(make([]Entry, MaxUnrecorded)...)
		blocked := make(chan struct{})
		go func() {
			rec.Add(factAt(2))
			close(blocked)
		}()
		synctest.Wait()
		cancel()
		<-rec.Idle
		<-blocked
		if n := rec.Backlog(); n != MaxUnrecorded+2 {
			t.Errorf("%d were lost, want %d", n, MaxUnrecorded+2)
		}
	})
}

// decided is a decision about a fire of a shard under the lease of an epoch.
func decided(at int64, number int, epoch int64) Entry {
	en := factAt(at)
	en.Fence = &store.Fence{Number: number, Lease: store.Lease{Epoch: epoch}}
	return en
}

// Decisions under leases that do not hold are taken out of a batch, once for each lease; what
// was observed, and what was decided under other leases, is committed.
func TestRecorderRefusesStaleDecisions(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, rec *Recorder, l *ledger) {
		l.owned = map[int]store.Lease{1: {Epoch: 4}, 2: {Epoch: 9}}
		var stale []store.Fence
		var refused, kept []int64
		rec.OnStale = func(fences []store.Fence) { stale = append(stale, fences...) }
		rec.onError = func(err error) {
			if err != nil {
				t.Errorf("a lease that was lost is reported as a fault of the store: %v", err)
			}
		}
		rec.onCommit = func(batch []Entry, _ time.Duration) {
			for i := range batch {
				if at := batch[i].Fact.ScheduledAt; batch[i].Refused {
					refused = append(refused, at)
				} else {
					kept = append(kept, at)
				}
			}
		}
		rec.Add(factAt(1), decided(2, 1, 3), decided(3, 1, 4), decided(4, 2, 9), decided(5, 3, 1), factAt(6),
			Entry{Open: &domain.OpenRun{}}, Entry{Open: &domain.OpenRun{TakenFrom: 7}})
		<-time.After(2 * maxDelay)
		synctest.Wait()
		if !slices.Equal(refused, []int64{2, 5}) || len(kept) != 6 || len(stale) != 2 {
			t.Errorf("refused %v, kept %v, stale leases %v", refused, kept, stale)
		}
		if len(l.batches) != 1 || len(l.batches[0].Decisions) != 2 || len(l.batches[0].Facts) != 2 {
			t.Fatalf("committed %+v", l.batches)
		}
		if open := l.batches[0].Open; open[0].Runner != 7 || open[1].Runner != 0 || l.batches[0].Runner != 7 {
			t.Errorf("runners of open runs: %+v", open)
		}
	})
}
