package due

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// Every fire that is staged in time becomes soon once, in the half second before its instant
// or up to a step sooner, whatever is taken, added and merged meanwhile.
func TestFiresBecomeSoonOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := NewTimetable(nil)
		table.Begin(999)
		seen := make(map[*run.Run]int)
		missed := make(map[*run.Run]bool) // added when they would have been returned already
		var all []*run.Run
		for now := int64(1_000); now < 6_000; now += rapid.Int64Range(1, 400).Draw(t, "pass") {
			table.staged.mergeAdded()
			for table.ring.next*1000 <= now+stageAhead.Milliseconds() {
				s, _ := table.ring.take()
				var fires []*run.Run
				for range rapid.SampledFrom([]int{0, 1, 30}).Draw(t, "fires") {
					fires = append(fires, &run.Run{At: s*1000 + rapid.Int64Range(0, 19).Draw(t, "ms")*50})
				}
				all = append(all, fires...)
				table.staged.addSecond(s, fires)
			}
			table.staged.take(now)
			for more := true; more; {
				var fires []*run.Run
				fires, more = table.TakeSoon(now, rapid.SampledFrom([]int{1, 7, 1000}).Draw(t, "most"))
				for _, r := range fires {
					seen[r]++
					if in := r.At - now; in >= soonAhead.Milliseconds()+soonStep {
						t.Fatalf("a fire was soon %d ms before its instant", in)
					}
				}
			}
			for _, r := range all {
				if r.At > now && r.At-now <= soonAhead.Milliseconds() && seen[r] != 1 && !missed[r] {
					t.Fatalf("a fire that is due in %d ms was returned %d times", r.At-now, seen[r])
				}
			}
			if wait := table.UntilSoon(time.UnixMilli(now)); wait <= 0 {
				t.Fatalf("there is more, after %s", wait)
			}
			if rapid.Bool().Draw(t, "edit") { // an edit stages a fire of a second that was taken
				r := &run.Run{At: now + rapid.Int64Range(1, table.ring.next*1000-now).Draw(t, "in")}
				r.At = min(r.At, table.ring.next*1000-1)
				missed[r] = r.At <= table.soonUntil(now)
				all = append(all, r)
				table.staged.add(r)
			}
		}
		for _, r := range all {
			if seen[r] > 1 {
				t.Fatalf("a fire was returned %d times", seen[r])
			}
		}
	})
}
