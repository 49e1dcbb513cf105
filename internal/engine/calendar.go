package engine

import (
	"context"
	"runtime"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/due"
)

// Calendar tells when the jobs of an engine fire.
type Calendar struct{ registry *registry }

// NextFire returns the job's next scheduled instant after now, in Unix
// milliseconds.
func (c Calendar) NextFire(id domain.JobID) (int64, bool) { return c.registry.nextFire(id) }

// NextFires returns the next fires of the jobs of this node that come after one in their order, the
// soonest first and those of one instant by job, at most so many. Fires that are made ready, half a
// second before their second, are not among them. A job that fires meanwhile may be there twice. The
// error is that of the context.
func (c Calendar) NextFires(ctx context.Context, after domain.FireKey, limit int) ([]domain.FireKey, error) {
	u := due.NewUpcoming(after, limit)
	for more := limit > 0; more; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if more = c.registry.upcoming(u); more {
			// Whoever waits for the lock has been woken, but does not run yet: without this the loop
			// would have the lock again before it, for up to a millisecond.
			runtime.Gosched()
		}
	}
	return u.Found(), nil
}

// FiredAgo reports whether the job's current version has had a fire so long ago, or longer.
func (c Calendar) FiredAgo(id domain.JobID, ago time.Duration) bool {
	return c.registry.firedAgo(id, ago)
}
