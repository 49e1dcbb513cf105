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

	Worth  int  // connections that the host is worth
	Most   int  // connections that it may have
	Window int  // connections that may be under way
	Full   bool // no more handshakes may be begun before calls need them

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

// worth is Worth, but no more than MinConnections at a quick host: with them the calls wait
// for less than a connection takes. Of a host that nobody has judged it is what it is worth
// when it gets its first calls.
func (u Upcoming) worth() int {
	worth := u.Worth
	if worth == unlimited {
		worth = Worth(u.Secure, MinSlots, 0, 0)
	}
	if 0 < u.Quickest && u.Quickest <= quickTarget {
		worth = min(worth, MinConnections)
	}
	return worth
}

// RoomAhead reports whether a handshake may begin that no call waits for. Half of the room
// is left to those for which one does.
func (a *AllHandshakes) RoomAhead() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return 2*a.underWay < a.window
}
