package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// TestEndOf is the truth table of what becomes of an open run whose version
// cannot be run.
func TestEndOf(t *testing.T) {
	failed := []domain.Attempt{{Number: 1, StartedAt: 1, Error: "refused"}}
	for _, c := range []struct {
		open domain.OpenRun
		want domain.Status
		text string
	}{
		{domain.OpenRun{}, domain.StatusMissed, "why"},
		{domain.OpenRun{Attempts: failed}, domain.StatusFailed, "no further attempt: why; last error: refused"},
		{domain.OpenRun{InFlight: true}, domain.StatusUnknown, LostOutcome + "; why"},
		{domain.OpenRun{InFlight: true, Attempts: failed}, domain.StatusUnknown, LostOutcome + "; why"},
	} {
		if got, text := endOf(&c.open, "why"); got != c.want || text != c.text {
			t.Errorf("%+v: %s %q, want %s %q", c.open, got, text, c.want, c.text)
		}
	}
}
