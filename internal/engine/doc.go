// Package engine fires jobs: it decides when a request goes out, sees it
// through its retries, and puts what became of it on record.
//
// # What it guarantees
//
//  1. Every fire of every version of every job ends in exactly one final
//     record, whatever stops the process in between. The watermark W passes an
//     instant only when that is true and durable.
//  2. The next fire of a job follows from the previous scheduled instant, never
//     from now. A loop that wakes late fires late and skips nothing.
//  3. A re-send carries the id of the first send.
//  4. A fire costs one write: its result. Only what a crash would make
//     uncertain for long has a row before it ends: retries that wait, manual
//     triggers, recovered fires, calls longer than 35 s.
//  5. An edit is exact: no fire of the old version at or after its
//     effective_from is sent, none of the new one before it; a job that was
//     paused or deleted sends nothing new once the call has answered.
//  6. When nothing can be recorded, whatever the reason (the store cannot commit,
//     a commit does not return), sending stops within the horizon of three seconds;
//     afterwards the fires in between go out late. When files of the store are gone
//     ([store.GoneError]) it stops as soon as that is known.
//
// # How a fire goes through it
//
//	timetable ─► stage ─► release ─► dispatcher ─► worker ─► recorder ─► store
//	 per second   0.5 s    at the     per host,     one HTTP   group       facts
//	 buckets      ahead    instant    in turn       attempt    commit
//	    ▲                                             │           │
//	    └── next from this scheduled instant          └─ retry ◄──┘ open run
//
//	pending seconds: every fire from stage until its commit holds W back
//	beat, each second: H = clock + 3 s, W = before the first pending second
//
// Fires that are due and cannot be sent (a gap after a restart, a host whose
// queue is full, a job that runs one execution at a time) are kept as spans: a
// range of fires of one version, in the memory of one, because fires can be
// computed.
//
// # What cannot be run
//
// A stored version that cannot be read or compiled never ends a start. A
// stand-in without fires takes its place (standIn), the store keeps since when
// (store.Aside), and what became of its fires is on record once it is mended:
// by an edit (endAside) or by a program that can run it (settleAsides). Nothing
// of it is lost silently and nothing is recorded twice: TestSetAside and its
// neighbours, on both stores; TestBadRows of the real binary.
//
// The rules of time zones by which fires are computed are on record too. Where
// they change between two starts, the calendar has the old ones up to the change
// and the new ones from then on: readRules, TestZoneRulesChange of the binary.
//
// # Locks
//
// Engine.mu (jobs, timetable) before job.mu; dispatcher.mu before job.mu;
// pendingSeconds and recorder are leaves. Engine.mu and dispatcher.mu are never
// held together. A fire is owned by one goroutine at a time, from stage to
// queue to worker to recorder.
//
// # How this is shown
//
// The decisions (overlap, misfire, retry, resume, limit) are pure functions
// with truth tables. The engine runs on virtual time against the real store in
// this package's tests: gaps, crashes (a store that is dropped and opened
// again), edits at every moment, stores that fail. The tests of the real binary
// kill it under load and compare what the receiver saw with the calendar.
package engine
