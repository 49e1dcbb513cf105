package sqlite

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store/sqlite/files"
)

// guard checks whether the files of the store are where they were opened: at each beat,
// on the writer's goroutine.
type guard struct {
	db         *jobsDB
	claim      *files.Claim
	days       *days
	history    *watch // the open files of days
	key        *keyFile
	lock       *recordLock
	background *background
	mending    atomic.Bool // a try to mend history files has not ended
}

// check looks at every file of the store: the database, its lock, the
// folder of the history and each open file in it. Until it finds all of them,
// nothing but beats is written. It runs on the writer's goroutine: a file
// system that hangs holds up the writer, and beats end by their deadline.
func (g *guard) check() error {
	err := g.db.check()
	if err == nil {
		err = g.claim.Check()
	}
	if err == nil {
		err = g.days.checkFolder()
	}
	if err == nil {
		if err = g.history.check(); err != nil {
			g.mendDays()
		}
	}
	if err == nil {
		g.history.gone.Store(nil)
		g.key.check()
		return nil
	}
	g.history.gone.Store(&err)
	return err
}

// mendTimeout bounds one try to mend history files; the next beat starts another.
const mendTimeout = 10 * time.Second

// mendDays restores the logs of history files in the background, because it has to wait
// for a batch that is being recorded.
func (g *guard) mendDays() {
	if !g.mending.CompareAndSwap(false, true) {
		return
	}
	g.background.start(func(ctx context.Context) {
		defer g.mending.Store(false)
		ctx, cancel := context.WithTimeout(ctx, mendTimeout)
		defer cancel()
		if err := g.lock.enter(ctx); err != nil {
			return
		}
		defer g.lock.leave()
		for _, f := range g.days.borrowAll() {
			if f.id.suspect.Load() {
				_ = mend(f.id, f.readers, &f.w) // the next beat says what is still missing
			}
			g.days.release(f)
		}
	})
}
