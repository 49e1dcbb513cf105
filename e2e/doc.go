// Package e2e starts the real binary and uses it as a user would: over HTTP,
// with signals, and with kill -9. It holds tests only.
//
// What each test compares is what a target saw (the log of a receiver, written
// by another process) with what the calendar says, so that no part of the
// server vouches for itself.
package e2e
