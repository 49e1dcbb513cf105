package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// addUpEach is after how many transactions that record a process adds up. That takes a millisecond of PostgreSQL's
	// processor, so 5 us a transaction; as many rows, of some 100 bytes, are read by who reads counters or series: that
	// takes 0.2 ms.
	addUpEach = 200
	// addUpWithin bounds it.
	addUpWithin = 10 * time.Second
)

// additions keep what was recorded in the table addition until it is added to the counters and to the series.
//
//	transaction ── facts, a row of addition ──┐
//	transaction ── facts, a row of addition ──┤ in one transaction
//	transaction ── facts, a row of addition ──┴──► rows of counter and series, of this process
//
// A row and the facts that it sums up are committed together, and a reader has the rows and what they were added to of
// one snapshot. So a crash changes no sum, and none is too small or too large for a moment.
type additions struct {
	edit   *pgxpool.Pool
	log    *slog.Logger
	writer int32 // of the counters and the series

	background sync.WaitGroup
	ctx        context.Context
	stop       context.CancelFunc

	mu     sync.Mutex
	rows   int  // that this process has added since it began to add up last
	adding bool // it adds up
}

func newAdditions(edit *pgxpool.Pool, log *slog.Logger, writer int32) *additions {
	a := &additions{edit: edit, log: log, writer: writer}
	a.ctx, a.stop = context.WithCancel(context.Background())
	return a
}

// close ends what goes on in the background. Nothing begins after the stop: see added.
func (a *additions) close() {
	a.mu.Lock()
	a.stop()
	a.mu.Unlock()
	a.background.Wait()
}

const (
	insertAddition = `INSERT INTO addition (body) VALUES ($1) RETURNING (` + selectServer + `)`

	// Of two processes that add up at a time, the second one waits for the first one, and finds no row.
	takeAdditions = `DELETE FROM addition RETURNING body`
)

// queue adds the sums of a transaction, and asks in which server it is.
func (s *sums) queue(b *pgx.Batch, server *int64) {
	read := func(r pgx.Row) error { return r.Scan(server) }
	if s.none() {
		b.Queue(selectServer).QueryRow(read)
		return
	}
	b.Queue(insertAddition, s.body()).QueryRow(read)
}

// added notes that a transaction was committed that records, and adds up from time to time.
func (a *additions) added() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows++
	if a.rows < addUpEach || a.adding || a.ctx.Err() != nil {
		return
	}
	a.rows, a.adding = 0, true
	a.background.Go(func() {
		ctx, cancel := context.WithTimeout(a.ctx, addUpWithin)
		defer cancel()
		if err := a.addUp(ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("what was recorded is not added up yet: charts and counters are read more slowly", "error", err)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.adding = false
	})
}

// addUp adds all rows that there are to the counters and to the series.
func (a *additions) addUp(ctx context.Context) error {
	return transact(ctx, a.edit, func(tx pgx.Tx) error { return a.addUpIn(ctx, tx) })
}

func (a *additions) addUpIn(ctx context.Context, tx pgx.Tx) error {
	all := sums{counts: make(counts)}
	err := each(ctx, tx, all.scan, takeAdditions)
	if err != nil || all.none() {
		return err
	}
	b := new(pgx.Batch)
	all.counts.queue(b, a.writer)
	queuePoints(b, a.writer, all.points)
	return tx.SendBatch(ctx, b).Close()
}
