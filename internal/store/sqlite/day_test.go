package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestDaysAndTheirNames(t *testing.T) {
	for _, c := range []struct {
		at   string
		name string
	}{
		{"1970-01-01T00:00:00Z", "1970-01-01"},
		{"2026-03-10T23:59:59.999Z", "2026-03-10"},
		{"2026-03-11T00:00:00Z", "2026-03-11"},
		{"9999-12-31T23:59:59.999Z", "9999-12-31"},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		d := dayOf(at.UnixMilli())
		if d.String() != c.name || at.UnixMilli() < d.start() || at.UnixMilli() >= d.end() {
			t.Errorf("%s is in %s, from %d to %d", c.at, d, d.start(), d.end())
		}
		if back, ok := parseDay(c.name + ".db"); !ok || back != d {
			t.Errorf("%s.db is read as %d, %t", c.name, back, ok)
		}
	}
	if lastDay.String() != "9999-12-31" || dayOf(-1) != -1 {
		t.Errorf("the last day is %s, the millisecond before 1970 in day %d", lastDay, dayOf(-1))
	}
	for _, name := range []string{"2026-03-10.db-wal", "2026-03-10", "2026-3-10.db", "2026-02-30.db", "x.db", ".db"} {
		if d, ok := parseDay(name); ok {
			t.Errorf("%q is read as %s", name, d)
		}
	}
}

func TestOtherFilesInTheFolderAreKept(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	notes := filepath.Join(s.days.folder, "notes.txt")
	if err := os.WriteFile(notes, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openStore(t, s.cfg.Path)
	if _, err := s.History().Expire(t.Context(), domain.Forever); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(notes); err != nil {
		t.Error(err)
	}
}

func TestFactsOutOfTimeAreRefused(t *testing.T) {
	s := newStore(t)
	for _, at := range []int64{-1, lastDay.end()} {
		err := s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(1, at)}})
		if domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("a fact at %d: error %v, want an invalid one", at, err)
		}
	}
	record(t, s, success(1, 0), success(1, lastDay.end()-1))
	if got := recent(t, s); len(got) != 2 {
		t.Errorf("%d facts, want the first and the last millisecond", len(got))
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	s.days.limit = 3
	var facts []domain.Execution
	for i := range int64(7) {
		facts = append(facts, success(1, noon+i*dayMs))
	}
	record(t, s, facts...)
	check := func(want ...int64) {
		t.Helper()
		var got []int64
		for d := range s.days.open {
			got = append(got, int64(d-dayOf(noon)))
		}
		slices.Sort(got)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("days %v are open, want %v", got, want)
		}
	}
	check(4, 5, 6)
	record(t, s, success(2, noon))
	check(0, 5, 6)
	// A file in use is not closed, even if all the others are used later.
	held, err := s.days.acquire(t.Context(), dayOf(noon), false)
	if err != nil {
		t.Fatal(err)
	}
	if got := recent(t, s); len(got) != 8 {
		t.Errorf("%d facts, want 8", len(got))
	}
	if _, open := s.days.open[held.day]; !open || len(s.days.open) != 3 {
		t.Errorf("%d files are open, the one in use: %t", len(s.days.open), open)
	}
	s.days.release(held)
}

func TestDropWaitsForReaders(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	d := dayOf(noon)
	held, err := s.days.acquire(t.Context(), d, false)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- s.days.drop(d) }()
	waiting := func() bool {
		s.days.mu.Lock()
		defer s.days.mu.Unlock()
		return held.drained != nil
	}
	for !waiting() {
		if len(gone) > 0 {
			t.Fatal("a file in use was closed")
		}
		runtime.Gosched()
	}
	if f, err := s.days.acquire(t.Context(), d, false); f != nil || err != nil {
		t.Errorf("a forgotten day is still lent: %v, %v", f, err)
	}
	for range 1_000 {
		runtime.Gosched()
	}
	if err := held.readers.with(t.Context(), func(c *conn) error { return c.exec("SELECT 1") }); err != nil {
		t.Errorf("a file in use was closed: %v", err)
	}
	s.days.release(held)
	if err := <-gone; err != nil {
		t.Error(err)
	}
}
