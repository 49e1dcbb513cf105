package shard

import (
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// Horizon is how far ahead of the store's clock a beat allows sends.
	Horizon = 3 * time.Second
	// Grace is how long after the horizon of the last beat sending stops.
	Grace = time.Second
	// runsOut is how much of a horizon is left when a shard is given up that cannot be renewed:
	// until the next beat it would hold back the shards beside it.
	runsOut = 1500 * time.Millisecond
)

// Phase says what this node may do with a shard.
type Phase uint8

// The phases of a shard, with the transitions in doc.go.
const (
	Foreign Phase = iota // it is not this node's
	Claimed              // the lease is this node's, and its record is being read
	Active               // its fires are sent
	Leaving              // nothing is sent or decided any more; its jobs are dropped
)

// State is the state of one shard at this node.
type State struct {
	horizon   atomic.Int64
	watermark atomic.Int64
	allowed   atomic.Pointer[allowance]   // by the last beat; nil: nothing is sent
	phase     atomic.Uint32               // changed under the lock of the jobs
	fence     atomic.Pointer[store.Fence] // the lease of the last claim; nil: there was none

	// Under the lock of the jobs: an edit chooses its instant with it held.
	proposed int64
	lease    store.Lease

	placed atomic.Bool // the jobs of the last claim are known, so that edits of them can be loaded

	last store.Progress // that the store has answered, and whose edits are loaded; under Set.mu
}

// allowance is until when requests may go out, which a beat has allowed. The wall clock says it, by
// which fires are planned, and may be set back. So the time counts, too, that has passed since the beat
// began by clocks that nobody can set and that go on while the machine is suspended.
type allowance struct {
	until int64 // Unix milliseconds
	begun clock.Mark
	lasts time.Duration
}

// Phase returns what this node may do with the shard.
func (s *State) Phase() Phase { return Phase(s.phase.Load()) } //nolint:gosec // only phases are stored

// Horizon returns the latest scheduled instant that may be sent, in Unix
// milliseconds.
func (s *State) Horizon() int64 { return s.horizon.Load() }

// Watermark returns the instant up to which every fire is on record, in Unix
// milliseconds.
func (s *State) Watermark() int64 { return s.watermark.Load() }

// SendUntil returns until when requests may go out, on the wall clock in Unix
// milliseconds. See Lapsed, too.
func (s *State) SendUntil() int64 {
	if a := s.allowed.Load(); a != nil {
		return a.until
	}
	return 0
}

// Lapsed reports whether the time is over for which the last beat allows requests, whatever the wall
// clock says: a process that was frozen sends nothing before the next beat.
func (s *State) Lapsed(c clock.Clock) bool {
	a := s.allowed.Load()
	return a == nil || c.Elapsed(a.begun) > a.lasts
}

// MaySend reports whether requests may go out at the instant, in Unix milliseconds.
func (s *State) MaySend(c clock.Clock, now int64) bool { return now <= s.SendUntil() && !s.Lapsed(c) }

// Proposed returns the latest watermark that a beat was given. Call with the lock
// of the jobs held.
func (s *State) Proposed() int64 { return s.proposed }

// Fence returns the lease under which a decision about a job of the shard is made. Load it
// before asking whether the job is lost: then it is the lease of a job that is not. Nil: there was no claim.
func (s *State) Fence() *store.Fence { return s.fence.Load() }

// holds reports whether a lease is that of the last claim.
func (s *State) holds(lease store.Lease) bool {
	f := s.fence.Load()
	return f != nil && f.Lease == lease
}

// Placed reports whether the jobs of the last claim are known.
func (s *State) Placed() bool { return s.placed.Load() }

// SetPlaced notes that the jobs of the claim under the lease are known.
func (s *State) SetPlaced(lease store.Lease) {
	if s.holds(lease) {
		s.placed.Store(true)
	}
}

// leave records that this node no longer owns the shard. Another node may own it already.
func (s *State) leave(to Phase) {
	s.phase.Store(uint32(to))
	s.allowed.Store(nil)
}
