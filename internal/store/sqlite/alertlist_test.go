package sqlite

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// manyOpen are the open alerts of n jobs, of one to a thousand failures.
func manyOpen(n int) *alerts {
	a := &alerts{open: make(openAlerts, n)}
	for i, id := range domain.NewJobIDs(1, n) {
		a.open[id] = liveAlert{lastAt: int64(i), count: 1 + int64(binary.BigEndian.Uint16(id[14:])%1_000)}
	}
	return a
}

// Whoever records results does not wait until all open alerts have been looked at.
func TestOpenAlertsAreLookedAtInPieces(t *testing.T) {
	a := manyOpen(3 * openPiece)
	looked, wrote := 0, make(chan struct{})
	eachOpen(a, func(id domain.JobID, _ liveAlert) {
		switch looked++; looked {
		case 1:
			go func() {
				defer close(wrote)
				a.mu.Lock()
				defer a.mu.Unlock()
				delete(a.open, id)
				a.open[domain.JobID{1}] = liveAlert{count: 1}
			}()
			for a.mu.TryRLock() { // nobody else may have it once that waits
				a.mu.RUnlock()
				runtime.Gosched()
			}
		case openPiece:
			select {
			case <-wrote:
			default:
				t.Error("the lock was not let go after a piece")
			}
		}
	})
	if <-wrote; looked < 3*openPiece || looked > 3*openPiece+1 {
		t.Errorf("looked at %d alerts", looked)
	}
}
