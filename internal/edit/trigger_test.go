package edit

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// A trigger is in the audit trail with who made it, also one whose record was not
// waited for; one that was refused is not.
func TestTriggerIsNoted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		asked := domain.Change{At: 5, Nonce: 9, By: domain.Author{Key: "env", Address: "192.0.2.1"}}
		ctx := store.WithChange(t.Context(), asked)
		entries := func() []domain.Change {
			found, err := w.store.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		x, err := w.Trigger(ctx, id, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := entries(); len(got) != 1 || got[0].Action != domain.ActionTrigger || got[0].By != asked.By ||
			got[0].JobID != id || got[0].Version != 1 || got[0].Execution != x.ID() || got[0].At != 5 {
			t.Errorf("%+v", got)
		}
		w.owner.pending = domain.Unavailable(nil, "not on record yet")
		if _, err := w.Trigger(store.WithChange(t.Context(), domain.Change{At: 6, Nonce: 10}), id, 0); err == nil {
			t.Error("no error")
		}
		w.owner.refuses = domain.Unavailable(nil, "stopping")
		if _, err := w.Trigger(ctx, id, 0); err == nil {
			t.Error("no error")
		}
		if got := entries(); len(got) != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// A trigger that is on record is answered as such; the log then has its entry.
func TestATriggerWithoutAnEntryIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.fail(faulty.FailBefore, "Changes.Add")
		ctx := store.WithChange(t.Context(), domain.Change{At: 5, Nonce: 9, By: domain.Author{Key: "env",
			Address: "192.0.2.1"}})
		x, err := w.Trigger(ctx, id, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"not in the audit trail", id.String(), x.ID().String(), "by=env",
			"192.0.2.1"} {
			if !strings.Contains(w.log.String(), want) {
				t.Errorf("%s is not in the log: %s", want, &w.log)
			}
		}
	})
}

// A trigger whose id is known before has this id, and its entry is left to the caller.
func TestTriggerAs(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		ctx := store.WithChange(t.Context(), domain.Change{At: 5, Nonce: 9})
		x, err := w.TriggerAs(ctx, id, 1_000, 42)
		if err != nil || x.ID() != domain.NewExecutionID(id, 1_000, 42) {
			t.Errorf("%+v, %v", x, err)
		}
		found, err := w.store.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 10})
		if err != nil || len(found) > 0 {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
