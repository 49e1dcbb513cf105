package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/byjob"
)

// ByJob implements store.History. See package byjob.
func (h *history) ByJob(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	versions, err := h.jobs.Versions(ctx, id, store.TimingOnly)
	if err != nil {
		return nil, err
	}
	irregular, err := irregularDays(ctx, h.days.read, id)
	if err != nil {
		return nil, fault("read the history", err)
	}
	w := byjob.New(id, versions, page)
	if page.Before != (domain.FireKey{}) {
		summary, err := h.summaryOver(ctx, id, irregular[id], w.Below())
		if err != nil {
			return nil, fault("read the history", err)
		}
		w.Begin(summary)
	}
	all, err := h.days.all(ctx, math.MinInt64, w.Top().ScheduledAt)
	if err != nil {
		return nil, fault("read the history", err)
	}
	for _, d := range slices.Backward(all) {
		if w.Ended() {
			break
		}
		if !irregular[id][d] && !w.FiresIn(d.start()) {
			continue
		}
		f := h.lookInto(ctx, d)
		f.irregular = irregular
		if err := w.Day(f); err != nil && !isCode(err, undefinedTable) { // it was just dropped
			return nil, fault("read the history", err)
		}
	}
	return w.Found(), nil
}

const selectSummary = `
SELECT ` + factColumns + ` FROM %s e
 WHERE e.job_id = $1 AND e.scheduled_at >= $2 AND (e.status = 4 OR e.status >= 16) AND e.status = 20
 ORDER BY e.scheduled_at LIMIT 1`

// summaryOver returns the MISSED summary that covers the fires right below an instant, or nil: a page may
// begin in the middle of one.
func (h *history) summaryOver(ctx context.Context, id domain.JobID, on map[day]bool, below int64) (*byjob.Span, error) {
	var later []day
	for d := range on {
		if d.end() > below {
			later = append(later, d)
		}
	}
	slices.Sort(later)
	for _, d := range later {
		var next *byjob.Span // the first summary at or after the instant
		err := each(ctx, h.days.read, func(r pgx.Rows) error {
			e, err := scanFact(r)
			if err == nil && e.Missed != nil {
				next = &byjob.Span{From: e.Missed.From, Count: e.Missed.Count}
			}
			return err
		}, fmt.Sprintf(selectSummary, d.table()), [16]byte(id), below)
		if err != nil && !isCode(err, undefinedTable) {
			return nil, err
		}
		if next != nil {
			if next.From >= below {
				return nil, nil
			}
			return next, nil
		}
	}
	return nil, nil
}

// dayFacts implements byjob.Day with the tables of a day.
type dayFacts struct {
	*history
	ctx    context.Context //nolint:containedctx // it lives for one call
	d      day
	looked map[domain.FireKey]*domain.Execution // what was looked up; nil: there is none
	newest *int64                               // what Before answers of the whole day, once it is known

	irregular map[domain.JobID]map[day]bool // nil: not known
}

// lookAhead is how many fires are looked up in one round trip.
const lookAhead = 50

func (h *history) lookInto(ctx context.Context, d day) *dayFacts {
	return &dayFacts{history: h, ctx: ctx, d: d, looked: make(map[domain.FireKey]*domain.Execution)}
}

// Start implements byjob.Day.
func (f *dayFacts) Start() int64 { return f.d.start() }

// Fact implements byjob.Day.
func (f *dayFacts) Fact(id domain.JobID, at int64, ahead func(n int) []int64) (*domain.Execution, error) {
	key := domain.FireKey{JobID: id, ScheduledAt: at}
	if e, known := f.looked[key]; known {
		delete(f.looked, key)
		return e, nil
	}
	keys := []domain.FireKey{key}
	for _, next := range ahead(lookAhead) {
		keys = append(keys, domain.FireKey{JobID: id, ScheduledAt: next})
	}
	found, err := f.facts(f.ctx, f.d, keys)
	if err != nil {
		return nil, err
	}
	f.note(keys, found)
	e := f.looked[key]
	delete(f.looked, key)
	return e, nil
}

// note keeps what was looked up.
func (f *dayFacts) note(keys []domain.FireKey, found []domain.Execution) {
	for _, k := range keys {
		f.looked[k] = nil
	}
	for i := range found {
		f.looked[found[i].FireKey] = &found[i]
	}
}

// Before implements byjob.Day.
func (f *dayFacts) Before(at int64) (int64, error) {
	if at == math.MaxInt64 && f.newest != nil {
		return *f.newest, nil
	}
	n, err := number(f.ctx, f.days.read, `
SELECT greatest((SELECT max(scheduled_at) FROM `+f.d.table()+` WHERE scheduled_at < $1),
                (SELECT max(scheduled_at) FROM `+f.d.other()+` WHERE scheduled_at < $1))`, at)
	if at == math.MaxInt64 && err == nil {
		f.newest = &n
	}
	return n, err
}

// Irregular implements byjob.Day.
func (f *dayFacts) Irregular(id domain.JobID, page store.Page) (found []domain.Execution, err error) {
	if f.irregular != nil && !f.irregular[id][f.d] {
		return nil, nil
	}
	read := store.Meter{Rows: page.Limit, Bytes: page.MaxBytes}
	err = each(f.ctx, f.days.read, func(r pgx.Rows) error {
		if read.Full() {
			return errFull
		}
		e, err := scanFact(r)
		found = append(found, e)
		read.Add(e.Size())
		return err
	}, `
SELECT * FROM (
       (SELECT `+otherColumns+` FROM `+f.d.other()+` e
         WHERE e.job_id = $1 AND (e.scheduled_at, e.nonce) < ($2, $3)
         ORDER BY e.scheduled_at DESC, e.nonce DESC LIMIT $4)
        UNION ALL
       (SELECT `+factColumns+` FROM `+f.d.table()+` e
         WHERE e.job_id = $1 AND (e.status = 4 OR e.status >= 16) AND e.status IN (4, 20)
           AND (e.scheduled_at < $2 OR e.scheduled_at = $2 AND 0 < $3::bigint)
         ORDER BY e.scheduled_at DESC LIMIT $4)) e
 ORDER BY 1 DESC, 3 DESC LIMIT $4`, [16]byte(id), page.Before.ScheduledAt, page.Before.Nonce, page.Limit)
	if errors.Is(err, errFull) {
		err = nil
	}
	return found, err
}

// Search implements byjob.Day. The rows are in the order of the key, newest first.
func (f *dayFacts) Search(id domain.JobID, from, below int64) (at int64, found bool, next int64, err error) {
	err = each(f.ctx, f.days.read, func(r pgx.Rows) error {
		var hit, last *int64
		err := r.Scan(&hit, &last)
		if hit != nil {
			at, found = *hit, true
		}
		if last != nil {
			next = *last
		}
		return err
	}, `
SELECT max(scheduled_at) FILTER (WHERE job_id = $1), CASE WHEN count(*) = $4 THEN min(scheduled_at) END
  FROM (SELECT scheduled_at, job_id FROM `+f.d.table()+`
         WHERE scheduled_at >= $2 AND scheduled_at < $3 ORDER BY scheduled_at DESC LIMIT $4) e`,
		[16]byte(id), from, below, byjob.SearchRows)
	return at, found, next, err
}
