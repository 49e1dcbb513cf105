//go:build unix

package transfer_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// server makes a place in PostgreSQL, and returns its URL.
func server(t testing.TB) (place, string) {
	t.Helper()
	url := postgrestest.Shared(t).Database(t)
	cfg := postgres.Config{URL: url, EncryptionKeys: []string{seal.NewKey().Reveal()}}
	return place{
		copy: func(t testing.TB, _ bool) *transfer.Database {
			t.Helper()
			db, err := postgres.OpenTransfer(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closed(t, db) })
			return db
		},
		serve: func(t testing.TB) (store.Store, error) {
			t.Helper()
			db, err := postgres.Open(t.Context(), cfg)
			if err == nil {
				t.Cleanup(func() { closed(t, db) })
				return db, nil
			}
			return nil, err
		},
	}, url
}

func execute(t *testing.T, url, script string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if _, err := c.Exec(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

func TestCopyToPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from := files(t)
			to, _ := server(t)
			copies(t, &from, &to, 11, c.clean, c.expired)
		})
	}
}

func TestCopyFromPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from, _ := server(t)
			to := files(t)
			copies(t, &from, &to, 12, c.clean, c.expired)
		})
	}
}

func TestCopyToPostgreSQLGoesOn(t *testing.T) {
	t.Parallel()
	from := files(t)
	to, _ := server(t)
	goesOn(t, &from, &to, false)
}

func TestCopyFromPostgreSQLGoesOn(t *testing.T) {
	t.Parallel()
	from, _ := server(t)
	to := files(t)
	goesOn(t, &from, &to, true)
}

func TestAuditFindsFaultsPlantedInPostgreSQL(t *testing.T) {
	t.Parallel()
	from := files(t)
	from.filled(t, 13, 12, false)
	findsFaults(t, &from, func(t testing.TB) place {
		t.Helper()
		to, _ := server(t)
		return to
	})
}

// TestThereAndBack copies random content from SQLite to PostgreSQL and back.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	for i := range 4 { // with other seeds each time
		seed := rand.Uint64() // in the name of what fails
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			first, last := files(t), files(t)
			between, _ := server(t)
			want, shards := first.filled(t, seed, 4+int(seed%20), i%2 == 0)
			if i%3 == 0 {
				want = first.expired(t)
				want.Minutes = nil
			}
			mustRun(t, &first, &between)
			mustRun(t, &between, &last)
			last.likeSource(t, want, shards)
		})
	}
}

// TestCopyRefusesWhatRuns has servers on a database that is to be copied.
func TestCopyRefusesWhatRuns(t *testing.T) {
	t.Parallel()
	from, url := server(t)
	db := from.open(t)
	if _, err := db.Nodes().Seen(t.Context(), store.Node{Token: 5, Name: "node-5"}); err != nil {
		t.Fatal(err)
	}
	to := files(t)
	if _, err := run(t, &from, &to, nil); err == nil || !strings.Contains(err.Error(), "node-5") {
		t.Errorf("a node is there: %v", err)
	}
	if err := db.Nodes().Remove(t.Context(), 5); err != nil {
		t.Fatal(err)
	}

	rows := peek(t, db)
	claimed, err := db.Shards().Claim(t.Context(), 7, store.ClaimsOf(rows[:1]))
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { // an owner
		sh := claimed[0]
		for clock.Wait(ctx, 50*time.Millisecond) {
			held, err := db.Shards().Beat(t.Context(), []store.Beat{{
				Lease: sh.Lease, Watermark: sh.Watermark, Clock: time.Now().UnixMilli(), Last: sh.Progress(),
			}}, 3_000)
			if err != nil || len(held) != 1 {
				ended <- errors.Join(err, errors.New("the lease is lost"))
				return
			}
			sh = held[0]
		}
		ended <- nil
	}()
	if _, err := run(t, &from, &to, nil); domain.ErrorCode(err) != domain.CodeConflict {
		t.Errorf("an owner is there: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := run(t, &to, &from, nil); domain.ErrorCode(err) != domain.CodeConflict { // a target
		t.Errorf("an owner was there: %v", err)
	}
	mustRun(t, &from, &to) // after it has gone
	execute(t, url, "DELETE FROM move")
}

// TestNobodyClaimsWhatIsCopied has processes that have opened a database before a copy began.
func TestNobodyClaimsWhatIsCopied(t *testing.T) {
	t.Parallel()
	from, _ := server(t)
	to, _ := server(t)
	from.filled(t, 14, 5, true)
	early, earlyTarget := from.open(t), to.open(t)
	refused := func(when string, db store.Store) {
		t.Helper()
		if _, err := db.Shards().Claim(t.Context(), 9, store.ClaimsOf(peek(t, db))); err == nil {
			t.Errorf("%s: a shard was claimed", when)
		}
	}
	source, target := from.copy(t, false), to.copy(t, true)
	_, err := transfer.Run(t.Context(), transfer.EndAt(transfer.Config{From: source, To: target, Clock: clock.System{}},
		func(at string) error {
			switch at {
			case "begun", "filled":
				refused("the copy has begun", earlyTarget)
			case "moved":
				refused("the source was moved", early)
				refused("the target is not free", earlyTarget)
			}
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	refused("after the copy", early)
	own(t, earlyTarget, true)
}

// TestAFrozenOwnerLosesItsLease has an owner of the source that is only frozen: after the copy it
// cannot go on.
func TestAFrozenOwnerLosesItsLease(t *testing.T) {
	t.Parallel()
	from, _ := server(t)
	to := files(t)
	from.filled(t, 15, 5, true)
	db := from.open(t)
	claimed, err := db.Shards().Claim(t.Context(), 7, store.ClaimsOf(peek(t, db)))
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, &from, &to)
	sh := claimed[3]
	held, err := db.Shards().Beat(t.Context(), []store.Beat{{
		Number: sh.Number, Lease: sh.Lease, Watermark: sh.Watermark, Clock: time.Now().UnixMilli(), Last: sh.Progress(),
	}}, 3_000)
	if err != nil || len(held) > 0 {
		t.Errorf("it still holds %v, %v", held, err)
	}
}
