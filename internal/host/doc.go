// Package host judges the condition of a host: whether it answers, how many calls it
// gets at a time, and when the next connection to it may be opened. The dispatcher
// and the executor both ask here, each with what it knows.
//
// # What it guarantees
//
//   - Whether a host is silent is decided by one function of the evidence
//     ([Evidence.State]). It has no other input, and one truth table.
//   - How much of all slots a host may have, and how much of both its late fires, is
//     decided by one function as well ([MayBegin], with [MostSlots] and [LateSlots]).
//   - A host that does not answer gets new slots no faster than connections to silent
//     hosts may be opened: both follow from the same two constants, SilentGap and
//     [MaxDials].
//   - Calls to hosts that answer are not delayed.
//   - No dial waits for longer than its caller's share of time, 4 s at most.
//
// # The states of a host
//
//	state       evidence                                  new slots a window   a dial
//	Answering   none of the below                         see Limit            begins at once
//	Hanging     every slot is taken, and no call ended    as many again,       begins at once
//	            for 4 of its quickest calls, or 100 ms    512 at most
//	Silent      the same for 2 s; or more than 16 dials   55                   in the line of all
//	            since its last answer                                          silent hosts
//	Refusing    more than 16 of those dials failed        none                 in its own line,
//	            at once                                                        and in that of all
//
// The dispatcher knows which calls have ended, and has a [Limit] for each host. The
// executor knows which dials were answered, and has [Dials] for each pool of
// connections and one [Lines] for all. Neither knows what the other does: the
// evidence that is missing counts as none.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	share.go state.go limit.go line.go dials.go
//
// # How this is shown
//
// Truth tables for the pure decisions; simulated hosts for the limit (TestHostLimit*);
// virtual time for the lines. What it is worth is shown where it is used: in package
// engine beside a dead host, in package executor with dials that are never answered.
package host
