package edit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

var (
	errDisk = errors.New("no space left on device")
	errGone = domain.Unavailable(&store.GoneError{Path: "/data", Problem: "is gone", Advice: "put it back"},
		"not stored")
)

func TestDecideCommit(t *testing.T) {
	for _, c := range []struct {
		err  error
		want outcome
	}{
		{nil, committed},
		{domain.Conflict("the version is another one"), notCommitted},
		{domain.Invalid("api", "must be a URL", nil), notCommitted},
		{fmt.Errorf("update: %w", domain.NotFound("job", domain.JobID{})), notCommitted},
		{store.Stale(3), notCommitted},
		{domain.Unavailable(errDisk, "not stored"), notKnown},
		{&domain.Error{Code: domain.CodeInternal}, notKnown},
		{errDisk, notKnown},
		{context.DeadlineExceeded, notKnown},
		{errGone, notKnown},
	} {
		if got := decideCommit(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestDecideRead(t *testing.T) {
	absent := error(domain.NotFound("job", domain.JobID{}))
	for _, c := range []struct {
		commit, read        error
		whenFound, whenGone outcome
		want                outcome
	}{
		// A creation has made the job that is found.
		{errDisk, nil, committed, notCommitted, committed},
		{errDisk, absent, committed, notCommitted, notCommitted},
		{errDisk, errDisk, committed, notCommitted, notKnown},
		// An update has made the number that is found, or has not.
		{errDisk, nil, notCommitted, notCommitted, notCommitted},
		// A deletion has made that there is no job.
		{errDisk, absent, notCommitted, committed, committed},
		{errDisk, nil, notCommitted, committed, notCommitted},
		{errDisk, context.DeadlineExceeded, notCommitted, committed, notKnown},
		// Another process may have made what is found.
		{errDisk, nil, notKnown, notCommitted, notKnown},
		{errDisk, absent, notCommitted, notKnown, notKnown},
		// What files without a name hold, the next start does not find.
		{errGone, nil, committed, notCommitted, notKnown},
		{errGone, absent, notCommitted, committed, notKnown},
		{errGone, absent, committed, notCommitted, notCommitted},
	} {
		if got := decideRead(c.commit, c.read, c.whenFound, c.whenGone); got != c.want {
			t.Errorf("commit %v, read %v, %d, %d: %d, want %d", c.commit, c.read, c.whenFound, c.whenGone, got, c.want)
		}
	}
}

// What is found tells by its content whether it is the change: a number tells only where no other process has
// the database.
func TestDecideFound(t *testing.T) {
	version := func(number int, name string) *domain.Version {
		return &domain.Version{Number: number, EffectiveFrom: 5, EffectiveTo: domain.Forever, Active: true,
			Spec: domain.Spec{Name: name, Tags: []string{"a"}}}
	}
	mine, anyFrom, paused, later := version(3, "mine"), version(3, "mine"), version(3, "mine"), version(3, "mine")
	anyFrom.EffectiveFrom, paused.Active, later.EffectiveFrom = 0, false, 6
	for _, c := range []struct {
		now, made      *domain.Version
		deletes, alone bool
		want           outcome
	}{
		{version(2, "before"), mine, false, false, notKnown},
		{version(2, "before"), mine, false, true, notCommitted},
		{version(3, "mine"), mine, false, false, committed},
		{version(3, "mine"), anyFrom, false, false, committed},
		{version(3, "theirs"), mine, false, false, notKnown},
		{paused, mine, false, false, notKnown},
		{later, mine, false, false, notKnown},
		{version(4, "theirs"), mine, false, false, notKnown},
		{version(4, "mine"), mine, false, true, committed},
		{version(3, "mine"), mine, true, false, notKnown},
		{version(2, "before"), mine, true, true, notCommitted},
	} {
		if got := decideFound(c.now, c.made, c.deletes, c.alone); got != c.want {
			t.Errorf("%+v for %+v, deletes %t, alone %t: %d, want %d", c.now, c.made, c.deletes, c.alone, got, c.want)
		}
	}
	for i, want := range []outcome{notCommitted, notCommitted, notKnown, committed} {
		if got := decideGone(i&2 != 0, i&1 != 0); got != want {
			t.Errorf("gone, deletes %t, alone %t: %d, want %d", i&2 != 0, i&1 != 0, got, want)
		}
	}
}

// Whatever the store answers, the owner gets one report, about what is in the store.
func TestOwnerIsToldOnce(t *testing.T) {
	for name, c := range map[string]struct {
		rules  func(w *world)
		code   domain.Code // empty: no error
		stored bool
		later  time.Duration // until it is known
	}{
		"it works": {func(*world) {}, "", true, 0},
		"before": {func(w *world) { w.fail(faulty.FailBefore, "Jobs.Update") },
			domain.CodeUnavailable, false, 0},
		"after": {func(w *world) { w.fail(faulty.FailAfter, "Jobs.Update") }, "", true, 0},
		"it hangs": {func(w *world) { w.fail(faulty.HangBefore, "Jobs.Update") }, domain.CodeUnavailable, true,
			20 * time.Second},
		"after, blind":  {func(w *world) { w.blind(faulty.FailAfter) }, domain.CodeUnavailable, true, time.Second},
		"before, blind": {func(w *world) { w.blind(faulty.FailBefore) }, domain.CodeUnavailable, true, time.Second},
		"refused": {func(w *world) { w.store.Add(faulty.Rule{Method: "Jobs.Update", Err: domain.Conflict("no")}) },
			domain.CodeConflict, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				id := w.make()
				c.rules(w)
				if err := w.rename(id, "new"); codeOf(err) != c.code {
					t.Errorf("error %v, want code %q", err, c.code)
				}
				if begun, ended := w.owner.told(); begun != 2 || (len(ended) == 2) != (c.later == 0) {
					t.Errorf("%d begun, %v ended", begun, ended)
				}
				w.store.Clear()
				pass(c.later)
				if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true, c.stored}) {
					t.Errorf("told %v, want %v at the end", ended, c.stored)
				}
				if got := w.number(id) == 2; got != c.stored {
					t.Errorf("the store has it: %t", got)
				}
				if err := w.rename(id, "newer"); err != nil {
					t.Errorf("the next change: %v", err)
				}
			})
		})
	}
}

// blind lets updates fail, and the reads that ask what became of them.
func (w *world) blind(f faulty.Fault) {
	w.fail(f, "Jobs.Update")
	w.store.Add(faulty.Rule{Method: "Jobs.Get", Skip: 1})
}

// While the outcome of a change is not known the job's next one waits, and gives up.
func TestNextChangeWaits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id, other := w.make(), w.make()
		w.blind(faulty.FailBefore)
		if err := w.rename(id, "a"); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Fatal(err)
		}
		began := time.Now()
		if err := w.rename(id, "b"); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took != commitTimeout {
			t.Errorf("it took %s, want %s", took, commitTimeout)
		}
		w.store.Clear()
		if err := w.rename(other, "c"); err != nil {
			t.Errorf("another job waits: %v", err)
		}
		pass(time.Second)
		if n := w.number(id); n != 2 {
			t.Errorf("version %d", n)
		}
	})
}

// What is left to be recorded after a change is repeated until the store takes it.
func TestRestIsRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		tries := 0
		w.owner.rest = func(ctx context.Context) error {
			if c, ok := store.ChangeOf(ctx); !ok || c.Nonce != 9 {
				t.Errorf("who made the change is lost: %+v", c)
			}
			if tries++; tries < 4 {
				return errDisk
			}
			return nil
		}
		ctx, cancel := context.WithCancel(store.WithChange(t.Context(), domain.Change{Nonce: 9}))
		if _, err := w.Delete(ctx, id, 0); err != nil {
			t.Fatal(err)
		}
		cancel()
		pass(5 * time.Second)
		if tries != 4 {
			t.Errorf("%d tries", tries)
		}
	})
}

// A stop ends what is asked for in the background, and tells the owner nothing that is
// not known. What comes later begins nothing.
func TestStop(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.blind(faulty.FailBefore)
		if err := w.rename(id, "a"); err == nil {
			t.Fatal("no error")
		}
		w.Stop(t.Context())
		w.store.Clear()
		pass(time.Minute)
		if begun, ended := w.owner.told(); begun != 2 || len(ended) != 1 {
			t.Errorf("%d begun, told %v", begun, ended)
		}
		w.background.start(func() { t.Error("something began after the stop") })
	})
}

// A call of the store that does not end keeps a stop for no longer than it may take.
func TestStopOfAStoreThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		hangs := make(chan struct{})
		w.background.start(func() { <-hangs })
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		w.Stop(ctx)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
		close(hangs)
	})
}
