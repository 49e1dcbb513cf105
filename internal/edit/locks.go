package edit

import (
	"context"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// locks lets one edit of a job go on at a time. It holds an entry only for jobs that
// are being edited.
type locks struct {
	mu   sync.Mutex
	busy map[domain.JobID]chan struct{} // closed when the edit has ended
}

// lock waits until no other edit of the job is under way. It gives up with the
// context: an edit whose outcome the store has not told yet may hold the lock
// for long.
func (l *locks) lock(ctx context.Context, id domain.JobID) (unlock func(), err error) {
	for {
		l.mu.Lock()
		other, wait := l.busy[id]
		if !wait {
			if l.busy == nil {
				l.busy = make(map[domain.JobID]chan struct{})
			}
			mine := make(chan struct{})
			l.busy[id] = mine
			l.mu.Unlock()
			return func() { l.unlock(id, mine) }, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *locks) unlock(id domain.JobID, mine chan struct{}) {
	l.mu.Lock()
	delete(l.busy, id)
	l.mu.Unlock()
	close(mine)
}
