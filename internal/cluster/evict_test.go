package cluster

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestEvicted(t *testing.T) {
	t.Parallel()
	const now, own = 10_000_000, 5
	minute, hour := SurelyGoneAfter, evictAfter
	for _, c := range []struct {
		name        string
		gone        bool
		age, unseen time.Duration
		protocol    int
		want        bool
	}{
		{"is there", false, 0, 0, own, false},
		{"was just killed", true, minute / 2, minute / 2, own, false},
		{"is gone for a while", true, hour, hour, own, false},
		{"is gone for long", true, hour, hour + time.Millisecond, own, true},
		{"is gone for long, as a node sees that has just begun to look", true, minute / 2, 2 * hour, own, true},
		{"older: is there", false, 0, 0, own - 1, false},
		{"older: was just killed", true, minute / 2, minute / 2, own - 1, false},
		{"older: is surely gone", true, minute, minute + time.Millisecond, own - 1, true},
		{"older: by the clock of the store alone, which was set ahead", true, minute / 2, hour / 2, own - 1, false},
		{"older: by the clock of this node alone, as the store's was set back", true, hour, minute / 2, own - 1, false},
		{"older: writes its row, but the clock of the store was set ahead", false, 0, 2 * hour, own - 1, false},
		{"newer: is surely gone", true, minute, 2 * minute, own + 1, false},
	} {
		row := store.Node{Seen: now - c.unseen.Milliseconds(), Protocol: c.protocol}
		o := &NodeView{Node: row, Gone: c.gone, Age: c.age}
		if got := evicted(o, now, own); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
