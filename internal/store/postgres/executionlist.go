package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// What one call of List may cost, in units of about a microsecond: 50 ms.
const (
	maxExecutionWork = 50_000

	workRead = 5   // to read a row by its key
	workDay  = 500 // to look into the tables of a day
	keyPiece = 2_000
	keyFirst = 50
	factRead = 100 // facts that are read whole at a time: they may be long
)

// List implements store.History. Facts are in the order of their keys, and some kinds of them have
// tables or indexes in the same order; these drive a list.
func (h *history) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	l := &executionList{history: h, q: &q, page: q.Collect(), work: maxExecutionWork, last: q.Start()}
	if q.MaxWork > 0 {
		l.work = min(l.work, q.MaxWork)
	}
	var err error
	if q.JobID.IsZero() || q.OnlyFailures() || q.Manual != nil && *q.Manual {
		err = l.allDays(ctx)
	} else {
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
	*history
	q    *store.ExecutionQuery
	page *store.ExecutionCollector

	work  int            // units that are left
	last  domain.FireKey // down to which all was examined
	moved bool           // last is not where the list began any more
	ended store.ExecutionPage
}

// keyed is what decides about a fact.
type keyed struct {
	domain.FireKey
	status domain.Status
}

// allDays examines days, newest first.
func (l *executionList) allDays(ctx context.Context) error {
	all, err := l.days.all(ctx, l.q.From, l.last.ScheduledAt)
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(all) {
		if err := l.spend(workDay); err != nil {
			return err
		}
		if err := l.day(ctx, d); err != nil && !isCode(err, undefinedTable) { // it was just dropped
			return err
		}
		l.reached(domain.FireKey{ScheduledAt: d.start(), JobID: firstJob}) // a cursor names a job
	}
	return nil
}

// keysOf returns the query for the keys of a day that come after a key in the list, and more arguments.
func (l *executionList) keysOf(d day) (query string, more []any) {
	filter := ""
	if l.q.OnlyFailures() {
		filter += ` AND e.status IN (2, 5)`
	}
	if !l.q.JobID.IsZero() {
		filter += ` AND e.job_id = $6`
		more = []any{[16]byte(l.q.JobID)}
	}
	regular := `
(SELECT e.scheduled_at, e.job_id, 0::bigint AS nonce, e.status FROM ` + d.table() + ` e
  WHERE (e.scheduled_at, e.job_id) <= ($1, $2) AND ((e.scheduled_at, e.job_id) < ($1, $2) OR 0 < $3::bigint)
    AND e.scheduled_at >= $4` + filter + ` ORDER BY e.scheduled_at DESC, e.job_id DESC LIMIT $5)`
	other := `
(SELECT e.scheduled_at, e.job_id, e.nonce, e.status FROM ` + d.other() + ` e
  WHERE (e.scheduled_at, e.job_id, e.nonce) < ($1, $2, $3) AND e.scheduled_at >= $4` + filter + `
  ORDER BY e.scheduled_at DESC, e.job_id DESC, e.nonce DESC LIMIT $5)`
	switch {
	case l.q.Manual == nil:
		return `SELECT * FROM (` + regular + ` UNION ALL ` + other + `) e
 ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT $5`, more
	case *l.q.Manual:
		return other, more
	}
	return regular, more
}

func (l *executionList) day(ctx context.Context, d day) error {
	query, more := l.keysOf(d)
	after := l.last
	for size := min(keyPiece, l.q.Limit+keyFirst); ; size = keyPiece {
		size = max(1, min(size, l.work+1))
		args := append([]any{after.ScheduledAt, [16]byte(after.JobID), after.Nonce, l.q.From, size}, more...)
		var piece []keyed
		err := each(ctx, l.days.read, func(r pgx.Rows) error {
			var k keyed
			var code int16
			err := r.Scan(&k.ScheduledAt, (*[16]byte)(&k.JobID), &k.Nonce, &code)
			k.status = rows.StatusOf(int64(code % rangeCode))
			piece = append(piece, k)
			return err
		}, query, args...)
		if err == nil {
			err = l.examine(ctx, d, piece)
		}
		if err != nil || len(piece) < size {
			return err
		}
		after = piece[len(piece)-1].FireKey
	}
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

// examine takes those facts of a piece that the query selects, some at a time.
func (l *executionList) examine(ctx context.Context, d day, piece []keyed) error {
	for part := range slices.Chunk(piece, factRead) {
		var keys []domain.FireKey
		for _, k := range part {
			if l.q.Selects(&domain.Execution{FireKey: k.FireKey, Status: k.status}) {
				keys = append(keys, k.FireKey)
			}
		}
		whole := make(map[domain.FireKey]domain.Execution, len(keys))
		if len(keys) > 0 && !l.page.Full() {
			found, err := l.facts(ctx, d, keys)
			if err != nil {
				return err
			}
			for _, e := range found {
				whole[e.FireKey] = e
			}
		}
		for _, k := range part {
			if err := l.spend(1); err != nil {
				return err
			}
			if len(keys) > 0 && keys[0] == k.FireKey {
				keys = keys[1:]
				if l.page.Full() {
					l.ended = l.page.EndBefore()
					return errFull
				}
				if e, there := whole[k.FireKey]; there { // otherwise it has just been dropped
					l.work -= workRead
					l.page.Add(e)
				}
			}
			l.reached(k.FireKey)
		}
	}
	return nil
}

// So many executions of a job are read at a time, to be sifted, or so many bytes of them. Pieces
// grow, since each reads the versions of the job anew.
const (
	jobPiece      = 100
	jobPieceBytes = 512 << 10
	jobPieceGrows = 4
	mostJobPiece  = 1_600
)

// walkJob examines the executions of a job as ByJob finds them.
func (l *executionList) walkJob(ctx context.Context) error {
	page := store.Page{Before: l.last, Limit: min(jobPiece, l.q.Limit+1), MaxBytes: jobPieceBytes}
	for {
		found, err := l.ByJob(ctx, l.q.JobID, page)
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
