package shard

import (
	"context"
	"slices"
	"time"

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
func NewSet(shards store.Shards, c clock.Clock, node int64) *Set {
	return &Set{Holds: hold.NewSet(shards.Count()), Node: node, store: shards, clock: c,
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
		st.lease, st.proposed = c.Lease, 0
		s.know(st, c.Progress())
		st.fence.Store(&store.Fence{Number: c.Number, Lease: c.Lease})
		st.horizon.Store(0)
		st.placed.Store(false)
		st.watermark.Store(c.Watermark)
		st.phase.Store(uint32(Claimed))
	}
}

// know notes what the store has answered of a shard.
func (s *Set) know(st *State, p store.Progress) {
	s.mu.Lock()
	st.last = p
	s.mu.Unlock()
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
			st.leave(Foreign)
		}
	}
}

// Leave ends the sending of active shards, of which there will be no beat any more, and returns
// those that were active. Call with the lock of the jobs held.
func (s *Set) Leave(numbers []int) (leaving []int) {
	for _, n := range numbers {
		if st := &s.states[n]; st.Phase() == Active {
			st.leave(Leaving)
			leaving = append(leaving, n)
		}
	}
	return leaving
}

// Lose is Leave for shards whose leases the store has refused. One that was claimed again
// since is not meant.
func (s *Set) Lose(fences []store.Fence) (lost []int) {
	for _, f := range fences {
		if st := &s.states[f.Number]; st.holds(f.Lease) && st.Phase() == Active {
			st.leave(Leaving)
			lost = append(lost, f.Number)
		}
	}
	return lost
}

// Dropped makes shards foreign whose jobs were dropped.
func (s *Set) Dropped(numbers []int) {
	for _, n := range numbers {
		s.states[n].leave(Foreign)
	}
}

// Own reports whether a shard is active under the lease that is among the fences; nil: under
// any lease.
func (s *Set) Own(number uint8, fences []store.Fence) bool {
	st := &s.states[number]
	f := st.Fence()
	return st.Phase() == Active && (fences == nil || slices.Contains(fences, *f))
}

// In returns the numbers of the shards in a phase.
func (s *Set) In(phase Phase) (numbers []int) {
	for i := range s.states {
		if s.states[i].Phase() == phase {
			numbers = append(numbers, i)
		}
	}
	return numbers
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
	s.mu.Lock()
	defer s.mu.Unlock()
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

// Last returns a beat of a shard that moves nothing, with its last lease. Call with the lock
// of the jobs held.
func (s *Set) Last(number int) store.Beat {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.states[number]
	return store.Beat{Number: number, Lease: st.lease, Clock: clock.NowMs(s.clock), Last: st.last}
}

// Behind is a shard of which edits were made without its owner: its H is used once they are
// loaded.
type Behind struct {
	Row   store.Shard
	Since int64 // the revision that is loaded
	allow allowance
}

// Beat renews the leases and moves the horizons and the watermarks, which were
// proposed. It returns the shards that somebody else has claimed, which are being left
// from then on, and those whose edits have to be loaded first: see [Set.Loaded]. With a
// [store.BusyError] the shards that it does not name go on; those that it names are lost before
// their horizons end. Without beats it asks the store whether it answers. One call is made at a
// time.
func (s *Set) Beat(ctx context.Context, beats []store.Beat) (lost []int, behind []Behind, err error) {
	start, wall := s.clock.Mark(), clock.NowMs(s.clock)
	var held []store.Shard
	if len(beats) == 0 {
		_, err = s.store.Peek(ctx)
	} else {
		held, err = s.store.Beat(ctx, beats, Horizon.Milliseconds())
	}
	busy := store.BusyShards(err)
	s.mu.Lock()
	s.beatErr = err
	if err == nil || busy != nil {
		s.lastBeat = start
	}
	s.mu.Unlock()
	if err != nil && busy == nil {
		return nil, nil, err
	}
	alone := len(held) == 0 // then there are no others to be held back
	for i := range beats {
		b := &beats[i]
		st := &s.states[b.Number]
		if slices.Contains(busy, b.Number) && (alone || st.Horizon() > wall+runsOut.Milliseconds()) {
			continue
		}
		if len(held) == 0 || held[0].Number != b.Number {
			lost = append(lost, s.Lose([]store.Fence{{Number: b.Number, Lease: b.Lease}})...)
			continue
		}
		row := held[0]
		held = held[1:]
		// Retries too: a recovery takes those that were due after H for unsent.
		until := min(wall+(Horizon+Grace).Milliseconds(), row.Horizon)
		allow := allowance{until: until, begun: start, lasts: time.Duration(until-wall) * time.Millisecond}
		if row.Revision > b.Last.Revision {
			behind = append(behind, Behind{row, b.Last.Revision, allow})
			continue
		}
		s.move(st, &row, allow)
	}
	return lost, behind, err
}

// Stuck leaves shards whose edits could not be loaded before their horizons end, at an instant in Unix
// milliseconds, where other shards would be held back by them. It returns them.
func Stuck(s *Set, behind []Behind, now int64) []int {
	var stuck []store.Fence
	for i := range behind {
		row := &behind[i].Row
		h := s.states[row.Number].Horizon()
		if h == 0 || h == row.Horizon || h > now+runsOut.Milliseconds() {
			continue // it has used none yet, or its edits are loaded, or there is time
		}
		for n := range s.states {
			if other := &s.states[n]; other.Phase() == Active && other.Horizon() > h {
				stuck = append(stuck, store.Fence{Number: row.Number, Lease: row.Lease})
				break
			}
		}
	}
	return s.Lose(stuck)
}

// Loaded uses the answer to a beat once the edits of its revision are loaded.
func (s *Set) Loaded(b *Behind) { s.move(&s.states[b.Row.Number], &b.Row, b.allow) }

// move takes the answer to a beat, unless the shard was left since.
func (s *Set) move(st *State, row *store.Shard, allow allowance) {
	if st.Phase() != Active || !st.holds(row.Lease) {
		return
	}
	s.know(st, row.Progress())
	st.horizon.Store(row.Horizon)
	st.watermark.Store(row.Watermark)
	st.allowed.Store(&allow)
	if st.Phase() != Active { // it was left meanwhile
		st.allowed.Store(nil)
	}
}

// Release gives the shards of the beats back in good order.
func (s *Set) Release(ctx context.Context, beats []store.Beat) error {
	return s.store.Release(ctx, beats, Horizon.Milliseconds())
}

// MaySend reports whether anything of an active shard may be sent at the instant, in Unix
// milliseconds.
func (s *Set) MaySend(now int64) bool {
	for i := range s.states {
		if st := &s.states[i]; st.Phase() == Active && st.MaySend(s.clock, now) {
			return true
		}
	}
	return false
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
		s.states[i].allowed.Store(nil)
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
