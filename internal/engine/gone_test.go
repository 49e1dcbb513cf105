package engine

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A commit that went into files without a name is not acknowledged, although the
// store can read it back: the next start could not. When the files are back, an
// edit is made, and a job that was refused is not there.
func TestCommitIntoGoneFilesIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, w *world) {
		id := w.create(spec(""))
		w.pass(3 * time.Second)
		gone := domain.Unavailable(&store.GoneError{Path: "/data", Problem: "is gone", Advice: "put it back"},
			"not stored")
		w.gate.failAll(fault{after: gone}, opCreate, opUpdate, opDelete, opBeat)
		_, updateErr := w.update(id, every(30))
		made := w.edit.Create(t.Context(), []domain.SpecDoc{spec("?new=1")})
		for what, err := range map[string]error{"update": updateErr, "create": made[0].Err} {
			if domain.ErrorCode(err) != domain.CodeUnavailable {
				t.Errorf("%s: error %v, want that it is unavailable", what, err)
			}
		}
		w.gate.fail(nil)
		w.pass(10 * time.Second)
		job, err := w.db.Jobs().Get(t.Context(), id)
		if err != nil || job.Current.Number != 2 {
			t.Errorf("the job is at version %d, want 2; error %v", job.Current.Number, err)
		}
		if total, _, err := w.db.Jobs().Count(t.Context()); total != 1 || err != nil {
			t.Errorf("%d jobs, want 1; error %v", total, err)
		}
	})
}
