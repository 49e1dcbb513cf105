// Package e2e starts the real binary and uses it as a user would: over HTTP,
// with signals, and with kill -9. It holds tests only.
//
// What each test compares is what a target saw (the log of a receiver, written
// by another process) with what the calendar says, so that no part of the
// server vouches for itself.
//
// Nearly all of a test is waiting, so tests run side by side: each has a server,
// a folder and ports (freePort) of its own, and changes nothing that belongs to
// the whole process. A test that measures lateness, counts what comes in a time or
// loads the machine is not parallel: go test runs these first, one after the other.
//
// A time that a test waits for at most (maxWait) is no assertion. What a test
// asserts of time is a bound that a fault of that kind exceeds.
package e2e
