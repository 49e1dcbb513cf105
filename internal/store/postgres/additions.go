package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	// addUpEach is after how many transactions that record a process adds up. That takes a millisecond of PostgreSQL's
	// processor, so 5 us a transaction; as many rows, of some 100 bytes, are read by who reads counters or series: that
	// takes 0.2 ms.
	addUpEach = 200
	// addUpWithin bounds it.
	addUpWithin = 10 * time.Second
)

// sums are what facts add to the counters and to the series.
type sums struct {
	counts counts
	points domain.Points // by minutes
}

func sumsOf(facts []*domain.Execution) (s sums, err error) {
	s.counts = make(counts)
	for _, e := range facts {
		if err := s.counts.add(e); err != nil {
			return s, err
		}
		s.points.Add(e, domain.StepMinute)
	}
	return s, nil
}

func (s *sums) none() bool { return len(s.counts) == 0 && len(s.points) == 0 }

// merge adds other sums.
func (s *sums) merge(other *sums) {
	for k, n := range other.counts {
		sum := s.counts[k]
		s.counts[k] = counter{sum.fires + n.fires, sum.durationMs + n.durationMs, sum.timed + n.timed}
	}
	for i := range other.points {
		s.points.At(other.points[i].At).Merge(&other.points[i])
	}
}

// body returns the form in which sums are stored: numbers as varints.
//
//	counters, for each: minute status fires duration timed
//	points, for each: at success failed skipped missed unknown retries drift_max duration_max
//	                  buckets of drift, for each: fires; the same of duration
func (s *sums) body() []byte {
	b := make([]byte, 0, 256)
	put := func(numbers ...int64) {
		for _, n := range numbers {
			b = binary.AppendVarint(b, n)
		}
	}
	put(int64(len(s.counts)))
	for _, k := range s.counts.keys() {
		n := s.counts[k]
		put(k.minute, int64(k.status), n.fires, n.durationMs, n.timed)
	}
	put(int64(len(s.points)))
	for i := range s.points {
		p := &s.points[i]
		put(p.At, p.Success, p.Failed, p.Skipped, p.Missed, p.Unknown, p.Retries, p.DriftMax, p.DurationMax)
		for _, h := range []domain.Histogram{p.Drift, p.Duration} {
			put(int64(len(h)))
			put(h...)
		}
	}
	return b
}

// errNoSums says that a body is none that this program has written.
var errNoSums = errors.New("a row of the table addition cannot be read")

// sumsIn reads a body.
func sumsIn(body []byte) (s sums, err error) {
	s.counts = make(counts)
	next := func() int64 {
		n, size := binary.Varint(body)
		if size <= 0 {
			err, body = errNoSums, nil
			return 0
		}
		body = body[size:]
		return n
	}
	for range next() {
		k := counterKey{minute: next(), status: int16(next())} //nolint:gosec // it was one
		s.counts[k] = counter{fires: next(), durationMs: next(), timed: next()}
		if err != nil {
			return s, err
		}
	}
	for range next() {
		p := domain.Point{
			At: next(), Success: next(), Failed: next(), Skipped: next(), Missed: next(), Unknown: next(), Retries: next(),
			DriftMax: next(), DurationMax: next(),
		}
		for _, h := range []*domain.Histogram{&p.Drift, &p.Duration} {
			buckets := next()
			if buckets < 0 || buckets > domain.Buckets {
				return s, errNoSums
			}
			for i := range int(buckets) {
				h.AddTo(i, next())
			}
		}
		if err != nil {
			return s, err
		}
		s.points = append(s.points, p)
	}
	if err == nil && len(body) > 0 {
		err = errNoSums
	}
	return s, err
}

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

// close ends what goes on in the background.
func (a *additions) close() {
	a.stop()
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

// scan adds a row that has a body alone.
func (s *sums) scan(r pgx.Rows) error {
	var body []byte
	if err := r.Scan(&body); err != nil {
		return err
	}
	return s.mergeBody(body)
}

func (s *sums) mergeBody(body []byte) error {
	one, err := sumsIn(body)
	if err == nil {
		s.merge(&one)
	}
	return err
}
