// Package failpoint lets tests end or hold the process at a named seam of the
// code, where a crash does the most harm.
//
// # What it must guarantee
//
// A binary that is built in the usual way has no trace of it: [Hit] is empty
// and the compiler removes it, name and all. With the build tag failpoint the
// environment variable BELFRY_FAILPOINT says what happens where:
//
//	engine.sent=kill@100          SIGKILL at the hundredth pass
//	engine.sent=stall:250ms@100   the hundredth pass takes a quarter of a second longer
//
// A wrong value is a panic at the start: a test that believes that it has
// killed something must not pass.
//
// # How this is shown
//
// Tests of package e2e look for the names in both binaries, and kill the one
// with the tag at every seam.
package failpoint
