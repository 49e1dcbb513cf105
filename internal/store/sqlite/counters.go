package sqlite

import (
	"context"
	"sync"

	"zombiezen.com/go/sqlite"
)

// counters are the counters of executions in all files, with what of them is kept
// in memory.
type counters struct {
	db   *jobsDB
	days *days

	// Written under the recordLock and mu, read under either.
	mu       sync.RWMutex
	lifetime totals        // of every execution ever counted
	minutes  map[day]int64 // latest minute that the counters of a day have
}

const (
	sumCounters = `
SELECT status, sum(fires), sum(duration_ms), sum(timed) FROM counter WHERE minute >= ? GROUP BY status`

	sumRetired = `
SELECT status, sum(fires), sum(duration_ms), sum(timed) FROM retired_counter WHERE day >= ? GROUP BY status`
)

// load implements fileCopy.
func (n *counters) load(ctx context.Context) error {
	var sum totals
	minutes := make(map[day]int64)
	for _, d := range n.days.all() {
		err := n.days.read(ctx, d, func(c *conn) error {
			if err := sum.sum(c, sumCounters, 0); err != nil {
				return err
			}
			last, err := c.number(`SELECT max(minute) FROM counter`)
			minutes[d] = last
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := n.db.read(ctx, func(c *conn) error { return sum.sum(c, sumRetired, 0) }); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lifetime, n.minutes = sum, minutes
	return nil
}

// add takes over the counters that were committed to the file of a day.
func (n *counters) add(d day, cs counts) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lifetime.addAll(cs)
	n.minutes[d] = max(n.minutes[d], cs.lastMinute())
}

// drop forgets a day whose counters are in the jobs database now.
func (n *counters) drop(d day) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.minutes, d)
}

// total returns the sum of every execution ever counted.
func (n *counters) total() totals {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.lifetime
}

// since returns the sum of the executions that completed at or after an instant,
// rounded down to the minute; of days that were dropped, to the day.
func (n *counters) since(ctx context.Context, at int64) (sum totals, err error) {
	minute := floorDiv(at, minuteMs)
	for _, d := range n.daysSince(minute) {
		err := n.days.read(ctx, d, func(c *conn) error { return sum.sum(c, sumCounters, minute) })
		if err != nil {
			return sum, err
		}
	}
	err = n.db.read(ctx, func(c *conn) error { return sum.sum(c, sumRetired, int64(dayOf(at))) })
	return sum, err
}

// daysSince returns the days whose files count executions that completed at or
// after a minute.
func (n *counters) daysSince(minute int64) (found []day) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for d, last := range n.minutes {
		if last >= minute {
			found = append(found, d)
		}
	}
	return found
}

// byDay sums the counters of a file by the day of completion.
func (n *counters) byDay(ctx context.Context, d day) (sums counts, err error) {
	err = n.days.read(ctx, d, func(c *conn) error {
		return c.query(`SELECT minute / 1440, status, sum(executions), sum(fires), sum(duration_ms), sum(timed)
  FROM counter GROUP BY 1, 2`, func(s *sqlite.Stmt) error {
			sums = append(sums, count{s.ColumnInt64(0), s.ColumnInt(1), s.ColumnInt64(2), s.ColumnInt64(3),
				s.ColumnInt64(4), s.ColumnInt64(5)})
			return nil
		})
	})
	return sums, err
}
