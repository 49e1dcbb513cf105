// Package sim runs the engine through days of virtual time with crashes, faults of
// the store, failing targets and steps of the clock, and judges each day from
// outside. It complements package model: model explores every interleaving of a
// small protocol, this package runs the real code through random interleavings. It
// holds tests only.
//
//	seed ──► script: edits, triggers, imports, faults, crashes, stops, steps of the clock
//	            │
//	         engine ── faulty ── memory store on a disk that outlives crashes
//	            └───── targets that fail, stall, and answer late
//	            │
//	         client's own memory + calls the targets saw + records ──► check.Judge
//
// # What it must guarantee
//
//   - It uses the engine as its users do: New, Start, Stop, Create, Update,
//     Delete, Trigger. A crash disconnects the store and the targets at one
//     instant; what the engine does after it has no effect.
//   - What must have happened is taken from the client's own list of the edits
//     that were answered, never from the database alone. An edit of unknown
//     outcome was either applied as a whole or not at all, and that must not
//     change later.
//   - It finds fires that are lost, doubled, early, of a wrong version, recorded
//     but never sent, or sent after a pause was answered. It reports nothing
//     else.
//   - A seed determines the script: what is done, when, and what fails. It does
//     not determine ids or how goroutines are scheduled, so a replay runs the same
//     day but not always the same race within one millisecond.
//
// # How this is shown
//
// TestSimulation runs the seeds. TestPlantedFaultsAreFound breaks the store or the
// targets in one way at a time; one of the first few seeds must report it.
// TestFewSeedsMeetEverything checks that the scripts do everything that they can.
//
// # What is left out
//
// A step back of the clock by less than the age of a beat, together with a
// crash, may double an at-most-once fire (see TestLimits of package model): the
// steps here are an hour back, five minutes ahead, an hour ahead.
package sim
