package bench

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The search finds the limit of a machine whose limit is known, wherever it
// begins, to the resolution or as well as its steps allow.
func TestSearchFindsTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 1_000_000).Draw(t, "limit")
		s := search{from: rapid.IntRange(1, 1_000_000).Draw(t, "from"), resolution: 0.03, steps: 200}
		for n, ok := s.next(); ok; n, ok = s.next() {
			s.tried(n, n <= limit)
		}
		if s.good > limit || s.bad != 0 && s.bad <= limit {
			t.Fatalf("limit %d: %d worked and %d did not", limit, s.good, s.bad)
		}
		if s.good == 0 || s.bad == 0 || s.bad-s.good > max(1, int(0.03*float64(s.bad))) {
			t.Fatalf("limit %d: between %d and %d is not close enough", limit, s.good, s.bad)
		}
	})
}

func TestSearchStopsAtItsSteps(t *testing.T) {
	s := search{from: 100, resolution: 0.001, steps: 3}
	tries := 0
	for n, ok := s.next(); ok; n, ok = s.next() {
		s.tried(n, true)
		tries++
	}
	if tries != 3 || s.good != 156 {
		t.Errorf("%d tries up to %d, want 3 up to 156", tries, s.good)
	}
}

// A number that works when it is tried again has worked, and the search goes on from there.
func TestSearchTriesAgain(t *testing.T) {
	s, tries := search{from: 100, resolution: 0.03, steps: 200}, map[int]int{}
	err := s.run(2, func(n int) (bool, error) {
		tries[n]++
		return n <= 200 && tries[n] == 2, nil
	})
	if err != nil || s.good < 190 || s.good > 200 || s.bad <= 200 {
		t.Errorf("%d worked and %d did not, want 200: %v", s.good, s.bad, err)
	}
}

func TestAddressIn(t *testing.T) {
	for line, want := range map[string]string{
		`{"msg":"belfry is running","address":"http://127.0.0.1:4711"}`: "http://127.0.0.1:4711",
		`{"msg":"recovered","jobs":3}`:                                  "",
		"receiver listens on http://127.0.0.1:4444":                     "http://127.0.0.1:4444",
		"receiver listens on https://127.0.0.1:4444":                    "https://127.0.0.1:4444",
		"": "",
	} {
		if got := addressIn([]byte(line)); got != want {
			t.Errorf("%q: address %q, want %q", line, got, want)
		}
	}
}

func TestOwnCPUGrows(t *testing.T) {
	if used(1).rss == 0 && ownCPU() == 0 {
		t.Skip("there is no /proc here")
	}
	before, end := ownCPU(), time.Now().Add(10*time.Second)
	for n := 0; ownCPU() == before; n++ {
		if time.Now().After(end) {
			t.Fatal("ten seconds of work cost no CPU time")
		}
	}
}

func TestUnknownProcessUsesNothing(t *testing.T) {
	if got := used(-1); got != (usage{}) {
		t.Errorf("%+v", got)
	}
}

func TestNumbersInLittleRoom(t *testing.T) {
	for v, want := range map[float64]string{
		0.1: "0.1", 1: "1", 2.54: "2.5", 10: "10", 99.4: "99", 1000: "1k", 1540: "1.5k", 10_000: "10k", 2_000_000: "2M",
		12_340_000: "12.3M",
	} {
		if got := number(v); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
}
