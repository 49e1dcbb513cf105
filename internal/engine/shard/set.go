package shard

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Set is the shards of a database as one node has them.
type Set struct {
	Holds *hold.Set // what keeps the watermarks back
	Node  int64     // the random number of this process

	store  store.Shards
	clock  clock.Clock
	states []State // by number

	mu       lock.Leaf  // a leaf
	lastBeat clock.Mark // start of the last beat that the store took
	beatErr  error      // of the last beat
}

// NewSet returns the shards of the database, none of which this node owns.
func NewSet(shards store.Shards, c clock.Clock) *Set {
	return &Set{Holds: hold.NewSet(shards.Count()), Node: domain.NewNonce(), store: shards, clock: c,
		states: make([]State, shards.Count())}
}

// Number returns the shard that a job belongs to.
func (s *Set) Number(id domain.JobID) uint8 {
	return uint8(id.Shard(len(s.states))) //nolint:gosec // there are at most hold.MaxShards
}

// At returns the state of a shard.
func (s *Set) At(number uint8) *State { return &s.states[number] }

// All returns the numbers of all shards.
func (s *Set) All() []int {
	all := make([]int, len(s.states))
	for i := range all {
		all[i] = i
	}
	return all
}

// Claim takes over shards that were claimed. Call with the lock of the jobs held.
func (s *Set) Claim(claimed []store.Shard) {
	for _, c := range claimed {
		st := &s.states[c.Number]
		st.lease, st.proposed, st.last = c.Lease, 0, c.Progress()
		st.fence.Store(&store.Fence{Number: c.Number, Lease: c.Lease})
		st.horizon.Store(0)
		st.watermark.Store(c.Watermark)
		st.phase.Store(uint32(Claimed))
	}
}

// Activate makes claimed shards active: a recovery has decided about every fire of
// each up to the instant, by its number. Call with the lock of the jobs held.
func (s *Set) Activate(claimed []store.Shard, until map[int]int64) {
	for _, c := range claimed {
		st := &s.states[c.Number]
		if st.Phase() != Claimed || st.lease != c.Lease {
			continue // it was lost meanwhile
		}
		st.proposed = until[c.Number]
		st.phase.Store(uint32(Active))
	}
}

// Abandon gives claimed shards up whose record could not be read. Call with the lock
// of the jobs held.
func (s *Set) Abandon(claimed []store.Shard) {
	for _, c := range claimed {
		if st := &s.states[c.Number]; st.lease == c.Lease {
			st.leave()
		}
	}
}

// Propose returns a beat for each active shard with the latest watermark that is
// true now: every fire at or before it is on record or has an open run. limit bounds
// it, in Unix milliseconds. Call with the lock of the jobs held.
func (s *Set) Propose(limit int64) []store.Beat {
	before := make([]int64, len(s.states))
	for i := range before {
		before[i] = limit
	}
	s.Holds.Before(before)
	beats, now := make([]store.Beat, 0, len(s.states)), clock.NowMs(s.clock)
	for i := range s.states {
		st := &s.states[i]
		if st.Phase() != Active {
			continue
		}
		st.proposed = max(st.proposed, before[i])
		beats = append(beats, store.Beat{Number: i, Lease: st.lease, Watermark: before[i], Clock: now, Last: st.last})
	}
	return beats
}

// Beat renews the leases and moves the horizons and the watermarks, which were
// proposed. It returns the shards that somebody else has claimed: they are foreign
// now.
func (s *Set) Beat(ctx context.Context, beats []store.Beat) (lost []int, err error) {
	start, wall := s.clock.Mark(), clock.NowMs(s.clock)
	held, err := s.store.Beat(ctx, beats, Horizon.Milliseconds())
	s.mu.Lock()
	s.beatErr = err
	if err == nil {
		s.lastBeat = start
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, b := range beats {
		st := &s.states[b.Number]
		if len(held) == 0 || held[0].Number != b.Number {
			st.leave()
			lost = append(lost, b.Number)
			continue
		}
		st.last = held[0].Progress()
		st.horizon.Store(held[0].Horizon)
		st.watermark.Store(held[0].Watermark)
		// Retries too: a recovery takes those that were due after H for unsent.
		st.sendUntil.Store(min(wall+(Horizon+Grace).Milliseconds(), held[0].Horizon))
		held = held[1:]
	}
	return lost, nil
}

// Release gives the shards of the beats back in good order.
func (s *Set) Release(ctx context.Context, beats []store.Beat) error {
	return s.store.Release(ctx, beats, Horizon.Milliseconds())
}

// Horizon returns the least horizon of the active shards that had a beat, in Unix
// milliseconds; zero: there is none.
func (s *Set) Horizon() int64 { return s.least((*State).Horizon) }

// Watermark returns the least watermark of the active shards that had a beat, in Unix
// milliseconds; zero: there is none.
func (s *Set) Watermark() int64 { return s.least((*State).Watermark) }

func (s *Set) least(of func(*State) int64) int64 {
	least := domain.Forever
	for i := range s.states {
		if st := &s.states[i]; st.Phase() == Active && st.Horizon() != 0 {
			least = min(least, of(st))
		}
	}
	if least == domain.Forever {
		return 0
	}
	return least
}

// StopSending ends what beats have allowed. The next beat allows it again.
func (s *Set) StopSending() {
	for i := range s.states {
		s.states[i].sendUntil.Store(0)
	}
}

// LeaseHolds reports whether the last beat is recent enough to send on it, counted
// from its start on the fastest clock.
func (s *Set) LeaseHolds() bool {
	last, _ := s.LastBeat()
	return last != clock.Mark{} && s.clock.Since(last) < Horizon+Grace
}

// LastBeat returns when the last beat that the store took began, and the error of
// the last beat.
func (s *Set) LastBeat() (start clock.Mark, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastBeat, s.beatErr
}
