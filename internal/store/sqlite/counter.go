package sqlite

import (
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const minuteMs = 60_000

// count is a row of a counter table.
type count struct {
	minute     int64 // since 1970-01-01
	status     int   // code
	executions int64
	fires      int64
	durationMs int64
	timed      int64
}

// counts collects the counters of a batch. A batch spans a few minutes and
// statuses, so that a scan of a short slice beats a map.
type counts []count

func (cs *counts) add(e *domain.Execution) error {
	code, err := rows.StatusCode(e.Status)
	if err != nil {
		return err
	}
	minute := floorDiv(e.CompletedAt, minuteMs)
	i := slices.IndexFunc(*cs, func(c count) bool { return c.minute == minute && c.status == code })
	if i < 0 {
		i = len(*cs)
		*cs = append(*cs, count{minute: minute, status: code})
	}
	c := &(*cs)[i]
	c.executions++
	c.fires += e.Fires()
	if e.StartedAt != 0 && (e.Status == domain.StatusSuccess || e.Status == domain.StatusFailed) {
		c.durationMs += e.Duration()
		c.timed++
	}
	return nil
}

const upsertCounter = `
INSERT INTO counter (minute, status, executions, fires, duration_ms, timed) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET executions = executions + excluded.executions, fires = fires + excluded.fires,
       duration_ms = duration_ms + excluded.duration_ms, timed = timed + excluded.timed`

func (cs counts) write(c *conn) error {
	for _, n := range cs {
		if err := c.exec(upsertCounter, n.minute, n.status, n.executions, n.fires, n.durationMs, n.timed); err != nil {
			return err
		}
	}
	return nil
}

// lastMinute returns the latest minute counted, or -1.
func (cs counts) lastMinute() int64 {
	last := int64(-1)
	for _, c := range cs {
		last = max(last, c.minute)
	}
	return last
}

// totals are sums of counters by status code.
type totals struct {
	fires      [len(rows.Statuses)]int64
	durationMs int64
	timed      int64
}

func (t *totals) add(status int, fires, durationMs, timed int64) {
	if status > 0 && status < len(t.fires) {
		t.fires[status] += fires
	}
	t.durationMs += durationMs
	t.timed += timed
}

func (t *totals) addAll(cs counts) {
	for _, c := range cs {
		t.add(c.status, c.fires, c.durationMs, c.timed)
	}
}

// sum adds the result of a query for status, fires, duration_ms and timed.
func (t *totals) sum(c *conn, query string, args ...any) error {
	return c.query(query, func(s *sqlite.Stmt) error {
		t.add(s.ColumnInt(0), s.ColumnInt64(1), s.ColumnInt64(2), s.ColumnInt64(3))
		return nil
	}, args...)
}

func (t *totals) result() store.Totals {
	r := store.Totals{ByStatus: make(map[domain.Status]int64), DurationMs: t.durationMs, Timed: t.timed}
	for code, n := range t.fires {
		if n != 0 {
			r.ByStatus[rows.Statuses[code]] = n
		}
	}
	return r
}
