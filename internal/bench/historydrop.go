package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	dropLead  = 3 * time.Second // of writing and reading before a day is dropped,
	dropTail  = time.Second     // and after
	dropPause = 5 * time.Millisecond
)

// HistoryDrop is how long dropping the oldest day took, and how long commits of 1,000
// rows and reads took in the meantime.
type HistoryDrop struct {
	Rows   int64     `json:"rows"`
	Bytes  int64     `json:"bytes"`
	Ms     float64   `json:"ms"`
	Before StoreLoad `json:"before"` // the seconds before it
	During StoreLoad `json:"during"` // while it ran, and the second after
}

// StoreLoad has the commits and reads of a period of time.
type StoreLoad struct {
	Commits         int64   `json:"commits"`
	Reads           int64   `json:"reads"`
	LongestCommitMs float64 `json:"longestCommitMs"`
	LongestReadMs   float64 `json:"longestReadMs"`
}

// drop drops the oldest day while others write and read.
func (r *historyRun) drop(ctx context.Context) (err error) {
	info, err := os.Stat(r.firstDay())
	if errors.Is(err, os.ErrNotExist) { // an earlier run has done it
		return nil
	} else if err != nil {
		return err
	}
	out := HistoryDrop{Rows: r.crowd.perDay, Bytes: info.Size()}
	var dropping atomic.Bool
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, 2)
	batch := make([]domain.Execution, recordBatch)
	all.Go(func() {
		failed <- r.traffic(ctx, &dropping, func() error {
			r.crowd.fill(batch)
			return r.store.Ledger().Record(ctx, store.Batch{Facts: batch})
		}, func(late bool, ms float64) { out.phase(late).commit(ms) })
	})
	var reads HistoryDrop // a tally of its own: the two run at the same time
	all.Go(func() {
		failed <- r.traffic(ctx, &dropping, func() error {
			_, err := r.store.History().ByJob(ctx, r.crowd.versions[0].JobID, store.Page{Limit: 20})
			return err
		}, func(late bool, ms float64) { reads.phase(late).read(ms) })
	})
	clock.Wait(ctx, dropLead)
	dropping.Store(true)
	mark := r.cfg.Clock.Mark()
	gone, err := r.store.History().Expire(ctx, crowdStart.AddDate(0, 0, 1).UnixMilli())
	out.Ms = millis(r.cfg.Clock.Elapsed(mark))
	clock.Wait(ctx, dropTail)
	cancel()
	all.Wait()
	if err = errors.Join(err, <-failed, <-failed); err != nil {
		return err
	}
	if gone != 1 {
		return fmt.Errorf("%d days were dropped, want 1", gone)
	}
	out.Before.addReads(reads.Before)
	out.During.addReads(reads.During)
	r.out.Drop = &out
	r.say("a day of %d rows dropped in %.0f ms; longest commit %.0f ms, before %.0f ms", out.Rows, out.Ms,
		out.During.LongestCommitMs, out.Before.LongestCommitMs)
	return nil
}

func (d *HistoryDrop) phase(late bool) *StoreLoad {
	if late {
		return &d.During
	}
	return &d.Before
}

func (t *StoreLoad) commit(ms float64) {
	t.Commits, t.LongestCommitMs = t.Commits+1, max(t.LongestCommitMs, ms)
}
func (t *StoreLoad) read(ms float64) { t.Reads, t.LongestReadMs = t.Reads+1, max(t.LongestReadMs, ms) }

func (t *StoreLoad) addReads(from StoreLoad) {
	t.Reads, t.LongestReadMs = from.Reads, from.LongestReadMs
}

// traffic repeats an operation until the context ends. An operation that has not ended
// when the drop begins counts as part of the drop.
func (r *historyRun) traffic(ctx context.Context, dropping *atomic.Bool, do func() error,
	note func(late bool, ms float64)) error {
	for ctx.Err() == nil {
		mark := r.cfg.Clock.Mark()
		err := do()
		took := r.cfg.Clock.Elapsed(mark)
		if err == nil {
			note(dropping.Load(), millis(took))
		} else if ctx.Err() == nil { // what the end interrupts does not count
			return err
		}
		clock.Wait(ctx, dropPause)
	}
	return nil
}
