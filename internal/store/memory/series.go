package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// pointsByStep are points by their steps and beginnings.
type pointsByStep map[domain.Step]map[int64]*domain.Point

// add counts a fact that was inserted.
func (ps pointsByStep) add(e *domain.Execution) {
	for _, step := range domain.Steps {
		at := step.Start(e.ScheduledAt)
		if ps[step] == nil {
			ps[step] = make(map[int64]*domain.Point)
		}
		if ps[step][at] == nil {
			ps[step][at] = &domain.Point{At: at}
		}
		ps[step][at].Add(e)
	}
}

// drop drops what is kept of a day only as long as its history.
func (ps pointsByStep) drop(day int64) {
	for _, step := range []domain.Step{domain.StepMinute, domain.StepHour} {
		for at := range ps[step] {
			if floorDiv(at, dayMs) == day {
				delete(ps[step], at)
			}
		}
	}
}

// Points implements store.Series.
func (s series) Points(ctx context.Context, step domain.Step, from, to int64) (found []domain.Point, err error) {
	err = s.do(ctx, func(d *Disk) error {
		for at, p := range d.points[step] {
			if at >= from && at < to {
				found = append(found, *p)
				found[len(found)-1].Drift = slices.Clone(p.Drift)
				found[len(found)-1].Duration = slices.Clone(p.Duration)
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b domain.Point) int { return cmp.Compare(a.At, b.At) })
	return found, err
}
