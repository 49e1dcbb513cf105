package bench

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

// recorder commits a row for each request of the bare loop, in groups, to a store like
// the server's. Together with the bare loop it does all that a scheduler does, except
// scheduling.
type recorder struct {
	ledger store.Ledger
	clk    clock.Clock

	mu      sync.Mutex
	pending []domain.Execution
	err     error
}

const (
	recordLinger = 5 * time.Millisecond
	recordMost   = 4_000
)

// recorded sends requests for a while, and records each of them in a database in the
// folder, which is removed afterwards.
func (b bareClient) recorded(ctx context.Context, folder string, d time.Duration) (out Bare, err error) {
	db, err := sqlite.Open(ctx, sqlite.Config{
		Path: filepath.Join(folder, "jobs.db"), Clock: b.clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close(), os.RemoveAll(folder)) }()
	r := &recorder{ledger: db.Ledger(), clk: b.clock}
	job := domain.NewJobID(clock.NowMs(r.clk))
	running, stop := context.WithCancel(ctx)
	var flusher sync.WaitGroup
	flusher.Go(func() { r.run(running) })
	out, err = b.run(ctx, d, func(n int64) { r.add(job, n) })
	stop()
	flusher.Wait()
	return out, errors.Join(err, r.err)
}

// add records the n-th request, which is an execution of its own.
func (r *recorder) add(job domain.JobID, n int64) {
	now := clock.NowMs(r.clk)
	x := domain.Execution{
		FireKey: domain.FireKey{JobID: job, ScheduledAt: now, Nonce: n}, Version: 1, Status: domain.StatusSuccess,
		StartedAt: now, CompletedAt: now, HTTPStatus: 200,
	}
	r.mu.Lock()
	r.pending = append(r.pending, x)
	r.mu.Unlock()
}

func (r *recorder) run(ctx context.Context) {
	var spare []domain.Execution
	for {
		going := clock.Wait(ctx, recordLinger)
		r.mu.Lock()
		batch := r.pending
		r.pending = spare[:0]
		r.mu.Unlock()
		spare = batch
		for part := batch; len(part) > 0; {
			n := min(len(part), recordMost)
			if err := r.ledger.Record(context.WithoutCancel(ctx), store.Batch{Facts: part[:n]}); err != nil {
				r.err = err
				return
			}
			part = part[n:]
		}
		if !going {
			return
		}
	}
}
