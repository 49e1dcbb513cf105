package host

import (
	"testing"
	"time"
)

func TestCheaperByHTTP1(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name                  string
		is                    bool
		took, quickest, usual time.Duration
		want                  bool
	}{
		{"nothing is known", false, time.Second, 0, 0, false},
		{"nothing is known any more", true, time.Second, 0, 0, true},
		{"only the quickest call is known", false, time.Second, ms, 0, false},
		{"quick", false, time.Second, ms, 2 * ms, true},
		{"quick, at the limits", false, 8 * time.Second, 2 * ms, 20 * ms, true},
		{"quick, and seldom called", false, 9 * time.Second, ms, 2 * ms, false},
		{"quick, seldom called of late", true, time.Hour, ms, 2 * ms, true},
		{"a round trip of 3 ms", false, time.Second, 3 * ms, 3 * ms, false},
		{"a few quick calls among slow ones", false, time.Second, ms, 21 * ms, false},
		{"a little slower than before", true, time.Second, 4 * ms, 40 * ms, true},
		{"slow since", true, time.Second, 5 * ms, 5 * ms, false},
		{"most are slow since", true, time.Second, ms, 41 * ms, false},
	} {
		if got := CheaperByHTTP1(c.is, c.took, c.quickest, c.usual); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A host to which a round trip is short may be quick.
func TestBeginsByHTTP1(t *testing.T) {
	t.Parallel()
	for roundTrip, want := range map[time.Duration]bool{
		0: false, time.Microsecond: true, quickTarget: true, quickTarget + 1: false, time.Second: false,
	} {
		if got := BeginsByHTTP1(roundTrip); got != want {
			t.Errorf("%s: %v, want %v", roundTrip, got, want)
		}
	}
}
