// Package cli is the command line of Belfry, one file per command.
//
// # What it guarantees
//
//   - A successful command exits with code 0, and only then. Code 1 is a failure, 2
//     an import of which some items were refused, an operation that was refused for some
//     of its jobs, or an audit that found lost fires,
//     64 (EX_USAGE of sysexits.h) a command line that cannot be parsed.
//   - The requested output goes to stdout, everything else to stderr, so that pipes
//     carry only data.
//   - A failure is reported in one line, or in one line per error, without a usage
//     text and without a stack trace.
//   - SIGINT and SIGTERM stop a command gracefully; a second signal ends it at once.
//   - What comes from a server commands no terminal: in text and in JSON controls, and what
//     changes the direction of text, are written as \u009b. Exports that go to a file or
//     a pipe are as the server has sent them.
//   - A file is written completely or not at all: export writes a temporary file
//     beside it and renames that.
//   - Memory is bounded whatever the size of an import: it is read, sent and
//     reported in chunks.
//
// # How this is shown
//
// Scripts in testdata/script run the commands as processes and compare their output,
// files and exit codes. The scripts of serve, import and export use a real server on
// a free port.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	exit.go args.go pointed.go terminal.go progress.go signals_unix.go signals_other.go
//	shell.go stop.go version.go
//	config.go signing.go serve.go rotate.go migrate.go copy.go preview.go receiver.go benchhosts.go bench.go
//	remote.go jobfilter.go audit.go lists.go pause.go bulk.go operations.go
//	jobedit.go versions.go jobpreview.go testcall.go jobs.go
//	executions.go alerts.go failing.go trail.go export.go plugin.go health.go history.go series.go events.go
//	hosts.go forecast.go
//	drain.go cluster.go import.go keys.go channels.go
//	alertrules.go silences.go me.go settings.go groups.go notifications.go
//	root.go
package cli
