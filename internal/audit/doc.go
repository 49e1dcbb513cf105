// Package audit asks the first law of the record itself: is there a record of
// every fire?
//
// It computes the expected fires of a window again, from the timeline of
// versions that the database keeps, and compares them with the facts, the
// summaries and the open runs:
//
//	timeline ── Next, Next, Next ──► expected ──┐
//	                                            ├──► one count each; neither side's: lost, unexpected
//	facts, summaries, open runs ──► on record ──┘
//
// # What it guarantees
//
//   - Nothing above the watermark is judged: what is on its way is not lost.
//   - Nothing that retention has dropped is judged: it is not lost either.
//   - It shares no state and no code with the engine's timetable: only the
//     store and the calendar of a version. A fault of the one does not hide in
//     the other.
//   - Memory is bounded whatever the window: the record is read in pieces of
//     about half a million facts, and the list of lost fires is capped; their
//     count is not.
//   - The [Auditor] does it for the last minutes behind the watermark for as
//     long as the server runs, at some 2 % of a core at most. Each lost fire
//     that it finds is kept in the store, which makes an alert of it, and is
//     counted and logged once, whatever restarts come between.
//   - An audit that cannot read everything is an error, never a good report.
//
// # How this is shown
//
// Tests record a timeline on a real store and take records away: each fire that
// has none is named, and no other, whatever the size of the pieces. A test of
// the whole server deletes a row by hand and asks.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	throttle.go audit.go auditor.go
package audit
