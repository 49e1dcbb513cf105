package host

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// Condition is what is known of one host. The dispatcher and the executor share it: each
// writes what it observes, and both decide by all of it. Its methods may be called from
// many goroutines.
type Condition struct {
	Key        target.Host
	Secure     bool // https
	Dials      Dials
	Handshakes Handshakes
	Times      Times    // of its calls
	Failures   Failures // of them

	connecting atomic.Int64 // calls that have a slot and no connection
	carries    atomic.Int64 // calls that its open connections carry at a time
	need       atomic.Int64 // connections that the host needs
	slots      atomic.Int64 // calls that it may have at a time
	quickest   atomic.Int64 // time.Duration; zero: no call has ended
	state      atomic.Uint32

	all *shared // of the table

	holders int // under the mutex of the table
}

// Connecting adds to the number of calls that have a slot and wait for a connection.
func (c *Condition) Connecting(n int64) {
	c.connecting.Add(n)
	c.all.waiting.Add(n)
}

// ManyStreams is how many calls a connection of HTTP/2 is taken to carry at a time: as many as
// a host may have.
const ManyStreams = unlimited

// Carries adds to the number of calls that the open connections of the host carry at a time.
func (c *Condition) Carries(n int) { c.carries.Add(int64(n)) }

// Carried returns that number.
func (c *Condition) Carried() int { return int(c.carries.Load()) }

// Connections returns how many connections the host needs, and how many it may have.
func (c *Condition) Connections() (need, most int) { return int(c.need.Load()), int(c.slots.Load()) }

// Worth returns how many connections of the host are kept while no call uses them.
func (c *Condition) Worth() int {
	return int(min(max(c.need.Load(), MinConnections), c.slots.Load()))
}

// Busy reports whether calls wait for a processor, here or at the targets.
func (c *Condition) Busy() bool { return c.all.busy.Load() }

// Quickest returns how long the quickest call of late took at the target; zero: not
// known.
func (c *Condition) Quickest() time.Duration { return time.Duration(c.quickest.Load()) }

// Waiting returns how many calls wait for a connection.
func (c *Condition) Waiting() int { return int(c.connecting.Load()) }

// State returns what the host is taken to be.
func (c *Condition) State() State {
	s := c.Dials.State()
	if s == Answering {
		s = State(c.state.Load())
	}
	if s == Answering && c.connecting.Load() > 0 {
		return Connecting
	}
	return s
}

// Shown returns what people are told that the host is: see [Evidence.Shown].
func (c *Condition) Shown() State {
	opening := c.Dials.UnderWay()
	e := Evidence{Missed: int(c.Dials.missed.Load())}
	e.Dials, e.Failed = c.Dials.Unanswered()
	if s := e.Shown(opening); s != Answering {
		return s
	}
	return c.State()
}

// evidence adds what the executor knows.
func (c *Condition) evidence(e Evidence) Evidence {
	e.Dials, e.Failed = int(c.Dials.unanswered.Load()), int(c.Dials.failed.Load())
	e.Connecting = int(c.connecting.Load())
	return e
}

// shared is what is known of all hosts together.
type shared struct {
	busy    atomic.Bool  // calls wait for a processor, here or at the targets
	waiting atomic.Int64 // calls that wait for a connection
	waited  atomic.Int64 // time.Duration, see SetWaited
}

// Table has the condition of each host that somebody holds. The zero value is ready for
// use, and may be used from many goroutines.
type Table struct {
	lines Lines
	all   shared

	mu         sync.Mutex
	conditions map[target.Host]*Condition
}

// Hold returns the condition of a host. Release ends what it began.
func (t *Table) Hold(key target.Host) *Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.conditions[key]
	if c == nil {
		if t.conditions == nil {
			t.conditions = make(map[target.Host]*Condition)
		}
		c = &Condition{Key: key, Secure: key.Endpoint().Secure, all: &t.all}
		c.Dials.init(&t.lines)
		c.need.Store(unlimited)
		c.slots.Store(unlimited)
		t.conditions[key] = c
	}
	c.holders++
	return c
}

// SetBusy notes whether calls wait for a processor, here or at the targets.
func (t *Table) SetBusy(on bool) {
	if t.all.busy.Load() != on {
		t.all.busy.Store(on)
	}
}

// SetWaited notes for how long goroutines of this process waited for a processor on average in
// the last second.
func (t *Table) SetWaited(d time.Duration) { t.all.waited.Store(int64(d)) }

// Busy reports it.
func (t *Table) Busy() bool { return t.all.busy.Load() }

// Waiting returns how many calls to all hosts wait for a connection.
func (t *Table) Waiting() int { return int(t.all.waiting.Load()) }

// Release gives a condition back. Nothing is known of a host that nobody holds.
func (t *Table) Release(c *Condition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.holders--; c.holders == 0 {
		delete(t.conditions, c.Key)
	}
	if c.holders < 0 {
		panic("host: a condition was released twice")
	}
}

// All returns the condition of each host that somebody holds.
func (t *Table) All() []*Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*Condition, 0, len(t.conditions))
	for _, c := range t.conditions {
		all = append(all, c)
	}
	return all
}

// Len returns of how many hosts something is known.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.conditions)
}
