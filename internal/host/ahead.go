package host

import "time"

// Upcoming is what is known of calls of a host that are due at one instant, soon, and of the
// connections that can carry them.
type Upcoming struct {
	Calls, Once int           // due then; those of them that are at most once
	In          time.Duration // until then

	Ready     int // idle connections that can carry calls then
	ReadyOnce int // those of them that can carry calls which are at most once
	Busy      int // connections in use
	Opening   int // connections under way

	Need   int  // connections that the host needs by Little's law
	Most   int  // connections that it may have
	Window int  // connections that may be under way
	Full   bool // handshakes that calls need use the processor

	Secure   bool // https
	State    State
	Quickest time.Duration // call of late, at the target; zero: none has ended
}

// Opens says whether a connection is to be opened before the calls are due. It is only while
// the processor has nothing else to do: calls that are due come first. A host that does not
// answer, or at which calls wait for connections, gets none.
func (u Upcoming) Opens() Opens {
	switch {
	case u.State != Answering, u.In <= 0, u.missing() <= 0:
		return OpenNone
	case u.Full, u.Opening >= u.Window:
		return OpenLater
	}
	return OpenIfCalm
}

// missing returns how many connections are to be opened, beside those under way.
func (u Upcoming) missing() int {
	coming := u.Opening
	if 2*u.Quickest < u.In {
		coming += u.Busy // will be free
	}
	need, ready := u.Calls-u.Ready-coming, u.Ready
	if once := u.Once - u.ReadyOnce - coming; once > need {
		need, ready = once, u.ReadyOnce // the others are of no use to those calls
	}
	return min(need, min(u.worth(), u.Most)-ready-u.Busy-u.Opening)
}

// worth is no more than MinConnections at a quick host: with them the calls wait for less
// than a connection takes. Of a host that nobody has judged it is what it gets with its
// first calls.
func (u Upcoming) worth() int {
	switch {
	case 0 < u.Quickest && u.Quickest <= quickTarget, u.Need == unlimited && u.Secure:
		return MinConnections
	case u.Need == unlimited:
		return MinSlots
	}
	return max(u.Need, MinConnections)
}
