// Package failpoint lets tests kill or stall the process at a named place of the code
// where a crash does the most harm.
//
// # What it must guarantee
//
// A binary that is built in the usual way contains no trace of it: [Hit] is empty, and
// the compiler removes it together with the name. With the build tag failpoint the
// environment variable BELFRY_FAILPOINT says what happens where:
//
//	engine.sent=kill@100          SIGKILL at the hundredth pass
//	engine.sent=stall:250ms@100   the hundredth pass takes a quarter of a second longer
//
// A wrong value is a panic at the start, so that a test that kills nothing because of a
// misspelled name cannot pass.
//
// # How this is shown
//
// Tests of package e2e search for the names in both binaries, and kill the binary with
// the tag at every failpoint.
package failpoint
