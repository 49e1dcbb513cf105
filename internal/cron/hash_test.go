package cron

import (
	"math/bits"
	"testing"
)

// The golden values were computed by a separate program from the formulas in hash.go. They
// may never change: a job whose schedule has an H would move.

func TestSeedGolden(t *testing.T) {
	for id, want := range map[[16]byte]uint64{
		{}: 0x88201fb960ff6465,
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}:                           0x7c84dc9477851775,
		{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}: 0xd6607508f5a1e855,
		[16]byte([]byte("belfry scheduler")):                                             0xc9bd366f03b10612,
	} {
		if got := SeedOf(id); got != want {
			t.Errorf("SeedOf(%x) = %#x, want %#x", id, got, want)
		}
	}
}

func TestHashGolden(t *testing.T) {
	for seed, want := range map[uint64][6]int{
		0:                  {52, 25, 0, 28, 2, 2},
		1:                  {33, 44, 23, 13, 6, 5},
		0xdeadbeefcafef00d: {33, 39, 2, 26, 6, 0},
		0x7c84dc9477851775: {37, 30, 18, 5, 12, 3},
	} {
		s := mustParse(t, "H H H H H ?", "", DST{})
		f := s.pattern.resolve(seed)
		got := [6]int{lowest(f.second), lowest(f.minute), lowest(f.hour), lowest(f.dom), lowest(f.month)}
		f = mustParse(t, "0 0 0 ? * H", "", DST{}).pattern.resolve(seed)
		if got[5] = lowest(f.dow); got != want {
			t.Errorf("seed %#x: H H H H H H = %v, want %v", seed, got, want)
		}
	}
	for seed, want := range map[uint64][2]int{0: {6, 12}, 1: {11, 22}, 0xdeadbeefcafef00d: {9, 19}} {
		f := mustParse(t, "0 H/15 * * * *", "", DST{}).pattern.resolve(seed)
		p := want[0]
		if every := uint64(1)<<p | 1<<(p+15) | 1<<(p+30) | 1<<(p+45); f.minute != every {
			t.Errorf("seed %#x: H/15 = %b, want %b", seed, f.minute, every)
		}
		f = mustParse(t, "0 H(30-59) * * * *", "", DST{}).pattern.resolve(seed)
		if got := lowest(f.minute); got != 30+want[1] {
			t.Errorf("seed %#x: H(30-59) = %d, want %d", seed, got, 30+want[1])
		}
	}
}

// TestHashStaysInRange: whatever the seed, an H chooses within its bounds, and a stepped one at least once.
func TestHashStaysInRange(t *testing.T) {
	for _, h := range []hashed{{fieldMinute, 0, 59, 0}, {fieldDOM, 1, 28, 0}, {fieldHour, 5, 5, 0},
		{fieldMinute, 10, 20, 11}, {fieldHour, 0, 23, 24}, {fieldSecond, 3, 40, 1}} {
		allowed := uint64(2)<<h.hi - 1<<h.lo
		for seed := range uint64(2000) {
			m := h.mask(h.pick(seed * 0x9e3779b97f4a7c15))
			if m == 0 || m&^allowed != 0 || h.step == 0 && bits.OnesCount64(m) != 1 {
				t.Fatalf("%+v with seed %d: %b", h, seed, m)
			}
		}
	}
}

// TestHashSpreads: of 60,000 jobs with "H" in the minute field, about 1,000 fire in each
// minute. The bound is six standard deviations of a uniform distribution (sqrt(60000/60)
// = 32).
func TestHashSpreads(t *testing.T) {
	h := hashed{fieldMinute, 0, 59, 0}
	var count [60]int
	for i := range 60_000 {
		id := [16]byte{14: byte(i >> 8), 15: byte(i)}
		count[lowest(h.mask(h.pick(SeedOf(id))))]++
	}
	for minute, n := range count {
		if n < 1000-6*32 || n > 1000+6*32 {
			t.Errorf("minute %d has %d of 60000 jobs", minute, n)
		}
	}
}

// TestHashIsPerJob: one shared schedule, different fires for different jobs, the same for the same job.
func TestHashIsPerJob(t *testing.T) {
	s := mustParse(t, "H H H * * *", "Europe/Berlin", DST{})
	a, _ := s.Next(0, Binding{Seed: 1})
	b, _ := s.Next(0, Binding{Seed: 2})
	again, _ := s.Next(0, Binding{Seed: 1})
	if a == b || a != again {
		t.Errorf("seed 1: %d and %d, seed 2: %d", a, again, b)
	}
}
