package executor

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
)

// simHost is a host as the dispatcher and the executor see it.
type simHost struct {
	pool   *pool
	target *simTarget
	limit  host.Limit

	due    []time.Duration // fires that wait
	calls  int             // that have a slot
	inRing bool
	parked bool // every slot is taken
	more   int  // calls in the turn that it had

	saturated, lately bool

	tenth time.Duration // of a second
	ended int           // calls in it
}

// simDispatch is the dispatcher: a ring of hosts, of which quick ones begin further calls in
// their turn, slots by host.Limit and host.MayBegin, a bound on calls that are expected to
// end soon, and limits that move while hosts are saturated. Package dispatch has the same,
// which cannot be driven by events: its workers are goroutines.
type simDispatch struct {
	clock *simClock
	begin func(*simCall)
	lag   func(func(time.Duration)) // tells by how much a goroutine that is woken now is late

	all       host.Slots
	ring      []*simHost
	saturated []*simHost
	adapting  bool
	steps     int
	worstLag  time.Duration
	lags      struct { // of this second
		n   int
		sum time.Duration
	}

	crowd   host.Crowd
	table   *host.Table
	quick   int        // calls that count
	recent  []*simCall // may still count as quick, the oldest first
	polling bool
	late    bool // goroutines were late in this second
	rules   simRules
}

// push queues fires of a host that are due.
func (d *simDispatch) push(h *simHost, due time.Duration, n int) {
	for range n {
		h.due = append(h.due, due)
	}
	if !h.inRing && !h.parked {
		h.inRing = true
		d.ring = append(d.ring, h)
	}
}

func (d *simDispatch) millis() int64 { return 1e12 + d.clock.now.Milliseconds() }

func (d *simDispatch) quickFull() bool {
	if d.crowd.Room(d.quick, d.millis()) {
		return false
	}
	last := d.millis() - d.countsFor().Milliseconds()
	for len(d.recent) > 0 {
		c := d.recent[0]
		if !c.ended && c.since > last {
			break
		}
		if c.quick {
			d.crowd.Expired()
		}
		d.uncount(c)
		d.recent[0] = nil
		d.recent = d.recent[1:]
	}
	return !d.crowd.Room(d.quick, d.millis())
}

// countsFor returns for how long a call counts as a quick one.
func (d *simDispatch) countsFor() time.Duration {
	switch {
	case d.rules.quickForever:
		return time.Hour
	case d.rules.quickBriefly:
		return 10 * time.Millisecond
	}
	return d.crowd.CountsFor()
}

// mayHave returns how many calls a host may have.
func (d *simDispatch) mayHave(h *simHost) int {
	if d.rules.allWait {
		return h.limit.Slots()
	}
	return h.limit.MayHave(h.calls)
}

// tellBusy tells all who decide by it whether calls wait for a processor.
func (d *simDispatch) tellBusy() {
	d.table.SetBusy(!d.rules.neverBusy && (d.crowd.Crowded() || d.late))
}

func (d *simDispatch) uncount(c *simCall) {
	if c.quick {
		c.quick = false
		d.quick--
	}
}

// pump begins all calls that may begin.
func (d *simDispatch) pump() {
	for len(d.ring) > 0 && d.all.Taken < d.all.Most {
		if d.quickFull() && !d.rules.manyQuick {
			d.tellBusy()
			d.poll()
			return
		}
		h := d.ring[0]
		d.ring = d.ring[1:]
		h.inRing = false
		if len(h.due) == 0 {
			continue
		}
		if !d.hasSlot(h) {
			d.park(h)
			continue
		}
		h.more = max(1, min(16, 512/max(1, len(d.ring)))) - 1 // as callsInTurn of package dispatch
		c := d.call(h)
		switch {
		case len(h.due) == 0:
		case h.calls >= d.mayHave(h):
			d.park(h)
		default:
			h.inRing = true
			d.ring = append(d.ring, h)
		}
		d.begin(c)
	}
}

// stay begins another call of a quick host in the turn that it had.
func (d *simDispatch) stay(h *simHost) {
	full := d.all.Taken >= d.all.Most || d.quickFull() && !d.rules.manyQuick
	if full || h.more <= 0 || !h.inRing || len(h.due) == 0 || !h.limit.Quick() || !d.hasSlot(h) {
		return
	}
	h.more--
	d.begin(d.call(h))
}

func (d *simDispatch) hasSlot(h *simHost) bool {
	slots := host.Slots{Most: d.mayHave(h), Taken: h.calls}
	return host.MayBegin(false, slots, d.all) == host.Begin
}

// call takes the next fire of a host and a slot for it.
func (d *simDispatch) call(h *simHost) *simCall {
	c := &simCall{h: h, due: h.due[0], begun: d.clock.now, since: d.millis(), quick: h.limit.Quick()}
	c.beganQuick = c.quick
	h.due = h.due[1:]
	h.calls++
	d.all.Taken++
	d.recent = append(d.recent, c)
	if c.quick {
		d.quick++
	}
	if !d.adapting {
		d.adapting = true
		d.tick()
	}
	return c
}

// poll pumps once more when none of the quick calls has ended.
func (d *simDispatch) poll() {
	if d.polling {
		return
	}
	d.polling = true
	d.clock.after(d.countsFor()+time.Millisecond, func() {
		d.polling = false
		d.pump()
	})
}

func (d *simDispatch) park(h *simHost) {
	h.parked, h.lately = true, true
	if h.saturated {
		return
	}
	h.saturated = true
	h.limit.BeginSaturation()
	d.saturated = append(d.saturated, h)
	if !d.adapting {
		d.adapting = true
		d.tick()
	}
}

func (d *simDispatch) readmit(h *simHost) {
	h.parked = false
	if len(h.due) > 0 && !h.inRing {
		h.inRing = true
		d.ring = append(d.ring, h)
	}
}

// end ends a call that took so long at its target; zero: it did not come so far.
func (d *simDispatch) end(c *simCall, took time.Duration) {
	c.ended = true
	c.h.calls--
	d.all.Taken--
	d.uncount(c)
	if c.beganQuick {
		probed := took
		if d.rules.noProbe {
			probed = 0
		}
		d.crowd.Ended(c.since, d.millis(), probed)
	}
	c.h.limit.Ended(took, d.millis())
	if c.h.parked {
		d.readmit(c.h)
	}
	d.stay(c.h)
	d.pump()
}

func (d *simDispatch) tick() {
	d.clock.after(host.Window/host.Steps, func() {
		d.lag(func(lag time.Duration) {
			d.lags.n, d.lags.sum = d.lags.n+1, d.lags.sum+lag
			d.worstLag = max(d.worstLag, lag)
			d.step()
			if d.adapting = len(d.saturated) > 0 || d.all.Taken > 0; d.adapting {
				d.tick()
			}
			d.pump()
		})
	})
}

func (d *simDispatch) step() {
	d.steps++
	last := d.steps%host.Steps == 0
	kept := d.saturated[:0]
	for _, h := range d.saturated {
		switch {
		case last && !h.parked:
			h.saturated = false
			continue
		case last:
			h.limit.EndWindow(host.Busy(d.worstLag))
		case h.parked && h.limit.Pending():
			h.limit.Step()
		}
		kept = append(kept, h)
		if h.parked && h.calls < d.mayHave(h) {
			d.readmit(h)
		}
	}
	d.saturated = kept
	if last {
		d.late = d.late || host.Busy(d.worstLag)
		d.worstLag = 0
		d.tellBusy()
	}
}

// relax is what happens once a second.
func (d *simDispatch) relax(hosts []*simHost) {
	busy := !d.rules.neverBusy && (d.late || d.crowd.Crowded())
	d.table.SetWaited(d.lags.sum / time.Duration(max(1, d.lags.n)))
	if d.rules.alwaysWaits {
		d.table.SetWaited(time.Second)
	}
	d.lags.n, d.lags.sum = 0, 0
	for _, h := range hosts {
		h.limit.ShrinkIdle(h.calls, h.lately, busy)
		h.lately = h.saturated
	}
	d.late = false
	d.crowd.EndSecond()
	d.tellBusy()
}
