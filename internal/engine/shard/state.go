// Package shard holds what there is one of for each shard: who owns it, how far
// its fires may be sent, and how far they are on record.
//
// # What it guarantees
//
//   - Nothing is sent later than [State.SendUntil], which a beat moves: at most the
//     horizon of the store, and the time of a beat that the store took and a grace.
//   - The watermark is moved by a beat alone, to what [State.Propose] returned. An
//     edit begins after that, so no watermark passes it.
//   - The hot path reads two atomics.
package shard

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/lock"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// Horizon is how far ahead of the store's clock a beat allows sends.
	Horizon = 3 * time.Second
	// Grace is how long after the horizon of the last beat sending stops.
	Grace = time.Second
)

// State is the state of one shard at its owner.
type State struct {
	Holds *hold.Set // what keeps the watermark back

	horizon   atomic.Int64
	watermark atomic.Int64
	sendUntil atomic.Int64

	// Under the lock of the jobs: an edit chooses its instant with it held.
	proposed int64

	mu       lock.Leaf // a leaf
	lease    store.Lease
	lastBeat clock.Mark // start of the last beat that the store took
	beatErr  error      // of the last beat
}

// New makes the state of a shard that is not owned yet.
func New() *State { return &State{Holds: hold.NewSet()} }

// Horizon returns the latest scheduled instant that may be sent, in Unix
// milliseconds.
func (s *State) Horizon() int64 { return s.horizon.Load() }

// Watermark returns the instant up to which every fire is on record, in Unix
// milliseconds.
func (s *State) Watermark() int64 { return s.watermark.Load() }

// SendUntil returns until when requests may go out, on the wall clock in Unix
// milliseconds.
func (s *State) SendUntil() int64 { return s.sendUntil.Load() }

// StopSending ends what a beat has allowed. The next beat allows it again.
func (s *State) StopSending() { s.sendUntil.Store(0) }

// Own takes over a shard that was claimed.
func (s *State) Own(claimed store.Shard) {
	s.mu.Lock()
	s.lease = claimed.Lease
	s.mu.Unlock()
	s.watermark.Store(claimed.Watermark)
}

// Begin notes up to where a recovery has decided about every fire. Call with the
// lock of the jobs held.
func (s *State) Begin(until int64) { s.proposed = until }

// Propose returns the latest watermark that is true now: every fire at or before
// it is on record or has an open run. limit bounds it. Call with the lock of the
// jobs held.
func (s *State) Propose(limit int64) int64 {
	w := s.Holds.Before(limit)
	s.proposed = max(s.proposed, w)
	return w
}

// Proposed returns the latest watermark that a beat was given. Call with the lock
// of the jobs held.
func (s *State) Proposed() int64 { return s.proposed }

// Beat renews the lease and moves the horizon and the watermark, which is proposed.
// It fails with CodeConflict where somebody else has claimed the shard.
func (s *State) Beat(ctx context.Context, shards store.Shards, c clock.Clock, proposed int64) error {
	start, wall := c.Mark(), clock.NowMs(c)
	s.mu.Lock()
	lease := s.lease
	s.mu.Unlock()
	beaten, err := shards.Beat(ctx, lease, Horizon.Milliseconds(), proposed)
	s.mu.Lock()
	s.beatErr = err
	if err == nil {
		s.lastBeat = start
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.horizon.Store(beaten.Horizon)
	s.watermark.Store(beaten.Watermark)
	// Retries too: a recovery takes those that were due after H for unsent.
	s.sendUntil.Store(min(wall+(Horizon+Grace).Milliseconds(), beaten.Horizon))
	return nil
}

// Release gives the shard back in good order.
func (s *State) Release(ctx context.Context, shards store.Shards, proposed int64) error {
	s.mu.Lock()
	lease := s.lease
	s.mu.Unlock()
	return shards.Release(ctx, lease, proposed)
}

// LeaseHolds reports whether the last beat is recent enough to send on it, counted
// from its start on the fastest clock.
func (s *State) LeaseHolds(c clock.Clock) bool {
	s.mu.Lock()
	last := s.lastBeat
	s.mu.Unlock()
	return last != clock.Mark{} && c.Since(last) < Horizon+Grace
}

// LastBeat returns when the last beat that the store took began, and the error of
// the last beat.
func (s *State) LastBeat() (start clock.Mark, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastBeat, s.beatErr
}
