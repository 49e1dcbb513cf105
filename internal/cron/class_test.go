package cron

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestOneClassHasTheSameFires, and there are no more classes than needed.
func TestOneClassHasTheSameFires(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const now = 1_767_225_600
	for text, most := range map[string]int{
		"0 H * * * *": 60, "H H(0-5) * * * *": 360, "H/15 * * * * *": 15, "0 0 H,H(3-9) * * *": 168, "@every 90s": 90,
		"@hourly": 1, "@at 2026-03-01T09:00:00Z": 1, "H H H H * *": 60 * 60 * 24 * 28,
	} {
		s, err := Parse(text, "Europe/Berlin", DST{})
		if err != nil {
			t.Fatal(err)
		}
		fires := map[uint64][]int64{}
		for range 3_000 {
			b := Binding{Seed: r.Uint64(), Anchor: now - r.Int64N(1_000_000)}
			var got []int64
			for at, ok := s.Next(now, b); ok && len(got) < 6; at, ok = s.Next(at, b) {
				got = append(got, at)
			}
			class := s.Class(b)
			if known, has := fires[class]; has && !slices.Equal(known, got) {
				t.Fatalf("%s: class %d fires at %v and at %v", text, class, known, got)
			}
			fires[class] = got
		}
		if len(fires) > most {
			t.Errorf("%s: %d classes, at most %d are needed", text, len(fires), most)
		}
	}
}
