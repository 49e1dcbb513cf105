// Package sim runs the engine and its recorder through days of virtual time
// against everything that goes wrong, and judges each day from outside. It is
// the second leg of the proof that nothing is lost: package model explores
// every interleaving of a small protocol, this package runs the real code
// through random ones. It holds tests only.
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
//     Delete, Trigger. A crash cuts the store and the targets at one instant;
//     what the dying engine still does reaches nobody.
//   - What must have happened is taken from the client's memory of the edits
//     that were answered, never from the database alone. An edit of unknown
//     outcome may have happened or not, but as a whole, and for good.
//   - It finds what is lost, doubled, early, of a wrong version, made up, or
//     sent after a pause was answered; and it reports nothing else.
//   - A seed makes the script: what is done, when, and what fails. Ids and the
//     turns of goroutines are not in its hands, so a replay meets the same day
//     but not always the same race within one millisecond.
//
// # How this is shown
//
// TestSimulation runs the seeds. TestPlantedFaultsAreFound breaks the store or
// the targets in one way at a time, and each must be reported by one of the
// first few seeds.
//
// # What is left out
//
// A step back of the clock by less than the age of a beat, together with a
// crash, may double an at-most-once fire (see TestLimits of package model): the
// steps here are an hour back, five minutes ahead, an hour ahead.
package sim
