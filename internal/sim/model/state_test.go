package model

import "math"

// tick is an instant. One tick is the least time of the model: a second of the
// timetable, and also the millisecond by which an edit keeps its distance.
type tick = int8

const never tick = math.MaxInt8

// Times of the protocol, in ticks. See config.go of the engine.
const (
	horizon  tick = 1 // how far ahead of the store's clock a beat allows sends
	slack    tick = 1 // how old the last beat of an owner that lived may be
	lagLimit tick = 1 // a second later than this is a span
)

// Bounds of the arrays. A scenario uses as few as it can.
const (
	maxRuns   = 5 // executions: fires of the calendar and triggers
	maxJobs   = 2
	maxOwners = 2
	maxEdits  = 3 // versions of a job after the first
)

// outcome is the status of a fact.
type outcome uint8

const (
	none outcome = iota
	success
	failed
	skipped
	missed
	unknown
)

// phase is where an execution is in the memory of its owner.
type phase uint8

const (
	idle    phase = iota // nowhere: not come to yet, or ended on record
	staged               // taken from the timetable
	held                 // kept back by an edit that commits
	queued               // due, waiting for a slot
	calling              // a request is in flight
	ended                // its fact waits for the commit
	opening              // its open run waits for the commit
	waiting              // for its retry
)

// state is everything: what is on disk, what the owners hold in memory, the
// clocks, and what the checker remembers of the past.
type state struct {
	world  world
	shard  shard
	jobs   [maxJobs]timeline
	ledger [maxRuns]entry
	owners [maxOwners]owner
	past   [maxRuns]past
	said   [maxJobs]said
	broken law // a law that a step has broken
}

// world is the time, and how much may still go wrong.
type world struct {
	now    tick // true time; the clock of a store that has its own
	offset tick // of the wall clock
	seen   tick // the latest that the wall clock ever said

	steps, kills, cuts, stops, faults, fails uint8
}

// shard is the row of the shard, on disk.
type shard struct {
	epoch     uint8
	clean     bool
	horizon   tick // H
	watermark tick // W
}

// timeline is a job on disk: version n is valid from from[n] until the next
// one, or the deletion.
type timeline struct {
	versions uint8
	from     [1 + maxEdits]tick
	deleted  tick // never: it is not
}

// entry is what the store has of an execution: a fact, an open run, or
// nothing.
type entry struct {
	fact        outcome
	factVersion uint8
	wet         bool // the fact is written and not synced: a power cut drops it
	open        openRun
}

type openRun struct {
	exists   bool
	inFlight bool
	version  uint8
	attempts uint8
	crashes  uint8
	next     tick
}

// owner is the memory of one process.
type owner struct {
	mode      mode
	epoch     uint8
	wasClean  bool // what Claim answered
	horizon   tick // H of the last acknowledged beat
	proposed  tick // the latest W that a beat was given
	released  tick // the latest instant that was released
	table     tick // the first second that was not taken
	sendUntil tick // by the wall clock
	beating   bool // a beat is on its way
	beatW     tick // with this W
	beatWall  tick // begun at this instant

	jobs [maxJobs]job
	runs [maxRuns]execution
}

// mode is how far a process is in its life.
type mode uint8

const (
	down     mode = iota
	claimed       // has the shard, has decided nothing
	flushed       // its decisions about the gap are durable
	running       // has its first beat
	stopping      // asked to end: takes nothing new, sends what is queued
	closing       // sends nothing; commits the rest
)

// job is a job in memory.
type job struct {
	known   bool // in the timetable, not deleted
	version uint8
	next    tick // the next fire that is not staged
	hold    tick // no fire from here on is sent: an edit commits
	stop    tick // fires before it are not sent any more
	edit    editPhase
	from    tick // effective_from of the edit
	spent   bool // an edit was given up: no further one
}

// editPhase is how far an edit is.
type editPhase uint8

const (
	noEdit  editPhase = iota
	chosen            // has its instant; the commit is under way
	stored            // committed, not known yet
	undoing           // a creation of unknown outcome is being undone
)

// execution is a fire or a trigger in memory.
type execution struct {
	phase    phase
	version  uint8
	attempts uint8
	crashes  uint8
	retryAt  tick
	result   outcome
	counted  bool // W waits for it
	inFlight bool // its open run says that a request may be under way
	reached  bool // the request in flight has reached the target
	rowDue   bool // a call in flight: an open run of it waits for the commit
}

// past is what the checker remembers of an execution. No owner reads it.
type past struct {
	at        tick  // when it is scheduled
	arrived   bool  // a request has reached the target
	versions  uint8 // by which version it was sent: a bit each
	id        tick  // what its identity was made from at the first send
	sent      bool
	mayRepeat bool // a further send is explained: a crash, an unclear or bad end
	answered  bool // a trigger that was answered with success
}

// said is what was promised to users about a job.
type said struct {
	stop tick // the job sends none of its fires before this instant any more
}

// protocol is the machine: the rules under one scenario.
type protocol struct {
	scenario
	runs   []fire           // every execution that can be
	edited bool             // there are edits: what only they look at is kept
	copied state            // of alter: one for all spares the heap
	begun  state            // of beat
	facts  [unknown + 1]int // how executions had ended, in all ends
}

// alter gives emit a changed copy of the state.
func (p *protocol) alter(s *state, emit func(step, *state), name string, number int, change func(*state)) {
	p.copied = *s
	change(&p.copied)
	emit(step{name, int8(number)}, &p.copied)
}

func (s *state) wall() tick { return s.world.now + s.world.offset }

// clock is the store's: the machine's own for SQLite, its own otherwise.
func (p *protocol) clock(s *state) tick {
	if p.ownClock {
		return s.world.now
	}
	return s.wall()
}

// spend takes one of a budget, if there is one left.
func spend(budget *uint8) bool {
	if *budget == 0 {
		return false
	}
	*budget--
	return true
}
