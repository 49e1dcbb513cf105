package host

import (
	"math"
	"testing"
)

func TestShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slots, most, late int }{
		{1, 1, 1}, {2, 1, 1}, {4, 3, 1}, {10, 9, 2}, {99, 89, 24}, {100, 90, 25}, {20_000, 18_000, 5_000},
		{math.MaxInt, math.MaxInt/100*90 + 6, math.MaxInt / 4},
	} {
		if most, late := MostSlots(c.slots), LateSlots(c.slots); most != c.most || late != c.late {
			t.Errorf("of %d slots a host may have %d and late fires %d, want %d and %d", c.slots, most, late,
				c.most, c.late)
		}
	}
}

func TestFitSlots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ perHost, all, there, want int }{
		{90, 100, 100, 90}, // all are there
		{50, 100, 100, 50}, // less was asked for
		{90, 100, 10, 9},   // few are there: nine tenths of those
		{5, 100, 10, 5},    // and enough of them
		{100, 100, 10, 10}, // all were asked for
		{100, 100, 100, 100},
		{90, 100, 1, 1},
	} {
		if got := FitSlots(c.perHost, c.all, c.there); got != c.want {
			t.Errorf("%d of %d slots for a host, of which %d are there: %d, want %d", c.perHost, c.all,
				c.there, got, c.want)
		}
	}
}

func TestMayBegin(t *testing.T) {
	t.Parallel()
	free := Slots{Most: 8}
	for _, c := range []struct {
		name      string
		host, all Slots
		live      Verdict // for a fire on time
		late      Verdict // for a late one
	}{
		{"nothing is taken", free, free, Begin, Begin},
		{"one slot is left", Slots{8, 7, 0}, Slots{8, 7, 0}, Begin, Begin},
		{"all slots are taken", Slots{8, 1, 0}, Slots{8, 8, 0}, AwaitAny, AwaitAny},
		{"those of the host are taken", Slots{8, 8, 0}, Slots{80, 8, 0}, AwaitHost, AwaitHost},
		{"both are taken", Slots{8, 8, 0}, Slots{8, 8, 0}, AwaitAny, AwaitAny},
		{"the host's late share has room", Slots{8, 1, 1}, Slots{80, 1, 1}, Begin, Begin},
		{"the host's late share is used up", Slots{8, 2, 2}, Slots{80, 2, 2}, Begin, AwaitLate},
		{"the late share of all is used up", Slots{8, 0, 0}, Slots{8, 2, 2}, Begin, AwaitLate},
		{"the limit has fallen below what is taken", Slots{4, 6, 3}, Slots{80, 6, 3}, AwaitHost, AwaitHost},
		{"one slot for all", Slots{1, 0, 0}, Slots{1, 0, 0}, Begin, Begin},
	} {
		if live, late := MayBegin(false, c.host, c.all), MayBegin(true, c.host, c.all); live != c.live ||
			late != c.late {
			t.Errorf("%s: %d, and %d for a late fire; want %d and %d", c.name, live, late, c.live, c.late)
		}
	}
}
