//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// counted returns how many successes the counters have, and how many the series of each step.
func counted(ctx context.Context, s store.Store) (all [1 + len(domain.Steps)]int64, err error) {
	totals, err := s.History().Totals(ctx, 0)
	all[0] = totals.ByStatus[domain.StatusSuccess]
	for i, step := range domain.Steps {
		points, failed := s.Series().Points(ctx, step, math.MinInt64, domain.Forever)
		err = errors.Join(err, failed)
		for j := range points {
			all[1+i] += points[j].Success
			if n := points[j].Drift.Count(); n != points[j].Success {
				err = errors.Join(err, errors.New("a histogram has other facts than its point"))
			}
		}
	}
	return all, err
}

// notAddedUp returns how many rows wait in the table addition.
func notAddedUp(t *testing.T, url string) (n int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM addition").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Two stores record and add up, each also what the other one has recorded. Whoever reads meanwhile finds what was
// acknowledged before, and nothing that was not begun. Rows do not pile up.
func TestSumsAreOfOneSnapshot(t *testing.T) {
	t.Parallel()
	url := database(t)
	stores := []store.Store{open(t, url), open(t, url)}
	const each = 500 // commits of each; 200 of one are added up
	var begun, acknowledged atomic.Int64
	var writers, readers sync.WaitGroup
	for i, s := range stores {
		writers.Go(func() {
			for n := range int64(each) {
				begun.Add(1)
				e := fact(byte(1+i), n*7_000, domain.StatusSuccess)
				if err := s.Ledger().Record(t.Context(), store.Batch{Facts: []domain.Execution{e}}); err != nil {
					t.Error(err)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	ended := make(chan struct{})
	for _, s := range stores {
		readers.Go(func() {
			for {
				least := acknowledged.Load()
				got, err := counted(t.Context(), s)
				most := begun.Load()
				if err != nil {
					t.Error(err)
					return
				}
				for i, n := range got {
					if n < least || n > most {
						t.Errorf("sum %d is %d: %d were recorded before, and %d begun since", i, n, least, most)
						return
					}
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(ended)
	readers.Wait()
	for _, s := range stores {
		if err := s.Close(); err != nil { // what goes on in the background ends
			t.Error(err)
		}
	}
	if n := notAddedUp(t, url); n == 0 || n >= 2*each {
		t.Errorf("%d rows of %d are not added up: what this test is about has not happened", n, 2*each)
	}
	got, err := counted(t.Context(), open(t, url))
	if err != nil || got != [4]int64{2 * each, 2 * each, 2 * each, 2 * each} {
		t.Errorf("sums %v, error %v", got, err)
	}
}

// TestSumsAfterCrashes: whenever the server is killed, sums are those of the facts that are there.
func TestSumsAfterCrashes(t *testing.T) {
	t.Parallel()
	l := newLosing(t)
	facts, n := int64(0), int64(0)
	for range 4 {
		s := open(t, l.url)
		ctx, cancel := context.WithCancel(t.Context())
		var recording sync.WaitGroup
		half := make(chan struct{})
		recording.Go(func() {
			for i := 0; ; i++ {
				e := fact(1, n*11_000, domain.StatusSuccess)
				n++
				if s.Ledger().Record(ctx, store.Batch{Facts: []domain.Execution{e}}) != nil {
					return
				}
				if i == 250 { // the first 200 are being added up, or are
					close(half)
				}
			}
		})
		<-half
		if err := l.End(syscall.SIGQUIT); err != nil {
			t.Fatal(err)
		}
		recording.Wait()
		cancel()
		l.do(t, s.Close, l.Launch)

		after := open(t, l.url)
		facts = 0
		if err := after.Ledger().Facts(t.Context(), store.ShardSet{}, math.MinInt64, domain.Forever,
			func(store.FactRange) error { facts++; return nil }); err != nil {
			t.Fatal(err)
		}
		got, err := counted(t.Context(), after)
		if err != nil || got != [4]int64{facts, facts, facts, facts} || facts < 250 {
			t.Fatalf("%d facts, sums %v, error %v", facts, got, err)
		}
		l.do(t, after.Close)
	}
}
