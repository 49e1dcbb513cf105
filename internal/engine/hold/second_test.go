package hold

import "testing"

func TestSecond(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int64]int64{0: 0, 1: 0, 999: 0, 1000: 1, 1999: 1, -1: -1, -1000: -1, -1001: -2} {
		if got := Second(ms); got != want {
			t.Errorf("second(%d) = %d, want %d", ms, got, want)
		}
	}
}
