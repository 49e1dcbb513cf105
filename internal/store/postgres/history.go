package postgres

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// history implements store.History. byjob.go, executionlist.go, stream.go and expire.go have the rest.
type history struct {
	jobs *jobs
	days *days
	pace *clock.Pace // of exports; may be nil

	additions *additions
}

// Execution implements store.History. The id starts with the scheduled instant; the executions of that
// instant are compared with the rest of it.
func (h *history) Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error) {
	at := id.ScheduledAt()
	var found *domain.Execution
	err := each(ctx, h.days.read, func(r pgx.Rows) error {
		var k domain.FireKey
		if err := r.Scan(&k.ScheduledAt, (*[16]byte)(&k.JobID), &k.Nonce); err != nil || k.ID() != id {
			return err
		}
		found = &domain.Execution{FireKey: k}
		return errFull
	}, `SELECT scheduled_at, job_id, 0::bigint FROM `+dayOf(at).table()+` WHERE scheduled_at = $1
UNION ALL SELECT scheduled_at, job_id, nonce FROM `+dayOf(at).other()+` WHERE scheduled_at = $1`, at)
	if (err == nil || errors.Is(err, errFull)) && found != nil {
		var all []domain.Execution
		all, err = h.facts(ctx, dayOf(at), []domain.FireKey{found.FireKey})
		if found = nil; len(all) > 0 {
			found = &all[0]
		}
	}
	switch {
	case err != nil && !isCode(err, undefinedTable):
		return domain.Execution{}, fault("read the execution", err)
	case found == nil:
		return domain.Execution{}, domain.NotFound("execution", id)
	}
	return *found, nil
}

const (
	joinKeys = ` e JOIN unnest($1::bigint[], $2::uuid[]) n (scheduled_at, job_id)
    ON e.scheduled_at = n.scheduled_at AND e.job_id = n.job_id`
	joinOtherKeys = ` e JOIN unnest($1::bigint[], $2::uuid[], $3::bigint[]) n (scheduled_at, job_id, nonce)
    ON e.scheduled_at = n.scheduled_at AND e.job_id = n.job_id AND e.nonce = n.nonce`
)

// facts returns the facts of keys of one day, newest first, as far as there are any.
func (h *history) facts(ctx context.Context, d day, keys []domain.FireKey) (found []domain.Execution, err error) {
	var regular, other keyArrays
	for _, k := range keys {
		if k.Nonce == 0 {
			regular.add(k)
		} else {
			other.add(k)
		}
	}
	add := func(r pgx.Rows) error {
		e, err := scanFact(r)
		found = append(found, e)
		return err
	}
	if len(regular.at) > 0 {
		err = each(ctx, h.days.read, add, `SELECT `+factColumns+` FROM `+d.table()+joinKeys, regular.at, regular.ids)
	}
	if len(other.at) > 0 && err == nil {
		err = each(ctx, h.days.read, add, `SELECT `+otherColumns+` FROM `+d.other()+joinOtherKeys, other.at, other.ids,
			other.nonces)
	}
	slices.SortFunc(found, func(a, b domain.Execution) int { return rows.CompareKeys(b.FireKey, a.FireKey) })
	return found, err
}

// Kept implements store.History.
func (h *history) Kept(ctx context.Context) (int64, error) {
	since, err := h.kept(ctx)
	return since, fault("read how far the history goes", err)
}

func (h *history) kept(ctx context.Context) (int64, error) {
	return number(ctx, h.days.read, `SELECT kept_since FROM cluster`)
}

// So many facts are read and handed over at a time, or so many bytes of them.
const (
	streamPiece = 1_000
	streamBytes = 512 << 10
)

// Stream implements store.History. No transaction is open between pieces: a slow reader keeps nothing
// from being dropped.
func (h *history) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	began, err := h.kept(ctx)
	if err != nil {
		return fault("read the history", err)
	}
	if to <= from {
		return nil
	}
	after := domain.FireKey{ScheduledAt: from, Nonce: math.MinInt64}
	for at := from; ; { // there may be a new day by the time that one has ended
		rest, err := h.days.all(ctx, at, to-1)
		if err == nil {
			err = h.whole(ctx, began, at, to)
		}
		if err != nil {
			return fault("read the history", err)
		}
		if len(rest) == 0 {
			return nil
		}
		d := rest[0]
		piece, more, err := h.piece(ctx, d, after, to)
		if err == nil {
			err = h.whole(ctx, began, max(at, after.ScheduledAt), to)
		}
		if err != nil {
			return fault("read the history", err)
		}
		if len(piece) > 0 {
			after = piece[len(piece)-1].FireKey
			if err := fn(piece); err != nil {
				return err
			}
		}
		if at = max(at, after.ScheduledAt); !more {
			at = d.end()
		}
	}
}

// piece reads the next facts of a day, and reports whether there may be more.
func (h *history) piece(ctx context.Context, d day, after domain.FireKey, to int64) (
	piece []domain.Execution, more bool, err error) {
	read := store.Meter{Rows: streamPiece, Bytes: streamBytes}
	err = each(ctx, h.days.read, func(r pgx.Rows) error {
		if read.Full() {
			return errFull
		}
		h.pace.Step(len(piece))
		e, err := scanFact(r)
		piece = append(piece, e)
		read.Add(e.Size())
		return err
	}, pageOfFacts(d, "", ""), after.ScheduledAt, [16]byte(after.JobID), after.Nonce, to-1, streamPiece)
	if errors.Is(err, errFull) || isCode(err, undefinedTable) { // the day was just dropped: see whole
		err = nil
	}
	return piece, read.Full(), err
}

// whole returns an error when Expire has dropped what was still to come.
func (h *history) whole(ctx context.Context, began, at, to int64) error {
	kept, err := h.kept(ctx)
	if err == nil && kept > began && at < min(kept, to) {
		return domain.Unavailable(nil, "the history was dropped while it was read: begin again")
	}
	return err
}

// Totals implements store.History.
func (h *history) Totals(ctx context.Context, since int64) (store.Totals, error) {
	sum := store.Totals{ByStatus: make(map[domain.Status]int64)}
	minute := int64(-1 << 62)
	whole := minute
	if since > 0 {
		minute, whole = minuteOf(since), minuteOf(dayOf(since).start())
	}
	add := func(status int64, n counter) {
		if n.fires > 0 {
			sum.ByStatus[rows.StatusOf(status)] += n.fires
		}
		sum.DurationMs += n.durationMs
		sum.Timed += n.timed
	}
	rest := sums{counts: make(counts)}
	err := each(ctx, h.days.read, func(r pgx.Rows) error {
		var status int64
		var n counter
		var body []byte
		if err := r.Scan(&status, &n.fires, &n.durationMs, &n.timed, &body); err != nil {
			return err
		}
		if body != nil {
			return rest.mergeBody(body)
		}
		add(status, n)
		return nil
	}, selectTotals, minute, whole)
	for k, n := range rest.counts {
		if k.minute >= minute {
			add(int64(k.status), n)
		}
	}
	return sum, fault("read the counters", err)
}
