// Package model explores Belfry's protocol, which the packages below internal/engine
// implement: every state of a small world, with every order of events and a crash
// possible after each event. It holds tests only.
//
// # What it must guarantee, and how that is shown
//
//   - No state of any scenario breaks a law (TestProtocol, exhaustive within its
//     bounds).
//   - The search finds faults: each deliberate fault in a rule is found and printed
//     as a table of steps (TestMutants), in a scenario that breaks no law without
//     the fault (TestMutantsAreTheOnlyFault).
//   - No law holds merely because nothing happens: TestProtocol requires that every
//     step is taken somewhere and that every status is reached.
//   - The explorer is tested against a machine whose states are known
//     (explore_check_test.go).
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
//	     past: what the target has received and what users were answered; only the laws read it
//
// The phases of an execution are idle, staged, (held,) queued, calling, ended or
// opening, waiting. An execution that has ended is idle again once its fact is
// acknowledged. Time is a few ticks. A tick stands for a second of the timetable, and
// also for the millisecond between what was sent and the start of an edit; H is one
// tick ahead. No step has to be taken at once: every step that is possible may wait
// for any number of ticks. That is how the model includes stores that hang, loops
// that wake late and queues that are full.
//
// # From step to code
//
//	step of the model                   code, below internal/engine
//	turn                                loop.go: turn; release.go: release, admit; due/timetable.go: StageUntil, stage,
//	                                      fallBehind, TakeDue; late.go: addLate
//	send, discard, keep, refuse         run/sendrule.go: DecideSend; work.go: beginCall;
//	                                      refuse.go: refuse, discard
//	answer, refused, time out           work.go: conclude; run/ending.go: DecideEnding
//	a call runs long                    sweep.go: sweepOnce
//	commit results (ok, error before,   record/recorder.go: commit; committed.go: committed; store: Ledger.Record,
//	  error after, facts alone)           facts first
//	beat (begins, ends, fails)          beat.go: beatOnce; watermark.go: proposeWatermarks;
//	                                      shard/set.go: Propose, Beat; hold/hold.go: Before; store: Shards.Beat
//	an edit is asked for                edit: Create, Update, Delete; applyedit.go: beginCreate, beginUpdate,
//	                                      beginDelete; effective.go: effective
//	the store has / refuses it          store: Jobs; edit: run, commitNew, decideCommit, decideRead
//	apply and answer                    edit: conclude; applyedit.go: applyEdit, install;
//	                                      due/timetable.go: FinishVersion, Place
//	nobody can tell, undo               edit: runUntilKnown, commitNew, undoNew
//	trigger                             trigger.go: trigger
//	stop (three steps)                  engine.go: Stop, drain, leaveOpen, closeRecord; store: Shards.Release
//	a process starts                    takeover.go: claim; store: Shards.Claim
//	recovery decides                    recovery/recovery.go: newRecovery, readTimeline, resumeOne;
//	                                      recovery/decisions.go: Flush;
//	                                      recovery/gap.go: addWalk, readFacts; recovery/uncertain.go: judge;
//	                                      run/resume.go: DecideResume
//	the first beat                      takeover.go: takeOver, place; resend.go: resend
//
// Some events need no step of their own. A commit that fails without an effect is a
// commit that has not happened yet. An edit of unknown outcome that is repeated is an
// edit that takes long. A crash during a commit is a crash before it, or after it
// without its acknowledgement. A power loss also removes what was written and not
// synced.
//
// # The laws
//
// Each name is that of a fault:
//
//   - lost: W is past a fire that has neither a fact nor an open run, or no step is
//     left and a fire of some version has no fact.
//   - phantom: a fire was sent or recorded for a version that was not in effect at
//     its instant. This law makes edits exact; a back-fill on create, resume or
//     enable would break it.
//   - after a stop: a fire of a paused or deleted job was sent after the answer.
//   - twice: an at-most-once execution reached its target twice, whether or not
//     there was a crash in between.
//   - unexplained: a second request without a crash, a takeover or a failed or
//     unclear answer since the first, or a request after the fact was on record.
//   - early, beyond H, another id: a request before any clock said that it was
//     due, past the horizon on disk, or under another identity.
//   - fact changed, lost trigger, stuck, W beyond H: what the names say.
//
// The laws are checked in each state; those about the end, in each state without a
// next step. Each step uses up a tick, a part of a budget or a phase of an
// execution, so there are no cycles and every run ends.
//
// # What is left out
//
//   - overlap policies: executions do not affect each other here
//   - host queues and their limits: a queued fire may wait for any time
//   - the caps of the misfire policy, and ranges: a span is its fires
//   - jitter and calendars: see package cron
//   - the first start on an empty database, the wait after a clock step of more than
//     ten minutes, the refusal of a W far ahead, ResetWatermark
//
// The check of the send rule and the request are one step. A flush of recovery is one
// commit. Two owners follow the rule that a shared database will need: the second
// claims only when the lease of the first has expired by the store's clock. SQLite's
// lock file is stricter. What only a cluster has is in the other machine: see below.
//
// # Bounds, and why they suffice
//
// A scenario has up to four fires of one job or two fires of two jobs, up to three
// versions, three to six ticks, and a budget for each kind of failure: kills,
// power losses, stops, faults of the store, failed requests, steps of the clock.
// Every rule here is about at most two instants (a fire and W, a fire and an edit, a
// send and its repetition), the end of one owner and the start of the next. A
// counterexample therefore needs at most a fire and another before or after it, one
// failure that hides what was known, and one more where the rule is about failures (an
// open run or an unsynced row that outlives one). The mutants confirm this: the
// longest of their shortest counterexamples has 22 steps, three ticks and two
// failures. The scenarios go on to 34 steps, six ticks and, where it matters, three
// or four failures. The sizes are printed by
//
//	go test -v -run Protocol ./internal/sim/model
//
// and the counterexample of each mutant by -v -run Mutants. Under the race detector
// only the first states of each scenario are explored; make plain explores all.
//
// # Two nodes on one database
//
// The files cluster_*_test.go hold a second machine: two nodes that claim, hold, hand over and
// lose one shard of a shared database. It has what the protocol of several nodes needs and no
// code has yet: the fence of epoch and token, edits by a node that does not own the shard,
// open runs that name the process that carries them out, commits that a failover to a
// standby loses, clocks of nodes and of the database that differ. Its rules are what the
// implementation has to follow:
//
//   - Claim: the shard is free, or its row has not changed for longer than a node may send
//     by its last beat, and the database's clock is past H.
//   - Beat: only with the epoch and token of the claim, and only if H, W and the revision are
//     not behind what the node knows. H is the larger of itself and the clock plus the
//     horizon, where the clock is the earlier one of the database's and the node's plus the slack.
//     W goes at most to the clock of the last beat whose revision is loaded. A new
//     H is used after the edits of its revision are loaded.
//   - Send: the fire is due, not beyond H, and the last beat is not older than the horizon.
//   - Edit by another node: what ends a version begins beyond H. What ends nothing (a
//     creation, a resume) begins after W, after the clock of the last beat, and after the
//     version that it follows. A pause is answered when the owner has loaded it, when there is
//     a new owner, or when the row has not changed for longer than a node may send.
//   - Edit by the owner: only with the fence, and after all that it sent or found uncertain.
//   - Facts: what was seen is recorded by whoever saw it. A decision not to send needs the
//     fence.
//   - Open runs: inserted, never replaced, unless their process is dead. A node that loses the
//     shard gives up those that it does not carry out.
//   - After a failover of the database: each node inserts again what it has recorded, and its
//     open runs, before anything else. Decisions only while it holds the shard.
//
// TestCluster explores 25 scenarios; TestClusterMutants leaves out one rule at a time. Three of
// the rules were found by the search: that open runs are inserted again, too; that a
// recovery does not take an open run that was written since it read; that a pause is not
// answered by the database's clock alone, because that clock can step forward while the
// owner may still send. With a standby that lacks commits, an edit that was answered may be
// lost, and a fire may have gone out that a later owner records as SKIPPED: laws that speak of
// these are not asked of such runs. That no fire is lost is.
//
// # What it has found
//
// Four of the mutants are faults that the code had when the model was first compared
// with it. Each was then reproduced on the engine, or follows from what SQLite does:
//
//   - clockIsEnough: the send rule compared the clock with H, not the fire's own
//     instant.
//   - spanUnseen: a span did not move the frontier that edits respect.
//   - stopIgnored: a recovery did not know of a pause that W had passed.
//   - unsyncedOpen: a file that a killed process had written was read without syncing
//     it first.
//
// # What the protocol cannot guarantee
//
// TestLimits shows two limits. After a crash, a wall clock that is set back by no
// more than the greatest age of the last beat looks like a quick restart: a fire that
// was sent by the old clock comes due again, so an at-most-once execution may be sent
// twice, and an edit may take effect before it. And an owner whose wall clock stays
// further ahead of the store's clock than the horizon sends nothing, because its now
// is never within H.
package model
