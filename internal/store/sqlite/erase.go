package sqlite

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// eraser deletes the files of days that are marked in the jobs database as
// retiring: their counters and open alerts are in that database.
type eraser struct {
	db   *jobsDB
	days *days

	turn gate // held while files are deleted; taken after the recordLock

	marks atomic.Int64 // rises before a day is marked and after, so that it is odd meanwhile

	mu       sync.RWMutex
	retiring map[day]bool // days whose file is not deleted yet; under mu
}

func newEraser(db *jobsDB, ds *days) *eraser {
	return &eraser{db: db, days: ds, turn: newGate(), retiring: make(map[day]bool)}
}

// isRetiring reports whether the file of a day may still have to be deleted.
func (e *eraser) isRetiring(d day) bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.retiring[d]
}

// add notes days that were marked.
func (e *eraser) add(marked ...day) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range marked {
		e.retiring[d] = true
	}
}

// eraseMarked deletes the remaining files of marked days and removes the marks. A new
// file for a day may be created only when its mark is gone, so a recorder calls
// eraseMarked first, and waits for it.
func (e *eraser) eraseMarked(ctx context.Context) error {
	if err := e.turn.enter(ctx); err != nil {
		return err
	}
	defer e.turn.leave()
	e.mu.RLock()
	done := slices.Collect(maps.Keys(e.retiring)) // the mark of some may be gone: the outcome of its removal is unknown
	e.mu.RUnlock()
	marked, err := e.marked(ctx)
	if err != nil {
		return err
	}
	e.add(marked...)
	for _, d := range marked { // from here on none of them is read
		if err := e.days.drop(d); err != nil {
			return err
		}
	}
	for _, d := range marked {
		if err := e.erase(ctx, d); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range append(done, marked...) {
		delete(e.retiring, d)
	}
	return nil
}

// marked returns the days that are marked as retiring.
func (e *eraser) marked(ctx context.Context) (marked []day, err error) {
	err = e.db.read(ctx, func(c *conn) error {
		return c.query(`SELECT day FROM retiring_day`, func(s *sqlite.Stmt) error {
			marked = append(marked, day(s.ColumnInt64(0)))
			return nil
		})
	})
	return marked, err
}

// erase deletes the file of a day that was dropped, and its mark.
func (e *eraser) erase(ctx context.Context, d day) error {
	if err := e.days.checkFolder(); err != nil {
		return err
	}
	if err := files.Remove(e.days.path(d)); err != nil {
		return err
	}
	return e.db.write(ctx, 1, func(c *conn) (tally, error) {
		return tally{}, c.exec(`DELETE FROM retiring_day WHERE day = ?`, int64(d))
	})
}
