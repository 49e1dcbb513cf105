package api

import (
	"net/http"
	"testing"
	"time"
)

// TestQuotas is the table of what is told of a quota.
func TestQuotas(t *testing.T) {
	for _, tc := range []struct {
		quota        quota
		remaining    int
		policy, told string
		wait         time.Duration
		retry, limit string
	}{
		{ofKey(5), 3, `"key";q=5;w=1`, `"key";r=3;t=1`, 200 * time.Millisecond, "1", `"key";r=0;t=1`},
		{wrongKeys, 0, `"wrong-keys";q=10;w=10`, `"wrong-keys";r=0;t=10`, 1500 * time.Millisecond, "2",
			`"wrong-keys";r=0;t=2`},
		{atATime("imports", 4), 1, `"imports";q=4;qu="concurrent-requests"`, `"imports";r=1;t=1`, busyWait, "5",
			`"imports";r=0;t=5`},
		{contentAtATime("pages", 18<<20), 0, `"pages";q=6291456;qu="content-bytes"`, `"pages";r=0;t=1`, busyWait, "5",
			`"pages";r=0;t=5`},
	} {
		h := http.Header{}
		tc.quota.tell(h, tc.remaining)
		if h.Get("RateLimit-Policy") != tc.policy || h.Get("RateLimit") != tc.told {
			t.Errorf("%s: told %v", tc.quota.name, h)
		}
		h = kindBusy.plain().throttled(tc.quota, tc.wait).header
		if h.Get("RateLimit-Policy") != tc.policy || h.Get("RateLimit") != tc.limit ||
			h.Get("Retry-After") != tc.retry {
			t.Errorf("%s: throttled with %v", tc.quota.name, h)
		}
	}
}
