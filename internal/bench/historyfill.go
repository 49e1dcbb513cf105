package bench

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

const (
	recordBatch   = 1_000 // as the recorder commits
	insertWindows = 20    // parts of a fill whose rate is reported
)

// History has the figures of a store with that many executions on record.
type History struct {
	Rows        int64        `json:"rows"`
	Days        int          `json:"days"`
	Jobs        int          `json:"jobs"`
	Bytes       int64        `json:"bytes"` // of all history files
	BytesPerRow float64      `json:"bytesPerRow"`
	OpenMs      float64      `json:"openMs"` // opening the store
	Inserts     []Insert     `json:"inserts,omitempty"`
	Queries     []Query      `json:"queries"`
	Export      *ExportRate  `json:"export,omitempty"`
	Drop        *HistoryDrop `json:"drop,omitempty"`
}

// Insert is the rate of a part of the fill: batches of 1,000, each durable. The time
// between batches is not counted.
type Insert struct {
	Before    int64   `json:"before"` // rows on record when it began
	Rows      int64   `json:"rows"`
	PerSecond float64 `json:"perSecond"`
	// of this process for each row, making it up included; says more on a busy machine
	CPUMicros float64 `json:"cpuMicros"`
}

// HistorySize is how much history is generated.
type HistorySize struct {
	Rows    int64
	Days    int
	Queries int  // of each kind
	Keep    bool // leave it in the folder, and go on with what is there
}

// historyRun is a history under measurement.
type historyRun struct {
	*environment
	size   HistorySize
	folder string
	crowd  *crowd
	store  *sqlite.Store
	kept   int64 // executions on record
	out    History
}

func (r *historyRun) open(ctx context.Context) (err error) {
	mark := r.cfg.Clock.Mark()
	r.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(r.folder, "jobs.db"), Clock: r.cfg.Clock})
	r.out.OpenMs = millis(r.cfg.Clock.Elapsed(mark))
	return err
}

func (r *historyRun) close() error {
	if r.store == nil {
		return nil
	}
	err := r.store.Close()
	r.store = nil
	return err
}

func (r *historyRun) closed(context.Context) error { return r.close() }

// fill registers the jobs and records their executions, from where an earlier
// run has ended.
func (r *historyRun) fill(ctx context.Context) error {
	for rest := r.crowd.versions; len(rest) > 0; {
		n := min(len(rest), recordBatch)
		if err := r.store.Jobs().Create(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	totals, err := r.store.History().Totals(ctx, 0)
	if err != nil {
		return err
	}
	var done int64
	for _, n := range totals.ByStatus {
		done += n
	}
	done -= done % recordBatch // a batch over midnight is two commits; to repeat one changes nothing
	r.crowd.skip(done)         // more than is wanted: an earlier run went on while it dropped a day
	window := max(recordBatch, r.size.Rows/insertWindows)
	for done < r.size.Rows {
		n := min(window, r.size.Rows-done)
		cpu := used(os.Getpid()).cpu
		took, err := r.record(ctx, n)
		if err != nil {
			return err
		}
		cpu = used(os.Getpid()).cpu - cpu
		got := Insert{Before: done, Rows: n, PerSecond: float64(n) / took.Seconds(),
			CPUMicros: float64(cpu.Microseconds()) / float64(n)}
		r.out.Inserts = append(r.out.Inserts, got)
		r.say("%d rows: %.0f more at %.0f a second", done, float64(n), got.PerSecond)
		done += n
	}
	r.kept = done
	if _, err := os.Stat(r.firstDay()); errors.Is(err, fs.ErrNotExist) { // an earlier run has dropped it
		r.kept -= r.crowd.perDay
	}
	return nil
}

// firstDay is the file of the oldest day.
func (r *historyRun) firstDay() string {
	return filepath.Join(r.folder, "history", crowdStart.Format(time.DateOnly)+".db")
}

// record commits so many rows and returns how long the commits took.
func (r *historyRun) record(ctx context.Context, rows int64) (took time.Duration, err error) {
	batch := make([]domain.Execution, recordBatch)
	for ; rows > 0; rows -= int64(len(batch)) {
		batch = batch[:min(rows, recordBatch)]
		r.crowd.fill(batch)
		mark := r.cfg.Clock.Mark()
		if err := r.store.Ledger().Record(ctx, store.Batch{Facts: batch}); err != nil {
			return took, err
		}
		took += r.cfg.Clock.Elapsed(mark)
	}
	return took, nil
}

// measureSize adds up the history files. The store is closed: nothing is left
// in logs.
func (r *historyRun) measureSize(context.Context) error {
	err := filepath.WalkDir(filepath.Join(r.folder, "history"), func(_ string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() {
			return err
		}
		info, err := f.Info()
		if err == nil {
			r.out.Bytes += info.Size()
		}
		return err
	})
	r.out.BytesPerRow = float64(r.out.Bytes) / float64(r.kept)
	r.say("%.1f bytes a row", r.out.BytesPerRow)
	return err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1_000 }
