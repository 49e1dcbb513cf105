//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const dayMs = 24 * 60 * 60_000

// tables returns the tables of days that are attached, in order.
func tables(t *testing.T, url string) (names []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	rows, err := c.Query(t.Context(), `SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relispartition
   AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid AND NOT i.inhdetachpending) ORDER BY 1`)
	if err == nil {
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func expire(t *testing.T, s store.Store, before int64, want int) {
	t.Helper()
	if gone, err := s.History().Expire(t.Context(), before); err != nil || gone != want {
		t.Fatalf("%d days are gone, want %d, error %v", gone, want, err)
	}
}

func recent(t *testing.T, s store.Store) (found []int64) {
	t.Helper()
	all, err := store.Recent(t.Context(), s.History(), store.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		found = append(found, all[i].ScheduledAt)
	}
	return found
}

func record(t *testing.T, s store.Store, facts ...domain.Execution) {
	t.Helper()
	if err := s.Ledger().Record(t.Context(), store.Batch{Facts: facts}); err != nil {
		t.Fatal(err)
	}
}

// TestDaysAreMadeAhead: who records the first fact of a day finds its tables, and the history has the day from
// then on for every process. Days that were not used go without being counted.
func TestDaysAreMadeAhead(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, other := open(t, url), open(t, url)
	now := time.Now().UnixMilli()
	expire(t, s, now-30*dayMs, 0)
	var want []string
	for _, parent := range []string{"execution", "execution_other"} {
		for n := range int64(8) {
			day := time.UnixMilli(now + n*dayMs).UTC().Format("20060102")
			want = append(want, fmt.Sprintf("%s_%s", parent, day))
		}
	}
	if got := tables(t, url); !slices.Equal(got, want) {
		t.Fatalf("tables %v, want %v", got, want)
	}
	expire(t, other, now-30*dayMs, 0) // finds them
	if n := count(t, url, "SELECT count(*) FROM day WHERE used"); n > 0 {
		t.Errorf("%d days are used, and nothing was recorded", n)
	}
	tomorrow := now + dayMs
	record(t, s, fact(1, tomorrow, domain.StatusSuccess))
	record(t, other, fact(2, tomorrow, domain.StatusSuccess), fact(3, tomorrow, domain.StatusFailed))
	for _, reader := range []store.Store{s, other} {
		if got := recent(t, reader); len(got) != 3 {
			t.Errorf("the history has %v", got)
		}
	}
	if got := tables(t, url); !slices.Equal(got, want) {
		t.Errorf("tables %v, want %v", got, want)
	}
	if n := count(t, url, "SELECT count(*) FROM day WHERE used"); n != 1 {
		t.Errorf("%d days are used, want 1", n)
	}
	// The two days after it were never used.
	if err := s.Shards().ResetWatermark(t.Context(), now+30*dayMs); err != nil {
		t.Fatal(err)
	}
	expire(t, s, (now/dayMs+4)*dayMs, 1)
	expire(t, s, (now/dayMs+4)*dayMs, 0)
	has := func(name string) bool { return slices.Contains(tables(t, url), name) }
	if has(want[1]) || has(want[3]) || !has(want[4]) {
		t.Errorf("tables after the fourth day: %v", tables(t, url))
	}
	// A day that is gone begins again, also for the process that knows it as used.
	record(t, other, fact(4, tomorrow, domain.StatusSuccess))
	if got := recent(t, s); len(got) != 1 {
		t.Errorf("after a late fact the history has %v", got)
	}
}

// TestALongReadHoldsUpNobody: a person reads the whole history through its view. Meanwhile a day begins, others
// record, also over new connections, and retention waits. Afterwards the day goes.
func TestALongReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, url)
	now := time.Now().UnixMilli()
	old := now - 10*dayMs
	record(t, s, fact(1, old, domain.StatusSuccess), fact(1, now, domain.StatusSuccess))
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	tx, err := c.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT count(*) FROM executions`)
	}
	if err != nil {
		t.Fatal(err)
	}
	retention, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	expired := make(chan error, 1)
	go func() {
		_, err := s.History().Expire(retention, now-5*dayMs)
		expired <- err
	}()
	// Until retention waits for the reader.
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		waiting := count(t, url, `SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%DETACH%'`)
		if waiting > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("retention does not wait for who reads the day")
		}
	}
	// A process starts and records meanwhile, and not only when retention gives up, which is after 10 s.
	fresh := open(t, url)
	record(t, fresh, fact(2, now, domain.StatusSuccess), fact(2, now+20*dayMs, domain.StatusSuccess))
	select {
	case err := <-expired:
		t.Fatalf("retention has ended before a process has started and recorded: %v", err)
	default:
	}
	giveUp()
	if got := recent(t, fresh); len(got) != 4 {
		t.Errorf("the history has %v", got)
	}
	if err := <-expired; err == nil {
		t.Error("a day was dropped while somebody reads it")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := 0
	repeated(t, func() error {
		n, err := fresh.History().Expire(t.Context(), now-5*dayMs)
		gone += n
		return err
	})
	if got := recent(t, fresh); gone != 1 || len(got) != 3 || slices.Contains(got, old) {
		t.Errorf("%d days are gone, and the history has %v", gone, got)
	}
}
