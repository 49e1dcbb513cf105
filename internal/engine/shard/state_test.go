package shard

import (
	"context"
	"errors"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// beats answers beats as the store does.
type beats struct {
	store.Shards
	clock clock.Clock
	err   error
	w     int64
}

func (b *beats) Beat(_ context.Context, _ store.Lease, ahead, w int64) (store.Shard, error) {
	if b.err != nil {
		return store.Shard{}, b.err
	}
	b.w = w
	return store.Shard{Horizon: clock.NowMs(b.clock) + ahead, Watermark: w}, nil
}

// A beat that the store took allows sends up to its horizon; one that fails moves
// nothing, and the lease ends with the time of the last one.
func TestBeat(t *testing.T) {
	t.Parallel()
	clk := &clock.Manual{}
	s, shards := New(), &beats{clock: clk}
	if s.LeaseHolds(clk) || s.SendUntil() != 0 {
		t.Error("something may be sent before the first beat")
	}
	token := s.Holds.Take(clock.NowMs(clk) + 5_500)
	w := s.Propose(clock.NowMs(clk) + 60_000)
	if want := (clock.NowMs(clk)+5_500)/1000*1000 - 1; w != want || s.Proposed() != want {
		t.Errorf("proposed %d, and remembered %d, want %d: a second is held", w, s.Proposed(), want)
	}
	if err := s.Beat(t.Context(), shards, clk, w); err != nil {
		t.Fatal(err)
	}
	h := clock.NowMs(clk) + Horizon.Milliseconds()
	if s.Horizon() < h-1000 || s.SendUntil() > s.Horizon() || s.Watermark() != w || !s.LeaseHolds(clk) {
		t.Errorf("after a beat: H %d, until %d, W %d, the lease holds: %v", s.Horizon(), s.SendUntil(), s.Watermark(),
			s.LeaseHolds(clk))
	}
	before := s.SendUntil()
	shards.err = errors.New("disk I/O error")
	if err := s.Beat(t.Context(), shards, clk, w+1); !errors.Is(err, shards.err) {
		t.Errorf("the beat failed with %v", err)
	}
	if _, err := s.LastBeat(); !errors.Is(err, shards.err) || s.SendUntil() != before || s.Watermark() != w {
		t.Errorf("a beat that failed moved something: until %d, W %d, error %v", s.SendUntil(), s.Watermark(), err)
	}
	s.StopSending()
	if s.SendUntil() != 0 {
		t.Error("sending goes on")
	}
	token.Release()
	if w := s.Propose(clock.NowMs(clk)); w != clock.NowMs(clk) {
		t.Errorf("proposed %d, want %d: nothing is held", w, clock.NowMs(clk))
	}
}

// What was proposed never goes back: an edit that began after it stays after it.
func TestProposedOnlyRises(t *testing.T) {
	t.Parallel()
	s := New()
	s.Begin(7_000)
	if s.Propose(5_000) != 5_000 || s.Proposed() != 7_000 {
		t.Errorf("proposed %d after the recovery was at 7000", s.Proposed())
	}
}
