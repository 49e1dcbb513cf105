package host

import (
	"fmt"
	"time"
)

const (
	// FreeDials is how many dials to a host begin at once after each answer. Further ones
	// wait; the next answer ends their waiting.
	FreeDials = 16
	// MaxDials is how many connections to one host are opened at a time, and how many
	// slots a host that hangs gets in a window. Such a host is given more and more calls,
	// thousands at once, and each dial takes CPU time from the calls of healthy hosts. For
	// other hosts this is hardly a limit: 5,000 new connections a second at 100 ms each.
	MaxDials = 512
	// SilentGap is the time from one dial to the next, of all silent hosts together,
	// while few wait: 2,200 a second, a third of a core.
	SilentGap = 450 * time.Microsecond

	// Window is how often a host that has no slot free is judged by its calls.
	Window = 25 * time.Millisecond

	minStall    = 100 * time.Millisecond // without an end, before a host is taken to hang
	busyStall   = time.Second            // the same while this process has to wait for a processor
	longSilence = 2 * time.Second        // without an end, before a host that hangs is taken to be silent

	// connectingShare is the part of a host's calls that wait for connections from which
	// on their number says nothing of the host: more calls would wait as well.
	connectingShare = 4
)

// Evidence is what is known of how a host answers. What is not known is zero.
type Evidence struct {
	Dials  int // begun since the host last answered
	Failed int // those of them that failed at once
	Missed int // those of them that ended without an answer when their time was over: no dial is paced by that

	// For how long every slot has been taken and no call has ended: in the
	// measurement that runs, and in all.
	Stalled, Silence time.Duration
	Calls            int           // that have a slot
	Connecting       int           // those of them that wait for a connection
	Quickest         time.Duration // call of late
	Busy             bool          // in the measurement this process has waited for a processor
}

// State is what a host is taken to be.
type State uint8

// The states.
const (
	Answering  State = iota
	Connecting       // calls wait for connections
	Hanging          // it may be slow
	Silent           // it may be dead
	Refusing         // its connections fail at once
)

// stateNames are the names of the states, for people and in the API.
var stateNames = [...]string{
	Answering: "answering", Connecting: "connecting", Hanging: "hanging", Silent: "silent", Refusing: "refusing",
}

// String returns the name of the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// States returns all states.
func States() []State {
	all := make([]State, len(stateNames))
	for i := range all {
		all[i] = State(i)
	}
	return all
}

// State judges the evidence.
func (e Evidence) State() State {
	switch {
	case e.Dials > FreeDials && e.Failed > FreeDials:
		return Refusing
	case e.Dials > FreeDials:
		return Silent
	case e.Connecting > 0 && connectingShare*e.Connecting >= e.Calls:
		return Connecting
	case e.hangs() && e.Silence > longSilence:
		return Silent
	case e.hangs():
		return Hanging
	}
	return Answering
}

// Shown judges the evidence for people. A few dials that fail pace no others, since they cost little. But a host of
// which every dial has failed since its last answer does not answer, however seldom it is called. opening is how many
// of the dials are under way.
func (e Evidence) Shown(opening int) State {
	s := e.State()
	ended := e.Dials - opening
	switch {
	case s != Answering && s != Connecting, ended <= 0, e.Failed+e.Missed < ended:
		return s
	case e.Failed >= e.Missed:
		return Refusing
	}
	return Silent
}

// hangs reports whether calls would have ended by now if the host answered as it did
// before. If the host has not answered anything yet, every window in which no call ends
// counts. While this process waits for a processor, so do answers: they do not count as
// missing before a second has passed.
func (e Evidence) hangs() bool {
	if e.Busy {
		return e.Stalled >= max(busyStall, 4*e.Quickest)
	}
	return e.Stalled > 0 && (e.Quickest == 0 || e.Stalled >= max(minStall, 4*e.Quickest))
}

// moreSlots returns by how many slots a limit is raised in a window. The limit of a host
// that answers is set by measurement instead (see Limit). For a host that refuses, more
// calls in flight are of no use.
func (s State) moreSlots(slots int) int {
	switch s {
	case Hanging:
		return min(slots, MaxDials)
	case Silent:
		return int(Window / SilentGap) // more could not dial
	}
	return 0
}
