package shard

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// beats answers beats as a store with three shards does.
type beats struct {
	store.Shards
	clock clock.Clock
	err   error
	taken int // the shard that somebody else has claimed; 0: none
	busy  int // the shard whose row is locked; 0: none
	takes time.Duration
}

func (b *beats) Count() int { return 3 }

func (b *beats) Beat(_ context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	if b.err != nil {
		return nil, b.err
	}
	if c, ok := b.clock.(*clock.Manual); ok {
		c.Suspend(b.takes)
	}
	for _, beat := range beats {
		if b.busy != 0 && beat.Number == b.busy {
			err = domain.Unavailable(&store.BusyError{Shards: []int{b.busy}}, "busy")
		} else if b.taken == 0 || beat.Number != b.taken {
			held = append(held, store.Shard{Number: beat.Number, Lease: beat.Lease,
				Horizon: clock.NowMs(b.clock) + ahead, Watermark: beat.Watermark})
		}
	}
	return held, err
}

// newSet returns a set of which shards 0 and 2 are active since the instant 7000.
func newSet(t *testing.T) (*Set, *beats, *clock.Manual) {
	t.Helper()
	clk := &clock.Manual{}
	shards := &beats{clock: clk}
	s := NewSet(shards, clk, 1)
	claimed := []store.Shard{{Number: 0, Lease: store.Lease{Epoch: 4}}, {Number: 2, Lease: store.Lease{Epoch: 9}}}
	s.Claim(claimed)
	if got := s.Propose(1); len(got) != 0 {
		t.Errorf("shards that are being read have beats: %+v", got)
	}
	s.Activate(claimed, map[int]int64{0: 7_000, 2: 7_000})
	return s, shards, clk
}

// watermarks are those of beats, by shard.
func watermarks(beats []store.Beat) map[int]int64 {
	out := make(map[int]int64)
	for _, b := range beats {
		out[b.Number] = b.Watermark
	}
	return out
}

// A beat that the store took allows sends up to its horizon; one that fails moves
// nothing, and the lease ends with the time of the last one.
func TestBeat(t *testing.T) {
	t.Parallel()
	s, shards, clk := newSet(t)
	now := clock.NowMs(clk)
	if s.LeaseHolds() || s.At(0).SendUntil() != 0 {
		t.Error("something may be sent before the first beat")
	}
	token := s.Holds.Take(2, now+5_500)
	proposed := s.Propose(now + 60_000)
	w := (now+5_500)/1000*1000 - 1
	if got := watermarks(proposed); len(got) != 2 || got[0] != now+60_000 || got[2] != w {
		t.Errorf("proposed %v: a second of shard 2 is held", got)
	}
	if got := s.At(2).Proposed(); got != w {
		t.Errorf("remembered %d, want %d", got, w)
	}
	if lost, _, err := s.Beat(t.Context(), proposed); err != nil || len(lost) > 0 {
		t.Fatalf("lost %v, error %v", lost, err)
	}
	h := now + Horizon.Milliseconds()
	for _, n := range []uint8{0, 2} {
		if sh := s.At(n); sh.Horizon() < h-1000 || sh.SendUntil() > sh.Horizon() || sh.SendUntil() < now {
			t.Errorf("shard %d after a beat: H %d, until %d", n, sh.Horizon(), sh.SendUntil())
		}
	}
	if s.Watermark() != w || s.Horizon() != s.At(0).Horizon() || !s.LeaseHolds() {
		t.Errorf("after a beat: W %d, H %d, the lease holds: %v", s.Watermark(), s.Horizon(), s.LeaseHolds())
	}
	before := s.At(2).SendUntil()
	shards.err = errors.New("disk I/O error")
	if _, _, err := s.Beat(t.Context(), s.Propose(now)); !errors.Is(err, shards.err) {
		t.Errorf("the beat failed with %v", err)
	}
	if _, err := s.LastBeat(); !errors.Is(err, shards.err) || s.At(2).SendUntil() != before || s.Watermark() != w {
		t.Errorf("a beat that failed moved something: until %d, W %d, error %v", s.At(2).SendUntil(),
			s.Watermark(), err)
	}
	s.StopSending()
	if s.At(0).SendUntil() != 0 || s.At(2).SendUntil() != 0 {
		t.Error("sending goes on")
	}
	token.Release()
	if got := watermarks(s.Propose(now)); got[2] != now {
		t.Errorf("proposed %v: nothing is held", got)
	}
}

// A shard that somebody else has claimed is foreign at once, and the others go on.
func TestLostShard(t *testing.T) {
	t.Parallel()
	s, shards, clk := newSet(t)
	now := clock.NowMs(clk)
	if _, _, err := s.Beat(t.Context(), s.Propose(now)); err != nil {
		t.Fatal(err)
	}
	shards.taken = 2
	lost, _, err := s.Beat(t.Context(), s.Propose(now))
	if err != nil || !slices.Equal(lost, []int{2}) {
		t.Fatalf("lost %v, error %v", lost, err)
	}
	if sh := s.At(2); sh.SendUntil() != 0 || sh.Phase() != Leaving {
		t.Errorf("the shard that was lost: phase %d, send until %d", sh.Phase(), sh.SendUntil())
	}
	if s.At(0).SendUntil() == 0 || len(s.Propose(now)) != 1 || s.Horizon() != s.At(0).Horizon() {
		t.Error("the other shard does not go on")
	}
}

// A shard whose row is locked keeps the horizon that it has, and the others go on. It is lost
// before it holds them back.
func TestBusyShard(t *testing.T) {
	t.Parallel()
	s, shards, clk := newSet(t)
	if _, _, err := s.Beat(t.Context(), s.Propose(clock.NowMs(clk))); err != nil {
		t.Fatal(err)
	}
	before := s.At(2).SendUntil()
	clk.Step(time.Second)
	shards.busy = 2
	now := clock.NowMs(clk)
	lost, behind, err := s.Beat(t.Context(), s.Propose(now))
	if !slices.Equal(store.BusyShards(err), []int{2}) || len(lost)+len(behind) > 0 {
		t.Fatalf("lost %v, behind %v, error %v", lost, behind, err)
	}
	if sh := s.At(2); sh.SendUntil() != before || sh.Phase() != Active {
		t.Errorf("the shard that is locked: phase %d, send until %d, before %d", sh.Phase(), sh.SendUntil(), before)
	}
	if got := s.At(0).SendUntil(); got < now+2_900 {
		t.Errorf("the other shard may send until %d, and it is %d", got, now)
	}
	if start, _ := s.LastBeat(); clk.Since(start) > time.Second || len(s.Propose(now)) != 2 {
		t.Error("the store has taken the beat, and both shards are active")
	}
	clk.Step(time.Second)
	now = clock.NowMs(clk)
	lost, _, err = s.Beat(t.Context(), s.Propose(now))
	if !slices.Equal(lost, []int{2}) || store.BusyShards(err) == nil || s.At(2).Phase() != Leaving {
		t.Errorf("a second before its horizon ends: lost %v, error %v", lost, err)
	}
	if s.Horizon() < now+2_900 {
		t.Errorf("the horizon of the rest is %d, and it is %d", s.Horizon(), now)
	}
	shards.busy = 0 // only the other one is left, and it is locked
	s, shards, clk = newSet(t)
	s.Leave([]int{0})
	shards.busy = 2
	clk.Step(10 * time.Second)
	if lost, _, err := s.Beat(t.Context(), s.Propose(clock.NowMs(clk))); len(lost) > 0 || store.BusyShards(err) == nil {
		t.Errorf("nobody is held back, and %v were lost, error %v", lost, err)
	}
}

// The time for which a beat allows requests is counted from its start, by clocks that go on while the
// machine is suspended and that nobody can set.
func TestLapsed(t *testing.T) {
	t.Parallel()
	s, shards, clk := newSet(t)
	beat := func() {
		if _, _, err := s.Beat(t.Context(), s.Propose(clock.NowMs(clk))); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(what string, lapsed bool) {
		t.Helper()
		if got := s.At(2).Lapsed(clk); got != lapsed {
			t.Errorf("%s: lapsed %v", what, got)
		}
		if now := clock.NowMs(clk); s.At(2).MaySend(clk, now) == lapsed || s.MaySend(now) == lapsed {
			t.Errorf("%s: may send %v, of any shard %v", what, lapsed, s.MaySend(now))
		}
	}
	wants("before the first beat", true)
	beat()
	wants("after a beat", false)
	clk.Suspend(Horizon - 100*time.Millisecond)
	wants("shortly before H", false)
	clk.Suspend(200 * time.Millisecond)
	wants("after H by the boot clock alone", true)
	clk.Step(-time.Hour)
	wants("with the wall clock set back", true)
	beat()
	wants("after the next beat", false)
	shards.takes = 2 * time.Second
	beat()
	wants("after a beat that took two seconds", false)
	clk.Suspend(Horizon - 1500*time.Millisecond)
	wants("a horizon after its start", true)
	beat()
	s.Leave([]int{0, 2})
	wants("after the shard was left", true)
}

// A shard that was lost while its record was read does not become active.
func TestLostWhileClaimed(t *testing.T) {
	t.Parallel()
	s, _, _ := newSet(t)
	old := []store.Shard{{Number: 1, Lease: store.Lease{Epoch: 1}}}
	s.Claim(old)
	s.Claim([]store.Shard{{Number: 1, Lease: store.Lease{Epoch: 3}}})
	s.Activate(old, map[int]int64{1: 9_000})
	if got := s.At(1).Phase(); got != Claimed {
		t.Errorf("phase %d after the activation of an old claim", got)
	}
}

// What was proposed never goes back: an edit that began after it stays after it.
func TestProposedOnlyRises(t *testing.T) {
	t.Parallel()
	s, _, _ := newSet(t)
	if got := watermarks(s.Propose(5_000)); got[0] != 5_000 || s.At(0).Proposed() != 7_000 {
		t.Errorf("proposed %v, remembered %d after the recovery was at 7000", got, s.At(0).Proposed())
	}
}

// Jobs are spread over all shards, the same job always to the same one.
func TestNumber(t *testing.T) {
	t.Parallel()
	s := NewSet(&beats{}, &clock.Manual{}, 1)
	counts := make([]int, 3)
	for range 3_000 {
		id := domain.NewJobID(1)
		n := s.Number(id)
		if s.Number(id) != n {
			t.Fatal("a job has two shards")
		}
		counts[n]++
	}
	if slices.Min(counts) < 800 {
		t.Errorf("jobs by shard: %v", counts)
	}
	if hold.MaxShards < s.store.Count() {
		t.Error("more shards than numbers")
	}
}

// A shard whose edits cannot be loaded is left before its horizon ends, if it holds another one back.
func TestStuck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		loaded, others bool // its edits are loaded; the other shard has had a later beat
		passed         time.Duration
		want           bool
	}{
		{"at first", false, true, time.Second, false},
		{"its horizon ends soon", false, true, 2 * time.Second, true},
		{"no other has a later horizon", false, false, 2 * time.Second, false},
		{"its edits are loaded", true, true, 2 * time.Second, false},
	} {
		s, _, clk := newSet(t)
		beat := func(beats []store.Beat) {
			if _, _, err := s.Beat(t.Context(), beats); err != nil {
				t.Fatal(err)
			}
		}
		now := clock.NowMs(clk)
		beat(s.Propose(now))
		before := s.At(2).Horizon()
		clk.Step(c.passed)
		if c.others {
			beat(s.Propose(now)[:1])
		}
		row := store.Shard{Number: 2, Lease: store.Lease{Epoch: 9}, Horizon: before + 1_000}
		if c.loaded {
			row.Horizon = before
		}
		got := Stuck(s, []Behind{{Row: row}}, clock.NowMs(clk))
		if (len(got) == 1) != c.want || (s.At(2).Phase() == Leaving) != c.want {
			t.Errorf("%s: left %v", c.name, got)
		}
	}
}
