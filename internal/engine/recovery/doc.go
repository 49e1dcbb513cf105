// Package recovery decides what becomes of the fires of a gap: of shards whose last
// owner has stopped, from the watermark that it left until the timetable takes over.
//
// [Run] reads what is on record of a set of shards, each judged by its own W, H and
// facts, and computes by the calendar which fires are missing. What it decides is on
// record when it returns. What is left to do is in the [Result]: the jobs with their
// next fires, runs that are sent again, and ranges of fires that are late. It changes
// nothing else, so that it can run beside an engine that fires the jobs of other shards.
//
// # What it guarantees
//
//   - Every fire in the gap has a record, an open run, or is in the result.
//   - A fire that may have been sent is sent again with the same id where the job is at
//     least once, and ends as UNKNOWN where it is at most once.
//   - An open run that another process may be at is not touched. It has entered its job.
//   - A stored version that cannot be run never ends a recovery: it is set aside, and
//     what became of its fires is on record once it can be run or has ended. See ADR 17.
//   - It holds one piece of the record in memory, however long the gap is.
//
// The tests of package engine show the first three on virtual time, with crashes
// anywhere; those of this package show the last, and that shards are judged apart.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	decisions.go uncertain.go gap.go unusable.go mend.go recovery.go
package recovery
