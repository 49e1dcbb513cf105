package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// alert is a run of failures, and the day of the fire that last changed it:
// once it has recovered it goes with the history of that day.
type alert struct {
	domain.Alert
	day int64
}

// alert applies new facts in the order in which they completed. A failure of a
// job without an open alert opens one, others count on; a success that
// completed after the last failure ends it.
func (d *Disk) alert(inserted []*domain.Execution) {
	inserted = slices.Clone(inserted)
	slices.SortStableFunc(inserted, func(a, b *domain.Execution) int { return cmp.Compare(a.CompletedAt, b.CompletedAt) })
	for _, e := range inserted {
		if !e.Status.Alerts() && e.Status != domain.StatusSuccess {
			continue
		}
		i := slices.IndexFunc(d.alerts, func(a *alert) bool { return a.JobID == e.JobID && a.Open() })
		switch {
		case i >= 0:
			d.alerts[i].apply(e)
		case e.Status.Alerts():
			a := &alert{Alert: domain.Alert{JobID: e.JobID, FirstAt: e.CompletedAt}}
			a.apply(e)
			d.alerts = append(d.alerts, a)
		}
	}
}

func (a *alert) apply(e *domain.Execution) {
	switch {
	case e.Status.Alerts():
		a.Count++
		if e.CompletedAt >= a.LastAt {
			a.LastAt, a.Execution, a.HTTPStatus, a.Error = e.CompletedAt, e.ID(), e.HTTPStatus, e.Error
		}
	case e.CompletedAt > a.LastAt:
		a.RecoveredAt = e.CompletedAt
	default:
		return // a success from before the last failure
	}
	a.day = floorDiv(e.ScheduledAt, dayMs)
}

// List implements store.Alerts.
func (l alerts) List(ctx context.Context, page store.AlertPage) (found []domain.Alert, err error) {
	order := func(a, b domain.Alert) int { // newest first
		return cmp.Or(cmp.Compare(b.LastAt, a.LastAt), slices.Compare(b.JobID[:], a.JobID[:]))
	}
	after := domain.Alert{LastAt: page.BeforeAt, JobID: page.BeforeJob}
	err = l.do(ctx, func(d *Disk) error {
		for _, a := range d.alerts {
			if (a.Open() || !page.OpenOnly) && (page.BeforeAt == 0 || order(after, a.Alert) < 0) {
				found = append(found, a.Alert)
			}
		}
		return nil
	})
	slices.SortFunc(found, order)
	return found[:min(len(found), page.Limit)], err
}
