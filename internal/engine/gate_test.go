package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var (
	errCut  = errors.New("gate: the process is dead")
	errDisk = errors.New("gate: no space left on device")
)

// op names a call to the store that the gate can fail.
type op string

const (
	opCreate  op = "create"
	opUpdate  op = "update"
	opDelete  op = "delete"
	opGet     op = "get"
	opRecord  op = "record"
	opBeat    op = "beat"
	opRelease op = "release"
)

// fault is what happens to a call: an error before it (the store does nothing), an error
// after it (the store has done it, and returns an error nevertheless), or a delay.
type fault struct {
	before, after error
	delay         time.Duration
}

// gate wraps a store. While it is open it passes every call on.
type gate struct {
	store.Store
	onCut func()

	locked atomic.Int32 // the shard whose row another session has; 0: none

	mu     sync.Mutex
	closed bool
	plan   func(op) fault
	crash  int // cut at the n-th write from now, when positive
	late   bool
}

// cut ends the process as the store sees it.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cutLocked()
}

func (g *gate) cutLocked() {
	if !g.closed {
		g.closed = true
		g.onCut()
	}
}

func (g *gate) dead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// fail sets what becomes of calls from now on; nil: nothing.
func (g *gate) fail(plan func(op) fault) {
	g.mu.Lock()
	g.plan = plan
	g.mu.Unlock()
}

// failAll fails every call of the given kinds; all of them when none is given.
func (g *gate) failAll(f fault, ops ...op) {
	g.fail(func(o op) fault {
		if len(ops) == 0 {
			return f
		}
		for _, x := range ops {
			if x == o {
				return f
			}
		}
		return fault{}
	})
}

// crashAtWrite cuts the process at the n-th write from now, before the store
// does it or right after.
func (g *gate) crashAtWrite(n int, after bool) {
	g.mu.Lock()
	g.crash, g.late = n, after
	g.mu.Unlock()
}

func (g *gate) enter(ctx context.Context, o op) (fault, error) {
	g.mu.Lock()
	var f fault
	if g.plan != nil && !g.closed {
		f = g.plan(o)
	}
	if g.crash > 0 && o != opGet && !g.closed {
		g.crash--
		if g.crash == 0 {
			if g.late {
				f.after = errCut
			} else {
				g.cutLocked()
			}
		}
	}
	closed := g.closed
	g.mu.Unlock()
	switch {
	case closed:
		return f, errCut
	case f.delay > 0 && !clock.Wait(ctx, f.delay):
		return f, ctx.Err()
	}
	if g.dead() {
		return f, errCut
	}
	return f, f.before
}

func (g *gate) leave(f fault, err error) error {
	if errors.Is(f.after, errCut) {
		g.cut()
	}
	if err == nil {
		return f.after
	}
	return err
}

func (g *gate) do(ctx context.Context, o op, fn func() error) error {
	f, err := g.enter(ctx, o)
	if err != nil {
		return err
	}
	return g.leave(f, fn())
}

func (g *gate) Jobs() store.Jobs     { return gateJobs{g.Store.Jobs(), g} }
func (g *gate) Ledger() store.Ledger { return gateLedger{g.Store.Ledger(), g} }
func (g *gate) Shards() store.Shards { return gateShards{g.Store.Shards(), g} }

type gateJobs struct {
	store.Jobs
	g *gate
}

func (j gateJobs) Create(ctx context.Context, vs []domain.Version) error {
	return j.g.do(ctx, opCreate, func() error { return j.Jobs.Create(ctx, vs) })
}

func (j gateJobs) Update(ctx context.Context, next domain.Version) error {
	return j.g.do(ctx, opUpdate, func() error { return j.Jobs.Update(ctx, next) })
}

func (j gateJobs) Delete(ctx context.Context, id domain.JobID, number int, at int64) error {
	return j.g.do(ctx, opDelete, func() error { return j.Jobs.Delete(ctx, id, number, at) })
}

func (j gateJobs) Get(ctx context.Context, id domain.JobID) (job domain.Job, err error) {
	err = j.g.do(ctx, opGet, func() (err error) {
		job, err = j.Jobs.Get(ctx, id)
		return err
	})
	return job, err
}

type gateLedger struct {
	store.Ledger
	g *gate
}

func (l gateLedger) Record(ctx context.Context, b store.Batch) error {
	return l.g.do(ctx, opRecord, func() error { return l.Ledger.Record(ctx, b) })
}

type gateShards struct {
	store.Shards
	g *gate
}

func (s gateShards) Beat(ctx context.Context, beats []store.Beat, ahead int64) (held []store.Shard, err error) {
	err = s.g.do(ctx, opBeat, func() (err error) {
		number := int(s.g.locked.Load())
		locked := func(b store.Beat) bool { return number > 0 && b.Number == number }
		free := slices.DeleteFunc(slices.Clone(beats), locked)
		held, err = s.Shards.Beat(ctx, free, ahead)
		if err == nil && len(free) < len(beats) {
			err = domain.Unavailable(&store.BusyError{Shards: []int{number}}, "the store could not renew the leases")
		}
		return err
	})
	return held, err
}

func (s gateShards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	return s.g.do(ctx, opRelease, func() error { return s.Shards.Release(ctx, beats, ahead) })
}
