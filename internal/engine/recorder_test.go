package engine

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
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ledger notes batches, and fails as long as it is told to.
type ledger struct {
	store.Ledger
	mu      sync.Mutex
	batches []store.Batch
	tries   int
	err     error
}

func (l *ledger) Record(ctx context.Context, b store.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries++
	if l.err != nil {
		return l.err
	}
	l.batches = append(l.batches, store.Batch{Facts: slices.Clone(b.Facts), Open: slices.Clone(b.Open)})
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
func recording(t *testing.T, test func(t *testing.T, r *recorder, l *ledger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		r := newRecorder(l, &clock.Manual{})
		r.onCommit = func([]entry, time.Duration) {}
		r.onError = func(error) {}
		ctx, cancel := context.WithCancel(context.Background())
		go r.run(ctx)
		test(t, r, l)
		cancel()
		<-r.idle
	})
}

func factAt(at int64) entry {
	return entry{fact: domain.Execution{FireKey: domain.FireKey{ScheduledAt: at}, Status: domain.StatusSuccess}}
}

func TestRecorderGroups(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, r *recorder, l *ledger) {
		for i := range 300 { // within the time that a result waits for company
			r.add(factAt(int64(i)))
		}
		<-time.After(2 * linger)
		synctest.Wait()
		if len(l.facts()) != 0 {
			t.Error("a crowd does not wait for more")
		}
		<-time.After(longLinger - linger)
		synctest.Wait()
		if len(l.batches) != 1 || len(l.facts()) != 300 {
			t.Errorf("%d commits of %d facts, want one of 300", len(l.batches), len(l.facts()))
		}
		began := time.Now()
		committed := make(chan time.Duration, 1)
		r.addNow(entry{open: &domain.OpenRun{}, done: func() { committed <- time.Since(began) }})
		synctest.Wait()
		if len(l.batches) != 2 || len(l.batches[1].Open) != 1 {
			t.Error("what somebody waits for is not committed at once")
		}
		many := make([]entry, 10*batchRows)
		for i := range many {
			many[i] = factAt(int64(1000 + i))
		}
		r.add(many...)
		synctest.Wait()
		for i, b := range l.batches {
			if n := len(b.Facts) + len(b.Open); n > 4*batchRows {
				t.Errorf("commit %d has %d rows", i, n)
			}
		}
		if got := l.facts(); len(got) != 300+10*batchRows || !slices.IsSorted(got) {
			t.Errorf("%d facts on record, in order: %v", len(got), slices.IsSorted(got))
		}
	})
}

// A few results do not wait as long as many do: at a low rate a crash should find
// little that is not on record.
func TestRecorderWaitsLittleForFew(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, r *recorder, l *ledger) {
		for i := range muchCompany - 1 {
			r.add(factAt(int64(i)))
		}
		<-time.After(linger)
		synctest.Wait()
		if n := len(l.facts()); n != muchCompany-1 {
			t.Errorf("%d results on record after %s", n, linger)
		}
	})
}

// A batch that fails is tried again, the same batch, and those after it wait.
func TestRecorderRepeats(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, r *recorder, l *ledger) {
		var errs []error
		r.onError = func(err error) { errs = append(errs, err) }
		commits := 0
		r.onCommit = func(b []entry, _ time.Duration) { commits += len(b) }
		l.fail(errDisk)
		r.add(factAt(1), factAt(2))
		<-time.After(time.Second)
		r.add(factAt(3))
		<-time.After(time.Second)
		synctest.Wait()
		if l.tries < 7 || commits != 0 || r.backlog() != 3 {
			t.Errorf("%d tries, %d committed, %d wait", l.tries, commits, r.backlog())
		}
		if f := r.find(func(*fire) bool { return true }); f != nil {
			t.Error("an entry without a fire was found")
		}
		l.fail(nil)
		<-time.After(time.Second)
		synctest.Wait()
		if got := l.facts(); !slices.Equal(got, []int64{1, 2, 3}) || len(l.batches[0].Facts) != 2 || commits != 3 || r.backlog() != 0 {
			t.Errorf("on record: %v in %d commits", got, len(l.batches))
		}
		if !errors.Is(errs[0], errDisk) || errs[len(errs)-1] != nil {
			t.Errorf("errors: %v", errs)
		}
	})
}

// A full recorder makes those who add wait; what somebody waits for goes in.
func TestRecorderBackPressure(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, r *recorder, l *ledger) {
		l.fail(errDisk)
		r.add(factAt(0))
		<-time.After(time.Second) // it is the batch that fails
		full := make([]entry, maxUnrecorded)
		for i := range full {
			full[i] = factAt(int64(i + 1))
		}
		r.add(full...)
		added := make(chan struct{})
		go func() {
			r.add(factAt(maxUnrecorded + 1))
			close(added)
		}()
		r.addNow(entry{open: &domain.OpenRun{}})
		r.add() // nothing waits for nothing
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
		if n := len(l.facts()); n != maxUnrecorded+2 {
			t.Errorf("%d facts on record", n)
		}
	})
}

// close commits everything; the end of the context gives up, says how much was
// lost, and frees those who wait.
func TestRecorderEnds(t *testing.T) {
	t.Parallel()
	recording(t, func(t *testing.T, r *recorder, l *ledger) {
		l.fail(errDisk)
		r.add(factAt(1))
		<-time.After(time.Second)
		r.add(factAt(2))
		r.close()
		<-time.After(time.Second)
		l.fail(nil)
		<-r.idle
		if got := l.facts(); !slices.Equal(got, []int64{1, 2}) || r.backlog() != 0 {
			t.Errorf("on record after close: %v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{err: errDisk}
		r := newRecorder(l, &clock.Manual{})
		r.onCommit = func([]entry, time.Duration) { t.Error("committed") }
		r.onError = func(error) {}
		ctx, cancel := context.WithCancel(context.Background())
		go r.run(ctx)
		r.add(factAt(1))
		<-time.After(time.Second)
		r.add(make([]entry, maxUnrecorded)...)
		blocked := make(chan struct{})
		go func() {
			r.add(factAt(2))
			close(blocked)
		}()
		synctest.Wait()
		cancel()
		<-r.idle
		<-blocked
		if n := r.backlog(); n != maxUnrecorded+2 {
			t.Errorf("%d were lost, want %d", n, maxUnrecorded+2)
		}
	})
}

func TestRetrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clk := &clock.Manual{}
		type pushed struct {
			at int64
			f  *fire
		}
		var got []pushed
		r := newRetrier(clk, func(fires []*fire) {
			for _, f := range fires {
				got = append(got, pushed{clock.NowMs(clk), f})
			}
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			r.run(ctx)
		}()
		start := clock.NowMs(clk)
		var fires []*fire
		for _, delay := range []int64{5000, 100, 3000, 100, 1, 0, 7000} {
			f := &fire{retryAt: start + delay, at: delay}
			fires = append(fires, f)
			r.add(f)
		}
		taken := r.take(func(f *fire) bool { return f.at == 3000 })
		if len(taken) != 1 || r.find(func(f *fire) bool { return f.at == 3000 }) != nil || r.find(func(f *fire) bool { return f == fires[0] }) == nil {
			t.Errorf("%d taken", len(taken))
		}
		<-time.After(6 * time.Second)
		synctest.Wait()
		if len(got) != 5 || r.len() != 1 {
			t.Fatalf("%d pushed, %d wait", len(got), r.len())
		}
		for _, p := range got {
			if p.at != p.f.retryAt {
				t.Errorf("a retry of %d ms came after %d", p.f.retryAt-start, p.at-start)
			}
		}
		clk.Step(time.Hour) // noticed within a second
		<-time.After(time.Second)
		synctest.Wait()
		if r.len() != 0 {
			t.Error("a step of the clock was not noticed")
		}
		cancel()
		<-ended
	})
}
