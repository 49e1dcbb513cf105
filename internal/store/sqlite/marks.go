package sqlite

import (
	"context"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// marked is a change with the file that has its row.
type marked struct {
	alertID
	day day
}

// someUntold returns alerts that have a mark.
func (a *alerts) someUntold(limit int) (found []marked) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for id, d := range a.untold {
		if len(found) == limit {
			break
		}
		found = append(found, marked{id, d})
	}
	return found
}

// changed returns alerts that have a mark, as they are now.
func (a *alerts) changed(ctx context.Context, limit int) (found []domain.AlertChange, err error) {
	if err := a.lock.freshForRead(ctx); err != nil {
		return nil, err
	}
	for _, m := range a.someUntold(limit) {
		row, err := a.stored(ctx, &alertChange{liveAlert: liveAlert{by: m.by}, job: m.job, from: m.day})
		if err != nil {
			return nil, err
		}
		if row.Count > 0 { // otherwise Expire has just moved it
			found = append(found, domain.AlertChange{
				Alert: row.Alert, OpenedAt: m.by.scheduledAt, OpenedNonce: m.by.nonce,
			})
		}
	}
	return found, nil
}

const clearUntold = `
UPDATE %s SET untold = 0
 WHERE job_id = ? AND opened_by = ? AND opened_nonce = ? AND failures = ? AND recovered_at IS ?`

// seen takes away the marks of alerts that are as they were read.
func (a *alerts) seen(ctx context.Context, changes []domain.AlertChange) error {
	if len(changes) == 0 {
		return nil
	}
	return a.lock.with(ctx, func() error {
		byDay := make(map[day][]*domain.AlertChange)
		for i := range changes {
			c := &changes[i]
			if d, ok := a.untold[idOf(c)]; ok {
				byDay[d] = append(byDay[d], c)
			}
		}
		for d, list := range byDay {
			cleared, err := a.clear(ctx, d, list)
			if err != nil {
				return err
			}
			a.mu.Lock()
			for _, id := range cleared {
				delete(a.untold, id)
			}
			a.mu.Unlock()
		}
		return nil
	})
}

func idOf(c *domain.AlertChange) alertID { return alertID{c.JobID, opener{c.OpenedAt, c.OpenedNonce}} }

// clear takes away the marks in one file, and returns of which alerts. The caller holds the recordLock.
func (a *alerts) clear(ctx context.Context, d day, changes []*domain.AlertChange) (cleared []alertID, err error) {
	if d == carried {
		answer := make(chan []alertID, 1) // the operation may run when nobody waits any more
		err := a.db.write(ctx, len(changes), func(c *conn) (tally, error) {
			cleared, err := clearMarks(c, d, changes)
			answer <- cleared
			return tally{}, err
		})
		if err != nil {
			return nil, err
		}
		return <-answer, nil
	}
	f, err := a.days.acquire(ctx, d, false)
	if f == nil {
		return nil, err
	}
	defer a.days.release(f)
	if err != nil {
		return nil, err
	}
	c, err := f.write(ctx)
	if err != nil {
		return nil, err
	}
	err = c.transact(ctx, func() (err error) {
		cleared, err = clearMarks(c, d, changes)
		return err
	})
	return cleared, err
}

func clearMarks(c *conn, d day, changes []*domain.AlertChange) (cleared []alertID, err error) {
	statement := fmt.Sprintf(clearUntold, d.alertTable())
	for _, ch := range changes {
		err := c.exec(statement, ch.JobID, ch.OpenedAt, ch.OpenedNonce, ch.Count, whenNot(ch.RecoveredAt))
		if err != nil {
			return nil, err
		}
		if c.Changes() == 1 {
			cleared = append(cleared, idOf(ch))
		}
	}
	return cleared, nil
}
