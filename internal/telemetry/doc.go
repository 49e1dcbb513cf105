// Package telemetry defines how Belfry reports on itself: what a log line looks
// like, what its attributes are called, and which metrics there are.
//
// # Logs
//
//	                 ┌─ stderr: coloured text (development), JSON (production)
//	slog.Logger ─────┼─ LOG_DIR/combined.log: JSON, everything at or above the level
//	                 └─ LOG_DIR/error.log: JSON, errors only
//
// Only their owner can read the files. They are rotated at [MaxLogBytes], and at
// most [MaxLogBackups] old ones of each are kept, so that a log cannot fill the
// disk that the jobs are on. A file is reopened with the next line when it, or
// its folder, was moved away or removed.
//
// Logging never waits. Each output has a bounded buffer and a goroutine that
// writes. When a reader stops reading, a disk is full or hangs, or a pipe is
// closed, log lines are lost and nothing else is. Lost lines are counted
// ([Metrics.LogDropped]), a log line gives their number as soon as the output
// accepts lines again, and health has a warning.
//
// Each line that is logged under the context of a request to the API has the id of the
// request ([NameRequests]).
//
// # Metrics
//
// [Metrics] holds the collectors in a registry of its own, so that two servers
// can run in one process, as they do in tests. Label values come from fixed sets:
// nothing that a client sends can add a series.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	keys.go request.go tls.go names.go prepared.go cluster.go alerts.go recent.go metrics.go output.go file.go log.go
//
// # How this is shown
//
// TestStuckOutputDropsAndTells, TestFailingOutput, TestCloseDoesNotWaitForAStuckOutput
// and TestRemovedFilesComeBack are about outputs that do not accept lines; package
// e2e shows the same of the binary. Other tests compare the metrics with the table
// of names and types that dashboards use, look for errors among other lines, and
// rotate files until the bound is reached.
package telemetry
