package transfer_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

func init() { transfer.Small(50, 300*time.Millisecond) }

func printable(s string) string { return transfer.Same(s) }

// place is a database of any kind, which tests open for a copy and as a server would.
type place struct {
	copy  func(t testing.TB, made bool) *transfer.Database
	serve func(t testing.TB) (store.Store, error)
}

// files makes a place of SQLite.
func files(t testing.TB) place {
	t.Helper()
	cfg := sqlite.Config{Path: filepath.Join(t.TempDir(), "jobs.db"), EncryptionKeys: []string{seal.NewKey().Reveal()}}
	return place{
		copy: func(t testing.TB, made bool) *transfer.Database {
			t.Helper()
			db, err := sqlite.OpenTransfer(t.Context(), cfg, made)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closed(t, db) })
			return db
		},
		serve: func(t testing.TB) (store.Store, error) {
			t.Helper()
			db, err := sqlite.Open(t.Context(), cfg)
			if err == nil {
				t.Cleanup(func() { closed(t, db) })
				return db, nil
			}
			return nil, err
		},
	}
}

func closed(t testing.TB, db interface{ Close() error }) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func (p *place) open(t *testing.T) store.Store {
	t.Helper()
	db, err := p.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// own claims the shards of a store as a server does, and releases them cleanly or not.
func own(t *testing.T, db store.Store, clean bool) {
	t.Helper()
	rows, err := db.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := db.Shards().Claim(t.Context(), 7, store.ClaimsOf(rows))
	if err != nil || len(claimed) != len(rows) {
		t.Fatal(claimed, err)
	}
	var beats []store.Beat
	for _, sh := range claimed {
		beats = append(beats, store.Beat{
			Number: sh.Number, Lease: sh.Lease, Watermark: sh.Watermark, Clock: sh.Clock, Last: sh.Progress(),
		})
	}
	held, err := db.Shards().Beat(t.Context(), beats, 3_000)
	if err != nil || len(held) != len(beats) {
		t.Fatal(held, err)
	}
	if clean {
		if err := db.Shards().Release(t.Context(), beats, 3_000); err != nil {
			t.Fatal(err)
		}
	}
}

// filled fills a place and returns what it answers, and its shards.
func (p *place) filled(t *testing.T, seed uint64, jobs int, clean bool) (answers, []store.Shard) {
	t.Helper()
	db := p.open(t)
	fill(t, db, seed, jobs)
	own(t, db, clean)
	all, shards := ask(t, db), peek(t, db)
	closed(t, db)
	return all, shards
}

// expired drops the first two days of the history of a place.
func (p *place) expired(t *testing.T) answers {
	t.Helper()
	db := p.open(t)
	if gone, err := db.History().Expire(t.Context(), noon-hour*12); err != nil || gone != 2 {
		t.Fatal(gone, err)
	}
	all := ask(t, db)
	closed(t, db)
	return all
}

func peek(t *testing.T, db store.Store) []store.Shard {
	t.Helper()
	shards, err := db.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return shards
}

// run copies one place to another, until fn returns an error for a place of the code.
func run(t *testing.T, from, to *place, fn func(place string) error) (transfer.Report, error) {
	t.Helper()
	source, target := from.copy(t, false), to.copy(t, true)
	defer closed(t, source)
	defer closed(t, target)
	cfg := transfer.Config{From: source, To: target, Clock: clock.System{}}
	if fn != nil {
		cfg = transfer.EndAt(cfg, fn)
	}
	return transfer.Run(t.Context(), cfg)
}

func mustRun(t *testing.T, from, to *place) transfer.Report {
	t.Helper()
	report, err := run(t, from, to, nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, report.Lines)
	}
	return report
}

// refuses checks that no server starts on a place.
func (p *place) refuses(t *testing.T, when string) {
	t.Helper()
	if db, err := p.serve(t); err == nil {
		closed(t, db)
		t.Fatalf("%s: a server starts on it", when)
	}
}

// likeSource checks that a place has what the source had.
func (p *place) likeSource(t *testing.T, want answers, shards []store.Shard) {
	t.Helper()
	db := p.open(t)
	defer closed(t, db)
	got := ask(t, db)
	if want.Minutes == nil {
		got.Minutes = nil
	}
	sameAnswers(t, got, want)
	is := peek(t, db)
	for i, sh := range transfer.Spread(shards, len(is)) {
		if is[i].Horizon != sh.Horizon || is[i].Watermark != sh.Watermark || is[i].Clean != sh.Clean {
			t.Errorf("shard %d is %+v, want %+v", i, is[i], sh)
		}
	}
}

// copies checks that everything of one place comes to the other.
func copies(t *testing.T, from, to *place, seed uint64, clean, expired bool) {
	t.Helper()
	want, shards := from.filled(t, seed, 30, clean)
	if expired {
		want = from.expired(t)
		want.Minutes = nil // of history that was dropped, days are known for certain, and no minutes
	}
	report := mustRun(t, from, to)
	for _, l := range report.Lines {
		if !l.Same || l.From != l.To && l.Kind != "shards" || l.From == 0 {
			t.Errorf("%+v", l)
		}
	}
	from.refuses(t, "after the copy")
	to.likeSource(t, want, shards)
}

// conditions are those in which a source may be.
var conditions = []struct {
	name    string
	clean   bool
	expired bool
}{
	{"of a server that has stopped", true, false}, {"of one that was killed", false, false},
	{"of a history that was dropped in part", true, true},
}

func TestCopy(t *testing.T) {
	t.Parallel()
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from, to := files(t), files(t)
			copies(t, &from, &to, 1, c.clean, c.expired)
		})
	}
}

var errKilled = errors.New("killed")

// TestCopyGoesOn ends a copy after each piece and at each step, one after the other, and goes on
// each time.
func TestCopyGoesOn(t *testing.T) {
	t.Parallel()
	from, to := files(t), files(t)
	goesOn(t, &from, &to, false)
}

func goesOn(t *testing.T, from, to *place, clean bool) {
	t.Helper()
	want, shards := from.filled(t, 2, 20, clean)
	ended := map[string]int{}
	for {
		passed := 0
		report, err := run(t, from, to, func(at string) error {
			// The next one that it was not ended at: each kind of rows twice, for what comes
			// after its first piece.
			if passed++; ended[at] < 2 {
				ended[at]++
				return errKilled
			}
			return nil
		})
		if err == nil {
			if !report.Resumed {
				t.Error("the last copy did not go on from one before")
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		to.refuses(t, fmt.Sprint("killed ", ended))
	}
	for _, at := range []string{"begun", "versions", "executions", "alerts", "open runs", "trail", "filled", "audited",
		"moved"} {
		if ended[at] == 0 {
			t.Errorf("it was never ended at %q: %v", at, ended)
		}
	}
	from.refuses(t, "after the copy")
	to.likeSource(t, want, shards)
}

// TestCopyRefuses has the databases that are not to be copied.
func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	from, to, other := files(t), files(t), files(t)
	from.filled(t, 3, 10, true)
	end := func(at string) error {
		if at == "filled" {
			return errKilled
		}
		return nil
	}
	if _, err := run(t, &from, &to, end); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	refused := func(why string, from, to *place) {
		t.Helper()
		if _, err := run(t, from, to, nil); domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("%s: %v", why, err)
		}
	}
	refused("an incomplete source", &to, &other)
	db := from.open(t)
	own(t, db, true) // a server, again
	closed(t, db)
	refused("a source that has changed", &from, &to)

	mustRun(t, &from, &other)
	refused("a source that was moved", &from, &to)
	refused("a target that is not empty", &other, &from)
	third := files(t)
	third.filled(t, 4, 3, true)
	refused("a target with jobs", &other, &third)
	empty := files(t)
	none := sqlite.Config{Path: filepath.Join(t.TempDir(), "none")}
	if _, err := sqlite.OpenTransfer(t.Context(), none, false); err == nil {
		t.Error("a source that is not there is opened")
	}
	db = empty.open(t) // a database that a server has made, without anything in it
	own(t, db, true)
	closed(t, db)
	mustRun(t, &other, &empty)
}

// TestCopyIsNotEndedWhenTheSourceHasChanged plants a server that has started during the copy.
func TestCopyIsNotEndedWhenTheSourceHasChanged(t *testing.T) {
	t.Parallel()
	from, to := files(t), files(t)
	from.filled(t, 5, 5, true)
	source, target := from.copy(t, false), to.copy(t, true)
	_, err := transfer.Run(t.Context(), transfer.EndAt(transfer.Config{From: source, To: target, Clock: clock.System{}},
		func(at string) error {
			if at == "audited" {
				own(t, source.Store, true)
			}
			return nil
		}))
	if !errors.Is(err, transfer.ErrChanged) {
		t.Fatal(err)
	}
	closed(t, source)
	closed(t, target)
	to.refuses(t, "after the refusal")
	closed(t, from.open(t)) // it is as it was
}

func TestUndo(t *testing.T) {
	t.Parallel()
	from, to := files(t), files(t)
	want, shards := from.filled(t, 6, 5, true)
	mustRun(t, &from, &to)
	from.refuses(t, "after the copy")
	source := from.copy(t, false)
	if m, err := transfer.Undo(t.Context(), source); err != nil || m.Peer == "" {
		t.Fatal(m, err)
	}
	if _, err := transfer.Undo(t.Context(), source); domain.ErrorCode(err) != domain.CodeConflict {
		t.Errorf("a database that was not moved: %v", err)
	}
	closed(t, source)
	from.likeSource(t, want, shards)
}

// TestCopyRefusesDamagedHistory has a source of which a day cannot be read.
func TestCopyRefusesDamagedHistory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jobs.db")
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, db)
	damaged := filepath.Join(filepath.Dir(path), "history", "2026-03-09.db")
	if err := os.WriteFile(damaged, bytes.Repeat([]byte("x"), 4_096), 0o600); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	_, err = sqlite.OpenTransfer(t.Context(), sqlite.Config{Path: path, Log: quiet}, false)
	if err == nil || !strings.Contains(err.Error(), "2026-03-09") {
		t.Errorf("opened, or refused without the day: %v", err)
	}
}
