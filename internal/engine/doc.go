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
// # Its rooms
//
//	engine    Engine: what starts and stops what, in which order (engine.go)
//	          registry  every job, and the timetable (registry.go)
//	          loop      turns the timetable (loop.go)
//	          runner    sees a run through, from due to its record: release.go (overlap), queue.go,
//	                    work.go (the call), refuse.go (what is not sent), waiting.go, spans.go,
//	                    late.go, committed.go
//	          editor    the owner's part in a change of a job (editor.go, effective.go, applyedit.go,
//	                    trigger.go, unusable.go)
//	          keeper    beat, watermark, long calls, gauges (beat.go, watermark.go, sweep.go)
//	          owner     claims shards and takes over their jobs (takeover.go, resend.go), follows edits
//	                    that were made without it (remote.go), and gives shards up (leave.go)
//	          adopter   looks after executions that other processes carry out (adopt.go, away.go)
//	recovery  what the last owners of shards left, and what becomes of it
//	zones     by which rules of time zones fires were computed
//	shard     of each shard: how far its fires may be sent and are on record
//	record    group commit
//	dispatch  queues, host limits, workers
//	due       timetable, retries
//	run       job, run, span, and every decision
//	hold      what keeps the watermark back
//
// A room imports those below it.
//
// # How a fire goes through it
//
//	due.Timetable ─► runner.release ─► dispatch ─► runner.work ─► record ─► store
//	made ready       at the instant:   per host,   one HTTP        group     facts
//	0.5 s ahead      overlap           in turn     attempt         commit
//	    ▲                                             │               │
//	    └── next from this scheduled instant          └─ due.Retries ◄┘ open run
//
//	hold: every fire keeps W back from the moment at which it leaves the ring until
//	its commit
//	beat, each second: H = clock + 3 s, W = before the first second that is held
//
// Fires that are due and cannot be sent (a gap after a restart, a host whose
// queue is full, a job that runs one execution at a time) are kept as spans: a
// range of fires of one version, in the memory of one, because fires can be
// computed.
//
// # Where several processes share the database
//
// A call ends in the process that began it. One that is in flight when its shard is released has an
// open run with that process as its runner. The next owner of the job counts it as running, and looks at
// the open run once a second ([run.DecideElsewhere]): it is on record, or its process is at it, or
// nobody is any more, and then it is this owner's, by the rules of a recovery. See ADR 48.
//
// # What cannot be run
//
// A stored version that cannot be read or compiled never ends a start. A
// version without fires takes its place (run.Placeholder), the store keeps since when
// (store.Aside), and what became of its fires is on record once it is mended: by an
// edit (endUnusable) or by a program that can run it (decideStored). Nothing
// of it is lost silently and nothing is recorded twice: TestSetAside and its
// neighbours, on both stores; TestBadRows of the real binary.
//
// The rules of time zones by which fires are computed are on record too. Where
// they change between two starts, the calendar has the old ones up to the change
// and the new ones from then on: zones.ReadChange, TestZoneRulesChange of the binary.
//
// # Locks
//
// In the order in which they are taken; a lock to the right is never held while one
// to its left is asked for. Package lock has a type for each rank, and `make plain`
// asserts the order:
//
//	registry.mu ──► Job.Mu ──► leaves: hold.Set, due.Retries, record.Recorder,
//	dispatch    ──►            shard.Set, storeWatch, zones.Rules, loop
//
// The locks of registry and dispatcher are never held together. registry.mu guards
// the index of jobs, Job.Current and Job.Next, the timetable, and which watermark was
// proposed. The dispatcher's lock guards queues, hosts and calls in flight. Job.Mu
// guards the runs of a job and its backlog. A run is owned by one goroutine at a
// time, from the timetable to queue to worker to recorder.
//
// # Goroutines
//
// Start starts them, Stop ends them in this order: the loop and the retries
// (feeders), the workers, the keeper's and the host limits (keepers), the recorder.
// Edits whose outcome is not known are asked for by package edit, which has ended
// before.
//
// # How this is shown
//
// The decisions (overlap, misfire, retry, resume, limit) are pure functions
// with truth tables. The engine runs on virtual time against the real store in
// this package's tests: gaps, crashes (a store that is dropped and opened
// again), edits at every moment, stores that fail, and shards that move between
// several engines on one store. The tests of the real binary
// kill it under load and compare what the receiver saw with the calendar.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	turn.go effective.go queue.go spans.go waiting.go late.go config.go release.go ahead.go loop.go registry.go
//	calendar.go
//	committed.go unusable.go applyedit.go storewatch.go watermark.go beat.go refuse.go trigger.go editor.go
//	work.go away.go runner.go sweep.go resend.go leave.go adopt.go remote.go takeover.go pickup.go
//	engine.go share.go health.go live.go livelist.go
package engine
