package sqlite

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// While the file of a day is being deleted, which is as long as somebody still
// reads it, others record and read. A late fact of that day waits: its file has
// to go first.
func TestOthersGoOnWhileADayIsDeleted(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	record(t, s, success(1, noon), success(1, noon+dayMs))
	d := dayOf(noon)
	held, err := s.days.acquire(t.Context(), d, false)
	if err != nil {
		t.Fatal(err)
	}
	expired := make(chan error, 1)
	go func() {
		_, err := s.History().Expire(t.Context(), d.end())
		expired <- err
	}()
	for drained := false; !drained; { // the deletion waits for held
		s.days.mu.Lock()
		drained = held.drained != nil
		s.days.mu.Unlock()
	}
	record(t, s, success(2, noon+dayMs)) // would hang if it had to wait
	if got := recent(t, s); len(got) != 2 {
		t.Errorf("%d facts, want the two of the next day", len(got))
	}
	if n := totalOf(t, s, domain.StatusSuccess); n != 3 {
		t.Errorf("%d successes counted, want 3", n)
	}
	late := make(chan error, 1)
	go func() {
		late <- s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(3, noon)}})
	}()
	select {
	case err := <-late:
		t.Fatalf("the late fact did not wait: %v", err)
	case err := <-expired:
		t.Fatalf("Expire did not wait: %v", err)
	default:
	}
	s.days.release(held)
	for _, done := range []chan error{expired, late} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	check := func(s *Store) {
		t.Helper()
		if got := recent(t, s); len(got) != 3 {
			t.Errorf("%d facts, want the late one and two", len(got))
		}
		if n := totalOf(t, s, domain.StatusSuccess); n != 4 {
			t.Errorf("%d successes counted, want 4", n)
		}
	}
	check(s)
	closeStore(t, s)
	check(openStore(t, s.cfg.Path))
}

// A late fact that comes between the reading of a day and its mark changes what
// was read: the counters, and which row of an alert counts.
func TestALateFactBeforeTheMark(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	record(t, s, success(1, noon), failure(1, noon+dayMs))
	d := dayOf(noon)
	late, err := s.lock.watchLate(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.alerts.sweep(t.Context(), d, s.lock.with); err != nil {
		t.Fatal(err)
	}
	last, err := s.history.expiry.lastOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	ends := success(1, noon+second) // ends the alert of the next day, in the file that goes
	ends.CompletedAt = noon + 2*dayMs
	record(t, s, ends)
	if late, err = s.history.expiry.mark(t.Context(), d, last, late); err != nil || late != 1 {
		t.Fatalf("%d late commits, error %v", late, err)
	}
	if err := s.eraser.eraseMarked(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n := totalOf(t, s, domain.StatusSuccess); n != 2 {
			t.Errorf("%d successes counted, want 2", n)
		}
		if got := allAlerts(t, s); len(got) != 0 {
			t.Errorf("alerts %+v, want none: it had ended", got)
		}
		closeStore(t, s)
		s = openStore(t, s.cfg.Path)
	}
}

// An alert that goes on in a younger day between the reading and the mark is
// not taken over.
func TestAnAlertThatGoesOnBeforeTheMark(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	record(t, s, failure(1, noon), failure(2, noon))
	d := dayOf(noon)
	late, err := s.lock.watchLate(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	last, err := s.history.expiry.lastOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	record(t, s, failure(1, noon+dayMs), success(2, noon+dayMs))
	if _, err = s.history.expiry.mark(t.Context(), d, last, late); err != nil {
		t.Fatal(err)
	}
	if err := s.eraser.eraseMarked(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := allAlerts(t, s)
		slices.SortFunc(got, func(a, b domain.Alert) int { return cmp.Compare(a.Count, b.Count) })
		if len(got) != 2 || got[0].Count != 1 || got[0].Open() || got[1].Count != 2 || !got[1].Open() {
			t.Errorf("alerts %+v, want one that has ended and one of two failures", got)
		}
		closeStore(t, s)
		s = openStore(t, s.cfg.Path)
	}
}

// Days are dropped while facts of old and new days are recorded: every one is
// counted once, and the alerts are the same after a restart.
func TestExpireAmongLateFacts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	const days, each = 6, 300
	var all sync.WaitGroup
	for w := range 2 {
		r := rand.New(rand.NewPCG(uint64(w), 3))
		all.Go(func() {
			for i := range each {
				at := noon + r.Int64N(days)*dayMs + int64(2*i+w)*second
				fact := success(w*10+r.IntN(3), at)
				if r.IntN(2) == 0 {
					fact = failure(w*10+r.IntN(3), at)
				}
				fact.CompletedAt += r.Int64N(3 * dayMs)
				if err := s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{fact}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 { // one at a time, however many are called
		all.Go(func() {
			for i := range int64(3 * (days - 1)) {
				if _, err := s.History().Expire(t.Context(), dayOf(noon+(i/3)*dayMs).end()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	state := func() (n int64, open []domain.Alert) {
		for _, a := range allAlerts(t, s) {
			if a.Open() {
				open = append(open, a)
			}
		}
		return totalOf(t, s, domain.StatusSuccess) + totalOf(t, s, domain.StatusFailed), open
	}
	n, open := state()
	if n != 2*each {
		t.Errorf("%d executions counted, want %d", n, 2*each)
	}
	closeStore(t, s)
	s = openStore(t, s.cfg.Path)
	again, openAgain := state()
	if again != n || gocmp.Diff(open, openAgain) != "" {
		t.Errorf("after a restart %d executions, alerts (-before +after):\n%s", again, gocmp.Diff(open, openAgain))
	}
}
