//go:build lockorder

package lock

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
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

// held has the ranks of the locks that each goroutine has, by its number.
var (
	heldMu sync.Mutex
	held   = make(map[string][]rank)
)

func lock(m *sync.Mutex, r rank) {
	me := goroutine()
	heldMu.Lock()
	mine := slices.Clone(held[me])
	heldMu.Unlock()
	for _, other := range mine {
		if other >= r {
			panic(fmt.Sprintf("lock: one of rank %d is asked for while one of rank %d is held", r, other))
		}
	}
	m.Lock()
	heldMu.Lock()
	held[me] = append(held[me], r)
	heldMu.Unlock()
}

func unlock(m *sync.Mutex, r rank) {
	me := goroutine()
	heldMu.Lock()
	i := slices.Index(held[me], r)
	if i < 0 {
		heldMu.Unlock()
		panic(fmt.Sprintf("lock: one of rank %d is given back by a goroutine that does not have it", r))
	}
	if held[me] = slices.Delete(held[me], i, i+1); len(held[me]) == 0 {
		delete(held, me)
	}
	heldMu.Unlock()
	m.Unlock()
}

// goroutine returns the number of the goroutine, which only the text of its stack
// contains.
func goroutine() string {
	var buf [64]byte
	stack := buf[:runtime.Stack(buf[:], false)]
	stack = bytes.TrimPrefix(stack, []byte("goroutine "))
	number, _, _ := bytes.Cut(stack, []byte(" "))
	return string(number)
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
