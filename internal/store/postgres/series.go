package postgres

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const pointColumns = `at, success, failed, skipped, missed, unknown, retries, drift_max, duration_max, drift, duration`

const (
	addPoint = `
INSERT INTO series AS s (step, writer, ` + pointColumns + `)
VALUES ($1::smallint, $2::int, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
        $10::bigint, $11::bigint, $12::bigint[], $13::bigint[])` + orAdd

	// A minute adds the same to its point, to that of its hour and to that of its day.
	addMinute = `
INSERT INTO series AS s (step, writer, ` + pointColumns + `)
SELECT n.step, $2::int, n.at, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint,
       $11::bigint, $12::bigint[], $13::bigint[]
  FROM unnest($1::smallint[], $3::bigint[]) n (step, at)` + orAdd

	orAdd = `
    ON CONFLICT (step, at, writer) DO UPDATE SET success = s.success + excluded.success,
       failed = s.failed + excluded.failed, skipped = s.skipped + excluded.skipped,
       missed = s.missed + excluded.missed, unknown = s.unknown + excluded.unknown,
       retries = s.retries + excluded.retries, drift_max = greatest(s.drift_max, excluded.drift_max),
       duration_max = greatest(s.duration_max, excluded.duration_max),
       drift = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
                       FROM unnest(s.drift, excluded.drift) WITH ORDINALITY n (a, b, i) ORDER BY i),
       duration = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
                          FROM unnest(s.duration, excluded.duration) WITH ORDINALITY n (a, b, i) ORDER BY i)`
)

// queuePoints adds the points of minutes. Two connections of one process meet in one order: by the step, then by time.
// As a rule all facts of a commit are of one minute: then that is one statement.
func queuePoints(b *pgx.Batch, writer int32, minutes domain.Points) {
	if len(minutes) == 1 {
		steps, at := make([]int16, len(domain.Steps)), make([]int64, len(domain.Steps))
		for i, step := range domain.Steps {
			steps[i], at[i] = int16(step), step.Start(minutes[0].At)
		}
		queuePoint(b, addMinute, steps, writer, at, &minutes[0])
		return
	}
	for _, step := range domain.Steps {
		points := minutes
		if step != domain.StepMinute {
			points = minutes.In(step)
		}
		slices.SortFunc(points, func(a, b domain.Point) int { return cmp.Compare(a.At, b.At) })
		for i := range points {
			queuePoint(b, addPoint, int16(step), writer, points[i].At, &points[i])
		}
	}
}

// queuePoint adds a point of a step at an instant, or of several ones.
func queuePoint(b *pgx.Batch, statement string, step any, writer int32, at any, p *domain.Point) {
	b.Queue(statement, step, writer, at, p.Success, p.Failed, p.Skipped, p.Missed, p.Unknown, p.Retries, p.DriftMax,
		p.DurationMax, counted(p.Drift), counted(p.Duration))
}

// counted is a histogram as a parameter.
func counted(h domain.Histogram) []int64 {
	if h == nil {
		return []int64{}
	}
	return h
}

// series implements store.Series.
type series struct{ read *pgxpool.Pool }

// What is not added up yet is in the same snapshot.
const selectPoints = `
SELECT ` + pointColumns + `, NULL::bytea FROM series WHERE step = $1 AND at >= $2 AND at < $3
 UNION ALL SELECT 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '{}', body FROM addition`

// Points implements store.Series. Each process has points of its own.
func (x *series) Points(ctx context.Context, step domain.Step, from, to int64) ([]domain.Point, error) {
	found := make(map[int64]*domain.Point)
	add := func(p *domain.Point) {
		if sum := found[p.At]; sum != nil {
			sum.Merge(p)
		} else {
			found[p.At] = p
		}
	}
	rest := sums{counts: make(counts)}
	err := each(ctx, x.read, func(r pgx.Rows) error {
		var p domain.Point
		var drift, duration []int64
		var body []byte
		if err := r.Scan(&p.At, &p.Success, &p.Failed, &p.Skipped, &p.Missed, &p.Unknown, &p.Retries, &p.DriftMax,
			&p.DurationMax, &drift, &duration, &body); err != nil {
			return err
		}
		if body != nil {
			return rest.mergeBody(body)
		}
		p.Drift, p.Duration = drift, duration
		add(&p)
		return nil
	}, selectPoints, int16(step), from, to)
	for _, p := range rest.points.In(step) {
		if p.At >= from && p.At < to {
			add(&p)
		}
	}
	sorted := make([]domain.Point, 0, len(found))
	for _, at := range slices.Sorted(maps.Keys(found)) {
		sorted = append(sorted, *found[at])
	}
	return sorted, fault("read the series", err)
}

// dropPoints deletes what is kept of a day only as long as its history.
const dropPoints = `DELETE FROM series WHERE step < $1 AND at >= $2 AND at < $3`
