package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// What one call of List may cost is in units of rows.MaxScanWork.
const (
	workDay  = 500 // to look into the tables of a day
	keyPiece = 2_000
	keyFirst = 50
	factRead = 100 // facts that are read whole at a time: they may be long
)

// List implements store.History. Facts are in the order of their keys, and some kinds of them have
// tables or indexes in the same order; these drive a list.
func (h *history) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	l := &executionList{history: h, Scan: rows.NewScan(&q)}
	l.TargetOf = func(k rows.VersionKey) (string, error) {
		targets, err := h.jobs.targetsOf(ctx, []rows.VersionKey{k})
		return targets[k], err
	}
	var err error
	if q.JobID.IsZero() || q.OnlyFailures() || q.Manual != nil && *q.Manual {
		err = l.allDays(ctx)
	} else {
		err = l.OfJob(ctx, h.ByJob)
	}
	page, err := l.Page(err)
	return page, fault("read the history", err)
}

// executionList is one call of List.
type executionList struct {
	*history
	rows.Scan
}

// keyed is what decides about a fact.
type keyed struct {
	domain.FireKey
	status  domain.Status
	version int
}

func (k *keyed) of() rows.VersionKey { return rows.VersionKey{JobID: k.JobID, Number: k.version} }

// allDays examines days, newest first.
func (l *executionList) allDays(ctx context.Context) error {
	all, err := l.days.all(ctx, l.Query.From, l.Down.ScheduledAt)
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(all) {
		if err := l.Spend(workDay); err != nil {
			return err
		}
		if err := l.day(ctx, d); err != nil && !isCode(err, undefinedTable) { // it was just dropped
			return err
		}
		l.ReachedDay(d.start())
	}
	return nil
}

// keysOf returns the query for the keys of a day that come after a key in the list, and more arguments.
func (l *executionList) keysOf(d day) (query string, more []any) {
	filter := ""
	if l.Query.OnlyFailures() {
		filter += ` AND e.status IN (2, 5)`
	}
	if !l.Query.JobID.IsZero() {
		filter += ` AND e.job_id = $6`
		more = []any{[16]byte(l.Query.JobID)}
	}
	regular := `
(SELECT e.scheduled_at, e.job_id, 0::bigint AS nonce, e.status, e.version FROM ` + d.table() + ` e
  WHERE (e.scheduled_at, e.job_id) <= ($1, $2) AND ((e.scheduled_at, e.job_id) < ($1, $2) OR 0 < $3::bigint)
    AND e.scheduled_at >= $4` + filter + ` ORDER BY e.scheduled_at DESC, e.job_id DESC LIMIT $5)`
	other := `
(SELECT e.scheduled_at, e.job_id, e.nonce, e.status, e.version FROM ` + d.other() + ` e
  WHERE (e.scheduled_at, e.job_id, e.nonce) < ($1, $2, $3) AND e.scheduled_at >= $4` + filter + `
  ORDER BY e.scheduled_at DESC, e.job_id DESC, e.nonce DESC LIMIT $5)`
	switch {
	case l.Query.Manual == nil:
		return `SELECT * FROM (` + regular + ` UNION ALL ` + other + `) e
 ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT $5`, more
	case *l.Query.Manual:
		return other, more
	}
	return regular, more
}

func (l *executionList) day(ctx context.Context, d day) error {
	query, more := l.keysOf(d)
	after := l.Down
	for size := min(keyPiece, l.Query.Limit+keyFirst); ; size = keyPiece {
		size = max(1, min(size, l.Work+1))
		args := append([]any{after.ScheduledAt, [16]byte(after.JobID), after.Nonce, l.Query.From, size}, more...)
		var piece []keyed
		err := each(ctx, l.days.read, func(r pgx.Rows) error {
			var k keyed
			var code int16
			err := r.Scan(&k.ScheduledAt, (*[16]byte)(&k.JobID), &k.Nonce, &code, &k.version)
			k.status = rows.StatusOf(int64(code % rangeCode))
			piece = append(piece, k)
			return err
		}, query, args...)
		if err == nil {
			err = l.learn(ctx, piece)
		}
		if err == nil {
			err = l.examine(ctx, d, piece)
		}
		if err != nil || len(piece) < size {
			return err
		}
		after = piece[len(piece)-1].FireKey
	}
}

// learn looks up what the versions of those facts call that may be selected.
func (l *executionList) learn(ctx context.Context, piece []keyed) error {
	var unknown []rows.VersionKey
	for i := range piece {
		k := &piece[i]
		if !l.Unknown(k.of()) || !l.Query.Selects(&domain.Execution{FireKey: k.FireKey, Status: k.status}) {
			continue
		}
		l.Learn(k.of(), "")
		unknown = append(unknown, k.of())
	}
	if len(unknown) == 0 {
		return nil
	}
	l.Work -= len(unknown) * rows.WorkVersion
	targets, err := l.jobs.targetsOf(ctx, unknown)
	for k, api := range targets {
		l.Learn(k, api)
	}
	return err
}

// examine takes those facts of a piece that the query selects, some at a time.
func (l *executionList) examine(ctx context.Context, d day, piece []keyed) error {
	for part := range slices.Chunk(piece, factRead) {
		var keys []domain.FireKey
		for i := range part {
			k := &part[i]
			if !l.Query.Selects(&domain.Execution{FireKey: k.FireKey, Status: k.status}) {
				continue
			}
			calls, err := l.Calls(k.of())
			if err != nil {
				return err
			}
			if calls {
				keys = append(keys, k.FireKey)
			}
		}
		whole := make(map[domain.FireKey]domain.Execution, len(keys))
		if len(keys) > 0 && !l.Full() {
			found, err := l.facts(ctx, d, keys)
			if err != nil {
				return err
			}
			for _, e := range found {
				whole[e.FireKey] = e
			}
		}
		for _, k := range part {
			if err := l.Spend(1); err != nil {
				return err
			}
			if len(keys) > 0 && keys[0] == k.FireKey {
				keys = keys[1:]
				if err := l.EndIfFull(); err != nil {
					return err
				}
				if e, there := whole[k.FireKey]; there { // otherwise it has just been dropped
					l.Work -= rows.WorkRead
					l.Add(&e)
				}
			}
			l.Reached(k.FireKey)
		}
	}
	return nil
}
