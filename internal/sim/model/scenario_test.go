package model

// scenario is the small world in which the protocol is explored: which jobs,
// which fires, what may go wrong and how often. Everything that may happen in
// it, happens, in every order.
type scenario struct {
	name     string
	last     tick // the end of time
	jobs     []jobPlan
	triggers []int // the job of each manual trigger

	steps  uint8 // of the wall clock, one tick forward or back each
	back   tick  // furthest offsets of the wall clock
	ahead  tick
	kills  uint8 // a process ends without a word
	cuts   uint8 // power losses: all processes end, unsynced writes go
	stops  uint8 // in good order
	faults uint8 // a store that does its work and reports an error, or does none
	fails  uint8 // requests that fail

	ownClock bool // the store's clock does not follow the machine's
	split    bool // a beat takes time
	sweep    bool // a call may take so long that it gets an open run
	lease    bool // sends stop when beats do
	two      bool // a second owner takes over when the lease has run out
	grace    tick // beyond the horizon, before they stop

	mutant
}

// jobPlan is a job as its user wants it. Version n+1 is what edit n makes.
type jobPlan struct {
	once    bool // at most once
	skip    bool // misfire SKIP; otherwise RUN_ALL
	retries uint8
	first   version
	create  bool // it is created while the owner runs
	edits   []version
}

// version says which instants are fires of one version of a job. Where deletes
// is set it is no version but the end of the job.
type version struct {
	fires   []tick // while active
	stops   bool   // a pause or a deletion: the job sends nothing any more
	deletes bool
}

// fire is one execution that can be. A trigger has its instant from the moment
// at which it is made.
type fire struct {
	job     int
	at      tick
	trigger bool
}

// mutant is a deliberate fault. Each has a test that wants it found.
type mutant struct {
	wBeforeFacts     bool // W counts results that are not committed
	ignoreHorizon    bool // fires are released as they come due, whatever H is
	allNeverSent     bool // recovery: whatever is above W was never sent
	noFrontier       bool // an edit begins after now, whatever was released
	noHold           bool // an edit does not keep back the fires that it may end
	noFloor          bool // an edit does not keep W below its instant
	ignoreProposed   bool // an edit does not look at the W that a beat carries
	dropOverdue      bool // an edit moves a job on past fires that were not staged
	dropHeld         bool // an edit that was refused drops the fires that it held
	loseUnclear      bool // a creation of unknown outcome releases its hold on W at once
	nextFromNow      bool // the next fire is the next after now
	retryInMemory    bool // a retry waits without an open run
	backFill         bool // a resumed job fires from where it was paused
	neverFlushed     bool // recovery goes on although its decisions are not durable
	sendBeforeBeat   bool // recovery sends before its first beat
	unsyncedFacts    bool // facts are acknowledged before they are synced
	cleanWithCalls   bool // the stop leaves no open run of calls in flight
	triggerBeforeRow bool // a trigger is answered and sent before its row is durable
	onceRetriesMaybe bool // at most once is retried although bytes were sent
	idFromNow        bool // the identity of a send is made from the time of the send
	replaceFacts     bool // a fact replaces the one that is there
	noFence          bool // a beat does not look at the epoch
	claimAtOnce      bool // another owner takes the shard while the lease holds
	graceBeyondH     bool // sends stop by the age of the beat alone, H or not
	clockIsEnough    bool // the send rule looks at the clock, not at the fire
	spanUnseen       bool // a span does not move the frontier that edits look at
	releaseEarly     bool // fires are released a tick before they are due
	sendAfterError   bool // a result that was not acknowledged is sent for again
	dropRuns         bool // recovery does not take up open runs
	stopIgnored      bool // recovery knows of a pause only while W is before its end
	unsyncedOpen     bool // opening does not sync what a killed process wrote
}

// of returns the protocol under a scenario.
func of(sc scenario) *protocol {
	p := &protocol{scenario: sc}
	for j := range sc.jobs {
		for at := tick(1); at <= sc.last; at++ {
			named := false
			for n := range uint8(1 + len(sc.jobs[j].edits)) {
				named = named || p.names(j, n, at)
			}
			if named {
				p.runs = append(p.runs, fire{job: j, at: at})
			}
		}
	}
	for j := range sc.jobs {
		p.edited = p.edited || sc.jobs[j].create || len(sc.jobs[j].edits) > 0
	}
	for _, j := range sc.triggers {
		p.runs = append(p.runs, fire{job: j, trigger: true})
	}
	if len(p.runs) > maxRuns {
		panic("model: too many executions")
	}
	return p
}

func (p *protocol) initial() state {
	var s state
	w := &s.world
	w.steps, w.kills, w.cuts, w.stops, w.faults, w.fails = p.steps, p.kills, p.cuts, p.stops, p.faults, p.fails
	s.shard.clean = true
	for j := range p.jobs {
		s.jobs[j].deleted = never
		if !p.jobs[j].create {
			s.jobs[j].versions, s.jobs[j].from[0] = 1, 1
		}
	}
	for i, f := range p.runs {
		s.past[i].at = f.at
	}
	return s
}

// lastWall is the last instant by which everything must be able to come
// due on a wall clock that is as far back as it goes.
func (p *protocol) lastWall() tick { return p.last - p.back }

// plan returns version n of a job.
func (p *protocol) plan(j int, n uint8) *version {
	if n == 0 {
		return &p.jobs[j].first
	}
	return &p.jobs[j].edits[n-1]
}

// names reports whether version n of a job has a fire at the instant, as far
// as its calendar goes.
func (p *protocol) names(j int, n uint8, at tick) bool {
	v := p.plan(j, n)
	if v.stops {
		return false
	}
	for _, f := range v.fires {
		if f == at {
			return true
		}
	}
	return false
}

// find returns the execution of a job at an instant.
func (p *protocol) find(j int, at tick) int {
	for i, f := range p.runs {
		if f.job == j && f.at == at && !f.trigger {
			return i
		}
	}
	panic("model: a scenario does not list the fire of a job")
}

// nextAfter is Version.Next: the first fire of version n, which begins at
// from, after the instant.
func (p *protocol) nextAfter(j int, n uint8, from, after tick) tick {
	best := never
	for _, f := range p.plan(j, n).fires {
		if f > after && f >= from && f < best && p.names(j, n, f) {
			best = f
		}
	}
	return best
}

// valid returns the version of a job that the timeline on disk names at the
// instant.
func (t *timeline) valid(at tick) (n uint8, ok bool) {
	if t.versions == 0 || at >= t.deleted {
		return 0, false
	}
	for n = t.versions; n > 0; n-- {
		if t.from[n-1] <= at {
			return n - 1, true
		}
	}
	return 0, false
}

// to returns where version n ends.
func (t *timeline) to(n uint8) tick {
	if n+1 < t.versions {
		return t.from[n+1]
	}
	return t.deleted
}
