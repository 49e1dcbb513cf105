package view

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// SeriesQuery selects the points of steps that begin in [From, To).
type SeriesQuery struct {
	Step     domain.Step
	From, To int64        // Unix milliseconds
	JobID    domain.JobID // zero: of all jobs
}

// maxSeriesFacts is how many executions of a job are added up for a series: 15 us each, so 50 ms.
const maxSeriesFacts = 3_000

// Series returns the points that a query selects, in order, and from when on none is missing. Those of
// all jobs are stored. Those of one job are computed from its executions, the newest first, as many as
// a request may read; CodeNotFound: nothing is known of it.
func (v *View) Series(ctx context.Context, q SeriesQuery) (points []domain.Point, from int64, err error) {
	kept := int64(0)
	if q.Step != domain.StepDay || !q.JobID.IsZero() { // the days of all jobs stay
		if kept, err = v.history.Kept(ctx); err != nil {
			return nil, 0, store.Coded(err)
		}
	}
	from = max(q.From, min(kept, q.To))
	if !q.JobID.IsZero() {
		return v.seriesOf(ctx, &q, from)
	}
	points, err = v.series.Points(ctx, q.Step, q.From, q.To)
	return points, from, store.Coded(err)
}

// seriesOf adds up the executions of a job, of which some may be missing before an instant.
func (v *View) seriesOf(ctx context.Context, q *SeriesQuery, kept int64) (points domain.Points, from int64,
	err error) {
	list := store.ExecutionQuery{JobID: q.JobID, From: q.From, To: max(q.To, 1), MaxBytes: seriesBytes}
	from, looked := kept, 0
	for rest := true; rest; {
		list.Limit = maxSeriesFacts - looked
		page, err := v.history.List(ctx, list)
		if err != nil {
			return nil, 0, store.Coded(err)
		}
		for i := range page.Executions {
			points.Add(&page.Executions[i], q.Step)
		}
		looked += len(page.Executions)
		list.Before = page.Next
		rest = page.Next != (domain.FireKey{})
		if rest && (looked >= maxSeriesFacts || len(page.Executions) == 0) { // the step of the last one may lack some
			from = max(from, q.Step.Start(page.Next.ScheduledAt)+q.Step.Ms())
			points = slices.DeleteFunc(points, func(p domain.Point) bool { return p.At < from })
			rest = false
		}
	}
	slices.SortFunc(points, func(a, b domain.Point) int { return cmp.Compare(a.At, b.At) })
	if looked == 0 {
		err = v.known(ctx, q.JobID)
	}
	return points, min(from, q.To), err
}

// seriesBytes is how much of a job's executions is in memory at a time.
const seriesBytes = 2 << 20
