package app

import (
	"strings"
	"testing"
)

// TestFit: calls get what is left beside the databases and the clients of the
// API, and never less than half of it. With too few files nothing starts.
func TestFit(t *testing.T) {
	for _, tc := range []struct {
		want  quota
		files uint64
		fits  quota
	}{
		{newQuota(20_000, 1_000), 0, quota{20_000, 1_000, 20_000}}, // unknown
		{newQuota(20_000, 1_000), 22_000, quota{20_000, 1_000, 20_000}},
		{newQuota(20_000, 1_000), 1 << 20, quota{20_000, 1_000, 20_000}},
		{newQuota(20_000, 1_000), 21_999, quota{19_999, 1_000, 19_999}},
		{newQuota(20_000, 1_000), 20_000, quota{18_000, 1_000, 18_000}},
		{newQuota(20_000, 1_000), 4_096, quota{2_096, 1_000, 2_096}},
		{newQuota(20_000, 1_000), 1_024, quota{256, 256, 256}},
		{newQuota(20_000, 1_000), 512, quota{128, 128, 128}},
		{newQuota(20_000, 100_000), 20_000, quota{9_500, 9_500, 9_500}},
		{newQuota(100, 1_000), 3_000, quota{100, 1_000, 1_000}},
		{newQuota(100, 1_000), 2_100, quota{100, 1_000, 100}},
		{newQuota(100, 1_000), 2_000, quota{100, 900, 100}},
		{newQuota(100, 10), 512, quota{100, 10, 246}},
		{newQuota(1, 10), 512, quota{1, 10, 246}},
	} {
		if got, err := fit(tc.want, tc.files); got != tc.fits || err != nil {
			t.Errorf("%+v: %+v, error %v", tc, got, err)
		} else if tc.files > 0 && (got.conns < got.calls ||
			uint64(got.conns+got.clients) > tc.files-min(ownFiles, tc.files/2)) {
			t.Errorf("%+v: %+v is more than there is", tc, got)
		}
	}
	for _, files := range []uint64{1, 64, 256, 511} {
		_, err := fit(newQuota(20_000, 1_000), files)
		if err == nil || !strings.Contains(err.Error(), "ulimit -n") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%d files: error %v", files, err)
		}
	}
	if _, err := fit(newQuota(1, 10), 511); err == nil {
		t.Error("few calls do not need the files of the store")
	}
}
