package audit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func newAuditor(t *testing.T, db store.Store, log *bytes.Buffer) *Auditor {
	t.Helper()
	a, err := New(Config{
		Store: db, Clock: fixed{}, Metrics: telemetry.NewMetrics(), Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Each lost fire is counted and reported once, however many windows it is in; one
// line for each job.
func TestLossesAreToldOnce(t *testing.T) {
	var log bytes.Buffer
	db := newStore(t, noon+2*minute, everyMinute(1), everyMinute(2))
	record(t, db, store.Batch{Facts: []domain.Execution{
		fact(1, noon, domain.StatusSuccess), fact(1, noon+2*minute, domain.StatusSuccess),
	}})
	a := newAuditor(t, db, &log)
	round := func(want, total int) {
		t.Helper()
		found, err := a.runOnce(t.Context())
		if got := testutil.ToFloat64(a.Metrics.LostFires); err != nil || len(found) != want || got != float64(total) {
			t.Fatalf("found %v, want %d; counted %v, want %d; error %v", found, want, got, total, err)
		}
	}
	round(4, 4)
	round(0, 4)
	for n := byte(1); n <= 2; n++ {
		if lines := strings.Count(log.String(), jobID(n).String()); lines != 1 {
			t.Errorf("%d lines name job %d:\n%s", lines, n, log.String())
		}
	}
	if err := db.Shards().ResetWatermark(t.Context(), noon+4*minute); err != nil {
		t.Fatal(err)
	}
	round(4, 8) // the two minutes that have come, of both jobs
	if err := db.Shards().ResetWatermark(t.Context(), noon+30*minute); err != nil {
		t.Fatal(err)
	}
	round(12, 20)               // minutes 25 to 30; the others have left the window
	a = newAuditor(t, db, &log) // after a restart nothing is reported again
	round(0, 0)
	alerts, err := db.Alerts().List(t.Context(), store.AlertPage{Limit: 9})
	if err != nil || len(alerts) != 2 || !alerts[0].Lost || alerts[0].Count != 11 || alerts[1].Count != 9 {
		t.Errorf("alerts %+v, %v; want one of 11 fires of job 2 and one of 9 of job 1", alerts, err)
	}
}

func TestNothingIsLostBeforeTheFirstStart(t *testing.T) {
	var log bytes.Buffer
	if found, err := newAuditor(t, newStore(t, 0, everyMinute(1)), &log).runOnce(t.Context()); len(found) > 0 ||
		err != nil {
		t.Errorf("found %v, error %v", found, err)
	}
}

// A server that has just started has other things to do.
func TestTheFirstRoundWaitsForItsTime(t *testing.T) {
	db := faulty.New(newStore(t, noon, everyMinute(1)), 1)
	db.Add(faulty.Rule{Method: "Shards.Peek"})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go newAuditor(t, db, new(bytes.Buffer)).Run(ctx)
		time.Sleep(defaultEvery - time.Second)
		synctest.Wait()
		if n := db.Count("Shards.Peek").Calls; n != 0 {
			t.Errorf("%d rounds before their time", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := db.Count("Shards.Peek").Calls; n != 1 {
			t.Errorf("%d rounds after a minute", n)
		}
	})
}

// A failed round is reported, and the next one is tried.
func TestRoundsGoOnAfterAFault(t *testing.T) {
	var log bytes.Buffer
	db := faulty.New(newStore(t, noon+minute, everyMinute(1)), 1)
	db.Add(faulty.Rule{Method: "Ledger.Facts", Times: 1})
	a := newAuditor(t, db, &log)
	a.Every = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	for testutil.ToFloat64(a.Metrics.LostFires) < 2 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	if !strings.Contains(log.String(), "could not be audited") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestWrongConfig(t *testing.T) {
	good := Config{Store: faulty.New(nil, 1), Clock: fixed{}, Metrics: telemetry.NewMetrics(),
		Log: slog.New(slog.DiscardHandler)}
	for _, change := range []func(*Config){
		func(c *Config) { c.Store = nil }, func(c *Config) { c.Log = nil }, func(c *Config) { c.Every = -1 },
		func(c *Config) { c.Span = MaxWindow + 1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(errors.Unwrap(err), err)
	}
}
