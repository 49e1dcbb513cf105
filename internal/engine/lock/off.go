//go:build !lockorder

package lock

import "sync"

// Registry is the lock of jobs and the timetable.
type Registry = sync.Mutex

// Dispatcher is the lock of queues, hosts and calls.
type Dispatcher = sync.Mutex

// Job is the lock of one job.
type Job = sync.Mutex

// Leaf is a lock with which no other is taken.
type Leaf = sync.Mutex
