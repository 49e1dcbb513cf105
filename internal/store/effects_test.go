package store

import "testing"

func TestEffects(t *testing.T) {
	t.Parallel()
	var e Effects
	if EffectsOf(t.Context()) != nil || EffectsOf(WithEffects(t.Context(), &e)) != &e {
		t.Error("a context has other effects")
	}
	rows := []Shard{{Number: 0, Applied: 4}, {Number: 1, Applied: 6}, {Number: 2}}
	if !e.Empty() || e.Look(rows, 0) != 0 {
		t.Error("without a change there is one")
	}
	for _, made := range []Effect{{Number: 0, Revision: 4}, {Number: 1, Revision: 7}, {Number: 1, Revision: 5}} {
		e.Add(made)
	}
	if e.Empty() {
		t.Error("changes were not kept")
	}
	if open := e.Look(rows, 0); open != 1 {
		t.Errorf("%d shards remain; the later change of one is not applied", open)
	}
	rows[1].Applied = 7
	if open := e.Look(rows, 0); open != 0 || !e.Empty() {
		t.Errorf("%d shards remain", open)
	}
}
