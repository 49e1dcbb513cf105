package sqlite

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// holder is a store with a lease, a job and a fact of today in it.
type holder struct {
	*Store
	t     *testing.T
	lease store.Lease
	day   string // path of the history file
}

func newHolder(t *testing.T) *holder {
	t.Helper()
	if !files.NamesCanVanish {
		t.Skip("the system refuses to remove files that are open")
	}
	s := openStore(t, filepath.Join(t.TempDir(), "data", "jobs.db"))
	claimed, err := claimShard(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, version(1))
	record(t, s, success(1, noon))
	h := &holder{s, t, claimed[0].Lease, s.days.path(dayOf(noon))}
	if err := h.beat(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *holder) beat() error {
	_, err := h.Shards().Beat(h.t.Context(), []store.Beat{{Clock: nowMs(), Lease: h.lease, Watermark: noon}}, 3_000)
	return err
}

// wantGone checks that an error says what is gone, and what to do.
func wantGone(t *testing.T, err error, path string) {
	t.Helper()
	gone, ok := errors.AsType[*store.GoneError](err)
	if !ok || gone.Path != path || gone.Advice == "" {
		t.Errorf("error %v, want one that says that %s is gone", err, path)
	}
}

// wantNothingTaken checks that everything that writes is refused.
func (h *holder) wantNothingTaken(path string) {
	h.t.Helper()
	wantGone(h.t, h.beat(), path)
	ctx := h.t.Context()
	next := version(1)
	next.Number, next.EffectiveFrom = 2, next.EffectiveFrom+1
	for what, err := range map[string]error{
		"create": h.Jobs().Create(ctx, []domain.Version{version(2)}),
		"update": h.Jobs().Update(ctx, next),
		"delete": h.Jobs().Delete(ctx, jobID(1), 1, noon),
		"record": h.Ledger().Record(ctx, store.Batch{Open: []domain.OpenRun{openRun(1, noon+minute)}}),
		"beat":   h.beat(),
		"give":   h.Shards().Release(ctx, []store.Beat{{Clock: nowMs(), Lease: h.lease, Watermark: noon}}, 3_000),
	} {
		if err == nil {
			h.t.Errorf("%s: it is taken", what)
		}
		wantUnavailable(h.t, err)
	}
}

func (h *holder) wantAllWell() {
	h.t.Helper()
	if err := h.beat(); err != nil {
		h.t.Fatal(err)
	}
	create(h.t, h.Store, version(3))
	record(h.t, h.Store, success(1, noon+second))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// Files and folders that are moved away stop everything, and all goes on when
// the same ones are back. What was acknowledged before is still there.
func TestMovedAwayAndBack(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(h *holder) string{
		"the database":       func(h *holder) string { return h.cfg.Path },
		"the folder of data": func(h *holder) string { return filepath.Dir(h.cfg.Path) },
		"the history":        func(h *holder) string { return h.days.folder },
		"a history file":     func(h *holder) string { return h.day },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHolder(t)
			path := of(h)
			must(t, os.Rename(path, path+".away"))
			h.wantNothingTaken(path)
			must(t, os.Rename(path+".away", path))
			h.wantAllWell()
			if n := len(recent(t, h.Store)); n != 2 {
				t.Errorf("%d facts, want 2", n)
			}
			after := snapshot(t, h.cfg.Path).restart(t)
			if total, _, err := after.Jobs().Count(t.Context()); total != 2 || err != nil {
				t.Errorf("%d jobs after a kill, want 2; error %v", total, err)
			}
		})
	}
}

// If a file is removed or replaced permanently, the error is permanent. The end of the
// process does not change the files that have taken its place.
func TestRemovedForGood(t *testing.T) {
	t.Parallel()
	t.Run("everything", func(t *testing.T) {
		h := newHolder(t)
		folder := filepath.Dir(h.cfg.Path)
		must(t, os.RemoveAll(folder))
		h.wantNothingTaken(folder)
		must(t, os.Mkdir(folder, 0o700))
		h.wantNothingTaken(h.cfg.Path)
		closeStore(t, h.Store)
		if remaining, err := os.ReadDir(folder); err != nil || len(remaining) > 0 {
			t.Errorf("the new folder has %v; error %v", remaining, err)
		}
	})
	t.Run("another database in its place", func(t *testing.T) {
		h := newHolder(t)
		content, err := os.ReadFile(h.cfg.Path)
		must(t, err, os.Rename(h.cfg.Path, h.cfg.Path+".old"), os.WriteFile(h.cfg.Path, content, 0o600))
		h.wantNothingTaken(h.cfg.Path)
		closeStore(t, h.Store)
		if now, err := os.ReadFile(h.cfg.Path); err != nil || !bytes.Equal(now, content) {
			t.Errorf("the other database was changed; error %v", err)
		}
	})
	t.Run("another history", func(t *testing.T) {
		h := newHolder(t)
		must(t, os.Rename(h.days.folder, h.days.folder+".old"), os.Mkdir(h.days.folder, 0o700))
		h.wantNothingTaken(h.days.folder)
		wantUnavailable(t, h.Ledger().Record(t.Context(),
			store.Batch{Facts: []domain.Execution{success(1, noon+dayMs)}}))
		if remaining, err := os.ReadDir(h.days.folder); err != nil || len(remaining) > 0 {
			t.Errorf("the other folder has %v; error %v", remaining, err)
		}
	})
	t.Run("emptied", func(t *testing.T) {
		h := newHolder(t)
		must(t, os.Truncate(h.cfg.Path, 0))
		h.wantNothingTaken(h.cfg.Path)
	})
}

// A commit that was written while its file went away is not acknowledged, also
// when no beat came in between.
func TestCommitIntoNowhereIsNotAcknowledged(t *testing.T) {
	h := newHolder(t)
	must(t, os.RemoveAll(filepath.Dir(h.cfg.Path)))
	folder := filepath.Dir(h.cfg.Path)
	wantGone(t, h.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{success(1, noon+second)}}), folder)
	wantGone(t, h.Jobs().Create(t.Context(), []domain.Version{version(2)}), folder)
}

// A log that was removed is put back: what it held survives a kill.
func TestRemovedLogIsPutBack(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a file without a name cannot be opened here")
	}
	for name, of := range map[string]func(h *holder) string{
		"of the database":               func(h *holder) string { return h.cfg.Path + "-wal" },
		"of the history":                func(h *holder) string { return h.day + "-wal" },
		"shared memory of the database": func(h *holder) string { return h.cfg.Path + "-shm" },
		"shared memory of the history":  func(h *holder) string { return h.day + "-shm" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHolder(t)
			h.background.running.Wait()
			path := of(h)
			must(t, os.Remove(path))
			wantGone(t, h.beat(), path)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			for h.beat() != nil {
				if ctx.Err() != nil {
					t.Fatalf("it is not put back: %v", h.beat())
				}
				h.background.running.Wait()
			}
			after := snapshot(t, h.cfg.Path).restart(t)
			if total, _, err := after.Jobs().Count(t.Context()); total != 1 || err != nil ||
				len(recent(t, after)) != 1 {
				t.Errorf("%d jobs, %d facts after a kill, want 1 and 1; error %v", total, len(recent(t, after)), err)
			}
			h.wantAllWell()
			after = snapshot(t, h.cfg.Path).restart(t)
			if total, _, err := after.Jobs().Count(t.Context()); total != 2 || err != nil ||
				len(recent(t, after)) != 2 {
				t.Errorf("%d jobs, %d facts after a kill, want 2 and 2; error %v", total, len(recent(t, after)), err)
			}
		})
	}
}

// A log that cannot be put back stays missing until the store is closed, which
// saves what it held.
func TestLogIsSavedAtClose(t *testing.T) {
	h := newHolder(t)
	wal := h.cfg.Path + "-wal"
	must(t, os.Rename(wal, wal+".away"), os.WriteFile(wal, []byte("something else"), 0o600))
	h.wantNothingTaken(wal)
	closeStore(t, h.Store)
	after := openStore(t, h.cfg.Path)
	if total, _, err := after.Jobs().Count(t.Context()); total != 1 || err != nil {
		t.Errorf("%d jobs, want 1; error %v", total, err)
	}
}

// A lock file that somebody took for a stale one is made again. No second
// process gets in.
func TestRemovedLockIsTakenAgain(t *testing.T) {
	h := newHolder(t)
	lock := h.cfg.Path + ".lock"
	must(t, os.Remove(lock))
	h.wantAllWell()
	wantRefused(t, h.cfg.Path, "is in use by process")

	must(t, os.Remove(lock))
	other := flock.New(lock)
	_, err := other.TryLock()
	must(t, err)
	wantGone(t, h.beat(), lock)
	must(t, other.Unlock())
	h.wantAllWell()
}

// A key file that is gone is reported once: the next start will miss it.
func TestRemovedKeyIsTold(t *testing.T) {
	var out bytes.Buffer
	s, err := Open(t.Context(), Config{
		Path: filepath.Join(t.TempDir(), "jobs.db"), Log: slog.New(slog.NewTextHandler(&out, nil)),
		purpose: rotating,
	})
	must(t, err, os.Remove(s.cfg.keyFile()))
	for range 3 {
		if _, err := claimShard(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	if n := strings.Count(out.String(), "the file of the encryption key is missing"); n != 1 {
		t.Errorf("it is told %d times, want once:\n%s", n, &out)
	}
}
