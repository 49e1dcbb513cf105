package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

// ByJob implements store.History. See package byjob. Files that can have neither a fire of the job nor a
// trigger or summary of it are not read.
func (h *history) ByJob(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	versions, err := h.jobs.Versions(ctx, id, store.TimingOnly)
	if err != nil {
		return nil, err
	}
	w := byjob.New(id, versions, page)
	if page.Before != (domain.FireKey{}) {
		summary, err := h.summaryOver(ctx, id, w.Below())
		if err != nil {
			return nil, fault("read the history", err)
		}
		w.Begin(summary)
	}
	for _, d := range h.days.downFrom(dayOf(w.Top().ScheduledAt)) {
		if w.Ended() {
			break
		}
		if !h.irregular.mayHave(d, id) {
			if !w.FiresIn(d.start()) {
				continue
			}
		}
		err := h.days.read(ctx, d, func(c *conn) error { return w.Day(dayFacts{c, d}) })
		if err != nil {
			return nil, fault("read the history", err)
		}
	}
	return w.Found(), nil
}

const selectSummary = `
SELECT missed_from, missed_count FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(? AS BLOB) AND scheduled_at >= ? AND missed_count > 0
 ORDER BY scheduled_at LIMIT 1`

// summaryOver returns the MISSED summary that covers the fires right below
// an instant, or nil: a page may begin in the middle of one.
func (h *history) summaryOver(ctx context.Context, id domain.JobID, below int64) (*byjob.Span, error) {
	var next *byjob.Span // the first summary at or after the instant
	for _, d := range h.days.all() {
		if d.end() <= below || next != nil || !h.irregular.mayHave(d, id) {
			continue
		}
		err := h.days.read(ctx, d, func(c *conn) error {
			return c.query(selectSummary, func(s *sqlite.Stmt) error {
				next = &byjob.Span{From: s.ColumnInt64(0), Count: s.ColumnInt64(1)}
				return nil
			}, id, below)
		})
		if err != nil {
			return nil, err
		}
	}
	if next == nil || next.From >= below {
		return nil, nil
	}
	return next, nil
}

// dayFacts implements byjob.Day with the file of a day.
type dayFacts struct {
	c *conn
	d day
}

// Start implements byjob.Day.
func (f dayFacts) Start() int64 { return f.d.start() }

// Fact implements byjob.Day. A look by key costs so little that none is made ahead.
func (f dayFacts) Fact(id domain.JobID, at int64, _ func(int) []int64) (*domain.Execution, error) {
	return readFact(f.c, domain.FireKey{JobID: id, ScheduledAt: at})
}

// Before implements byjob.Day.
func (f dayFacts) Before(at int64) (int64, error) {
	return f.c.number(`SELECT max(scheduled_at) FROM execution WHERE scheduled_at < ?`, at)
}

const selectIrregular = `
SELECT ` + executionColumns + ` FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(? AS BLOB) AND (scheduled_at, nonce) < (?, ?)
 ORDER BY scheduled_at DESC, nonce DESC LIMIT 0 + ?`

// Irregular implements byjob.Day.
func (f dayFacts) Irregular(id domain.JobID, page store.Page) (rows []domain.Execution, err error) {
	read := store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}
	err = f.c.query(selectIrregular, func(s *sqlite.Stmt) error {
		if read.Full() {
			return errFull
		}
		e := columnsExecution(s)
		rows = append(rows, e)
		read.Add(e.Size())
		return nil
	}, id, page.Before.ScheduledAt, page.Before.Nonce, page.Limit)
	if errors.Is(err, errFull) {
		err = nil
	}
	return rows, err
}

const (
	selectSearch = `
SELECT scheduled_at FROM (
       SELECT scheduled_at, job_id, nonce FROM execution WHERE scheduled_at >= ? AND scheduled_at < ?
       ORDER BY scheduled_at DESC LIMIT 0 + ?)
 WHERE job_id = CAST(? AS BLOB) AND nonce = 0 LIMIT 1`

	selectSearched = `SELECT scheduled_at FROM execution WHERE scheduled_at >= ? AND scheduled_at < ? ORDER BY ` +
		`scheduled_at DESC LIMIT 1 OFFSET ?`
)

// Search implements byjob.Day.
func (f dayFacts) Search(id domain.JobID, from, below int64) (at int64, found bool, next int64, err error) {
	err = f.c.query(selectSearch, func(s *sqlite.Stmt) error {
		at, found = s.ColumnInt64(0), true
		return nil
	}, from, below, byjob.SearchRows, id)
	if err == nil && !found {
		next, err = f.c.number(selectSearched, from, below, byjob.SearchRows-1)
	}
	return at, found, next, err
}
