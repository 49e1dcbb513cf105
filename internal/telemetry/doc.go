// Package telemetry is the one place for the words in which Belfry reports on
// itself: how a log line looks, what its attributes are called, and which
// metrics there are.
//
// # Logs
//
//	                 ┌─ stderr: text in colour (development), JSON (production)
//	slog.Logger ─────┼─ LOG_DIR/combined.log: JSON, everything at or above the level
//	                 └─ LOG_DIR/error.log: JSON, errors only
//
// Files are readable by their owner alone, are rotated at [MaxLogBytes] and at
// most [MaxLogBackups] old ones are kept of each: a log cannot fill the disk
// that the jobs are on. A file that was moved away or removed, or whose folder
// was, is reopened with the next line.
//
// Logging never waits. Each output has a bounded buffer and a goroutine that
// writes. A reader that stops reading, a full or frozen disk, a closed pipe cost
// log lines, which are counted ([Metrics.LogDropped]), told in the log as soon as
// it is written again, and warned of by health; they cost nothing else.
//
// # Metrics
//
// [Metrics] holds the collectors in a registry of its own, so that two servers
// in one process (as tests have them) do not meet. Label values come from
// fixed sets: nothing a client sends can add a series.
//
// # How this is shown
//
// TestStuckOutputDropsAndTells, TestFailingOutput, TestCloseDoesNotWaitForAStuckOutput
// and TestRemovedFilesComeBack are about outputs that do not take lines; package
// e2e has the same with the binary. Other tests compare the exposition with the table of names and types that
// dashboards build on, plant errors among other lines, and rotate files until
// the bound must hold.
package telemetry
