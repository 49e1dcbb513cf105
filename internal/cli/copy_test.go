package cli

import (
	"context"
	"os"
	"path/filepath"
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

// TestCopyThatIsInterrupted says what to do, not which call was under way.
func TestCopyThatIsInterrupted(t *testing.T) {
	t.Parallel()
	from := filepath.Join(t.TempDir(), "jobs.db")
	if err := os.WriteFile(from, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	s := &shell{out: &out, err: &errs, clock: clock.System{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := s.run(ctx, []string{"copy", "--from", from, "--to", filepath.Join(t.TempDir(), "jobs.db")})
	if code != exitFailure || !strings.HasPrefix(errs.String(), "belfry: interrupted: the same command goes on") {
		t.Errorf("exit code %d, said %q", code, errs.String())
	}
}
