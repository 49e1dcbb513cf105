//go:build unix

package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// lockRow locks the row of a shard as a person does who has forgotten a transaction. release ends it.
func lockRow(t *testing.T, url string, number int) (release func()) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	tx, err := c.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `SELECT * FROM shard WHERE number = $1 FOR UPDATE`, number)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func numbersOf(shards []store.Shard) (numbers []int) {
	for i := range shards {
		numbers = append(numbers, shards[i].Number)
	}
	return numbers
}

// A session that has locked the row of one shard keeps the leases of the others from nothing.
func TestALockedRowCostsOneShard(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, url)
	rows, err := s.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release := lockRow(t, url, 5)
	claimed, err := s.Shards().Claim(t.Context(), 7, store.ClaimsOf(rows[3:8]))
	if err != nil || !slices.Equal(numbersOf(claimed), []int{3, 4, 6, 7}) {
		t.Fatalf("of shards 3 to 7, of which 5 is locked, %v were claimed, error %v", numbersOf(claimed), err)
	}
	release()
	more, err := s.Shards().Claim(t.Context(), 7, store.ClaimsOf(rows[5:6]))
	if err != nil || len(more) != 1 {
		t.Fatalf("claimed %v, error %v", more, err)
	}
	release = lockRow(t, url, 6)
	var beats []store.Beat
	began := time.Now()
	for _, sh := range append(claimed, more...) {
		beats = append(beats, store.Beat{Number: sh.Number, Lease: sh.Lease, Clock: sh.Clock + anHour,
			Last: sh.Progress()})
	}
	held, err := s.Shards().Beat(t.Context(), beats, 3_000)
	if !slices.Equal(numbersOf(held), []int{3, 4, 7, 5}) || !slices.Equal(store.BusyShards(err), []int{6}) {
		t.Errorf("with shard 6 locked, the beat has renewed %v, error %v", numbersOf(held), err)
	}
	// It waits for the row for half a second, and the rest is the machine. A beat that waited until the row is
	// released would not end here.
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the beat took %s", took)
	}
	for _, sh := range held {
		if sh.Horizon < sh.Clock+2_000 {
			t.Errorf("shard %d: H is %d ms ahead", sh.Number, sh.Horizon-sh.Clock)
		}
	}
	if err := s.Shards().Release(t.Context(), beats, 3_000); err == nil {
		t.Error("a shard whose row is locked was released")
	}
	release()
	held, err = s.Shards().Beat(t.Context(), beats, 3_000)
	if err != nil || len(held) != 5 {
		t.Errorf("after the lock %v were renewed, error %v", numbersOf(held), err)
	}
	if err := s.Shards().Release(t.Context(), beats, 3_000); err != nil {
		t.Error(err)
	}
}
