package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// wantUnavailable checks that a call failed because the store could not work.
func wantUnavailable(t *testing.T, err error) {
	t.Helper()
	if domain.ErrorCode(err) != domain.CodeUnavailable {
		t.Fatalf("error %v, want one with code %s", err, domain.CodeUnavailable)
	}
}

// dayWriter returns the writing connection of a day's file.
func dayWriter(t *testing.T, s *Store, at int64) *conn {
	t.Helper()
	f, err := s.days.acquire(t.Context(), dayOf(at), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.days.release(f)
	c, err := f.write(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// manyFacts returns facts with errors of a kilobyte: more than a full disk
// takes.
func manyFacts(n int) (facts []domain.Execution) {
	for i := range n {
		e := failure(i, noon)
		e.Error = fmt.Sprintf("%01000d", i)
		facts = append(facts, e)
	}
	return facts
}

func TestFullDiskAndRoomAgain(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon-second))
	c := dayWriter(t, s, noon)
	limit := func(pages int) {
		t.Helper()
		if err := c.exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // as many as there are
	batch := store.Batch{Facts: manyFacts(200)}
	for range 3 {
		wantUnavailable(t, s.Ledger().Record(t.Context(), batch))
	}
	if got := recent(t, s); len(got) != 1 || len(allAlerts(t, s)) != 0 || totalOf(t, s, domain.StatusFailed) != 0 {
		t.Fatalf("a failed batch left something: %d facts", len(got))
	}
	limit(1 << 30)
	record(t, s, batch.Facts...)
	if len(recent(t, s)) != 201 || len(allAlerts(t, s)) != 200 || totalOf(t, s, domain.StatusFailed) != 200 {
		t.Fatal("the batch is not whole")
	}
}

func TestFullDiskUnderJobs(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1))
	limit := func(pages int) {
		t.Helper()
		err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
			return tally{}, c.exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(1)
	big := version(2)
	big.Spec.Body = []byte(`"` + strings.Repeat("x", 200_000) + `"`)
	wantUnavailable(t, s.Jobs().Create(t.Context(), []domain.Version{big}))
	if _, err := claimShard(t.Context(), s); err != nil {
		t.Fatalf("a write that needs no room: %v", err)
	}
	limit(1 << 30)
	create(t, s, big)
	if total, _, err := s.Jobs().Count(t.Context()); total != 2 || err != nil {
		t.Fatalf("count %d, error %v", total, err)
	}
}

// A connection that SQLite says it cannot write with is replaced.
func TestBrokenConnectionIsReplaced(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	if err := dayWriter(t, s, noon).exec("PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(2, noon)}}))
	record(t, s, success(2, noon))

	err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
		return tally{},
			c.exec("PRAGMA query_only = ON")
	})
	if err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s.Jobs().Create(t.Context(), []domain.Version{version(1)}))
	create(t, s, version(1))
}

func TestFolderGoneAndBack(t *testing.T) {
	s := newStore(t)
	folder := s.days.folder
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(1, noon)}}))
	if got := recent(t, s); len(got) != 0 {
		t.Fatalf("facts %+v", got)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	record(t, s, success(1, noon))
	if len(recent(t, s)) != 1 {
		t.Fatal("the fact is not there")
	}
}

// After a commit whose outcome is not known, memory is read from the files.
func TestStateIsLoadedAgainWhenStale(t *testing.T) {
	s := newStore(t)
	begin(t, s, openRun(3, noon))
	record(t, s, failure(1, noon), success(2, noon))
	makeStale := func() {
		s.alerts.open, s.ledger.counters.lifetime = openAlerts{}, totals{}
		s.ledger.runs.keys = map[domain.FireKey]struct{}{}
		s.lock.stale.Store(true)
	}
	makeStale()
	if n := totalOf(t, s, domain.StatusSuccess); n != 1 {
		t.Errorf("%d successes counted, want 1", n)
	}
	makeStale()
	if got := allAlerts(t, s); len(got) != 1 || !got[0].Open() {
		t.Errorf("alerts %+v, want an open one", got)
	}
	makeStale()
	record(t, s, success(1, noon+second), success(3, noon))
	if got := allAlerts(t, s); len(got) != 1 || got[0].Open() {
		t.Errorf("alerts %+v, want a recovered one", got)
	}
	if n := totalOf(t, s, domain.StatusSuccess); n != 3 || len(allOpenRuns(t, s)) != 0 {
		t.Errorf("%d successes counted, %d open runs", n, len(allOpenRuns(t, s)))
	}
}

func TestDeletionThatFailsIsFinishedLater(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon), success(1, noon+dayMs))
	d := dayOf(noon)
	if err := s.days.drop(d); err != nil { // closes the file: now a folder can take its place
		t.Fatal(err)
	}
	path := s.days.path(d)
	block := func() {
		t.Helper()
		if err := errors.Join(os.Rename(path, path+".real"), os.MkdirAll(path+"/x", 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	block() // os.Remove fails on a folder that is not empty
	expireTo(t, s, d)
	if err := s.eraser.eraseMarked(t.Context()); err == nil {
		t.Fatal("a folder was deleted")
	}
	late := store.Batch{Facts: []domain.Execution{success(2, noon)}}
	wantUnavailable(t, s.Ledger().Record(t.Context(), late)) // its file must go first
	record(t, s, success(2, noon+dayMs))                     // other days go on
	if err := errors.Join(os.RemoveAll(path), os.Rename(path+".real", path)); err != nil {
		t.Fatal(err)
	}
	record(t, s, late.Facts...)
	if got := recent(t, s); len(got) != 3 {
		t.Fatalf("%d facts, want the late one and those of the next day", len(got))
	}
	closeStore(t, s)
	after := openStore(t, s.cfg.Path)
	if len(recent(t, after)) != 3 {
		t.Fatal("the day that began again was deleted at start")
	}
}

func TestInterruptedTransactionIsRolledBack(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	c := dayWriter(t, s, noon)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.transact(ctx, func() error {
		if err := c.exec("DELETE FROM execution"); err != nil {
			return err
		}
		cancel()
		return c.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
	})
	if !errors.Is(err, context.Canceled) || !c.AutocommitEnabled() {
		t.Fatalf("error %v, autocommit %t", err, c.AutocommitEnabled())
	}
	if len(recent(t, s)) != 1 {
		t.Fatal("the deletion was not undone")
	}
}

func TestLongReadIsInterrupted(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.db.read(ctx, func(c *conn) error {
			close(started)
			return c.exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
		})
	}()
	<-started
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	if _, _, err := s.Jobs().Count(t.Context()); err != nil {
		t.Fatalf("the connection is no good any more: %v", err)
	}
}

var errGone = errors.New("a lookup whose caller is gone")

func TestReadersWaitForAConnection(t *testing.T) {
	r := newReaders(&identity{path: newStore(t).cfg.Path}, 1, nil)
	err := r.with(t.Context(), func(*conn) error {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return errors.Join(r.with(ctx, func(*conn) error { return nil }),
			r.lookup(ctx, func(*conn) error { return errGone }))
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, errGone) {
		t.Errorf("a second reader of a pool of one: error %v", err)
	}
	if err := r.with(t.Context(), func(*conn) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := r.close(); err != nil {
		t.Error(err)
	}
	if err := r.with(t.Context(), func(*conn) error { return nil }); !errors.Is(err, errClosed) {
		t.Errorf("a closed pool: error %v", err)
	}
}

// A reader that stays in a transaction keeps the log from being used again
// from its start; once it is gone the log is truncated.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	record(t, s, success(1, noon-second))
	c := dayWriter(t, s, noon)
	if err := c.exec("PRAGMA wal_autocheckpoint = 10"); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(c.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	at := noon
	write := func() {
		facts := manyFacts(100)
		for i := range facts {
			facts[i].ScheduledAt = at
		}
		at++
		record(t, s, facts...)
	}
	err := s.days.read(t.Context(), dayOf(noon), func(r *conn) error {
		return r.query("SELECT scheduled_at FROM execution", func(*sqlite.Stmt) error {
			c.nextWAL = 1 << 20 // instead of walMaxBytes
			for c.nextWAL == 1<<20 {
				write()
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	grown := size()
	if c.nextWAL != walMaxBytes {
		t.Fatalf("the next attempt is at %d, want %d", c.nextWAL, walMaxBytes)
	}
	c.nextWAL = 1 << 20
	write()
	if now := size(); grown < 1<<20 || now != 0 {
		t.Fatalf("the log had %d bytes, and has %d after the reader left", grown, now)
	}
}
