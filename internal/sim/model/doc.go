// Package model explores the protocol of Belfry (DESIGN.md, section 3): every
// state that a small world can be in, in every order of events, with a crash
// possible after each of them. It holds tests only.
//
// # What it must guarantee, and how that is shown
//
// In no state of any scenario a law is broken (TestProtocol, exhaustive within
// its bounds), and the search can see: each deliberate fault in a rule is found
// and told as a table of steps (TestMutants), by a world in which nothing is
// found without the fault (TestMutantsAreTheOnlyFault). A law that holds
// because nothing happens is no proof either: TestProtocol wants every step to
// be taken somewhere and every status to be reached. The explorer itself is
// tested against a machine whose states are known (explore_check_test.go).
//
// # The picture
//
//	       clocks         one or two owners (memory)             store (disk)
//	┌───────────────┐  ┌──────────────────────────────────┐  ┌──────────────────┐
//	│ now           │  │ mode, H, proposed, released      │  │ shard: epoch,    │
//	│ offset of the │  │ table, beat under way            │  │  H, W, clean     │
//	│  wall clock   │  │ job: version, next, hold, stop,  │  │ job: versions,   │
//	│ latest seen   │  │  edit under way                  │  │  deleted at      │
//	└───────────────┘  │ execution: phase, version,       │  │ execution: fact  │
//	                   │  attempts, crashes, retry,       │  │  (synced or not),│
//	                   │  result on its way to the store  │  │  open run        │
//	                   └──────────────────────────────────┘  └──────────────────┘
//	     past: what the target has received and the users were told; only the laws read it
//
// An execution runs through idle, staged, (held,) queued, calling, ended or
// opening, waiting; what ended is idle again once its fact is acknowledged.
// Time is a handful of ticks. A tick is a second of the timetable and
// for the millisecond that an edit keeps as its distance; H is one tick ahead.
// Nothing is urgent: whatever can be done can also be left for any number of
// ticks, which is how stores that hang, loops that wake late and queues that
// are full come in.
//
// # From step to code
//
//	step of the model                   code, below internal/engine
//	turn                                loop.go: turn; release.go: release, admit; due/timetable.go: StageUntil, stage,
//	                                      fallBehind, TakeDue; late.go: addLate
//	send, discard, keep, refuse         run/send.go: DecideSend; work.go: beginCall, refuse, discard
//	answer, refused, time out           work.go: conclude; run/ending.go: DecideEnding
//	a call runs long                    beat.go: sweepOnce
//	commit results (ok, error before,   record/recorder.go: commit; commit.go: committed; store: Ledger.Record,
//	  error after, facts alone)           facts first
//	beat (begins, ends, fails)          beat.go: beatOnce, proposeWatermarks; shard/set.go: Propose, Beat;
//	                                      hold/hold.go: Before; store: Shards.Beat
//	an edit is asked for                edit: Create, Update, Delete; edit.go: beginCreate, beginUpdate,
//	                                      beginDelete; effective.go: effective
//	the store has / refuses it          store: Jobs; edit: run, commitNew, decideCommit, decideRead
//	apply and answer                    edit: conclude; edit.go: applyEdit, install;
//	                                      due/timetable.go: FinishVersion, Place
//	nobody can tell, undo               edit: runUntilKnown, commitNew, undoNew
//	trigger                             trigger.go: trigger
//	stop (three steps)                  engine.go: Stop, drain, leaveOpen, closeRecord; store: Shards.Release
//	a process starts                    recover.go: claim; store: Shards.Claim
//	recovery decides                    recovery/recovery.go: newRecovery, readTimeline, resumeOne, flush;
//	                                      recovery/gap.go: addWalk, readFacts, judge; run/resume.go: DecideResume
//	the first beat                      recover.go: takeOver, place, resend
//
// A commit that fails before it did anything is a commit that has not come yet.
// An edit of unknown outcome that is asked again is one that takes long. A
// crash in the middle of a commit is a crash before it, or after it without
// its acknowledgement; with a power loss what was written and not synced goes.
//
// # The laws
//
//   - lost: W is past a fire that has neither a fact nor an open run, or the
//     end has come and a fire of some version has no fact.
//   - phantom: a fire was sent, or is on record, as one of a version in whose
//     time it does not lie. That is what makes edits exact, and what a
//     back-fill on create, resume or enable would break.
//   - after a stop: something of a paused or deleted job was sent after the
//     answer.
//   - twice: an at-most-once execution reached its target again, whatever
//     crashed in between.
//   - unexplained: a second request without a crash, a takeover or a failed or
//     unclear answer since the first, or after its fact was on record.
//   - early, beyond H, another id: a request before any clock said that it was
//     due, past the horizon on disk, or under another identity.
//   - fact changed, lost trigger, stuck, W beyond H: as they say.
//
// They are judged in each state; those about the end in each state from which
// nothing leads on. Each step spends a tick, a budget or a part of an
// execution's way, so no run goes in circles and every run comes to an end.
//
// # What is left out
//
// Overlap policies (each execution is by itself here), host queues and their
// limits (a queued fire waits as long as it likes), the caps of the misfire
// policy, ranges (a span is its fires), jitter and calendars (package cron),
// the first start on an empty database, the distrust of steps over ten minutes
// and the refusal of a W far ahead, ResetWatermark. A check of the send rule
// and its request are one step. A flush of recovery is one commit. Two owners
// are the rule that a shared database will need: the second claims only when
// the lease of the first has run out by the store's clock; SQLite's lock file
// is stricter. Edits without the owner (the revision) are in no code yet.
//
// # Bounds, and why they suffice
//
// A scenario has up to four fires of one job or two of two, up to three
// versions, three to six ticks, and a budget for each kind of trouble: kills,
// power losses, stops, faults of the store, failed requests, steps of the
// clock. Every rule here is about at most two instants (a fire and W, a fire
// and an edit, a send and its repetition), one owner's end and the next one's
// start, so a fault needs at most: a fire and one before or after it, one
// trouble to hide what was known and one more where the rule is about trouble
// itself (an open run or an unsynced row that outlives one). The mutants agree:
// the longest of their shortest counterexamples has 22 steps, three ticks and
// two troubles, and the scenarios go on to 34 steps, six ticks and, where it
// matters, three or four troubles. The sizes are told by
//
//	go test -v -run Protocol ./internal/sim/model
//
// and the counterexample of each mutant by -v -run Mutants. Under the race
// detector only the first states of each scenario are looked at.
//
// # What it has found
//
// Four of the mutants are rules as the code had them when the model was first
// held against it; each was then shown on the engine itself, or follows from
// what SQLite does. The send rule looked at the clock and not at the fire's own
// instant (clockIsEnough); a span did not move the frontier that edits look at
// (spanUnseen); a recovery after W had passed a pause did not know of it
// (stopIgnored); a file that a killed process had written was read without
// syncing it first (unsyncedOpen).
//
// # Where the promises end
//
// TestLimits keeps what the protocol cannot do. After a crash, a wall clock
// that is set back by no more than the age that the last beat may have cannot
// be told from a quick restart: a fire sent by the old clock comes due again,
// so at most once may be doubled, and an edit may begin before it. And an owner
// whose wall clock stays further ahead of a store's own clock than the horizon
// sends nothing, because its now is never within H.
package model
