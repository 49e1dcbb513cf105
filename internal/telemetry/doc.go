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
// that the jobs are on.
//
// # Metrics
//
// [Metrics] holds the collectors in a registry of its own, so that two servers
// in one process (as tests have them) do not meet. Label values come from
// fixed sets: nothing a client sends can add a series.
//
// # How this is shown
//
// Tests compare the exposition with the table of names and types that
// dashboards build on, plant errors among other lines, and rotate files until
// the bound must hold.
package telemetry
