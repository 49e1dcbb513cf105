package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
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

// However long W has been held: a recovery holds one piece of the record.
func TestRecoveryHoldsOnePiece(t *testing.T) {
	t.Parallel()
	bubbleWith(t, Config{MaxInFlight: 8, MaxInFlightPerHost: 2}, func(t *testing.T, w *world) {
		w.create(spec("?v=1"), spec("?v=1"), spec("?v=1"),
			spec("", func(d *domain.SpecDoc) { d.API = "http://dead.test/?delay=600000" }))
		w.pass(29 * time.Second)
		w.crash()
		w.piece = 9 // of 80 or more: three jobs, so pieces end at multiples of three
		if err := w.assemble(); err != nil {
			t.Fatal(err)
		}
		most, facts := 0, 0
		spy := &ledgerSpy{Store: w.gate}
		w.eng.store = spy
		shard, _, err := w.eng.claim(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		rc := w.eng.newRecovery(shard)
		spy.each = func() { most, facts = max(most, len(rc.facts)), facts+1 }
		for _, step := range []func(context.Context) error{rc.readRuns, rc.readRanges, rc.readTimeline, rc.readFacts} {
			if err := step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if facts < 75 || most != 9 {
			t.Errorf("of %d facts %d were held at a time, want 9", facts, most)
		}
		w.eng = nil
		if err := w.db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// ledgerSpy tells of each fact that was read and taken.
type ledgerSpy struct {
	store.Store
	each func()
}

func (s *ledgerSpy) Ledger() store.Ledger { return spiedLedger{s.Store.Ledger(), s} }

type spiedLedger struct {
	store.Ledger
	spy *ledgerSpy
}

func (l spiedLedger) Facts(ctx context.Context, after, until int64, fn func(store.FactRange) error) error {
	return l.Ledger.Facts(ctx, after, until, func(f store.FactRange) error {
		defer l.spy.each()
		return fn(f)
	})
}
