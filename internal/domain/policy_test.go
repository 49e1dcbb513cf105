package domain

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestRetryDelay(t *testing.T) {
	t.Parallel()
	const hour = 3_600_000
	for _, c := range []struct {
		retry Retry
		n     int
		after int64
		want  int64
	}{
		{DefaultRetry(), 1, 0, 1000},
		{DefaultRetry(), 2, 0, 2000},
		{DefaultRetry(), 3, 0, 3000},
		{DefaultRetry(), 2, 1500, 2000},    // Retry-After never shortens
		{DefaultRetry(), 2, 9000, 9000},    // it lengthens
		{DefaultRetry(), 1, 1 << 60, hour}, // up to the limit
		{DefaultRetry(), 100, 0, 100_000},
		{Retry{5, 700, BackoffFixed, hour}, 1, 0, 700},
		{Retry{5, 700, BackoffFixed, hour}, 5, 0, 700},
		{Retry{5, 700, BackoffFixed, 500}, 1, 0, 500},
		{Retry{5, 100, BackoffExponential, hour}, 1, 0, 100},
		{Retry{5, 100, BackoffExponential, hour}, 2, 0, 200},
		{Retry{5, 100, BackoffExponential, hour}, 5, 0, 1600},
		{Retry{5, 100, BackoffExponential, hour}, 20, 0, hour},
		{Retry{99, MaxRetryDelayMs, BackoffExponential, MaxRetryDelayMs}, 100, 0, MaxRetryDelayMs}, // shifted out
		{Retry{99, 1, BackoffExponential, MaxRetryDelayMs}, 100, 0, MaxRetryDelayMs},
		{Retry{99, 0, BackoffExponential, MaxRetryDelayMs}, 100, 0, 0},
		{Retry{99, MaxRetryDelayMs, BackoffLinear, MaxRetryDelayMs}, 100, 0, MaxRetryDelayMs},
	} {
		t.Run(fmt.Sprintf("%s %d, retry %d, after %d", c.retry.Backoff, c.retry.DelayMs, c.n, c.after),
			func(t *testing.T) {
				if got := c.retry.Delay(c.n, c.after); got != c.want {
					t.Errorf("%d ms, want %d", got, c.want)
				}
			})
	}
}

// Whatever is valid gives delays that never shrink, never pass the limit, and
// never overflow.
func TestRetryDelayProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := Retry{
			MaxRetries: MaxRetriesLimit,
			DelayMs:    rapid.Int64Range(0, MaxRetryDelayMs).Draw(t, "delay"),
			Backoff: rapid.SampledFrom([]Backoff{BackoffFixed, BackoffLinear, BackoffExponential}).Draw(
				t, "backoff"),
			MaxDelayMs: rapid.Int64Range(0, MaxRetryDelayMs).Draw(t, "max"),
		}
		after := rapid.Int64Range(0, 1<<62).Draw(t, "after")
		last := int64(0)
		for n := 1; n <= MaxRetriesLimit; n++ {
			d := r.Delay(n, 0)
			if d < last || d > r.MaxDelayMs {
				t.Fatalf("retry %d after %d ms, the one before after %d", n, d, last)
			}
			if got := r.Delay(n, after); got != min(max(d, after), r.MaxDelayMs) {
				t.Fatalf("with Retry-After %d: %d", after, got)
			}
			last = d
		}
	})
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	for s, want := range map[Status][2]bool{ // final, alerts
		StatusPending: {false, false}, StatusRunning: {false, false}, StatusSuccess: {true, false},
		StatusFailed: {true, true}, StatusSkipped: {true, false}, StatusMissed: {true, false},
		StatusUnknown: {true, true},
	} {
		if s.Final() != want[0] || s.Alerts() != want[1] {
			t.Errorf("%s: final %v, alerts %v", s, s.Final(), s.Alerts())
		}
	}
}

func TestVerdictOf(t *testing.T) {
	t.Parallel()
	retry := map[int]bool{408: true, 425: true, 429: true}
	for status := 100; status < 600; status++ {
		want := VerdictFinal
		switch {
		case status >= 200 && status < 300:
			want = VerdictSuccess
		case status >= 500 || retry[status]:
			want = VerdictRetry
		}
		if got := VerdictOf(status); got != want {
			t.Errorf("%d: %d, want %d", status, got, want)
		}
	}
}

func TestExecution(t *testing.T) {
	t.Parallel()
	e := Execution{StartedAt: 100, CompletedAt: 130, HTTPStatus: 200}
	if e.Duration() != 30 || e.Fires() != 1 {
		t.Errorf("duration %d, %d fires", e.Duration(), e.Fires())
	}
	if all := e.AllAttempts(); len(all) != 1 || all[0] != (Attempt{1, 100, 130, 200, ""}) {
		t.Errorf("attempts %+v", all)
	}
	e.Attempts = []Attempt{{Number: 1}, {Number: 2}}
	if len(e.AllAttempts()) != 2 {
		t.Error("attempts are not those on record")
	}
	if (&Execution{CompletedAt: 5}).Duration() != 0 || (&Execution{StartedAt: 9, CompletedAt: 5}).Duration() != 0 ||
		(&Execution{StartedAt: 9}).Duration() != 0 {
		t.Error("a duration of what was not sent, has not ended, or ended before it began")
	}
	if n := len((&Execution{CompletedAt: 5}).AllAttempts()); n != 0 {
		t.Errorf("%d attempts of what was never sent", n)
	}
	if n := (&Execution{Missed: &MissedRange{1, 77}}).Fires(); n != 77 {
		t.Errorf("a summary stands for %d", n)
	}
	if a := (Alert{}); !a.Open() {
		t.Error("a new alert is not open")
	}
	if a := (Alert{RecoveredAt: 1}); a.Open() {
		t.Error("an alert that recovered is open")
	}
}
