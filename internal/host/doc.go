// Package host judges the condition of a host: whether it answers, how many calls it
// gets at a time, how many connections it is worth, and when the next one may be opened.
// The dispatcher and the executor share the [Condition] of each host, to which each writes
// what it observes.
//
// # What it guarantees
//
//   - Whether a host is silent is decided by one function of the evidence
//     ([Evidence.State]). It has no other input, and one truth table.
//   - How much of all slots a host may have, and how much of both its late fires, is
//     decided by one function as well ([MayBeginIn], with [MostSlots] and [LateSlots]). Fires
//     that are overdue have what live ones have not used of late ([OverdueSlots]).
//   - A host that does not answer gets new slots no faster than connections to silent
//     hosts may be opened: both follow from the same two constants, SilentGap and
//     [MaxDials].
//   - Calls to hosts that answer are not delayed, but for the few milliseconds in which
//     a connection that is freed saves one that would be opened (Demand.Opens).
//   - Times and the last failure are for people: they decide nothing. Nor does the word that people read
//     ([Evidence.Shown]): a host that is called seldom refuses after one dial that failed.
//   - What time is spent in this process does not raise a limit: calls are timed from
//     when their request is sent, and a host whose calls wait for connections keeps its
//     limit. Whether calls wait for a processor, here or at the targets, is tried: fewer of
//     them at a time are quicker then ([Crowd]). In such a second no host is called slow.
//   - No connection is opened because a call has waited for long. How many a host needs
//     follows from Little's law ([Need]), and further ones are opened only where no call of
//     the host ends ([Demand]).
//   - Handshakes have a budget of the processor ([TurnNow]), first for hosts that have no
//     connection, and as many are under way with a host as it answers quickly ([Handshakes]).
//   - Calls that end soon are bounded over all hosts, and so are those of an https host that
//     wait for connections: none where a quick host has what it needs (Limit.MayHave).
//   - No dial waits for its turn for longer than its caller's share of time, 4 s at most.
//
// # The states of a host
//
//	state       evidence                                  new slots a window   a dial
//	Answering   none of the below                         see Limit            begins at once
//	Connecting  a quarter of its calls or more wait for   none                 begins at once
//	            connections
//	Hanging     every slot is taken, and no call ended    as many again,       begins at once
//	            for 4 of its quickest calls, or 100 ms    512 at most
//	Silent      the same for 2 s; or more than 16 dials   55                   in the line of all
//	            since its last answer                                          silent hosts
//	Refusing    more than 16 of those dials failed        none                 in its own line,
//	            at once                                                        and in that of all
//
// They are judged in this order: Refusing, Silent by its dials, Connecting, Silent by its
// calls, Hanging. So a host that refuses is not connecting, and one whose calls wait for
// connections does not hang.
//
// The dispatcher knows which calls have ended, and has a [Limit] for each host. The
// executor knows which dials were answered and which calls wait for a connection. A
// [Table] has the condition of each host that one of them holds.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	share.go state.go line.go dials.go handshakes.go crowd.go connect.go times.go failure.go
//	condition.go limit.go ahead.go protocol.go
//
// # How this is shown
//
// Truth tables for the pure decisions; simulated hosts for the limit (TestHostLimit*,
// TestLimitWhileConnecting, TestRecover); virtual time for the lines.
//
// How the rules work together is shown by a simulation (TestHostSimulation of package
// executor, in virtual time): the pools, the connector, the limits and the bound on quick
// calls are those of the product; processors, targets, network, the opener and the
// dispatcher are modelled. The points of the grid are slow machines: targets on the same
// machine, on another, on one that is full before this one, distant ones, targets of which
// some calls are slow or take longer on average, or that take few calls at a time; 1 to 400
// hosts, cold. At each of them
//
//	what happens                              what must hold
//	twice as much is due as can be sustained  0.9 of what can be sustained is done, 0.8 at hosts that are
//	half of the processor is taken            not quick; 10 s after what waits can have been done, all is
//	                                          on time; a quick host has at most as many connections as
//	                                          Little's law says for calls of 4 ms, half as many again,
//	                                          and simSpare
//	a host turns slow                         its calls are on time 3 s later, with a quarter of the
//	                                          processor taken
//	all hosts turn slow                       their calls are on time 8 s later (quick https hosts, 100 at most)
//	connections of a host hang                its calls are on time 3 s later
//	a quarter of the hosts die                the others lose less than a tenth; when the hosts are back,
//	                                          all is on time as above
//
// TestHostSimulationFindsMutants takes one rule away at a time, and a bound is broken. That
// is not shown for two: that a turn which comes late opens fewer connections (busyFirst,
// busyMore), with which no bound is broken, and that a host which was silent gives slots back,
// which TestRecover shows (without it, a single distant host that was dead is not on time).
//
// One seed is part of the tests, and BELFRY_HOSTSIM_SEEDS=N has more, with machines that
// differ by a fifth, and more points. In six seeds, some 680 runs,
// with a leastCall of 0.1 ms, 5 broke a bound: 50 and 160 handshakes in a second that
// should be steady, with hosts that are 200 ms away (2); one host of 67
// that turned slow was late by a quarter of a second more than it may be (1); six hosts that are
// 20 ms away, of which each got thousands of slots since each trial took the processor from the
// others, so that half of what can be sustained was done (2). Not to try more slots while even
// the quickest call takes twice as long as it can was tried: the last ones stayed, and a
// distant host that turned slow was late.
//
// It is no proof of stability: the points and the seeds are a sample, and a goroutine that
// waits for a processor is modelled as one in a line. That a machine costs more per call the
// more calls are in flight is part of the model, and of what can be sustained. HTTP/2 is not
// simulated. While calls wait for a processor all the time, a host that turns slow is not
// recognised as slow: it keeps the connections of a quick one until its calls do not end at
// all, or the load falls.
//
// What it is worth is shown where it is used: in package
// engine beside a dead host, in package executor with dials that are never answered.
package host
