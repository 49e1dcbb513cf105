package sqlite

import (
	"context"
	"errors"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// streamPiece is how many facts are read in one go: some 3 ms, for which a
	// file is lent.
	streamPiece = 1_000
	// streamBytes ends a piece too: executions with many attempts take up to 100 KiB each.
	streamBytes = 512 << 10
	// streamPieces are in memory at a time: one is read while fn has the other.
	streamPieces = 2
)

const selectStream = `
SELECT ` + executionColumns + ` FROM execution
 WHERE (scheduled_at, job_id, nonce) > (?, ?, ?) AND scheduled_at < ?
 ORDER BY scheduled_at, job_id, nonce LIMIT 0 + ?`

// stream is one call of Stream.
type stream struct {
	history *history
	after   domain.FireKey // the last that was read
	at      int64          // all before it was read
	to      int64
	kept    int64 // how far the history was dropped when it began
	free    chan []domain.Execution
	read    chan []domain.Execution
}

// Stream implements store.History. It reads ahead by a piece, so that reading
// and what fn does take place at the same time. No transaction is open between
// pieces: a slow reader of the stream keeps neither the log from being emptied
// nor a day from being dropped.
func (h *history) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	kept, err := h.db.dropped(ctx)
	if err == nil {
		err = h.days.whole(from, to-1)
	}
	if err != nil {
		return err
	}
	s := &stream{
		history: h, after: domain.FireKey{ScheduledAt: from, Nonce: math.MinInt64}, at: from, to: to, kept: kept,
		free: make(chan []domain.Execution, streamPieces), read: make(chan []domain.Execution),
	}
	for range streamPieces {
		s.free <- make([]domain.Execution, 0, streamPiece)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer close(s.read)
		err = s.run(ctx)
	}()
	for piece := range s.read {
		if refused := fn(piece); refused != nil {
			cancel()
			for range s.read { // until the goroutine has ended
			}
			return refused
		}
		s.free <- piece
	}
	return fault("read the history", err)
}

// run reads the files of the window. It looks for the next one when it is done
// with one: there may be a new day by then.
func (s *stream) run(ctx context.Context) error {
	for d, ok := s.history.days.next(dayOf(s.at)); ok && d.start() < s.to; d, ok = s.history.days.next(d + 1) {
		for more := true; more; {
			var err error
			if more, err = s.piece(ctx, d); err != nil {
				return err
			}
		}
		s.at = d.end()
	}
	return s.whole(ctx)
}

// piece reads the next facts of a file and hands them over. It returns whether
// there may be more.
func (s *stream) piece(ctx context.Context, d day) (more bool, err error) {
	var piece []domain.Execution
	select {
	case piece = <-s.free:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	piece = piece[:0]
	read := store.Meter{Rows: streamPiece, Bytes: streamBytes}
	err = s.history.days.read(ctx, d, func(c *conn) error {
		return c.query(selectStream, func(stmt *sqlite.Stmt) error {
			if read.Full() {
				return errFull
			}
			s.history.pace.Step(len(piece))
			e := columnsExecution(stmt)
			piece = append(piece, e)
			read.Add(e.Size())
			return nil
		}, s.after.ScheduledAt, s.after.JobID, s.after.Nonce, s.to, streamPiece)
	})
	if err == nil || errors.Is(err, errFull) {
		err = s.whole(ctx)
	}
	if err != nil || len(piece) == 0 {
		s.free <- piece
		return false, err
	}
	s.after = piece[len(piece)-1].FireKey
	s.at = s.after.ScheduledAt
	select {
	case s.read <- piece:
		return read.Full(), nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// whole returns an error when Expire has dropped what was still to come. It
// says how far it drops before it does.
func (s *stream) whole(ctx context.Context) error {
	kept, err := s.history.db.dropped(ctx)
	if err == nil && kept > s.kept && s.at < min(kept, s.to) {
		return domain.Unavailable(nil, "the history was dropped while it was read: begin again")
	}
	return err
}
