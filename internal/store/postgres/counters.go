package postgres

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const minuteMs = 60_000

func minuteOf(ms int64) int64 {
	m := ms / minuteMs
	if ms%minuteMs < 0 {
		m--
	}
	return m
}

// counterKey is a minute in which executions completed, and how they ended.
type counterKey struct {
	minute int64 // since 1970-01-01
	status int16
}

type counter struct{ fires, durationMs, timed int64 }

// counts are what a transaction adds to the counters.
type counts map[counterKey]counter

// keys returns the keys in one order: two transactions of one process meet in it.
func (c counts) keys() []counterKey {
	return slices.SortedFunc(maps.Keys(c), func(a, b counterKey) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.status, b.status))
	})
}

func (c counts) add(e *domain.Execution) error {
	code, err := rows.StatusCode(e.Status)
	if err != nil {
		return err
	}
	key := counterKey{minuteOf(e.CompletedAt), int16(code)} //nolint:gosec // it is below 6
	n := c[key]
	n.fires += e.Fires()
	if e.StartedAt != 0 && (e.Status == domain.StatusSuccess || e.Status == domain.StatusFailed) {
		n.durationMs += e.Duration()
		n.timed++
	}
	c[key] = n
	return nil
}

const addCounters = `
INSERT INTO counter AS c (minute, status, writer, fires, duration_ms, timed)
SELECT n.minute, n.status, $1::int, n.fires, n.duration_ms, n.timed
  FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[])
       n (minute, status, fires, duration_ms, timed)
    ON CONFLICT (minute, status, writer) DO UPDATE SET fires = c.fires + excluded.fires,
       duration_ms = c.duration_ms + excluded.duration_ms, timed = c.timed + excluded.timed`

func (c counts) queue(b *pgx.Batch, writer int32) {
	if len(c) == 0 {
		return
	}
	var minutes, fires, durations, timed []int64
	var status []int16
	for _, k := range c.keys() {
		n := c[k]
		minutes, status = append(minutes, k.minute), append(status, k.status)
		fires, durations, timed = append(fires, n.fires), append(durations, n.durationMs), append(timed, n.timed)
	}
	b.Queue(addCounters, writer, minutes, status, fires, durations, timed)
}

const (
	// What is not added up yet is in the same snapshot.
	selectTotals = `
SELECT status, sum(fires)::bigint, sum(duration_ms)::bigint, sum(timed)::bigint, NULL::bytea FROM counter
 WHERE minute >= $1 OR writer = 0 AND minute >= $2 GROUP BY status
 UNION ALL SELECT 0, 0, 0, 0, body FROM addition`

	// The counters of days whose history goes become one row for each day and status.
	retireCounters = `
WITH gone AS (DELETE FROM counter WHERE minute < $1 AND writer <> 0 RETURNING minute, status, fires, duration_ms, timed)
INSERT INTO counter AS c (minute, status, writer, fires, duration_ms, timed)
SELECT floor(minute / 1440.0)::bigint * 1440, status, 0, sum(fires), sum(duration_ms), sum(timed)
  FROM gone GROUP BY 1, 2
    ON CONFLICT (minute, status, writer) DO UPDATE SET fires = c.fires + excluded.fires,
       duration_ms = c.duration_ms + excluded.duration_ms, timed = c.timed + excluded.timed`
)
