// Package cli is the command line of Belfry, one file per command.
//
// # What it guarantees
//
//   - A command that did its work says so with exit code 0, and no other code
//     means that: 1 is a failure, 2 an import of which some items were refused or an
//     audit that found lost fires, 64 (EX_USAGE of sysexits.h) a command line that cannot be understood.
//   - What a command is asked for goes to stdout, everything else to stderr, so
//     that pipes carry data only.
//   - A failure is told in one line, or in one line per fault, without a usage
//     text and without a stack.
//   - SIGINT and SIGTERM end a command in good order; a second one ends it at
//     once.
//   - A file that is written is complete or not there: export writes beside it
//     and renames.
//   - Memory is bounded whatever the size of an import: it is read, sent and
//     reported in chunks.
//
// # How this is shown
//
// Scripts in testdata/script run the commands as processes and compare what
// they print, write and return. Those of serve, import and export speak to a
// real server on a free port.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	exit.go args.go pointed.go progress.go signals_unix.go signals_other.go
//	shell.go stop.go version.go
//	config.go serve.go rotate.go preview.go receiver.go bench.go
//	remote.go audit.go export.go health.go history.go import.go keys.go
//	root.go
package cli
