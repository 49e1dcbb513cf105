package app

import "testing"

const mb = 1 << 20

// A burst is given back once no collection comes any more; what is in use is not tried again.
func TestSurplus(t *testing.T) {
	t.Parallel()
	var s surplus
	for i, look := range []struct {
		heap, cycles uint64
		want         bool
		after        uint64 // the heap after the collection
	}{
		{heap: 50 * mb, cycles: 3},
		{heap: 50 * mb, cycles: 3},
		{heap: 50 * mb, cycles: 3},
		{heap: 300 * mb, cycles: 9}, // the burst: collections come by themselves
		{heap: 310 * mb, cycles: 20},
		{heap: 310 * mb, cycles: 20},
		{heap: 310 * mb, cycles: 20, want: true, after: 60 * mb}, // 20 s after the last one
		{heap: 60 * mb, cycles: 21},
		{heap: 80 * mb, cycles: 21},
		{heap: 90 * mb, cycles: 21}, // what is normal between two collections
		{heap: 92 * mb, cycles: 21, want: true, after: 92 * mb},
		{heap: 92 * mb, cycles: 22}, // it is in use
		{heap: 92 * mb, cycles: 22},
		{heap: 92 * mb, cycles: 22},
		{heap: 40 * mb, cycles: 23},
		{heap: 70 * mb, cycles: 23},
		{heap: 70 * mb, cycles: 23, want: true, after: 40 * mb},
	} {
		if got := s.tooLarge(look.heap, look.cycles); got != look.want {
			t.Errorf("look %d: %v", i, got)
		}
		if look.want {
			s.done(look.after, look.cycles+1)
		}
	}
}
