package executor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	simTimeout = 5 * time.Second       // of a call
	simWake    = 5 * time.Microsecond  // until a goroutine runs that has got something
	simTurn    = 20 * time.Microsecond // the same behind others, each of which works as long as a call
	simDial    = 60 * time.Microsecond // of the processor, for a TCP connection
	simSlice   = 4 * time.Millisecond  // for which another process keeps a core
	simColdAt  = 6_000                 // calls in flight at which each costs three times as much
)

// simRules are what a mutant changes. The zero value is the rules as they are.
type simRules struct {
	name          string
	at            string // the name of a point at which it shows
	in            string // and of a scenario; empty: the first that shows it
	seed          uint64 // and a seed
	openAtOnce    bool   // a call that finds no connection opens one
	oneConnection bool   // a host gets no second connection
	manyQuick     bool   // quick calls have no limit
	neverBusy     bool   // times of calls count, whatever the processor does
	quickForever  bool   // a call that lasts counts as a quick one for as long as it lasts
	quickBriefly  bool   // a call counts as a quick one for 10 ms
	noProbe       bool   // it is not tried whether fewer calls are quicker
	noBudget      bool   // handshakes have no budget of the process
	noWindow      bool   // all handshakes are taken to be answered at once
	neverStuck    bool   // connections on which no call ends are waited for
	allWait       bool   // as many calls of a host wait for connections as it has slots
	fromBegin     bool   // calls are timed from when they begin, and not from when they are sent
	untold        bool   // limits are not told of calls that wait for connections
	neverLate     bool   // a turn that comes late opens as many connections as any
	alwaysWaits   bool   // goroutines are taken to wait for a processor for long
	allNeed       bool   // a quick https host needs a connection for each slot, as others do
}

// simCall is a call in flight.
type simCall struct {
	h     *simHost
	due   time.Duration
	asked time.Duration // when the request was sent
	begun time.Duration
	since int64 // the same, in milliseconds
	quick bool
	ended bool

	beganQuick bool
	conn       *conn
}

// simWorld is a process that calls hosts: the pools, waiting lines, connector and limits
// are those of the product, and the rest is modelled.
type simWorld struct {
	point  simPoint
	rules  simRules
	clock  simClock
	base   time.Time
	random *rand.Rand

	cpu       *simProcessor // of the process
	machines  []*simProcessor
	hosts     []*simHost
	byPool    map[*pool]*simHost
	waiting   map[*waiter]*simCall
	dispatch  simDispatch
	table     *table
	connector *connector
	turning   bool

	gate      int      // handshakes that compute
	gateQueue []func() // others that are to
	silent    time.Duration

	closed  atomic.Int64
	seconds []simSecond
}

// simSecond is what happened in a second.
type simSecond struct {
	load       float64
	ended      int
	failed     int
	handshakes int
	queued     int           // fires at its end
	late       time.Duration // the latest of the calls that were due in it
	firstLate  time.Duration // the same of the first host
	firstEnded int           // calls to the first host
	open       int           // connections at its end
	mostOpen   int           // of a host
	mostCalls  int           // that ended at a host in a tenth of it
}

func newSimWorld(point simPoint, rules simRules, seed uint64) *simWorld {
	w := &simWorld{
		point: point, rules: rules, random: rand.New(rand.NewPCG(seed, 18)), base: monotonic.Now(),
		byPool: make(map[*pool]*simHost), waiting: make(map[*waiter]*simCall),
	}
	cfg := Config{Hosts: new(host.Table)}
	cfg.setDefaults()
	if rules.oneConnection {
		cfg.MaxConnsPerHost = 1
	}
	w.table = newTable(&cfg)
	w.connector = newConnector(w.table, w.open)
	w.connector.cores = point.cores
	w.cpu = &simProcessor{clock: &w.clock, cores: point.cores, slice: point.slice}
	w.dispatch = simDispatch{
		clock: &w.clock, begin: w.begin, lag: w.lag,
		all:   host.Slots{Most: 20_000},
		crowd: host.NewCrowd(point.cores), table: cfg.Hosts, rules: rules,
	}
	for range max(1, point.machines) {
		w.machines = append(w.machines, &simProcessor{
			clock: &w.clock, cores: max(1, point.machineCores), slice: point.slice,
		})
	}
	for i := range point.hosts {
		w.addHost(i)
	}
	return w
}

func (w *simWorld) addHost(i int) {
	scheme := "http"
	if !w.point.plain {
		scheme = "https"
	}
	p := w.table.newPool(poolKey{host: target.Of(fmt.Sprintf("%s://h%d.test", scheme, i))})
	if !w.table.addPool(p) {
		panic("no room for a pool")
	}
	t := &simTarget{
		clock: &w.clock, random: w.random, machine: w.machines[i%len(w.machines)], roundTrip: w.point.roundTrip,
		work: w.point.targetWork, handshake: w.point.handshake, service: w.point.service, most: w.point.most,
		slowCalls: w.point.slowCalls, slowTimes: w.point.slowTimes,
	}
	if w.point.machines == 0 {
		t.machine = w.cpu
	}
	if w.rules.allNeed {
		p.cond.Secure = false
	}
	h := &simHost{pool: p, target: t, limit: host.NewLimit(p.cond, 18_000)}
	w.hosts = append(w.hosts, h)
	w.byPool[p] = h
}

func (w *simWorld) time() time.Time { return w.base.Add(w.clock.now) }

// work returns what a part of a call costs: with many of them in flight its memory is
// cold, and each answer wakes a goroutine.
func (w *simWorld) work() time.Duration {
	cold := 1 + 2*min(1, float64(w.dispatch.all.Taken)/simColdAt)
	return time.Duration(float64(w.point.callWork) / 2 * cold)
}

// lag calls fn with by how much a goroutine is late that is woken now: the others run
// before it, and where other processes have a part of the cores they may run first.
func (w *simWorld) lag(fn func(time.Duration)) {
	since := w.clock.now
	slice := time.Duration(0)
	if w.cpu.taken > 0 && w.random.Float64() < w.cpu.taken/float64(w.cpu.cores) {
		slice = time.Duration(w.random.Int64N(int64(simSlice)))
	}
	w.clock.after(slice, func() {
		w.cpu.use(simTurn, func() { fn(w.clock.now - since - simTurn) })
	})
}

// begin begins a call that has got a slot.
func (w *simWorld) begin(c *simCall) {
	w.cpu.use(w.work(), func() {
		p := c.h.pool
		if conn, _ := p.take(false, w.time()); conn != nil {
			w.ask(c, conn)
			return
		}
		wt := &waiter{
			since: w.time(), deadline: w.time().Add(simTimeout), unsent: true, ready: make(chan supply, 1),
		}
		a, waits := p.enqueue(wt)
		if !waits {
			w.ask(c, a.conn)
			return
		}
		w.waiting[wt] = c
		if w.rules.untold {
			p.cond.Connecting(-1)
		}
		if w.rules.openAtOnce {
			if p.openAtEnd(wt) {
				w.open(p, wt)
			}
			w.deliver(wt)
			return
		}
		w.connector.join(p, w.time())
		w.turn()
		w.clock.after(host.LongestHeld(simTimeout), func() {
			p.giveUp(wt, true)
			w.deliver(wt)
		})
	})
}

// turn takes the turns of the connector while calls wait.
func (w *simWorld) turn() {
	select {
	case <-w.connector.wake:
	default:
		return
	}
	if !w.turning {
		w.turning = true
		w.nextTurn()
	}
}

func (w *simWorld) nextTurn() {
	w.clock.after(host.Turn, func() {
		w.lag(func(lag time.Duration) {
			if w.rules.neverStuck {
				for _, h := range w.hosts {
					h.pool.ended = w.time()
				}
			}
			if w.rules.neverLate {
				lag = 0
			}
			if w.turning = w.connector.runTurn(w.time(), lag); w.turning {
				w.nextTurn()
				return
			}
			w.turn()
		})
	})
}

// deliver lets a call go on that has got what it waited for.
func (w *simWorld) deliver(wt *waiter) {
	if wt == nil || !wt.served {
		return
	}
	c, waits := w.waiting[wt]
	if !waits {
		return
	}
	delete(w.waiting, wt)
	a := <-wt.ready
	w.cpu.use(simWake, func() {
		if !w.rules.untold {
			c.h.pool.cond.Connecting(-1)
		}
		if a.err != nil {
			w.end(c, false)
			return
		}
		w.ask(c, a.conn)
	})
}

// hung is when a connection retires on which no call is answered.
var hung = time.Unix(1<<40, 0)

// hang lets no call be answered any more on the connections that the host has.
func (w *simWorld) hang(h *simHost) {
	w.point.mortal = true
	for _, c := range h.pool.idle {
		c.retires = hung
	}
}

// ask sends the request on the connection.
func (w *simWorld) ask(c *simCall, on *conn) {
	c.conn, c.asked = on, w.clock.now
	answered := false
	if w.point.mortal {
		w.clock.after(simTimeout, func() {
			if !answered {
				answered = true
				w.end(c, false)
			}
		})
	}
	if on.retires.Equal(hung) {
		return
	}
	c.h.target.answer(func() {
		if !answered {
			answered = true
			w.cpu.use(w.work(), func() { w.end(c, w.clock.now-c.asked < simTimeout) })
		}
	})
}

// end ends a call, with an answer or without one.
func (w *simWorld) end(c *simCall, ok bool) {
	took, p := time.Duration(0), c.h.pool
	if c.conn != nil {
		took = w.clock.now - c.asked
		if w.rules.fromBegin {
			took = w.clock.now - c.begun
		}
	}
	switch {
	case ok:
		p.cond.Dials.Answered()
		next := p.line.forUsed()
		p.keep(c.conn, 0, w.time())
		w.deliver(next)
	case c.conn != nil:
		p.discard(c.conn)
	}
	w.note(c, ok)
	w.dispatch.end(c, took)
}

// note counts a call that ended.
func (w *simWorld) note(c *simCall, ok bool) {
	second, late := &w.seconds[len(w.seconds)-1], w.clock.now-c.due
	if !ok {
		second.failed++
		return
	}
	second.ended++
	if tenth := w.clock.now / (time.Second / 10); tenth != c.h.tenth {
		c.h.tenth, c.h.ended = tenth, 0
	}
	c.h.ended++
	second.mostCalls = max(second.mostCalls, c.h.ended)
	of := &w.seconds[int(c.due/time.Second)]
	of.late = max(of.late, late)
	if c.h == w.hosts[0] {
		second.firstEnded++
		of.firstLate = max(of.firstLate, late)
	}
}

// open opens a connection for a call that waits, as the opener does.
func (w *simWorld) open(p *pool, wt *waiter) {
	wait := time.Duration(0)
	if p.cond.Dials.Begin() { // of a silent host: turns, one after the other
		w.silent = max(w.silent, w.clock.now) + host.SilentGap
		wait = min(w.silent-w.clock.now, host.LongestWait(simTimeout)/2)
	}
	w.clock.after(wait, func() {
		if !p.needed(wt) {
			p.cond.Dials.Withdraw()
			w.arrived(p, wt, supply{})
			return
		}
		w.connect(p, wt)
	})
}

// connect opens a connection and makes the handshake.
func (w *simWorld) connect(p *pool, wt *waiter) {
	t, over := w.byPool[p].target, false
	began := w.time()
	w.clock.after(DefaultDialTimeout, func() {
		if !over {
			over = true
			p.cond.Handshakes.TimedOut()
			w.arrived(p, wt, supply{err: os.ErrDeadlineExceeded, phase: phaseHandshake, began: began})
		}
	})
	arrive := func() {
		if over {
			return
		}
		over = true
		c := &conn{Conn: closings{n: &w.closed}, retires: w.base.Add(time.Hour)}
		w.arrived(p, wt, supply{conn: c, phase: phaseSend, began: began})
	}
	w.cpu.use(simDial, func() {
		t.connect(func() {
			if !p.Secure {
				w.cpu.use(simWake, arrive)
				return
			}
			w.shake(p, arrive)
		})
	})
}

// shake makes a handshake: half of its work is before the target's part.
func (w *simWorld) shake(p *pool, done func()) {
	half := w.point.handshake / 2
	w.compute(half, func() {
		since := w.clock.now
		w.byPool[p].target.shake(func() {
			w.cpu.use(simWake, func() {
				wait := w.clock.now - since
				w.compute(half, func() {
					w.seconds[len(w.seconds)-1].handshakes++
					if w.rules.noWindow {
						wait = 1
					}
					p.cond.Handshakes.Ended(wait)
					done()
				})
			})
		})
	})
}

// compute does a part of a handshake when it may compute.
func (w *simWorld) compute(work time.Duration, done func()) {
	if !w.rules.noBudget {
		w.table.gate.n.Add(1)
	}
	w.pass(work, done)
}

// pass does it when the gate has room.
func (w *simWorld) pass(work time.Duration, done func()) {
	if w.gate >= host.HandshakesAtATime(w.point.cores) {
		w.gateQueue = append(w.gateQueue, func() { w.pass(work, done) })
		return
	}
	w.gate++
	w.cpu.use(work, func() {
		w.gate--
		if !w.rules.noBudget {
			w.table.gate.n.Add(-1)
		}
		if len(w.gateQueue) > 0 {
			next := w.gateQueue[0]
			w.gateQueue = w.gateQueue[1:]
			next()
		}
		done()
	})
}

// arrived ends an opening.
func (w *simWorld) arrived(p *pool, wt *waiter, a supply) {
	first := p.line.first
	p.arrived(wt, a)
	if a.conn != nil && !a.conn.lastUse.IsZero() {
		a.conn.lastUse = w.time()
	}
	w.deliver(wt)
	w.deliver(first)
}
