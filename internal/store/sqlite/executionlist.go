package sqlite

import (
	"context"
	"errors"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// What one call of List may cost, in units of about a microsecond: 50 ms.
const (
	maxExecutionWork = 50_000

	workFact  = 1   // to look at the key and the status of a row
	workRead  = 5   // to read a row by its key
	workDay   = 50  // to borrow the file of a day
	workCount = 400 // to look through the counters of a day

	// irregularMost is how many triggers and summaries of one day are sorted for a page. Where there
	// are more, they are found among all rows.
	irregularMost = 5_000
)

const (
	belowKey = ` (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, job_id DESC, nonce DESC`

	scanFacts  = `SELECT scheduled_at, job_id, nonce, status FROM execution WHERE` + belowKey
	scanFailed = `
SELECT scheduled_at, job_id, nonce, status FROM execution INDEXED BY execution_failed
 WHERE status IN (2, 5) AND` + belowKey
	scanFailedOfJob = `
SELECT scheduled_at, job_id, nonce, status FROM execution INDEXED BY execution_failed_by_job
 WHERE status IN (2, 5) AND job_id = CAST(?5 AS BLOB) AND scheduled_at <= ?1
   AND (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, nonce DESC`
	scanManualOfJob = `
SELECT scheduled_at, job_id, nonce, status FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(?5 AS BLOB) AND scheduled_at <= ?1
   AND (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, nonce DESC`

	selectIrregularKeys = `
SELECT scheduled_at, job_id, nonce, status FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) LIMIT 0 + ?`
)

// List implements store.History. Facts are in the order of their keys, and some kinds of them have
// indexes in the same order; these drive a list. Days that have no fact of the statuses that are
// asked for, as their counters say, are not looked through.
func (h *history) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	l := &executionList{h: h, q: &q, page: q.Collect(), work: maxExecutionWork, top: q.Start()}
	l.last = l.top
	if q.MaxWork > 0 {
		l.work = min(l.work, q.MaxWork*workFact)
	}
	var err error
	switch {
	case q.JobID.IsZero(), q.OnlyFailures(), q.Manual != nil && *q.Manual:
		err = l.days(ctx)
	default:
		err = l.walkJob(ctx)
	}
	switch {
	case errors.Is(err, errFull):
		return l.ended, nil
	case err != nil:
		return store.ExecutionPage{}, fault("read the history", err)
	}
	return l.page.End(), nil
}

// firstJob comes before the ids of all jobs.
var firstJob = domain.JobID{15: 1}

// executionList is one call of List.
type executionList struct {
	h    *history
	q    *store.ExecutionQuery
	page *store.ExecutionCollector

	top   domain.FireKey // the list begins below it
	work  int            // units that are left
	last  domain.FireKey // down to which all was examined
	moved bool           // last is not where the list began any more
	ended store.ExecutionPage
}

// days examines the files of days, newest first.
func (l *executionList) days(ctx context.Context) error {
	for _, d := range l.h.days.downFrom(dayOf(l.top.ScheduledAt)) {
		if d.end() <= l.q.From {
			return nil
		}
		if l.regularOnly(d) {
			continue
		}
		if err := l.spend(workDay); err != nil {
			return err
		}
		err := l.h.days.read(ctx, d, func(c *conn) error { return l.day(c) })
		if err != nil {
			return err
		}
		l.reached(domain.FireKey{ScheduledAt: d.start(), JobID: firstJob}) // a cursor names a job
	}
	return nil
}

// regularOnly reports whether a day has neither triggers nor summaries, and the list is of such.
func (l *executionList) regularOnly(d day) bool {
	if l.q.Manual == nil || !*l.q.Manual {
		return false
	}
	if l.q.JobID.IsZero() {
		return !l.h.irregular.mayHaveAny(d)
	}
	return !l.h.irregular.mayHave(d, l.q.JobID)
}

func (l *executionList) day(c *conn) error {
	manual := l.q.Manual != nil && *l.q.Manual
	switch {
	case l.q.OnlyFailures() && l.q.JobID.IsZero():
		return l.scan(c, scanFailed)
	case l.q.OnlyFailures():
		return l.scan(c, scanFailedOfJob, l.q.JobID)
	case manual && !l.q.JobID.IsZero():
		return l.scan(c, scanManualOfJob, l.q.JobID)
	}
	if none, err := l.hasNone(c); err != nil || none {
		return err
	}
	if manual {
		if sorted, err := l.irregular(c); err != nil || sorted {
			return err
		}
	}
	return l.scan(c, scanFacts)
}

// hasNone reports whether the counters of a file have none of the statuses that are asked for. The
// file counts all of its facts, so that every one of them has a counter.
func (l *executionList) hasNone(c *conn) (bool, error) {
	if len(l.q.Statuses) == 0 {
		return false, nil
	}
	var codes []string
	for _, s := range l.q.Statuses {
		if code, err := rows.StatusCode(s); err == nil {
			codes = append(codes, string(rune('0'+code)))
		}
	}
	if len(codes) == 0 { // none of them is final
		return true, nil
	}
	slices.Sort(codes)
	l.work -= workCount
	n, err := c.number(`SELECT 1 FROM counter WHERE status IN (` + strings.Join(slices.Compact(codes), ", ") +
		`) AND executions > 0 LIMIT 1`)
	return n == 0, err
}

// irregular examines the triggers and summaries of a file, unless there are many.
func (l *executionList) irregular(c *conn) (done bool, err error) {
	type row struct {
		domain.FireKey
		status int64
	}
	var found []row
	err = c.query(selectIrregularKeys, func(s *sqlite.Stmt) error {
		found = append(found, row{columnsKey(s), s.ColumnInt64(3)})
		return nil
	}, irregularMost+1)
	l.work -= len(found) * workFact
	if err != nil || len(found) > irregularMost {
		return false, err
	}
	slices.SortFunc(found, func(a, b row) int { return rows.CompareKeys(b.FireKey, a.FireKey) })
	for _, r := range found {
		if rows.CompareKeys(r.FireKey, l.top) >= 0 || r.ScheduledAt < l.q.From {
			continue
		}
		if err := l.examine(c, r.FireKey, r.status); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (l *executionList) scan(c *conn, query string, args ...any) error {
	args = append([]any{l.top.ScheduledAt, l.top.JobID, l.top.Nonce, l.q.From}, args...)
	return c.query(query, func(s *sqlite.Stmt) error {
		return l.examine(c, columnsKey(s), s.ColumnInt64(3))
	}, args...)
}

// spend takes units of work. It ends the page when there are none left, and something was examined.
func (l *executionList) spend(units int) error {
	if l.work <= 0 && l.moved {
		l.ended = l.page.EndAfter(l.last)
		return errFull
	}
	l.work -= units
	return nil
}

// reached notes that everything above a key was examined.
func (l *executionList) reached(k domain.FireKey) {
	if rows.CompareKeys(k, l.last) < 0 {
		l.last, l.moved = k, true
	}
}

// examine takes the fact of a key if the query selects it.
func (l *executionList) examine(c *conn, k domain.FireKey, status int64) error {
	if err := l.spend(workFact); err != nil {
		return err
	}
	if probe := (domain.Execution{FireKey: k, Status: rows.StatusOf(status)}); l.q.Selects(&probe) {
		if l.page.Full() {
			l.ended = l.page.EndBefore()
			return errFull
		}
		e, err := readFact(c, k)
		if err != nil {
			return err
		}
		if e != nil { // otherwise it has just been dropped
			l.work -= workRead
			l.page.Add(*e)
		}
	}
	l.reached(k)
	return nil
}

// So many executions of a job are read at a time, to be sifted, or so many bytes of them. Pieces
// grow, since each reads the versions of the job anew.
const (
	jobPiece      = 100
	jobPieceGrows = 4
	mostJobPiece  = 1_600
	jobPieceBytes = 512 << 10
)

// walkJob examines the executions of a job as ByJob finds them.
func (l *executionList) walkJob(ctx context.Context) error {
	page := store.Page{Before: l.top, Limit: min(jobPiece, l.q.Limit+1), MaxBytes: jobPieceBytes}
	for {
		found, err := l.h.ByJob(ctx, l.q.JobID, page)
		if err != nil {
			return err
		}
		for i := range found {
			e := &found[i]
			if e.ScheduledAt < l.q.From {
				return nil
			}
			if err := l.spend(3 * workRead); err != nil {
				return err
			}
			if l.q.Selects(e) {
				if l.page.Full() {
					l.ended = l.page.EndBefore()
					return errFull
				}
				l.page.Add(*e)
			}
			l.reached(e.FireKey)
		}
		if !page.Filled(found) || len(found) == 0 {
			return nil
		}
		page.Before, page.Limit = found[len(found)-1].FireKey, min(page.Limit*jobPieceGrows, mostJobPiece)
	}
}
