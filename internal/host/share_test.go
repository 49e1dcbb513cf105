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
	of := func(most, taken, late int) Slots { return Slots{Most: most, Taken: taken, Late: late} }
	for _, c := range []struct {
		name      string
		host, all Slots
		live      Verdict // for a fire on time
		late      Verdict // for a late one
	}{
		{"nothing is taken", free, free, Begin, Begin},
		{"one slot is left", of(8, 7, 0), of(8, 7, 0), Begin, Begin},
		{"all slots are taken", of(8, 1, 0), of(8, 8, 0), AwaitAny, AwaitAny},
		{"those of the host are taken", of(8, 8, 0), of(80, 8, 0), AwaitHost, AwaitHost},
		{"both are taken", of(8, 8, 0), of(8, 8, 0), AwaitAny, AwaitAny},
		{"the host's late share has room", of(8, 1, 1), of(80, 1, 1), Begin, Begin},
		{"the host's late share is used up", of(8, 2, 2), of(80, 2, 2), Begin, AwaitShare},
		{"the late share of all is used up", of(8, 0, 0), of(8, 2, 2), Begin, AwaitAnyLate},
		{"the limit has fallen below what is taken", of(4, 6, 3), of(80, 6, 3), AwaitHost, AwaitHost},
		{"one slot for all", of(1, 0, 0), of(1, 0, 0), Begin, Begin},
	} {
		if live, late := MayBegin(false, c.host, c.all), MayBegin(true, c.host, c.all); live != c.live ||
			late != c.late {
			t.Errorf("%s: %d, and %d for a late fire; want %d and %d", c.name, live, late, c.live, c.late)
		}
	}
}

// An overdue fire has what live ones have not used of late, and a quarter at least, in
// which recovered ones count; it takes nothing from the share of those.
func TestMayBeginOverdue(t *testing.T) {
	t.Parallel()
	all := Slots{Most: 800}
	for _, c := range []struct {
		name          string
		host, all     Slots
		overdue, late Verdict
	}{
		{"live fires use nothing", Slots{Most: 8, Taken: 7, Overdue: 7}, all, Begin, Begin},
		{"they have used three slots", Slots{Most: 8, Taken: 4, Overdue: 4, Live: 3}, all, Begin, Begin},
		{"and five are taken", Slots{Most: 8, Taken: 5, Overdue: 5, Live: 3}, all, AwaitShare, Begin},
		{"one of them by a recovered fire", Slots{Most: 8, Taken: 5, Overdue: 4, Late: 1, Live: 3}, all, AwaitShare,
			Begin},
		{"they have used all", Slots{Most: 8, Taken: 1, Overdue: 1, Live: 8}, all, Begin, Begin},
		{"and a quarter is taken", Slots{Most: 8, Taken: 2, Overdue: 2, Live: 8}, all, AwaitShare, Begin},
		{"by recovered fires", Slots{Most: 8, Taken: 2, Late: 2, Live: 8}, all, AwaitShare, AwaitShare},
		{"no slot", Slots{Most: 8, Taken: 8, Overdue: 8}, all, AwaitHost, AwaitHost},
		{"the share of all is taken", Slots{Most: 8}, Slots{Most: 8, Taken: 3, Overdue: 3, Live: 5}, AwaitAnyLate,
			Begin},
		{"of all by recovered fires", Slots{Most: 8}, Slots{Most: 8, Taken: 2, Late: 2, Live: 8}, AwaitAnyLate,
			AwaitAnyLate},
	} {
		overdue, late := MayBeginIn(Overdue, &c.host, &c.all), MayBeginIn(Late, &c.host, &c.all)
		if overdue != c.overdue || late != c.late {
			t.Errorf("%s: %d, and %d for a recovered fire; want %d and %d", c.name, overdue, late, c.overdue, c.late)
		}
	}
}

// What live fires use is the most of them at a time, and falls by an eighth a second.
func TestPeakOfLiveCalls(t *testing.T) {
	t.Parallel()
	s := Slots{Most: 100}
	for range 40 {
		s.Begin(Live)
	}
	s.Begin(Late)
	s.Begin(Overdue)
	for range 30 {
		s.End(Live)
	}
	if want := (Slots{Most: 100, Taken: 12, Late: 1, Overdue: 1, Live: 40}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	s.Relax()
	if s.Live != 35 {
		t.Errorf("a peak of 40 is %d after a second", s.Live)
	}
	for range 20 {
		s.Relax()
	}
	if s.Live != 10 {
		t.Errorf("the peak is %d, and 10 are in flight", s.Live)
	}
	s.End(Late)
	s.End(Overdue)
	if s.Taken != 10 || s.Late != 0 || s.Overdue != 0 {
		t.Errorf("%+v", s)
	}
}
