package audit

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

const minute = int64(60_000)

// now is after every fire of the tests.
var now = time.Date(2026, 3, 10, 13, 0, 0, 0, time.UTC)

// fixed is a clock that stands at now.
type fixed struct{ clock.System }

func (fixed) Now() time.Time { return now }

// noon is where the timelines begin.
var noon = now.Add(-time.Hour).UnixMilli()

func jobID(n byte) domain.JobID { return domain.JobID{0: 1, 6: 0x70, 8: 0x80, 15: n} }

// newStore returns a store whose watermark is at W, with versions from noon on.
func newStore(t *testing.T, w int64, versions ...domain.Version) store.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{
		Path: filepath.Join(t.TempDir(), "jobs.db"), Clock: fixed{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Shards().ResetWatermark(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if err := db.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	return db
}

func loss(job domain.JobID, at int64) domain.Loss {
	return domain.Loss{JobID: job, ScheduledAt: at, Version: 1}
}

func everyMinute(n byte) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	return domain.Version{
		JobID: jobID(n), Number: 1, EffectiveFrom: noon, EffectiveTo: domain.Forever,
		CreatedAt: noon - 5, Active: true, Spec: spec,
	}
}

func fact(n byte, at int64, status domain.Status) domain.Execution {
	return domain.Execution{
		FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1, Status: status,
		StartedAt: at + 3, CompletedAt: at + 9,
	}
}

func record(t *testing.T, db store.Store, b store.Batch) {
	t.Helper()
	if err := db.Ledger().Record(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func audit(t *testing.T, db store.Store, w Window, piece int) Report {
	t.Helper()
	r, err := start(t.Context(), db, fixed{}, w, piece)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func equal(t *testing.T, got, want Report) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("wrong report (-want +got):\n%s", diff)
	}
}

// fullHour is a record of eleven minutes with every kind of outcome: minute 3
// of job 1 is lost, and of job 2 whatever its summary does not cover.
func fullHour(t *testing.T) store.Store {
	t.Helper()
	db := newStore(t, noon+10*minute, everyMinute(1), everyMinute(2))
	late := fact(1, noon+minute, domain.StatusFailed)
	late.StartedAt = late.ScheduledAt + LateAfterMs + 1
	manual := fact(1, noon+30_000, domain.StatusSuccess)
	manual.Nonce = 7
	summary := fact(2, noon+20*minute, domain.StatusSkipped) // reaches over the end of the window
	summary.StartedAt, summary.Missed = 0, &domain.MissedRange{From: noon + 2*minute, Count: 19}
	record(t, db, store.Batch{
		Facts: []domain.Execution{
			fact(1, noon, domain.StatusSuccess), late, fact(1, noon+2*minute, domain.StatusUnknown),
			fact(1, noon+4*minute, domain.StatusMissed), fact(1, noon+5*minute, domain.StatusSkipped),
			fact(1, noon+5*minute+1, domain.StatusSuccess), // no version names it
			fact(1, noon+6*minute, domain.StatusSuccess), fact(1, noon+8*minute, domain.StatusSuccess),
			fact(1, noon+9*minute, domain.StatusSuccess), fact(1, noon+10*minute, domain.StatusSuccess),
			fact(2, noon, domain.StatusSuccess), manual, summary,
		},
		Open: []domain.OpenRun{{FireKey: domain.FireKey{JobID: jobID(1), ScheduledAt: noon + 7*minute}, Version: 1}},
	})
	return db
}

// A fire without a record is named, and no other, in pieces of any size.
func TestLostFiresAreNamed(t *testing.T) {
	db := fullHour(t)
	for _, piece := range []int{1, 2, 5, 1_000} {
		got := audit(t, db, Window{From: noon - minute, To: noon + 59*minute}, piece)
		lost := map[domain.Loss]bool{}
		for _, l := range got.Lost {
			lost[l] = true
		}
		want := map[domain.Loss]bool{loss(jobID(1), noon+3*minute): true, loss(jobID(2), noon+minute): true}
		if diff := cmp.Diff(want, lost); diff != "" {
			t.Errorf("pieces of %d (-want +got):\n%s", piece, diff)
		}
		got.Lost = nil
		equal(t, got, Report{
			From: noon - minute, To: noon + 10*minute, Expected: 22, Succeeded: 6, Failed: 1, Skipped: 10, Missed: 1,
			Unknown: 1, Pending: 1, Late: 1, LostCount: 2, Unexpected: 1,
		})
	}
}

func TestOneJob(t *testing.T) {
	equal(t, audit(t, fullHour(t), Window{From: noon, To: noon + 10*minute, Job: jobID(2)}, 1), Report{
		From: noon, To: noon + 10*minute, Expected: 11, Succeeded: 1, Skipped: 9, LostCount: 1,
		Lost: []domain.Loss{loss(jobID(2), noon+minute)},
	})
}

// What is above W is on its way, and what retention may have dropped is gone.
func TestWindowIsClipped(t *testing.T) {
	db := newStore(t, noon+minute, everyMinute(1))
	above := audit(t, db, Window{From: noon + 2*minute, To: noon + 5*minute}, 10)
	equal(t, above, Report{From: noon + 2*minute, To: noon + minute})

	midnight := noon - 12*60*minute
	got := audit(t, db, Window{From: midnight - 20*60*minute, To: noon, Retention: time.Hour}, 10)
	equal(t, got, Report{From: midnight, To: noon, Expected: 1, LostCount: 1,
		Lost: []domain.Loss{loss(jobID(1), noon)}})
}

// The fires of each version are those of its own time.
func TestEditsAreFollowed(t *testing.T) {
	db := newStore(t, noon+10*minute, everyMinute(1))
	next := everyMinute(1)
	next.Number, next.EffectiveFrom, next.Spec.Schedule = 2, noon+2*minute, "0 */5 * * * *"
	if err := db.Jobs().Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if err := db.Jobs().Delete(t.Context(), next.JobID, 2, noon+9*minute); err != nil {
		t.Fatal(err)
	}
	got := audit(t, db, Window{From: noon, To: noon + 10*minute}, 10)
	equal(t, got, Report{From: noon, To: noon + 10*minute, Expected: 3, LostCount: 3, Lost: []domain.Loss{
		loss(jobID(1), noon), loss(jobID(1), noon+minute), {JobID: jobID(1), ScheduledAt: noon + 5*minute, Version: 2},
	}})
}

func TestListIsCapped(t *testing.T) {
	v := everyMinute(1)
	v.Spec.Schedule = "* * * * * *"
	got := audit(t, newStore(t, noon+2_000_000, v), Window{From: noon, To: noon + 1_999_000}, 10)
	if got.LostCount != 2_000 || len(got.Lost) != MaxLost {
		t.Errorf("%d lost, %d named", got.LostCount, len(got.Lost))
	}
}

func TestWrongWindows(t *testing.T) {
	db := newStore(t, noon)
	for _, w := range []Window{{From: noon, To: noon - 1}, {From: noon - MaxWindow.Milliseconds() - 1, To: noon}} {
		if _, err := Run(t.Context(), db, fixed{}, w); domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("%+v: error %v", w, err)
		}
	}
}

// What cannot be read is an error, never a good report.
func TestFaultsAreErrors(t *testing.T) {
	for _, method := range []string{"Shards.Peek", "Ledger.OpenRuns", "Ledger.Facts", "Ledger.Ranges",
		"Jobs.Timeline"} {
		db := faulty.New(fullHour(t), 1)
		db.Add(faulty.Rule{Method: method})
		if _, err := Run(t.Context(), db, fixed{}, Window{From: noon, To: noon + minute}); !errors.Is(err,
			faulty.ErrInjected) {
			t.Errorf("%s: error %v", method, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, fullHour(t), fixed{}, Window{From: noon, To: noon + minute}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("after the end of the context: error %v", err)
	}
}
