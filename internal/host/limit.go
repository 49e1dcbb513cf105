package host

import "time"

// How many calls one host gets at a time is found while they run. With too few, a slow
// target is starved: at 100 ms a call, 64 slots carry 640 calls a second. With too many,
// a fast one is overloaded: every slot is a connection, and once both machines are busy a
// further call only waits.
//
// The limit is raised while that raises the rate, as in congestion control. Only windows
// count in which every slot was taken while fires waited. In such a window the average
// time of a call follows from the number of slots and the rate at which calls end
// (Little's law). There are four cases:
//
// The average is a few milliseconds. Whatever exceeds twice the quickest call is time
// spent waiting, in the host or in this process. So the right limit is the number of
// calls in flight when each takes twice as long as the quickest. Rates are not compared:
// at such a host the rate depends on this machine's own work, which changes from one
// moment to the next (a commit, a garbage collection, another process).
//
// The host is slow. A trial is compared with the measurement before it:
//
//	steady   measure the rate of calls that end       ── then raise the limit
//	trial    measure it again with the higher limit   ── better: keep it
//	                                                  ── not better: go back, and
//	                                                     wait longer before the next
//
// The quickest calls are quick and the average is not: some calls are slow, or there are
// far too many slots. A trial must be better than the measurements before and after it,
// and every other trial lowers the limit:
//
//	steady ── trial ── again with the old limit ── keep the trial's, or not
//
// No call has ended. The host is certainly slow, and the limit doubles, but in small
// steps: a thousand calls that begin at one instant take the cores from the calls of
// healthy hosts. After two seconds the host may be dead, and gets fewer slots still
// (Evidence.State).
//
// A measurement lasts for twice the time of the host's quickest calls, because a call
// that starts now ends no sooner than that.
const (
	// Steps is in how many steps of a window a host that hangs gets its slots.
	Steps = 4
	// MinSlots is what each host may have: enough to fill the cores at a target that
	// answers at once.
	MinSlots = 64

	slowCall      = 20 * time.Millisecond  // the quickest call of a host that is called slow
	crowdCall     = 10 * time.Millisecond  // below it a host is quick while processors are busy
	shortCall     = 5 * time.Millisecond   // on average: 64 slots carry 12,800 calls a second
	leastMeasure  = 50 * time.Millisecond  // shorter ones are noise
	quickMeasure  = 100 * time.Millisecond // the same at a host that answers at once
	mostMore      = 1_024                  // slots that a trial adds: each is a connection to open
	maxRetryAfter = 100                    // measurements between two trials that fail
	stepSlots     = MaxDials / Steps       // slots that a host that hangs gets in a step
)

// Limit is the limit of one host and how it came about.
type Limit struct {
	now     int // slots
	ceiling int
	useful  int        // of them: a quick https host can use no more
	cond    *Condition // of the host
	ended   meter

	trialFrom  int           // the limit to go back to; zero: steady
	trialTo    int           // the limit that was tried, while it is checked once more; zero: it is not
	rate       float64       // calls ended per window before the trial
	trialRate  float64       // and during it
	down       bool          // the next trial at a quick host goes down
	elapsed    time.Duration // under pressure, in this measurement
	finished   ends          // in it
	ends       ends          // in the window that runs
	busy       bool          // in this measurement
	partial    bool          // the window began before the pressure
	silence    time.Duration // under pressure, since a call ended
	hang       hang
	holdOff    int // measurements until the next trial
	retryAfter int // doubles with every trial that fails
	quick      quickest
}

// hang is what a host gets that does not answer.
type hang struct {
	pending int // slots in the steps to come
	from    int // slots before it got any; zero: it has got none
}

// ends are calls that ended.
type ends struct {
	n    int
	took time.Duration // in all
}

// quickest is how long the quickest calls of a host take; zero: none has ended.
type quickest struct {
	second, before time.Duration // of this second, and of the one before
	floor          time.Duration // the quickest call that is to be had; follows them upwards
	proven         bool          // no processor is the reason for it
	all            meanTime      // of all calls of this second
	usual          time.Duration // the mean of the last second in which no processor was the reason for it
}

func (q *quickest) add(took time.Duration) {
	if q.second == 0 || took < q.second {
		q.second = took
		if q.floor == 0 || took < q.floor {
			q.floor = took
		}
	}
}

// call returns the time of the quickest call of late.
func (q *quickest) call() time.Duration {
	if q.second == 0 || (q.before != 0 && q.before < q.second) {
		return q.before
	}
	return q.second
}

// endSecond begins the next second. busy says that in this one calls waited for a processor.
func (q *quickest) endSecond(busy bool) {
	if more := rise(q.before, q.second, busy); more > q.floor {
		q.floor, q.proven = more, true
	}
	q.before, q.second = q.second, 0
}

// rise returns to what the time of a host's quickest calls rises, which took so long in this
// second and in the one before; zero: it does not. A time that was measured while calls
// waited for a processor, here or at the targets, may be the processor's.
func rise(before, second time.Duration, busy bool) time.Duration {
	if busy || before == 0 || second == 0 {
		return 0
	}
	return min(before, second)
}

// host returns the time by which it is judged whether the host is quick. busy says that
// calls wait for a processor. A host that was called slow would get more calls and thereby
// stay so.
func (q *quickest) host(busy bool) time.Duration {
	if busy && q.floor < crowdCall {
		return min(q.floor, quickTarget)
	}
	return q.own()
}

// own returns the time of the quickest calls, as far as no processor is the reason for it.
func (q *quickest) own() time.Duration {
	if !q.proven {
		return min(q.floor, quickTarget)
	}
	return q.floor
}

// NewLimit returns the limit of a host of which no call has ended yet. It never exceeds
// the ceiling.
func NewLimit(cond *Condition, ceiling int) Limit {
	l := Limit{ceiling: ceiling, cond: cond, retryAfter: 1}
	l.set(MinSlots)
	return l
}

// Slots returns how many calls the host may have at a time.
func (l *Limit) Slots() int { return l.useful }

// MayHave returns how many calls the host may have now, where it has so many. If it hangs or
// is silent, or without TLS, each slot counts. Of another https host as many calls as have a
// connection may wait for one, and a few: more would only wait. Where it is quick and has the
// connections that it needs, none waits: each call that ends would hand its connection to one
// that waits, and the next call of the same worker would wait in turn.
func (l *Limit) MayHave(calls int) int {
	if !l.cond.Secure || l.stalled() {
		return l.useful
	}
	if need, _ := l.cond.Connections(); l.cond.Carried() >= need && l.Quick() {
		return min(l.useful, max(MinConnections, l.cond.Carried()))
	}
	connected := max(0, calls-int(l.cond.connecting.Load()))
	return min(l.useful, connected+max(2*MinConnections, connected))
}

// Ended notes a call that ended at the instant, in Unix milliseconds, and how long it
// took at the target; zero: it did not come so far, which says nothing of the target's
// time.
func (l *Limit) Ended(took time.Duration, now int64) {
	l.cond.Times.add(took, now)
	l.ends.n++
	l.silence, l.hang.pending = 0, 0
	if took > 0 {
		took = max(took, leastCall)
		l.ends.took += took
		l.quick.add(took)
		l.quick.all.add(took)
		if !l.quick.proven {
			l.quick.proven = l.quick.floor >= countMost || !l.cond.Busy()
		}
	}
	if l.ended.add(now) {
		l.publish()
	}
}

// Quick reports whether the next call is expected to end within a few milliseconds: it is
// not known that the host is slow.
func (l *Limit) Quick() bool { return l.quick.host(l.cond.Busy()) <= quickTarget && !l.stalled() }

// stalled reports whether the host does not answer as it did before.
func (l *Limit) stalled() bool {
	s := State(l.cond.state.Load())
	return s == Hanging || s == Silent
}

// BeginSaturation notes that all slots are taken from now on. Calls that ended before
// say nothing of the rate that is possible, nor does the window that runs.
func (l *Limit) BeginSaturation() { l.partial = true }

// EndWindow takes note of a window in which all slots were taken, and moves the limit.
// busy says that this process had to wait for a processor in it.
func (l *Limit) EndWindow(busy bool) {
	ended := l.ends
	l.ends = ends{}
	if l.partial {
		l.partial = false
		return
	}
	l.finished.n += ended.n
	l.finished.took += ended.took
	l.elapsed += Window
	l.busy = l.busy || busy
	l.silence += Window
	state := l.state()
	if state == Connecting { // how many calls end does not depend on the slots
		l.silence = 0
		l.restart()
		return
	}
	if more := state.moreSlots(l.now); more > 0 {
		if l.hang.from == 0 {
			l.hang.from = l.now
		}
		l.hang.pending = more
		l.Step()
		l.trialFrom, l.trialTo = 0, 0
		l.restart()
		return
	}
	if l.finished.n > 0 && l.elapsed >= max(l.measure(), 2*l.quick.call()) {
		l.judge(float64(l.finished.n) * float64(Window) / float64(l.elapsed))
		l.restart()
	}
}

// state returns what the host is taken to be.
func (l *Limit) state() State {
	e := Evidence{Silence: l.silence, Quickest: l.quick.call(), Calls: l.useful, Busy: l.busy}
	if l.finished.n == 0 {
		e.Stalled = l.elapsed
	}
	s := l.cond.evidence(e).State()
	l.cond.state.Store(uint32(s))
	return s
}

// Pending reports whether the host gets more slots by the next Step.
func (l *Limit) Pending() bool { return l.hang.pending > 0 }

// Step gives a host that does not answer some of the slots that it is to get.
func (l *Limit) Step() {
	n := min(l.hang.pending, stepSlots)
	l.hang.pending -= n
	l.set(l.now + n)
}

// answersAtOnce reports whether the host does.
func (l *Limit) answersAtOnce() bool { return l.quick.call() < slowCall }

func (l *Limit) measure() time.Duration {
	if l.answersAtOnce() {
		return quickMeasure
	}
	return leastMeasure
}

// judge takes the rate of a measurement that is complete.
func (l *Limit) judge(rate float64) {
	switch {
	case l.hang.from != 0 && l.quick.call() > 0:
		l.recover(rate)
	case l.trialTo != 0: // once more with the old limit
		to := l.trialTo
		l.trialTo = 0
		l.decide(to, max(l.rate, rate), l.trialRate)
	case l.trialFrom != 0 && l.answersAtOnce():
		l.trialTo, l.trialRate = l.now, rate
		l.set(l.trialFrom)
	case l.trialFrom != 0:
		l.decide(l.now, l.rate, rate)
		if l.trialFrom == 0 && l.holdOff == 0 {
			l.try(rate) // it pays: go on at once
		}
	case l.answersAtOnce() && l.finished.took/time.Duration(l.finished.n) < shortCall:
		l.aimAtQuickest(rate)
	case l.holdOff > 0:
		l.holdOff--
	default:
		l.try(rate)
	}
}

// recover takes back slots of a host that hung and answers again, but for those that it had
// before and those that its calls need now: if it is slow, and was not dead, it needs all.
func (l *Limit) recover(rate float64) {
	need := int(rate * 2 * float64(l.quick.call()) / float64(Window))
	l.set(min(l.now, max(l.hang.from, need)))
	l.hang.from = 0
}

// aimAtQuickest moves the limit to the calls that would be in flight if each took twice
// the time of the quickest one.
func (l *Limit) aimAtQuickest(rate float64) {
	want := int(rate * 2 * float64(l.quick.floor) / float64(Window))
	l.set(max(MinSlots, l.now-l.now/4, min(want, l.now+l.now/2)))
}

// decide keeps the limit that was tried, or goes back to the one before.
func (l *Limit) decide(to int, before, during float64) {
	from := l.trialFrom
	l.trialFrom = 0
	// Slots that are used add to the rate in proportion; four tenths of that is
	// beyond what noise adds. Fewer slots are better when they do as much.
	needed := before * (1 + 0.4*(float64(to)/float64(from)-1))
	if to < from {
		needed = before * 0.98
	}
	if during >= needed {
		l.retryAfter = 1
		l.set(to)
		return
	}
	l.set(from)
	l.holdOff = l.retryAfter
	l.retryAfter = min(2*l.retryAfter, maxRetryAfter)
}

// try begins a trial, if there is a limit to try.
func (l *Limit) try(rate float64) {
	step := l.now / 2
	switch {
	case !l.answersAtOnce():
		step = min(l.now, mostMore)
	case l.down && l.now > MinSlots:
		step = max(-l.now/3, MinSlots-l.now)
	}
	l.down = !l.down
	from := l.now
	if l.set(from + step); l.now != from {
		l.rate, l.trialFrom = rate, from
	}
}

func (l *Limit) set(n int) {
	l.now = min(n, l.ceiling)
	l.publish()
}

// publish tells the executor what the host is worth, and with it how many slots are of
// use: calls that wait for a connection make the next one as soon as it is free.
func (l *Limit) publish() {
	took := l.quick.call()
	slow := l.quick.host(l.cond.Busy()) > quickTarget
	need := Need(l.cond.Secure && !slow, l.now, max(l.ended.most, l.ended.count), l.quick.own(), l.quick.usual)
	if l.stalled() {
		need = l.now // it is not as quick as it was
	}
	worth := min(l.now, max(need, MinConnections))
	l.useful = min(l.now, 2*worth)
	l.cond.slots.Store(int64(l.now))
	l.cond.need.Store(int64(need))
	l.cond.quickest.Store(int64(took))
}

func (l *Limit) restart() { l.elapsed, l.finished, l.ends, l.busy = 0, ends{}, ends{}, false }

// ShrinkIdle lets a limit that was not needed for a second shrink by an eighth, as
// far as the calls in flight allow. busy says that in this second calls waited for
// a processor, here or at the targets. Call it once a second.
func (l *Limit) ShrinkIdle(calls int, saturated, busy bool) {
	l.quick.endSecond(busy)
	mean, waited := l.quick.all.mean(), time.Duration(l.cond.all.waited.Load())
	if !busy && mean > 0 && !byProcessor(mean, waited) {
		l.quick.usual = mean
	}
	l.quick.all = meanTime{}
	l.ended.decay()
	if saturated {
		l.publish()
		return
	}
	l.cond.state.Store(uint32(Answering))
	fewer := min(l.now, max(MinSlots, l.now-l.now/8, calls))
	if fewer != l.now {
		l.trialFrom, l.trialTo = 0, 0
		l.restart()
	}
	l.set(fewer)
}
