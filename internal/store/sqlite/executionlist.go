package sqlite

import (
	"context"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// What one call of List may cost is in units of rows.MaxScanWork.
const (
	workFact  = 1   // to look at the key and the status of a row
	workDay   = 50  // to borrow the file of a day
	workCount = 400 // to look through the counters of a day

	// irregularMost is how many triggers and summaries of one day are sorted for a page. Where there
	// are more, they are found among all rows.
	irregularMost = 5_000
)

const (
	belowKey = ` (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, job_id DESC, nonce DESC`

	scanFacts  = `SELECT scheduled_at, job_id, nonce, status, version FROM execution WHERE` + belowKey
	scanFailed = `
SELECT scheduled_at, job_id, nonce, status, version FROM execution INDEXED BY execution_failed
 WHERE status IN (2, 5) AND` + belowKey
	scanFailedOfJob = `
SELECT scheduled_at, job_id, nonce, status, version FROM execution INDEXED BY execution_failed_by_job
 WHERE status IN (2, 5) AND job_id = CAST(?5 AS BLOB) AND scheduled_at <= ?1
   AND (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, nonce DESC`
	scanManualOfJob = `
SELECT scheduled_at, job_id, nonce, status, version FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) AND job_id = CAST(?5 AS BLOB) AND scheduled_at <= ?1
   AND (scheduled_at, job_id, nonce) < (?1, ?2, ?3) AND scheduled_at >= ?4
 ORDER BY scheduled_at DESC, nonce DESC`

	selectIrregularKeys = `
SELECT scheduled_at, job_id, nonce, status, version FROM execution INDEXED BY execution_irregular
 WHERE (nonce <> 0 OR status = 4) LIMIT 0 + ?`
)

// List implements store.History. Facts are in the order of their keys, and some kinds of them have
// indexes in the same order; these drive a list. Days that have no fact of the statuses that are
// asked for, as their counters say, are not looked through.
func (h *history) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	l := &executionList{h: h, Scan: rows.NewScan(&q)}
	l.TargetOf = func(k rows.VersionKey) (string, error) { return h.jobs.targetOf(ctx, k) }
	var err error
	switch {
	case q.JobID.IsZero(), q.OnlyFailures(), q.Manual != nil && *q.Manual:
		err = l.days(ctx)
	default:
		err = l.OfJob(ctx, h.ByJob)
	}
	page, err := l.Page(err)
	return page, fault("read the history", err)
}

// executionList is one call of List.
type executionList struct {
	h *history
	rows.Scan
}

// days examines the files of days, newest first.
func (l *executionList) days(ctx context.Context) error {
	for _, d := range l.h.days.downFrom(dayOf(l.Top.ScheduledAt)) {
		if d.end() <= l.Query.From {
			return nil
		}
		if l.regularOnly(d) {
			continue
		}
		if err := l.Spend(workDay); err != nil {
			return err
		}
		err := l.h.days.read(ctx, d, func(c *conn) error { return l.day(c) })
		if err != nil {
			return err
		}
		l.ReachedDay(d.start())
	}
	return nil
}

// regularOnly reports whether a day has neither triggers nor summaries, and the list is of such.
func (l *executionList) regularOnly(d day) bool {
	if l.Query.Manual == nil || !*l.Query.Manual {
		return false
	}
	if l.Query.JobID.IsZero() {
		return !l.h.irregular.mayHaveAny(d)
	}
	return !l.h.irregular.mayHave(d, l.Query.JobID)
}

func (l *executionList) day(c *conn) error {
	manual := l.Query.Manual != nil && *l.Query.Manual
	switch {
	case l.Query.OnlyFailures() && l.Query.JobID.IsZero():
		return l.scan(c, scanFailed)
	case l.Query.OnlyFailures():
		return l.scan(c, scanFailedOfJob, l.Query.JobID)
	case manual && !l.Query.JobID.IsZero():
		return l.scan(c, scanManualOfJob, l.Query.JobID)
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
	if len(l.Query.Statuses) == 0 {
		return false, nil
	}
	var codes []string
	for _, s := range l.Query.Statuses {
		if code, err := rows.StatusCode(s); err == nil {
			codes = append(codes, string(rune('0'+code)))
		}
	}
	if len(codes) == 0 { // none of them is final
		return true, nil
	}
	slices.Sort(codes)
	l.Work -= workCount
	n, err := c.number(`SELECT 1 FROM counter WHERE status IN (` + strings.Join(slices.Compact(codes), ", ") +
		`) AND executions > 0 LIMIT 1`)
	return n == 0, err
}

// irregular examines the triggers and summaries of a file, unless there are many.
func (l *executionList) irregular(c *conn) (done bool, err error) {
	var found []factRow
	err = c.query(selectIrregularKeys, func(s *sqlite.Stmt) error {
		found = append(found, columnsFactRow(s))
		return nil
	}, irregularMost+1)
	l.Work -= len(found) * workFact
	if err != nil || len(found) > irregularMost {
		return false, err
	}
	slices.SortFunc(found, func(a, b factRow) int { return rows.CompareKeys(b.FireKey, a.FireKey) })
	for _, r := range found {
		if rows.CompareKeys(r.FireKey, l.Top) >= 0 || r.ScheduledAt < l.Query.From {
			continue
		}
		if err := l.examine(c, r); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (l *executionList) scan(c *conn, query string, args ...any) error {
	args = append([]any{l.Top.ScheduledAt, l.Top.JobID, l.Top.Nonce, l.Query.From}, args...)
	return c.query(query, func(s *sqlite.Stmt) error {
		return l.examine(c, columnsFactRow(s))
	}, args...)
}

// factRow is what decides about a fact.
type factRow struct {
	domain.FireKey
	status  int64
	version int
}

func columnsFactRow(s *sqlite.Stmt) factRow {
	return factRow{columnsKey(s), s.ColumnInt64(3), s.ColumnInt(4)}
}

// examine takes the fact of a row if the query selects it.
func (l *executionList) examine(c *conn, r factRow) error {
	if err := l.Spend(workFact); err != nil {
		return err
	}
	selected := l.Query.Selects(&domain.Execution{FireKey: r.FireKey, Status: rows.StatusOf(r.status)})
	if selected {
		var err error
		if selected, err = l.Calls(rows.VersionKey{JobID: r.JobID, Number: r.version}); err != nil {
			return err
		}
	}
	if selected {
		if err := l.EndIfFull(); err != nil {
			return err
		}
		e, err := readFact(c, r.FireKey)
		if err != nil {
			return err
		}
		if e != nil { // otherwise it has just been dropped
			l.Work -= rows.WorkRead
			l.Add(e)
		}
	}
	l.Reached(r.FireKey)
	return nil
}
