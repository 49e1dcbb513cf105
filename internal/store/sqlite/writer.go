package sqlite

import (
	"context"
	"errors"
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

// Limits of the writer of the jobs database.
const (
	// maxGroup bounds the operations of one transaction, and with
	// maxGroupRows how long a beat that comes in the meantime waits: some
	// 20 us a row.
	maxGroup     = 512
	maxGroupRows = 4_000
	queueLength  = 4 * maxGroup
)

// operation is a write to the jobs database.
type operation struct {
	ctx  context.Context
	rows int // roughly how many it writes
	// run does the work and returns by how much the number of jobs changed.
	// It runs in the writer's goroutine, maybe after do has returned.
	run   func(*conn) (tally, error)
	delta tally
	err   error
	done  chan struct{}
}

// tally is a number of jobs, or a change of it.
type tally struct{ total, active int64 }

// jobsWriter owns the one writing connection of the jobs database.
//
// Callers queue operations. The writer takes all that are queued, runs each in a
// savepoint of one transaction, commits once and answers all callers. Under load one
// fsync serves many callers; a single caller does not wait for others.
//
//	do ──┐                        ┌─ savepoint, run, release ─┐
//	do ──┼─ queue ──┐             ├─ savepoint, run, release ─┤
//	do ──┘          ├─ group ─ begin                          commit ─ answer all
//	beat ── urgent ─┘             └─ savepoint, run, roll back┘  (that one fails)
type jobsWriter struct {
	id  *identity
	log *slog.Logger
	// readers are those of the same database: see readers.renew, mend.
	readers *readers
	// refuse returns why nothing but a beat is to be written now, or nil.
	refuse func() error
	queue  chan *operation
	urgent chan *operation
	blocks *blocks
	stop   chan struct{}
	ended  chan struct{}

	closeErr error // of the connection, set before ended is closed

	c *conn // nil: to be opened
}

// newJobsWriter returns a writer whose loop the caller starts.
func newJobsWriter(r *readers, log *slog.Logger, refuse func() error) *jobsWriter {
	return &jobsWriter{
		id: r.id, log: log, readers: r, refuse: refuse,
		queue: make(chan *operation, queueLength), urgent: make(chan *operation, queueLength),
		stop: make(chan struct{}), ended: make(chan struct{}), blocks: newBlocks(),
	}
}

// do queues an operation and waits for its commit. When the context ends first
// the operation may still be done.
func (w *jobsWriter) do(ctx context.Context, rows int, run func(*conn) (tally, error)) error {
	if err := w.refuse(); err != nil {
		return err
	}
	return w.submit(w.queue, &operation{ctx: ctx, rows: rows, run: run, done: make(chan struct{})})
}

// doFirst is do, ahead of everything that waits.
func (w *jobsWriter) doFirst(ctx context.Context, run func(*conn) error) error {
	op := &operation{ctx: ctx, rows: 1, done: make(chan struct{})}
	op.run = func(c *conn) (tally, error) { return tally{}, run(c) }
	return w.submit(w.urgent, op)
}

func (w *jobsWriter) submit(to chan *operation, op *operation) error {
	select {
	case to <- op:
	case <-op.ctx.Done():
		return op.ctx.Err()
	case <-w.stop:
		return errClosed
	}
	select {
	case <-op.done:
		return op.err
	case <-op.ctx.Done():
		return op.ctx.Err()
	case <-w.ended:
		return errClosed
	}
}

// close ends the loop after the operations that wait, and closes the file.
func (w *jobsWriter) close() error {
	close(w.stop)
	<-w.ended
	return w.closeErr
}

func (w *jobsWriter) loop() {
	for {
		group := w.next()
		if group == nil {
			break
		}
		w.commit(group)
		failpoint.Hit("sqlite.committed")
		for _, op := range group {
			close(op.done)
		}
	}
	if w.c != nil {
		w.closeErr = w.c.Close()
	}
	close(w.ended)
}

// next waits for operations and returns a group of them, or nil at the end.
func (w *jobsWriter) next() []*operation {
	select {
	case op := <-w.urgent:
		return w.fill(op)
	default:
	}
	select {
	case op := <-w.urgent:
		return w.fill(op)
	case op := <-w.queue:
		return w.fill(op)
	case <-w.stop:
	}
	select {
	case op := <-w.urgent:
		return w.fill(op)
	case op := <-w.queue:
		return w.fill(op)
	default:
		return nil
	}
}

// fill adds what waits already, up to the limits of a group.
func (w *jobsWriter) fill(first *operation) []*operation {
	group, rows := []*operation{first}, first.rows
	for len(group) < maxGroup && rows < maxGroupRows {
		var op *operation
		select {
		case op = <-w.urgent:
		default:
			select {
			case op = <-w.urgent:
			case op = <-w.queue:
			default:
				return group
			}
		}
		group, rows = append(group, op), rows+op.rows
	}
	return group
}

const updateTally = `UPDATE tally SET total = total + ?, active = active + ? WHERE one = 1`

// commit runs a group in one transaction and sets the error of each operation.
func (w *jobsWriter) commit(group []*operation) {
	c, err := w.conn()
	if err == nil {
		err = c.transact(context.Background(), func() error {
			var sum tally
			for _, op := range group {
				if err := runInSavepoint(c, op); err != nil {
					return err
				}
				sum.total += op.delta.total
				sum.active += op.delta.active
			}
			if err := w.blocks.flush(c); err != nil {
				return err
			}
			if sum == (tally{}) {
				return nil
			}
			return c.exec(updateTally, sum.total, sum.active)
		})
	}
	if err == nil {
		return
	}
	w.blocks.drop()
	for _, op := range group {
		if op.err == nil {
			op.err = err
		}
	}
}

// runInSavepoint runs one operation so that its failure undoes only itself. An
// error means that the whole transaction is lost.
func runInSavepoint(c *conn, op *operation) error {
	if op.err = op.ctx.Err(); op.err != nil {
		return nil
	}
	if err := c.exec("SAVEPOINT operation"); err != nil {
		return err
	}
	op.delta, op.err = op.run(c)
	if op.err == nil {
		return c.exec("RELEASE operation")
	}
	op.delta = tally{}
	c.broken = c.broken || breaks(op.err) // the others may commit on it, the next group not
	if c.AutocommitEnabled() {            // SQLite has rolled back everything by itself
		return op.err
	}
	return errors.Join(c.exec("ROLLBACK TO operation"), c.exec("RELEASE operation"))
}

func (w *jobsWriter) conn() (*conn, error) {
	if w.c != nil && w.c.broken {
		_ = w.c.Close()
		w.c = nil
		w.readers.renew()
	}
	if w.id.suspect.Load() {
		if err := mend(w.id, w.readers, &w.c); err != nil {
			return nil, err
		}
	}
	if w.c == nil {
		c, err := openWatched(w.id, writer, w.log)
		if err != nil {
			return nil, err
		}
		w.c = c
	}
	return w.c, nil
}
