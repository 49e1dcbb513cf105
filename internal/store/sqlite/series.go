package sqlite

import (
	"cmp"
	"context"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// series implements store.Series. A row of a file is of fires of its day alone.
type series struct {
	db     *jobsDB
	days   *days
	eraser *eraser
}

const (
	selectPoints        = `SELECT ` + pointColumns + ` FROM series WHERE step = ? AND at >= ? AND at < ? ORDER BY at`
	selectRetiredPoints = `SELECT ` + pointColumns + ` FROM retired_series WHERE at >= ? AND at < ?`
)

// Points implements store.Series.
func (x *series) Points(ctx context.Context, step domain.Step, from, to int64) ([]domain.Point, error) {
	found, err := x.ofFiles(ctx, step, from, to)
	if step == domain.StepDay {
		found, err = x.ofDays(ctx, from, to)
	}
	return found, fault("read the series", err)
}

// ofFiles returns the points that the history files have.
func (x *series) ofFiles(ctx context.Context, step domain.Step, from, to int64) (found domain.Points, err error) {
	for _, d := range x.days.all() {
		if d.end() <= from || d.start() >= to || x.eraser.isRetiring(d) {
			continue
		}
		err := x.days.read(ctx, d, func(c *conn) error {
			return c.query(selectPoints, func(s *sqlite.Stmt) error {
				found = append(found, columnsPoint(s))
				return nil
			}, int64(step), from, to)
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// daysTries is how often days are read again because one of them was dropped meanwhile.
const daysTries = 10

// ofDays returns the points of days. That of a day whose file is dropped while they are read must be
// there once.
func (x *series) ofDays(ctx context.Context, from, to int64) (found domain.Points, err error) {
	for range daysTries {
		before := x.eraser.marks.Load()
		if found, err = x.ofFiles(ctx, domain.StepDay, from, to); err == nil {
			err = x.db.read(ctx, func(c *conn) error {
				return c.query(selectRetiredPoints, func(s *sqlite.Stmt) error {
					p := columnsPoint(s)
					found.At(p.At).Merge(&p) // a late fact begins the file of its day anew
					return nil
				}, from, to)
			})
		}
		if err != nil || before%2 == 0 && x.eraser.marks.Load() == before {
			break
		}
	}
	slices.SortFunc(found, func(a, b domain.Point) int { return cmp.Compare(a.At, b.At) })
	return found, err
}

// dayPoint returns the point of the day of a file.
func dayPoint(ctx context.Context, ds *days, d day) (p domain.Point, err error) {
	err = ds.read(ctx, d, func(c *conn) error {
		return c.query(selectPoint, func(s *sqlite.Stmt) error {
			p = columnsPoint(s)
			return nil
		}, int64(domain.StepDay), d.start())
	})
	return p, err
}
