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
// Half of the days are those of a cluster: two to five nodes over one memory store with 4 to 16
// shards. Each has its engine, its editor and its place in the cluster, its own wall clock and a store
// of its own that fails for it alone. Some are of role api and own no shards. Nodes are killed, stopped
// in good order, restarted one after the other, also with builds of a newer protocol or, by mistake, an
// older one, frozen for up to a minute, and cut off from the store or from the targets, while edits
// come in at all of them. On a third of these days the clock of the database makes steps, too.
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
//   - Of a cluster, that a request which comes again is one that had to: in between its
//     shard changed its owner without a release, or the process that sent the first was killed,
//     frozen or cut off from the store. In no case was it on record when its sender claimed the shard.
//     No fire is first sent by a process whose shard another one has, nothing is owned by a node of role
//     api, and no build claims anything whose protocol is older than that of the database.
//     In the end each shard has an owner, each node its share, and everything is on record.
//   - A seed determines the script: what is done, when, and what fails; the ids of jobs
//     and with them their shards; the numbers of processes, which decide who takes which
//     shard; and the order of what several processes do at one instant in the store, because a call
//     takes each of them another time. It does not determine how goroutines of one process are
//     scheduled, in which order the runtime ends timers of one instant, or how a map is walked. On
//     one core (GOMAXPROCS=1) a replay of a cluster is nearly always the same day to the last
//     request, on two mostly.
//
// # How this is shown
//
// TestSimulation runs the seeds. TestPlantedFaultsAreFound breaks the store or the
// targets in one way at a time; one of the first few seeds must report it.
// TestPlantedFaultsOfAClusterAreFound does the same with rules of the protocol of several nodes.
// TestFewSeedsMeetEverything checks that the scripts do everything that they can.
//
// Which rule of several nodes is missed by whom, if it is left out:
//
//	W is capped by edits that are not loaded            model
//	a pause is answered when its owner has loaded it    here; model
//	a runner that lives keeps its open run              here; model
//	calls in flight have open runs before a release     here; model
//	a lost owner leaves its shard uncertain             here
//	a lost lease ends the sending                       here
//	a node of role api, and an old build, own nothing   here
//	fires follow neither of two clocks alone            here
//	a pause waits for the owner by two clocks           here, and TestEnds of store
//	decisions need the fence                            model, and TestDecisionsEndWithTheLease of engine
//	facts of other shards do not count in a recovery    model
//	W of a new shard is the clock                       model
//	open runs replace none of other processes           model
//	H follows both clocks                               model
//	the fence has a token beside the epoch              model
//	a beat compares what the node knows of its row      model
//	facts are inserted again after a failover           model
//
// # What is left out
//
// A frozen node does not stand still altogether: its calls of the store and of targets
// wait, its timers do not. What it begins to send meanwhile does not go out; what it began at the
// instant of the freeze does, when the freeze is over. A request may be 300 ms early by
// the database's clock in a cluster: see clock.Agreed. Clocks of nodes are up to 100 ms apart and make
// steps of up to an hour. On days on which that of the database makes steps, of up to 70 minutes, a
// request may be 2.8 s early, because nodes follow it when it is wrong by less. Nothing that was
// committed is lost by the database: TestAFailoverLosesCommits of store/postgres and the torture of a
// cluster have that.
//
// A step back of the clock by less than the age of a beat, together with a
// crash, may double an at-most-once fire (see TestLimits of package model): the
// steps here are an hour back, five minutes ahead, an hour ahead.
package sim
