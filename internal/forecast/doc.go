// Package forecast computes fires that are not due yet: how many are due when, and what a change of a job
// would gain and lose.
//
// # What it guarantees
//
//   - A fire is what the calendar of a version says ([domain.Timing]), jitter included: nothing here
//     computes instants in a way of its own.
//   - The work is bounded, however often a job fires, and an answer that lacks something for that
//     says so.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	compare.go load.go
package forecast
