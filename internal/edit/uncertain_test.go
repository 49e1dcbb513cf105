package edit

import (
	"context"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// under returns a context with the n-th entry of the trail.
func under(t *testing.T, n int64) context.Context {
	t.Helper()
	return store.WithChange(t.Context(), domain.Change{At: 5_000, Nonce: n, By: domain.Author{Key: "env"}})
}

// A change that another process may have made is made once. Where it was made, its answer is given
// again, whatever version the caller asks for, and whether the owner is here or not.
func TestUncertainChange(t *testing.T) {
	for _, here := range []bool{true, false} {
		bubble(t, func(t *testing.T, w *world) {
			if !here {
				w.elsewhere()
			}
			w.without.ahead = 3_000
			id := w.make()
			rename := func(d *domain.SpecDoc) error {
				d.Name = "x"
				return nil
			}
			uncertain := func(n int64) context.Context { return WithUncertain(under(t, n), w.store.Changes()) }
			first, err := w.Update(uncertain(1), id, 1, rename) // it was not made
			if err != nil || first.Number != 2 {
				t.Fatalf("%+v, %v", first, err)
			}
			if err := w.rename(id, "y"); err != nil {
				t.Fatal(err)
			}
			again, err := w.Update(uncertain(1), id, 1, rename)
			if err != nil || again.Number != 2 || again.EffectiveFrom != first.EffectiveFrom || w.number(id) != 3 {
				t.Errorf("%+v, %v; the job is at version %d", again, err, w.number(id))
			}
			if _, err := w.Update(uncertain(2), id, 1, rename); codeOf(err) != domain.CodeConflict {
				t.Errorf("another change: %v", err)
			}
			if _, err := w.Update(under(t, 1), id, 1, rename); codeOf(err) != domain.CodeConflict {
				t.Errorf("without an uncertainty: %v", err)
			}
			paused, _, err := w.SetActive(uncertain(3), id, 0, false, nil)
			if err != nil || paused.Number != 4 {
				t.Errorf("%+v, %v", paused, err)
			}
			paused, changed, err := w.SetActive(uncertain(3), id, 0, false, nil)
			if err != nil || paused.Number != 4 || !changed {
				t.Errorf("a pause, again: %+v, %v", paused, err)
			}
			gone, err := w.Delete(uncertain(4), id, 0)
			if err != nil || gone == 0 {
				t.Fatalf("%d, %v", gone, err)
			}
			if to, err := w.Delete(uncertain(4), id, 0); err != nil || to != gone {
				t.Errorf("deleted from %d on, then %d: %v", gone, to, err)
			}
			if _, err := w.Delete(uncertain(5), id, 0); codeOf(err) != domain.CodeNotFound {
				t.Errorf("another deletion: %v", err)
			}
		})
	}
}

// An execution whose id is known before is put on record once.
func TestUncertainTrigger(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.without.ahead = 3_000
		id := w.make()
		for range 3 {
			x, err := w.Trigger(WithTrigger(WithUncertain(under(t, 1), w.store.Changes()), 7_000, 8), id, 0)
			if err != nil || x.ScheduledAt != max(7_000, x.ScheduledAt) || x.Nonce != 8 {
				t.Errorf("%+v, %v", x, err)
			}
		}
		if runs := w.runs(); len(runs) != 1 || len(w.owner.execs) != 0 {
			t.Errorf("%d open runs; the owner has %d", len(runs), len(w.owner.execs))
		}
		if x, err := w.Trigger(WithTrigger(t.Context(), 9_000, 8), id, 0); err != nil || x.ScheduledAt != 9_000 ||
			len(w.owner.execs) != 1 {
			t.Errorf("by the owner: %+v, %v", x, err)
		}
	})
}
