// Package receiver plays the target of calls: a fast HTTP server that answers
// well, late, wrongly or not at all, as the path of the request asks, and
// keeps a log and counters of what came. `belfry receiver` is this server; the
// end-to-end tests and the bench use it too.
//
// # What it guarantees
//
//   - A request is in the log before it is answered, but for what the last
//     flush (100 ms at most) had not written when the process was killed. A
//     full disk ends the log, never garbles it.
//   - The time in the log is the time at which the request was read, however
//     long its answer was held back.
//   - Answers that wait block nothing: each holds its connection's goroutine,
//     some 20 KB.
//   - Memory is bounded, however long it runs: see below.
//
// # What is kept in memory
//
//	counters      one per route, and unknown paths together
//	lateness      a histogram of 2,560 buckets, each at most 1.6 % wide
//	executions    the last two million or so, 8 bytes each: a table of
//	              buckets in which the oldest entry makes room
//	pending lines 1 MiB; beyond it a request waits for the disk, and a line
//	              for people is dropped and counted
//
// An execution that comes again after two million others is thus counted as a
// new one. The log knows better: see [ReadLog].
//
// # Order of the files
//
// Each file uses only those before it:
//
//	lines.go seen.go log.go visit.go routes.go stats.go
//	dead_linux.go dead_other.go dead.go
//	serve.go receiver.go
package receiver
