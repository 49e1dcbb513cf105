//go:build lockorder

package lock

import (
	"fmt"
	"math/bits"
	"sync"
)

// rank is the place of a lock in the order.
type rank uint8

const (
	rankTop rank = iota + 1 // registry or dispatcher
	rankJob
	rankLeaf
)

// Registry is the lock of jobs and the timetable.
type Registry struct{ mutex sync.Mutex }

// Lock implements sync.Locker.
func (m *Registry) Lock() { lock(&m.mutex, rankTop) }

// Unlock implements sync.Locker.
func (m *Registry) Unlock() { unlock(&m.mutex, rankTop) }

// Dispatcher is the lock of queues, hosts and calls.
type Dispatcher struct{ mutex sync.Mutex }

// Lock implements sync.Locker.
func (m *Dispatcher) Lock() { lock(&m.mutex, rankTop) }

// Unlock implements sync.Locker.
func (m *Dispatcher) Unlock() { unlock(&m.mutex, rankTop) }

// Job is the lock of one job.
type Job struct{ mutex sync.Mutex }

// Lock implements sync.Locker.
func (m *Job) Lock() { lock(&m.mutex, rankJob) }

// Unlock implements sync.Locker.
func (m *Job) Unlock() { unlock(&m.mutex, rankJob) }

// Leaf is a lock with which no other is taken.
type Leaf struct{ mutex sync.Mutex }

// Lock implements sync.Locker.
func (m *Leaf) Lock() { lock(&m.mutex, rankLeaf) }

// Unlock implements sync.Locker.
func (m *Leaf) Unlock() { unlock(&m.mutex, rankLeaf) }

// held has the ranks of the locks that each goroutine has: a bit for each, because the
// order lets it have one of a rank.
var (
	heldMu sync.Mutex
	held   = make(map[uintptr]uint8)
)

func lock(m *sync.Mutex, r rank) {
	me := goroutine()
	heldMu.Lock()
	later := held[me] >> r
	heldMu.Unlock()
	if later != 0 {
		panic(fmt.Sprintf("lock: one of rank %d is asked for while one of rank %d is held",
			r, int(r)+bits.TrailingZeros8(later)))
	}
	m.Lock()
	heldMu.Lock()
	held[me] |= 1 << r
	heldMu.Unlock()
}

func unlock(m *sync.Mutex, r rank) {
	me := goroutine()
	heldMu.Lock()
	before := held[me]
	if after := before &^ (1 << r); after != 0 {
		held[me] = after
	} else {
		delete(held, me)
	}
	heldMu.Unlock()
	if before>>r&1 == 0 {
		panic(fmt.Sprintf("lock: one of rank %d is given back by a goroutine that does not have it", r))
	}
	m.Unlock()
}

// TryLock is as that of sync.Mutex.
func (m *Dispatcher) TryLock() bool {
	if !m.mutex.TryLock() {
		return false
	}
	m.mutex.Unlock()
	m.Lock()
	return true
}
