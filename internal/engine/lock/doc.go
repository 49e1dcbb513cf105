// Package lock has the mutexes of the engine, a type for each rank.
//
// # What it guarantees
//
// They are sync.Mutex and nothing else, but in a build with the tag lockorder: there
// a goroutine that asks for a lock while it has one of the same or of a later rank
// panics, so that every test of the engine is a test of the order.
//
//	Registry    jobs and the timetable          ┐ never both
//	Dispatcher  queues, hosts, calls in flight  ┘
//	Job         the runs of one job; never two
//	Leaf        nothing else is asked for while it is held
//
// `make plain` runs the tests of the engine in it.
package lock
