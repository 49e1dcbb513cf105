// Package e2e starts the built binary and uses it as a user would: over HTTP,
// with signals, and with kill -9. It holds tests only.
//
// A test compares what a target received, which is in the log of a receiver
// outside the server, with what the calendar requires. No part of the server is
// used to judge the server.
//
// # Which tests run at the same time
//
// Nearly all of a test is waiting, so tests run in parallel: each has a server, a
// folder and ports (freePort) of its own, and changes nothing that belongs to the
// whole process.
//
// A test that measures (how late, how often, how much) is named in MEASURED in the
// Makefile. make measured runs those tests, and nothing else runs beside them.
// Those that load the machine are not parallel, so go test runs them first, one
// after the other. The others are parallel: together their load is a small part of
// what the machine can do.
//
// # Bounds
//
// maxWait is how long a test waits before it gives up; it is not an assertion. An
// asserted bound on time is one that the fault in question would exceed.
package e2e
