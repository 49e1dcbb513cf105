// Package receiver is a target for calls: a fast HTTP server. The path of a request
// determines whether the answer is good, late, wrong or missing. The receiver writes a
// log and keeps counters of the requests. `belfry receiver` is this server; the
// end-to-end tests and the benchmarks use it too.
//
// # What it guarantees
//
//   - A request is in the log before it is answered. The exception is what was not flushed
//     when the process was killed, at most the last 100 ms. A full disk ends the log but never
//     corrupts it.
//   - The time in the log is the time when the request was read, no matter how long its answer
//     was delayed.
//   - Delayed answers block nothing else: each needs only the goroutine of its connection,
//     some 20 KB.
//   - With TLS and HTTP/2 every path answers as it does without them. Each port has session
//     tickets of its own, as if it were another machine.
//   - At the limit of open files new connections wait; those that are open are served.
//   - Memory is bounded, no matter how long the receiver runs: see below.
//
// # What is kept in memory
//
//	counters      one per route, and one for all unknown paths
//	lateness      a histogram of 2,560 buckets, each at most 1.6 % wide
//	executions    the last two million or so, 8 bytes each: a table of
//	              buckets in which a new entry replaces the oldest one
//	pending lines 1 MiB; beyond it a request waits for the disk, and a line
//	              for people is dropped and counted
//
// If an execution arrives again after two million others, it is therefore counted as a
// new one. The log has every request: see [ReadLog].
//
// # Order of the files
//
// Each file uses only those before it:
//
//	lines.go seen.go log.go visit.go routes.go connections.go stats.go certificate.go
//	dead_linux.go dead_other.go dead.go
//	serve.go http2.go receiver.go
package receiver
