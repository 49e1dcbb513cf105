package sqlite

import (
	"encoding/binary"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	pointColumns = `at, success, failed, skipped, missed, unknown, retries, drift_max, duration_max, drift, duration`

	selectPoint  = `SELECT ` + pointColumns + ` FROM series WHERE step = ? AND at = ?`
	replacePoint = `
INSERT OR REPLACE INTO series (step, ` + pointColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectRetiredPoint  = `SELECT ` + pointColumns + ` FROM retired_series WHERE at = ?`
	replaceRetiredPoint = `
INSERT OR REPLACE INTO retired_series (` + pointColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// appendHistogram appends the form in which a histogram is stored.
func appendHistogram(b []byte, h domain.Histogram) []byte {
	for _, n := range h {
		b = binary.AppendUvarint(b, uint64(max(n, 0)))
	}
	return b
}

// readHistogram adds what is stored of a histogram. What cannot be read is left out.
func readHistogram(into *domain.Histogram, b []byte) {
	for i := 0; len(b) > 0 && i < domain.Buckets; i++ {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return
		}
		if n > 0 {
			into.AddTo(i, int64(n)) //nolint:gosec // a count
		}
		b = b[size:]
	}
}

// columnsPoint reads a row of pointColumns.
func columnsPoint(s *sqlite.Stmt) domain.Point {
	p := domain.Point{
		At: s.ColumnInt64(0), Success: s.ColumnInt64(1), Failed: s.ColumnInt64(2), Skipped: s.ColumnInt64(3),
		Missed: s.ColumnInt64(4), Unknown: s.ColumnInt64(5), Retries: s.ColumnInt64(6),
		DriftMax: s.ColumnInt64(7), DurationMax: s.ColumnInt64(8),
	}
	var text [maxHistogram]byte
	readHistogram(&p.Drift, text[:s.ColumnBytes(9, text[:])])
	readHistogram(&p.Duration, text[:s.ColumnBytes(10, text[:])])
	return p
}

// maxHistogram is how many bytes a histogram has at most.
const maxHistogram = domain.Buckets * binary.MaxVarintLen64

// addPoint adds a point to the row that the arguments name, with a statement that reads it and one that
// writes it.
func addPoint(c *conn, p *domain.Point, read, write string, key ...any) error {
	var sum domain.Point
	err := c.query(read, func(s *sqlite.Stmt) error {
		sum = columnsPoint(s)
		return nil
	}, append(key, p.At)...)
	if err != nil {
		return err
	}
	sum.At = p.At
	sum.Merge(p)
	drift, duration := appendHistogram([]byte{}, sum.Drift), appendHistogram([]byte{}, sum.Duration)
	return c.exec(write, append(key, sum.At, sum.Success, sum.Failed, sum.Skipped, sum.Missed, sum.Unknown, sum.Retries,
		sum.DriftMax, sum.DurationMax, drift, duration)...)
}

// pointsOf returns what facts add up to, by minutes.
func pointsOf(facts []*domain.Execution) (minutes domain.Points) {
	for _, e := range facts {
		minutes.Add(e, domain.StepMinute)
	}
	return minutes
}

// writePoints adds the points of minutes to the file of their day.
func writePoints(c *conn, minutes domain.Points) error {
	for _, step := range domain.Steps {
		points := minutes
		if step != domain.StepMinute {
			points = minutes.In(step)
		}
		for i := range points {
			if err := addPoint(c, &points[i], selectPoint, replacePoint, int64(step)); err != nil {
				return err
			}
		}
	}
	return nil
}
