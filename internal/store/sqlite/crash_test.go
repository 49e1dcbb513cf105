package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A crash is made by copying the files of a store that is open and at rest
// between two of its steps: the copy is what kill -9 would have left. The
// shared-memory file is not copied; it does not survive a power cut either.
type disk map[string][]byte

// snapshot reads the files of the folder that a database is in.
func snapshot(t *testing.T, database string) disk {
	t.Helper()
	d := disk{}
	root := filepath.Dir(database)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, ".lock") {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		d[name] = content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// with returns the files of d, but those whose name begins so from other.
func (d disk) with(prefix string, other disk) disk {
	mixed := disk{}
	for name, content := range d {
		if !strings.HasPrefix(name, prefix) {
			mixed[name] = content
		}
	}
	for name, content := range other {
		if strings.HasPrefix(name, prefix) {
			mixed[name] = content
		}
	}
	return mixed
}

// restart opens a store on the files.
func (d disk) restart(t *testing.T) *Store {
	t.Helper()
	root := t.TempDir()
	for name, content := range d {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return openStore(t, filepath.Join(root, "jobs.db"))
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "jobs.db"))
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1))
	record(t, s, success(1, noon), failure(1, noon+second))
	begin(t, s, openRun(1, noon+minute))
	after := snapshot(t, s.cfg.Path).restart(t)
	if _, err := after.Jobs().Get(t.Context(), jobID(1)); err != nil {
		t.Error(err)
	}
	if got := len(recent(t, after)); got != 2 {
		t.Errorf("%d facts, want 2", got)
	}
	if totalOf(t, after, domain.StatusSuccess) != 1 || totalOf(t, after, domain.StatusFailed) != 1 {
		t.Error("counters are lost")
	}
	if len(allOpenRuns(t, after)) != 1 || len(allAlerts(t, after)) != 1 {
		t.Error("the open run or the alert is lost")
	}
}

func TestCrashBetweenFactAndOpenRun(t *testing.T) {
	s := newStore(t)
	begin(t, s, openRun(1, noon), openRun(2, noon))
	before := snapshot(t, s.cfg.Path)
	record(t, s, success(1, noon))
	crashed := before.with("history", snapshot(t, s.cfg.Path))

	after := crashed.restart(t)
	if _, remaining := after.ledger.runs.keys[success(1, noon).FireKey]; !remaining {
		t.Fatal("the crash left no open run behind: the test shows nothing")
	}
	for range 2 { // the first time it is cleaned up
		runs := allOpenRuns(t, after)
		if len(runs) != 1 || runs[0].FireKey != openRun(2, noon).FireKey {
			t.Fatalf("open runs %+v, want that of job 2", runs)
		}
	}
	if len(after.ledger.runs.keys) != 1 {
		t.Errorf("%d keys in memory, want 1", len(after.ledger.runs.keys))
	}
	// The engine, which did not get an answer, records again.
	record(t, after, success(1, noon))
	if n := totalOf(t, after, domain.StatusSuccess); n != 1 {
		t.Errorf("%d successes counted, want 1", n)
	}
}

// An open run that comes after its fact is not even written.
func TestOpenRunOfAFactIsNotWritten(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	begin(t, s, openRun(1, noon))
	if len(s.ledger.runs.keys) != 0 {
		t.Errorf("%d open runs are kept", len(s.ledger.runs.keys))
	}
}

// expireTo runs the first step of Expire for a day.
func expireTo(t *testing.T, s *Store, d day) {
	t.Helper()
	last, err := s.history.expiry.lastOf(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	err = s.db.write(t.Context(), 1, func(c *conn) (tally, error) { return tally{}, writeRetired(c, d, &last) })
	if err != nil {
		t.Fatal(err)
	}
}

func TestCrashInExpire(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1), version(2))
	record(t, s, success(1, noon), success(2, noon), failure(1, noon+second), success(2, noon+dayMs))
	d := dayOf(noon)
	full := snapshot(t, s.cfg.Path)
	expireTo(t, s, d)
	marked := snapshot(t, s.cfg.Path)

	// Whatever of the file was deleted by then: nothing, the log, all of it.
	half := marked.with("history/2026-03-10.db-wal", disk{})
	gone := marked.with("history/2026-03-10", disk{})
	for name, crashed := range map[string]disk{
		"before the mark": full, "after the mark": marked, "in the deletion": half, "after the deletion": gone,
	} {
		t.Run(name, func(t *testing.T) {
			after := crashed.restart(t)
			check := func(wantFacts int) {
				t.Helper()
				if n := totalOf(t, after, domain.StatusSuccess); n != 3 {
					t.Errorf("%d successes counted, want 3", n)
				}
				days, err := after.Series().Points(t.Context(), domain.StepDay, 0, domain.Forever)
				if err != nil || len(days) != 2 || days[0].Success != 2 || days[0].Failed != 1 || days[1].Success != 1 {
					t.Errorf("days %+v, %v", days, err)
				}
				if n := totalOf(t, after, domain.StatusFailed); n != 1 {
					t.Errorf("%d failures counted, want 1", n)
				}
				if got := allAlerts(t, after); len(got) != 1 || got[0].Count != 1 || !got[0].Open() {
					t.Errorf("alerts %+v, want one that is open, of one failure", got)
				}
				if got := len(recent(t, after)); got != wantFacts {
					t.Errorf("%d facts, want %d", got, wantFacts)
				}
			}
			facts := 1
			if name == "before the mark" {
				facts = 4
			}
			check(facts)
			if _, err := after.History().Expire(t.Context(), d.end()); err != nil {
				t.Fatal(err)
			}
			check(1)
			if len(after.eraser.retiring) != 0 {
				t.Errorf("days %v are still retiring", after.eraser.retiring)
			}
			if _, err := os.Stat(after.days.path(d)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the file is still there: %v", err)
			}
		})
	}
}

func TestCrashBetweenTwoDaysOfABatch(t *testing.T) {
	s := newStore(t)
	first, next := failure(1, noon), failure(1, noon+dayMs)
	batch := store.Batch{Facts: []domain.Execution{first, next}}
	if err := s.Ledger().Record(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	after := snapshot(t, s.cfg.Path).with("history/2026-03-11", disk{}).restart(t)
	if got := allAlerts(t, after); len(got) != 1 || got[0].Count != 1 {
		t.Fatalf("alerts %+v, want one of one failure", got)
	}
	for range 2 {
		if err := after.Ledger().Record(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if got := allAlerts(t, after); len(got) != 1 || got[0].Count != 2 || got[0].Execution != next.ID() {
			t.Fatalf("alerts %+v, want one of two failures", got)
		}
		if n := totalOf(t, after, domain.StatusFailed); n != 2 {
			t.Fatalf("%d failures counted, want 2", n)
		}
	}
}

// An empty file is what a crash leaves between the creation of a day's file
// and its schema.
func TestCrashInTheMakingOfAFile(t *testing.T) {
	s := newStore(t)
	files := snapshot(t, s.cfg.Path)
	files[filepath.Join("history", "2026-03-10.db")] = nil
	after := files.restart(t)
	record(t, after, success(1, noon))
	if len(recent(t, after)) != 1 {
		t.Error("the fact is not there")
	}
}

func TestTornLogIsCutOff(t *testing.T) {
	s := newStore(t)
	record(t, s, success(1, noon))
	whole := snapshot(t, s.cfg.Path)
	record(t, s, success(1, noon+second))
	torn := snapshot(t, s.cfg.Path)
	wal := filepath.Join("history", "2026-03-10.db-wal")
	if len(torn[wal]) <= len(whole[wal]) {
		t.Fatal("the second commit did not grow the log: the test shows nothing")
	}
	torn[wal] = torn[wal][:len(torn[wal])-100] // the last page of the second commit did not make it
	after := torn.restart(t)
	if got := recent(t, after); len(got) != 1 || got[0].ScheduledAt != noon {
		t.Fatalf("facts %+v, want the first alone", got)
	}
	if n := totalOf(t, after, domain.StatusSuccess); n != 1 {
		t.Errorf("%d successes counted, want 1", n)
	}
}
