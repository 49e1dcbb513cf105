package app

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// TestKeeperDeletesIdempotencyKeys: records go within a minute after their 24 hours, not
// before, and also while the history cannot be deleted.
func TestKeeperDeletesIdempotencyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := memory.NewDisk(clock.System{}).Open()
		if err != nil {
			t.Fatal(err)
		}
		s := faulty.New(db, 1)
		s.Add(faulty.Rule{Method: "History.Expire", Fault: faulty.FailBefore})
		record := domain.IdempotencyRecord{Caller: domain.AuthorEnv, At: clock.NowMs(clock.System{}) + 1}
		if err := s.Idempotency().Put(t.Context(), record); err != nil {
			t.Fatal(err)
		}
		deletes := func() bool { return true }
		go newKeeper(s, clock.System{}, slog.New(slog.DiscardHandler), time.Hour, deletes).run(t.Context())
		use := func() int64 {
			synctest.Wait()
			_, use, err := s.Idempotency().Find(t.Context(), domain.IdempotencyKey{1}, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			return use.All
		}
		clock.Wait(t.Context(), domain.IdempotencyAge)
		if use() != record.Bytes() {
			t.Error("deleted too early")
		}
		clock.Wait(t.Context(), keepEvery)
		if use() != 0 {
			t.Error("kept for too long")
		}
	})
}
