package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// A host that does not answer holds W for as long as the gap between its
// oldest fire and now, and the record of all others in that time has to be read
// by the next start. It is read in pieces; where they are cut must not matter.
func TestRecoveryInPieces(t *testing.T) {
	t.Parallel()
	for _, piece := range []int{1, 2, 7, 1000} {
		t.Run(fmt.Sprint(piece, " facts at a time"), func(t *testing.T) {
			t.Parallel()
			bubbleWith(t, Config{MaxInFlight: 8, MaxInFlightPerHost: 2}, func(t *testing.T, w *world) {
				w.piece = piece
				dead := func(d *domain.SpecDoc) { d.API, d.TimeoutMs = "http://dead.test/?delay=600000", 20_000 }
				w.create(spec("?v=1"), spec("?v=1", once), spec("?v=1&status=500", every(3)), spec("", dead),
					spec("?v=1&delay=2500", overlap(domain.OverlapSkip)),
					spec("", dead, misfire(domain.MisfireRunAll, 3, time.Hour)))
				w.pass(25 * time.Second)
				if lag := w.now() - w.eng.shards.Watermark(); lag < 15_000 {
					t.Fatalf("W is %d ms behind: nothing holds it", lag)
				}
				w.reboot(true, 20*time.Second)
				w.pass(10 * time.Second)
				w.reboot(true, 0)
				for _, id := range w.jobs {
					if _, err := w.delete(id); err != nil {
						t.Fatal(err)
					}
				}
				w.pass(2 * time.Minute)
				w.check(w.now())
				if n := w.eng.shards.Holds.Seconds(); n > 0 {
					t.Errorf("%d seconds are held for ever", n)
				}
			})
		})
	}
}
