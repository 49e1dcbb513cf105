// Package dispatch decides which run is sent next, and how many calls each host gets
// at a time.
//
// # What it guarantees
//
//   - Hosts take turns, whatever the length of their queues. A quick host has up to mostInTurn
//     calls in a turn, and mostBeforeTurn of those go before another host at most.
//   - Of one host, and over all hosts, runs that are on time go before recovered and
//     overdue ones, of which none waits forever (otherTurn).
//   - Recovered runs use at most a quarter of a host's slots, and at most a quarter of all.
//   - When a host catches up after an overload, new fires go before those that waited: on
//     time 10 s after it at the latest, at up to nine tenths of what can be sustained. Those
//     that waited are overdue. They use the slots that live runs do not, a quarter at least,
//     and at hosts that answer at once briefPerCore calls a core, over all hosts.
//   - A host that does not answer occupies its own slots and nobody else's.
//   - Calls that end soon are not more at a time than the processor can make use of,
//     however many hosts they go to (host.Crowd).
//   - Queues are bounded. Fires that find no room are kept as spans, which take no
//     memory per fire.
//   - A run that is queued, in flight or just ended is found (Dispatcher.Find) until
//     its next owner has it.
//
// # How a run goes through it
//
//	Push ─► queues: live, keep ─┐                                      ┌─► Drained
//	          ▼        overdue ─┤                                      │
//	                      late ─┼─► turns: rings of hosts ─► Take ─► workers
//	PushSpans ─►         spans ─┘                              │       │
//	                                   calls in flight ◄───────┘       ▼
//	        adapter ─► limits of hosts ◄──────────────────────────── Swap
//
// The [Dispatcher] holds the lock and these parts:
//
//	queues    what waits, by host, and the slots that each host has (package host)
//	turns     whose turn it is
//	calls     what is in flight, and what has just ended
//	workers   the goroutines that call
//	adapter   moves the limits of hosts that are saturated
//
// # Locks
//
// One lock guards all of it. It comes before Job.Mu, and nothing that waits is done
// with it held.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	config.go runqueue.go spanqueue.go quick.go overdue.go calls.go hostqueue.go catchup.go
//	turns.go queues.go adapt.go workers.go waits.go dispatch.go view.go
//
// # How this is shown
//
// Each part has tests of its own; dispatch_test.go and overdue_test.go have those of the
// guarantees, and a property test of all queues (TestQueuesProperty). An overload, and the
// mutant that serves it in line, are in package engine
// (TestNewFiresAreOnTimeAfterAnOverload). What
// hosts that hang, refuse or are slow do to their neighbours is shown in package
// engine (TestDeadHost, TestBacklogIsBounded). BenchmarkSwap is the cost of a run.
package dispatch
