package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// alert is a run of failures, and the day of the fire that last changed it:
// once it has recovered it goes with the history of that day.
type alert struct {
	domain.Alert
	day                   int64
	openedAt, openedNonce int64
	untold                bool // it has changed since it was read by those who tell people of it
}

// alert applies new facts in the order in which they completed. A failure of a
// job without an open alert opens one, others count on; a success that
// completed after the last failure ends it.
func (d *Disk) alert(inserted []*domain.Execution) {
	inserted = slices.Clone(inserted)
	slices.SortStableFunc(inserted, func(a, b *domain.Execution) int {
		return cmp.Compare(a.CompletedAt, b.CompletedAt)
	})
	for _, e := range inserted {
		if !e.Status.Alerts() && e.Status != domain.StatusSuccess {
			continue
		}
		a := d.failing[e.JobID]
		switch {
		case a != nil:
			a.apply(e)
		case e.Status.Alerts():
			a = &alert{
				Alert:    domain.Alert{JobID: e.JobID, FirstAt: e.CompletedAt},
				openedAt: e.ScheduledAt, openedNonce: e.Nonce,
			}
			a.apply(e)
			d.alerts = append(d.alerts, a)
			d.failing[e.JobID] = a
		default:
			continue
		}
		if !a.Open() {
			delete(d.failing, e.JobID)
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
	a.day, a.untold = floorDiv(e.ScheduledAt, dayMs), true
}

// loss is a lost fire and when it was found.
type loss struct {
	domain.Loss
	foundAt int64
}

// AddLost implements store.Alerts.
func (l alerts) AddLost(ctx context.Context, losses []domain.Loss, foundAt int64) (added []domain.Loss, err error) {
	err = l.do(ctx, func(d *Disk) error {
		for _, x := range losses {
			known := slices.ContainsFunc(d.losses,
				func(y loss) bool { return x.JobID == y.JobID && x.ScheduledAt == y.ScheduledAt })
			if !known {
				d.losses = append(d.losses, loss{x, foundAt})
				added = append(added, x)
			}
		}
		return nil
	})
	return added, err
}

// lost makes one alert of the lost fires of each job.
func (d *Disk) lost() []domain.Alert {
	byJob := make(map[domain.JobID]domain.Alert)
	latest := make(map[domain.JobID]int64)
	for _, x := range d.losses {
		a, ok := byJob[x.JobID]
		if !ok {
			a = domain.Alert{JobID: x.JobID, Lost: true, FirstAt: x.foundAt}
		}
		a.Count++
		a.FirstAt, a.LastAt = min(a.FirstAt, x.foundAt), max(a.LastAt, x.foundAt)
		if at := x.ScheduledAt; !ok || at > latest[x.JobID] {
			latest[x.JobID], a.Execution, a.Error = at, x.Execution(), domain.LossText(at)
		}
		byJob[x.JobID] = a
	}
	return slices.Collect(maps.Values(byJob))
}

// MostFailures implements store.Alerts.
func (l alerts) MostFailures(ctx context.Context, after store.JobFailures, limit int) (found []store.JobFailures,
	err error) {
	most := store.NewMostFailures(after, limit)
	err = l.do(ctx, func(d *Disk) error {
		for id, a := range d.failing {
			most.Add(store.JobFailures{JobID: id, Count: a.Count})
		}
		found = most.Found()
		return nil
	})
	return found, err
}

// List implements store.Alerts.
func (l alerts) List(ctx context.Context, page store.AlertPage) (found []domain.Alert, err error) {
	place := func(lost bool) int { // of a job at one instant the lost fires come first
		if lost {
			return 0
		}
		return 1
	}
	order := func(a, b *domain.Alert) int { // newest first
		return cmp.Or(cmp.Compare(b.LastAt, a.LastAt), slices.Compare(b.JobID[:], a.JobID[:]),
			cmp.Compare(place(a.Lost), place(b.Lost)))
	}
	after := &domain.Alert{LastAt: page.BeforeAt, JobID: page.BeforeJob, Lost: page.BeforeLost}
	err = l.do(ctx, func(d *Disk) error {
		var all []*domain.Alert
		consider := func(a *domain.Alert) {
			if page.Selects(a) && (page.BeforeAt == 0 || order(after, a) < 0) {
				all = append(all, a)
			}
		}
		lost := d.lost()
		for i := range lost {
			consider(&lost[i])
		}
		for _, a := range d.alerts {
			consider(&a.Alert)
		}
		slices.SortFunc(all, order)
		for _, a := range all[:min(len(all), page.Limit)] {
			found = append(found, *a)
		}
		return nil
	})
	return found, err
}
