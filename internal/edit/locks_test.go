package edit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Edits of one job follow each other, those of others do not wait, one that
// waits gives up with its context, and nothing is kept of what has ended.
func TestLocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l locks
		a, b := domain.NewJobID(1), domain.NewJobID(1)
		b[15] = a[15] // nothing but the whole id counts
		unlock, err := l.lock(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		other, err := l.lock(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		other()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.lock(short, a); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second edit: %v", err)
		}
		var wg sync.WaitGroup
		inside, most := 0, 0
		for range 50 {
			wg.Go(func() {
				done, err := l.lock(t.Context(), a)
				if err != nil {
					t.Error(err)
					return
				}
				inside++ // the race detector sees it when two are inside
				most = max(most, inside)
				inside--
				done()
			})
		}
		synctest.Wait()
		unlock()
		wg.Wait()
		if most != 1 || len(l.busy) != 0 {
			t.Errorf("%d at a time, %d locks are left", most, len(l.busy))
		}
	})
}
