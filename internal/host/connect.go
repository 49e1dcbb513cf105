package host

import (
	"math"
	"time"
)

// A call that finds no connection free waits for one. Whether a further connection is
// opened for it depends on what that costs: a handshake of TLS takes half a millisecond
// of a processor here and as much at the target, fifty times what a call takes. At a
// target that answers within a millisecond the call is better off with a connection that
// another call frees. And while the processor is busy, a handshake delays calls that could
// be made meanwhile: if each of them then opens a connection because it waited, handshakes
// are all that is done.
const (
	// plainGrace and secureGrace are for how long a call waits for a connection to
	// a quick host that another call frees, before one is opened for it. A connection
	// costs that much time in the end: 0.1 ms of both processors and a round trip without
	// TLS, 1 to 2 ms and two round trips with it.
	plainGrace  = time.Millisecond
	secureGrace = 5 * time.Millisecond
	// quickTarget is the time of a call below which a host is quick: within the grace
	// a connection is free several times.
	quickTarget = 2 * time.Millisecond

	// leastCall is what a call is taken to last at least. Where calls take less, and use the
	// whole processor, some dozens in flight cost less each than a few, since one wake-up takes
	// many answers: with a tenth of a millisecond here, one host had 17 connections instead of
	// 45, and a call cost a twentieth more.
	leastCall = time.Millisecond / 4

	// Turn is how often it is decided which connections are opened next, while calls
	// wait for one.
	Turn = time.Millisecond
	// busyLag is by how much a turn is late on a machine that is busy. A timer of an
	// idle machine is late by 0.1 to 1 ms.
	busyLag = 2 * time.Millisecond
	// calmOpens is how many connections are opened in a turn while the processor is not
	// busy: 64,000 a second, more than it can open.
	calmOpens = 64
	// busyFirst and busyMore are how many of them a busy processor opens, for each core:
	// to hosts that have none, and to others. A turn that is late by 10 ms is one of a
	// hundred a second: then 100 handshakes a second and core, a twentieth of it.
	busyFirst = 4
	busyMore  = 1

	// turnHandshakes is how many handshakes there may be in a turn for each that may compute
	// at a time, those that wait for that included: those of the next milliseconds, so that
	// it is decided here whose is next, and not by who came first.
	turnHandshakes = 4

	// calmWait and busyWait are after which time in which no call of a host has ended it
	// gets connections that it does not need by its quickest calls, where no processor is
	// busy and where one is.
	calmWait = 50 * time.Millisecond
	busyWait = time.Second

	// MinConnections is what each host is worth. With 4 of them a target that takes 1 ms
	// answers 4,000 calls a second.
	MinConnections = 4
	unlimited      = math.MaxInt32
)

// Demand is what a host needs connections for.
type Demand struct {
	Open    int           // connections, in use or not
	Opening int           // connections under way
	Waiting int           // calls that wait for one, and for which none is under way
	Waited  time.Duration // the longest of them
	Stuck   time.Duration // for how long calls have waited and none has ended
	Need    int           // connections that the host needs by Little's law
	Most    int           // connections that it may have: one for each slot
	Window  int           // connections that may be under way

	Secure   bool          // https
	Quickest time.Duration // call of late, at the target; zero: none has ended
}

// Opens says whether a connection is to be opened.
type Opens uint8

// The answers of Demand.Opens.
const (
	OpenNone   Opens = iota // no call waits, or the host may have no more
	OpenLater               // not yet: one that is open or under way may come sooner
	OpenFirst               // the host has none
	OpenMore                // it would be used sooner than one that is freed
	OpenIfCalm              // the same, unless the processor is what the calls wait for
)

// Opens says whether the host needs one connection more.
func (d Demand) Opens() Opens {
	has := d.Open + d.Opening
	switch {
	case d.Waiting == 0, has >= d.Most:
		return OpenNone
	case has == 0:
		return OpenFirst
	case d.Opening >= max(d.Window, stuckWindow(d.Stuck)):
		return OpenLater
	case has < d.Need && d.Waited >= d.grace(), d.Stuck >= busyWait:
		return OpenMore
	case has < MinConnections && d.Waited >= d.grace(), d.Stuck >= calmWait:
		return OpenIfCalm
	}
	return OpenLater
}

// stuckWindow returns how many connections may be under way to a host of which no call
// has ended for so long, whatever its handshakes say: twice as many each second. If it is
// dead, more than FreeDials of them tell that it is silent, and each call dials.
func stuckWindow(stuck time.Duration) int {
	if stuck < busyWait {
		return 0
	}
	return min(1<<min(stuck/busyWait, 16), MaxDials)
}

// grace returns for how long a call waits before a connection is opened for it.
func (d Demand) grace() time.Duration {
	switch {
	case d.Quickest > quickTarget:
		return 0 // none will be free soon
	case d.Secure:
		return secureGrace
	}
	return plainGrace
}

// Allowance is how many connections may be opened in a turn.
type Allowance struct {
	First, More, IfCalm int
	Secure              int // of all of them: with TLS
}

// Busy reports whether what came so late had to wait for a processor.
func Busy(lag time.Duration) bool { return lag > busyLag }

// TurnNow is what is known when connections are opened next.
type TurnNow struct {
	Lag       time.Duration // by how much it is late
	Cores     int
	Computing int  // handshakes that need the processor
	Busy      bool // calls wait for a processor, here or at the targets
	Waiting   int  // calls that wait for a connection
}

// Allow returns the allowance of a turn. If half of the calls that may be in flight wait
// for connections, it is not a processor that all of them wait for.
func (t TurnNow) Allow() Allowance {
	a := Allowance{First: calmOpens, More: calmOpens, IfCalm: calmOpens}
	if t.Busy && 2*t.Waiting < crowdPerCore*t.Cores {
		a.IfCalm = 0
	}
	if Busy(t.Lag) {
		a = Allowance{First: busyFirst * t.Cores, More: busyMore * t.Cores}
	}
	a.Secure = max(0, turnHandshakes*HandshakesAtATime(t.Cores)-t.Computing)
	return a
}

// Take takes one connection of the allowance, and reports whether there was one.
func (a *Allowance) Take(o Opens, secure bool) bool {
	var rest *int
	switch o {
	case OpenFirst:
		rest = &a.First
	case OpenMore:
		rest = &a.More
	case OpenIfCalm:
		rest = &a.IfCalm
	default:
		return false
	}
	if *rest <= 0 || secure && a.Secure <= 0 {
		return false
	}
	*rest--
	if secure {
		a.Secure--
	}
	return true
}

// HandshakesAtATime returns how many handshakes may compute at the same time: half of
// the cores, one at least. Each takes 0.3 to 0.6 ms (key exchange, certificate); the
// other half of the processor makes calls meanwhile. One that waits for the network is not
// among them.
func HandshakesAtATime(cores int) int { return max(1, cores/2) }

// Need returns how many connections a host needs, of the slots that it has. At a quick
// https host it follows from Little's law, over the time that calls take at the target: half as
// many again as are in use when each call takes twice the time of the quickest, or as long
// as they took on average when no processor was the reason for it. At others each slot
// needs one, since it is used for the whole of a call. So it is without TLS, where
// a connection costs little. A host of which no call has ended is taken to be a quick one
// until it hangs. perMeter is the largest number of calls that ended in a meterWindow of
// late.
func Need(quick bool, slots, perMeter int, quickest, usual time.Duration) int {
	if !quick {
		return slots
	}
	took, least := 2*max(quickest, leastCall), 1
	if usual > took { // some calls are slow, and must not delay all others
		took, least = usual, MinConnections
	}
	inUse := float64(perMeter) * float64(took) / float64(meterWindow)
	return min(slots, max(least, int(math.Ceil(1.5*inUse))))
}

// waitShare is the part of the mean time of calls from which on the wait for a processor is
// taken to be the reason for it: where the calls of a host that answers within 0.1 ms use the whole
// processor, goroutines wait for it for a tenth of their time.
const waitShare = 16

// byProcessor reports whether the mean of calls is as long as it is because goroutines of this
// process waited for a processor, for so long on average. A mean of more than quickTarget has
// calls that are slow in any case: the connections for those are opened.
func byProcessor(mean, waited time.Duration) bool {
	return mean <= quickTarget && waitShare*waited >= mean
}

// meterWindow is over how long calls that end are counted.
const meterWindow = 100 * time.Millisecond

// meter counts calls that end, in windows that follow each other.
type meter struct {
	window int64 // that runs
	count  int   // in it
	most   int   // in a window of late
}

// add counts a call that ended at the instant, in Unix milliseconds, and reports whether
// a new window began.
func (m *meter) add(now int64) (rolled bool) {
	window := now / meterWindow.Milliseconds()
	if rolled = window != m.window; rolled {
		m.most = max(m.most, m.count)
		m.window, m.count = window, 0
	}
	m.count++
	return rolled
}

// decay lets what was counted weigh less. Call it once a second.
func (m *meter) decay() { m.most -= (m.most + 7) / 8 }
