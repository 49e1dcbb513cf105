// Package clock is the only place where Belfry reads the time.
//
// Fires are planned on wall time, because that is what a user means by "at
// 9:30". Belfry waits for them on monotonic time, because that cannot be set.
// Whether a lease is still valid is decided by the clock on which the most time
// has passed: the monotonic clock stops while a machine is suspended, the wall
// clock can be set back, and the boot clock has neither fault but does not exist
// on every system.
//
// Nodes that share a database plan on one time: [Agreed] follows the database's clock
// where the wall clock of the node does not agree with it.
//
// Inside a testing/synctest bubble [System] runs on the virtual time of the
// bubble. [Manual] adds a wall clock that a test can step.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	boot_linux.go boot_other.go clock.go step.go
//	fine_linux.go fine_other.go pace.go agreement.go agreed.go
package clock
