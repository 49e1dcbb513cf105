package cli

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// TestCopyProgress has the lines of a copy, one a second at most.
func TestCopyProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		clk := clock.System{}
		p := &copyProgress{out: &out, clock: clk, mark: clk.Mark()}
		tell := func(after time.Duration, is app.CopyProgress) {
			time.Sleep(after)
			p.tell(is)
		}
		versions := app.CopyProgress{Kind: "versions", Rows: 1_000, Done: 6_000, Total: 20_000}
		tell(0, versions)
		tell(600*time.Millisecond, versions)
		tell(400*time.Millisecond, versions)
		tell(time.Second/2, versions)
		versions.Done = 20_001 // more came than were counted
		tell(3*time.Second/2, versions)
		tell(2*time.Second, app.CopyProgress{Kind: "trail", Rows: 500, Done: 500})
		tell(0, app.CopyProgress{Audit: true, Kind: "versions", Rows: 10})
		tell(time.Second, app.CopyProgress{Audit: true, Kind: "trail", Rows: 90})
		want := "copying versions: 6000 of 20000 (30 %), 3000 a second\n" +
			"copying versions: 20001 of 20000 (100 %), 1000 a second\n" +
			"copying trail: 500, 250 a second\n" +
			"comparing: 100 rows of both databases, 100 a second\n"
		if out.String() != want {
			t.Errorf("printed\n%swant\n%s", out.String(), want)
		}
	})
}
