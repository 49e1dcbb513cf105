package executor

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
)

// simPoint is a point of the grid: a machine, its hosts, and what is due.
type simPoint struct {
	name         string
	cores        int
	slice        time.Duration // for which a job runs when others wait
	callWork     time.Duration // of the process, for each call
	targetWork   time.Duration // of the target, for each call
	handshake    time.Duration // of each of both
	hosts        int
	machines     int // that the hosts are on; zero: they are on the same as the process
	machineCores int
	roundTrip    time.Duration
	service      time.Duration
	slowCalls    float64
	slowTimes    float64
	most         int
	plain        bool
	spread       bool // over the second; otherwise all is due at its edge
	mortal       bool // hosts die, and calls time out
}

// capacity returns how many calls a second can be made at most.
func (p simPoint) capacity() float64 {
	here := p.callWork + simWake
	most := 1e18
	if p.machines == 0 {
		here += p.targetWork
	} else {
		most = float64(p.machines*p.machineCores) / p.targetWork.Seconds()
	}
	if p.most > 0 {
		each := p.service + p.targetWork
		most = min(most, float64(p.hosts*p.most)/each.Seconds())
	}
	return min(most, float64(p.cores)/here.Seconds()/p.cold())
}

// cold returns by how much more a call costs when the least slots of all hosts are used
// up, as those of hosts are that are slow or without TLS.
func (p simPoint) cold() float64 {
	if p.quick() {
		return 1
	}
	each := p.roundTrip + p.service + p.targetWork
	inFlight := max(float64(p.hosts*host.MinSlots), 2*float64(p.cores)/p.callWork.Seconds()*each.Seconds())
	return 1 + 2*min(1, inFlight/simColdAt)
}

// simPhase is a part of a scenario.
type simPhase struct {
	seconds int
	load    float64 // of what can be sustained
	taken   float64 // cores that others use
	begin   func()
}

// run lets the phases pass.
func (w *simWorld) run(phases ...simPhase) {
	for _, ph := range phases {
		if ph.begin != nil {
			ph.begin()
		}
		for range ph.seconds {
			w.second(ph)
		}
	}
}

func (w *simWorld) second(ph simPhase) {
	begun := w.clock.now
	w.cpu.taken = ph.taken
	w.seconds = append(w.seconds, simSecond{load: ph.load})
	for i := range int(ph.load * w.point.capacity()) {
		h := w.hosts[i%len(w.hosts)]
		if !w.point.spread {
			w.dispatch.push(h, begun, 1)
			continue
		}
		at := begun + time.Duration(w.random.Int64N(int64(time.Second)))
		w.clock.at(at, func() {
			w.dispatch.push(h, at, 1)
			w.dispatch.pump()
		})
	}
	w.dispatch.pump()
	w.clock.run(begun + time.Second - 1)
	w.dispatch.relax(w.hosts)
	w.clock.run(begun + time.Second)
	s := w.last()
	for _, h := range w.hosts {
		s.open += h.pool.open
		s.mostOpen = max(s.mostOpen, h.pool.open)
		s.queued += len(h.due)
	}
}

func (w *simWorld) last() *simSecond { return &w.seconds[len(w.seconds)-1] }

// onTime reports whether the calls that were due in a second ended in time: when they can
// all have been made, with a quarter to spare, or at once in a second over which they were
// spread.
func (w *simWorld) onTime(s simSecond) bool {
	most := w.point.latest()
	if !w.point.spread {
		most += time.Duration(1.25 * s.load * float64(time.Second))
	}
	return s.late <= most && s.queued == 0
}

// latest returns how late a call may be that waits for nothing but its turn.
func (p simPoint) latest() time.Duration {
	return 250*time.Millisecond + 3*p.roundTrip + time.Duration(2*float64(p.service)*max(1, p.slowTimes))
}

// calm lets seconds pass with a load that can be sustained until two in a row are on
// time. That must be 10 s after the queue is drained, at nine tenths of the rate that
// remains, at the latest.
func (w *simWorld) calm(load float64) error {
	queued := w.last().queued
	most := 10 + int(float64(queued)/w.point.capacity()/(0.9-load)+1)
	for i := 0; ; i++ {
		if n := len(w.seconds); i > 2 && w.onTime(w.seconds[n-1]) && w.onTime(w.seconds[n-2]) {
			return nil
		}
		if i > most || !w.point.mortal && w.last().open > max(simRunaway*len(w.hosts), 10_000) {
			return fmt.Errorf("%d queued, and not on time after %d s: %+v", queued, i, *w.last())
		}
		w.run(simPhase{seconds: 1, load: load})
	}
}

// simRunaway is how many connections a host has on average when it is clear that their
// number runs away.
const simRunaway = 200

// goodput says whether so many calls a second ended in the seconds from one on.
func (w *simWorld) goodput(from int, want float64) error {
	sum := 0
	for _, s := range w.seconds[from:] {
		sum += s.ended
	}
	if got := float64(sum) / float64(len(w.seconds)-from); got < want {
		return fmt.Errorf("%.0f calls a second, want %.0f: %+v", got, want, *w.last())
	}
	return nil
}

// steady says whether connections are as few as they may be, and none is opened.
//
// A quick https host may have 1.5 times the connections that are in use in its best tenth
// of a second when each of its calls takes twice its time, which is 2 ms at most. A tenth
// more is tolerated, because the tenths of a second begin at other instants here.
func (w *simWorld) steady() error {
	if n := w.last().handshakes; n > 2+w.last().ended/100 && (w.point.quick() || w.last().mostOpen > host.MinSlots) {
		return fmt.Errorf("%d handshakes in a steady second", n)
	}
	if !w.point.quick() {
		return nil
	}
	calls := 0
	for _, s := range w.seconds {
		calls = max(calls, s.mostCalls)
	}
	if most := simSpare + max(4, int(1.1*1.5*2*2*float64(calls)/100+1)); w.last().mostOpen > most {
		return fmt.Errorf("%d connections to a host, %d in all; %d calls in a tenth of a second need %d at most",
			w.last().mostOpen, w.last().open, calls, most)
	}
	return nil
}

// simSpare is how many connections more a host may have. It is what was measured, not what
// follows from a rule: most of them are opened while the host is cold, for calls that have
// waited for 50 ms or more.
const simSpare = 6

// quick reports whether the hosts are quick https hosts.
func (p simPoint) quick() bool {
	return !p.plain && p.slowTimes == 0 && p.roundTrip+p.service+p.targetWork < 2*time.Millisecond
}

// simScenario is what happens at a point, and says which bound is broken.
type simScenario struct {
	name string
	run  func(w *simWorld) error
}

var simScenarios = []simScenario{
	{"twice as much is due as can be sustained", func(w *simWorld) error {
		return w.overload(simPhase{seconds: 3, load: 2}, 1)
	}},
	{"half of the processor is taken", func(w *simWorld) error {
		return w.overload(simPhase{seconds: 5, load: 0.7, taken: float64(w.point.cores) / 2}, 0.5)
	}},
	{"a host turns slow", func(w *simWorld) error {
		return w.turnSlow(3, float64(w.point.cores)/4, 100*time.Millisecond, w.hosts[0])
	}},
	{"all hosts turn slow", func(w *simWorld) error {
		if len(w.hosts) > 100 || !w.point.quick() { // so many handshakes take longer
			return nil
		}
		return w.turnSlow(8, 0, 30*time.Millisecond, w.hosts...)
	}},
	{"connections hang", func(w *simWorld) error {
		w.run(simPhase{seconds: 3, load: 0.4}, simPhase{seconds: 5, load: 0.4, begin: func() { w.hang(w.hosts[0]) }})
		return w.firstOnTime(6)
	}},
	{"hosts die and come back", func(w *simWorld) error {
		w.point.mortal = true
		dying := w.hosts[:(len(w.hosts)+3)/4]
		set := func(dead bool) {
			for _, h := range dying {
				h.target.dead = dead
			}
		}
		w.run(simPhase{seconds: 4, load: 0.4}, simPhase{seconds: 6, load: 0.4, begin: func() { set(true) }})
		others := float64(len(w.hosts)-len(dying)) / float64(len(w.hosts))
		if err := w.goodput(6, 0.9*0.4*others*w.point.capacity()); err != nil {
			return err
		}
		set(false)
		return w.calm(0.4)
	}},
}

// turnSlow lets calls to hosts take longer from an instant on. So many seconds later they
// must be on time. Others take a part of the cores.
func (w *simWorld) turnSlow(seconds int, taken float64, service time.Duration, hosts ...*simHost) error {
	w.run(simPhase{seconds: 4, load: 0.4}, simPhase{seconds: seconds + 2, load: 0.4, taken: taken, begin: func() {
		for _, h := range hosts {
			h.target.service, h.target.slowCalls = service, 0
		}
	}})
	return w.firstOnTime(4 + seconds)
}

// firstOnTime says whether the calls to the first host that were due in a second were on
// time, with a second for those that are due at an edge.
func (w *simWorld) firstOnTime(second int) error {
	s := w.seconds[second]
	if s.firstLate > w.point.latest()+3*time.Second/2 || s.firstEnded == 0 {
		return fmt.Errorf("its calls are late: %+v", s)
	}
	return nil
}

// overload begins cold, becomes calm, goes through a phase in which so much of what can be
// sustained is sustained, and becomes calm again.
func (w *simWorld) overload(ph simPhase, sustained float64) error {
	w.run(simPhase{seconds: 2, load: 0.5})
	if err := w.calm(0.5); err != nil {
		return fmt.Errorf("cold: %w", err)
	}
	from := len(w.seconds)
	w.run(ph)
	share := 0.9
	if !w.point.quick() {
		share = 0.8 // such hosts have more slots still, by trials
	}
	if err := w.goodput(from, share*sustained*w.point.capacity()); err != nil {
		return err
	}
	if err := w.calm(0.5); err != nil {
		return err
	}
	return w.steady()
}

const us, ms = time.Microsecond, time.Millisecond

// simGrid are machines that are slow: so their seconds are simulated quickly.
var simGrid = []simPoint{
	{name: "targets on the same machine", cores: 1, slice: 10 * ms, callWork: 90 * us, targetWork: 60 * us,
		handshake: 1500 * us, hosts: 60, roundTrip: 50 * us},
	{name: "equal shares of the processor", cores: 1, slice: ms / 10, callWork: 90 * us, targetWork: 60 * us,
		handshake: 1500 * us, hosts: 60, roundTrip: 50 * us},
	{name: "spread over the second", cores: 2, slice: 4 * ms, callWork: 300 * us, targetWork: 200 * us,
		handshake: 3 * ms, hosts: 40, roundTrip: 50 * us, spread: true},
	{name: "another machine", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 60, machines: 1, machineCores: 4, roundTrip: 300 * us},
	{name: "distant", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us, handshake: 2 * ms,
		hosts: 6, machines: 6, machineCores: 2, roundTrip: 20 * ms, spread: true},
	{name: "some calls are slow", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 10, machines: 10, machineCores: 2, roundTrip: 200 * us, service: ms / 2,
		slowCalls: 0.05, slowTimes: 100, spread: true},
	{name: "few at a time", cores: 4, slice: 10 * ms, callWork: 200 * us, targetWork: 100 * us, handshake: 3 * ms,
		hosts: 10, machines: 10, machineCores: 2, roundTrip: 200 * us, service: 5 * ms, most: 2, spread: true},
	{name: "without TLS", cores: 1, slice: 10 * ms, callWork: 90 * us, targetWork: 60 * us, hosts: 60,
		roundTrip: 50 * us, plain: true},
	{name: "few hosts", cores: 1, slice: 10 * ms, callWork: 90 * us, targetWork: 60 * us, handshake: 2 * ms,
		hosts: 6, roundTrip: 50 * us},
	{name: "targets that are full", cores: 1, slice: 10 * ms, callWork: 60 * us, targetWork: 250 * us,
		handshake: 2 * ms, hosts: 60, machines: 1, machineCores: 1, roundTrip: 200 * us},
	{name: "many targets that are full", cores: 1, slice: 10 * ms, callWork: 60 * us, targetWork: 250 * us,
		handshake: 2 * ms, hosts: 300, machines: 1, machineCores: 1, roundTrip: 200 * us},
	{name: "targets that work for long", cores: 1, slice: 10 * ms, callWork: 100 * us, targetWork: 2 * ms,
		handshake: 2 * ms, hosts: 30, machines: 1, machineCores: 2, roundTrip: 200 * us},
	{name: "many hosts, cold", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 400, roundTrip: 50 * us},
	{name: "quick calls that take longer on average", cores: 4, slice: 10 * ms, callWork: 200 * us, targetWork: 20 * us,
		handshake: 2 * ms, hosts: 1, machines: 1, machineCores: 4, roundTrip: 100 * us, service: 100 * us,
		slowCalls: 0.1, slowTimes: 80, spread: true},
	{name: "a single host", cores: 2, slice: 10 * ms, callWork: 300 * us, targetWork: 200 * us,
		handshake: 2 * ms, hosts: 1, machines: 1, machineCores: 2, roundTrip: 300 * us},
}

// simMore are points that are gone through with more than one seed only: they take long.
var simMore = []simPoint{
	{name: "many hosts on another machine", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 400, machines: 1, machineCores: 4, roundTrip: 300 * us},
	{name: "a single distant host", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 1, machines: 1, machineCores: 2, roundTrip: 40 * ms, spread: true},
	{name: "very distant", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 30, machines: 30, machineCores: 2, roundTrip: 200 * ms},
	{name: "slow service", cores: 1, slice: 10 * ms, callWork: 150 * us, targetWork: 100 * us,
		handshake: 2 * ms, hosts: 40, machines: 4, machineCores: 2, roundTrip: 1 * ms, service: 50 * ms},
}

// simSeeds is how often the grid is gone through, each time with a machine that differs:
// BELFRY_HOSTSIM_SEEDS.
func simSeeds(t *testing.T) uint64 {
	text := os.Getenv("BELFRY_HOSTSIM_SEEDS")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// varied returns the point with times and numbers that differ by a fifth at most; the
// first seed changes nothing.
func (p simPoint) varied(seed uint64) simPoint {
	if seed == 0 {
		return p
	}
	random := rand.New(rand.NewPCG(seed, 26))
	for _, d := range []*time.Duration{&p.callWork, &p.targetWork, &p.handshake, &p.roundTrip, &p.service} {
		*d = time.Duration(float64(*d) * (0.8 + 0.4*random.Float64()))
	}
	p.hosts = max(1, p.hosts*(80+random.IntN(40))/100)
	return p
}

// At each point of the grid the rules keep their bounds: doc.go of package host has them.
func TestHostSimulation(t *testing.T) {
	t.Parallel()
	seeds, grid := simSeeds(t), simGrid
	if seeds > 1 {
		grid = append(slices.Clone(grid), simMore...)
	}
	for seed := range seeds {
		for _, p := range grid {
			p = p.varied(seed)
			for _, s := range simScenarios {
				if err := s.run(newSimWorld(p, simRules{}, seed)); err != nil {
					t.Errorf("%s: %s: seed %d: %v\n%+v", p.name, s.name, seed, err, p)
				}
			}
		}
	}
}

// simMutants are rules that are taken away, one at a time.
var simMutants = []simRules{
	{name: "a call that finds no connection opens one", at: "many hosts, cold", in: "half of the processor is taken",
		openAtOnce: true},
	{name: "no second connection", at: "distant", oneConnection: true},
	{name: "quick calls have no limit", at: "many hosts, cold", in: "half of the processor is taken", manyQuick: true},
	{name: "the processor's time is the host's", at: "targets on the same machine", neverBusy: true},
	{name: "quick calls count for as long as they last", at: "targets on the same machine",
		in: "hosts die and come back", quickForever: true},
	{name: "quick calls count for 10 ms", at: "many hosts, cold",
		in: "half of the processor is taken", quickBriefly: true},
	{name: "fewer calls are not tried", at: "spread over the second", in: "all hosts turn slow", noProbe: true},
	{name: "handshakes have no budget", at: "many hosts, cold", in: "a host turns slow", noBudget: true},
	{name: "hosts have no window of handshakes", at: "targets that are full", in: "all hosts turn slow", seed: 1,
		noWindow: true},
	{name: "connections that hang are waited for", at: "targets that are full", in: "connections hang",
		neverStuck: true},
	{name: "all slots wait for connections", at: "a single host", allWait: true},
	{name: "calls are timed from their begin", at: "a single host", in: "all hosts turn slow", fromBegin: true},
	{name: "limits are not told of calls that wait for connections", at: "distant",
		in: "twice as much is due as can be sustained", untold: true},
	{name: "the connector is not told of them", at: "targets that work for long", in: "a host turns slow",
		untold: true},
	{name: "a quick host needs a connection for each slot", at: "a single host", in: "hosts die and come back",
		allNeed: true},
	{name: "the mean of calls does not count", at: "quick calls that take longer on average", alwaysWaits: true},
}

// Each rule is needed: without it, a bound is broken at a point of the grid, which is
// named to save the time of the others. Not all of them run away.
func TestHostSimulationFindsMutants(t *testing.T) {
	t.Parallel()
	for _, rules := range simMutants {
		if err := rules.broken(); err != nil {
			t.Logf("%s: %.200v", rules.name, err)
		} else {
			t.Errorf("%s: no bound is broken", rules.name)
		}
	}
}

// broken returns the first bound that is broken at the point that is named.
func (r simRules) broken() error {
	for _, p := range simGrid {
		if p.name != r.at {
			continue
		}
		for _, s := range simScenarios {
			if r.in != "" && r.in != s.name {
				continue
			}
			if err := s.run(newSimWorld(p.varied(r.seed), r, r.seed)); err != nil {
				return fmt.Errorf("%s: %s: %w", p.name, s.name, err)
			}
		}
	}
	return nil
}
