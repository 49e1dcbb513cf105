package app

import (
	"log/slog"
	"testing"
)

// TestFit: calls get what is left beside the databases and the clients of the
// API, and never less than half.
func TestFit(t *testing.T) {
	for _, tc := range []struct {
		want, beside int
		files        uint64
		fits         int
	}{
		{20_000, 2_000, 0, 20_000}, // unknown
		{20_000, 2_000, 22_000, 20_000},
		{20_000, 2_000, 1 << 20, 20_000},
		{20_000, 2_000, 21_999, 19_999},
		{20_000, 2_000, 20_000, 18_000},
		{20_000, 2_000, 1_024, 512},
		{20_000, 101_000, 20_000, 10_000},
		{100, 2_000, 2_100, 100},
	} {
		if got := fit(tc.want, tc.beside, tc.files, slog.New(slog.DiscardHandler)); got != tc.fits {
			t.Errorf("%+v: %d", tc, got)
		}
	}
}
