package model

import "slices"

// This machine is several nodes on one shared database. It leaves out what the other one
// explores (the timetable, retries, an edit that commits while fires come due), and has what
// only a cluster has: claims, two nodes that both believe to own a shard, edits by a node
// that does not own it, open runs whose request another node waits for, commits that a
// failover of the database loses, and clocks that differ.

// Bounds of the arrays.
const (
	maxNodes    = 2
	maxFires    = 5
	maxVersions = 3
)

// where is where a fire is in the memory of a node.
type where uint8

const (
	nowhere  where = iota
	flying         // a request is in flight, and nothing is on disk
	written        // a request is in flight, and this node has its open run
	decided        // it is not sent: that waits for the commit
	again          // this node has its open run, and sends it
	known          // its fact, or the open run of another node, is on disk
	recorded       // this node has recorded what it saw, or that it does not send it
	judged         // this node has recorded that nobody knows
)

// clusterState is everything: the database, what the nodes hold in memory, what happened.
type clusterState struct {
	now    tick // true time
	offset tick // of the database's clock

	crashes, losses, faults, releases, steps uint8 // what may still happen

	db     database
	before database // the last commit, so that a failover can lose it
	lives  uint8    // processes so far
	tokens uint8    // claims so far, those that were lost, too
	nodes  [maxNodes]node

	past   [maxFires]sending
	pause  pause
	broken law
	lossy  bool // a commit was lost
}

// database is what is on disk.
type database struct {
	life uint8 // which timeline it is: a failover begins another one

	owner     uint8 // the process; zero: the shard is free
	epoch     uint8
	token     uint8
	clean     bool
	touched   tick // true time of the last claim or beat: how long others have seen no change
	horizon   tick // H
	watermark tick // W
	rev       uint8
	applied   uint8 // the revision that the owner had loaded at its last beat

	edits  edits
	fact   [maxFires]outcome
	runner [maxFires]uint8 // of the open run: the process; zero: there is none
}

// edits are the versions of the job: version v is in effect from from[v] until the next one.
type edits struct {
	versions uint8
	from     [maxVersions]tick
}

// node is one process.
type node struct {
	life  uint8
	mode  nodeMode
	epoch uint8
	token uint8

	horizon   tick // H of the last beat that was acknowledged and whose revision is loaded
	watermark tick
	rev       uint8
	edits     edits // that it has loaded with the revision
	deadline  tick  // nothing is sent after it
	released  tick  // the latest fire that was sent, or may have been before the claim
	overdue   tick  // fires up to it are sent without asking whether they are due
	timeline  uint8
	runs      [maxFires]where
}

// nodeMode is what a node has of the shard.
type nodeMode uint8

const (
	without    nodeMode = iota // it does not own the shard
	loading                    // it has claimed it
	loaded                     // its decisions about the gap are durable
	owning                     // it has its first beat
	handedOver                 // it sends nothing more, and will release it
)

// sending is what the checker remembers of a fire.
type sending struct {
	sent      bool
	versions  uint8 // by which version: a bit each
	mayRepeat bool  // a further request is explained
}

// pause is one that was asked for by a node that does not own the shard.
type pause struct {
	asked    bool
	rev      uint8 // with this revision
	epoch    uint8 // while this owner had the shard
	answered bool
}

// cluster is the machine.
type cluster struct {
	clusterScenario
	copied clusterState
}

// clusterScenario is the small world in which it is explored.
type clusterScenario struct {
	name string
	last tick    // of the fires
	job  jobPlan // retries and create apart, what its user wants

	crashes   uint8
	losses    uint8 // failovers of the database to a standby without the last commit
	lags      bool  // the standby may be without any number of commits
	faults    uint8 // commits of which the node does not hear
	releases  uint8
	longCalls bool // a call may get an open run
	byOwner   bool // edits go to the owner; otherwise the database takes them

	skew   [maxNodes]tick // of the clocks of the nodes
	steps  uint8          // of the database's clock
	stepTo tick
	others tick // a fact of another shard is at this instant, its owner's clock was ahead

	clusterMutant
}

// clusterMutant is a deliberate fault.
type clusterMutant struct {
	noHorizon       bool // fires are sent as they come due, and edits begin at the next instant
	epochOnly       bool // the fence is the epoch alone
	noGuard         bool // a beat does not compare H, W and the revision with what the node knows
	uncapped        bool // W does not wait for a beat that has loaded the revision
	useBeforeLoad   bool // H is used before the edits are loaded
	factsLater      bool // W counts calls whose facts are not on disk
	decideUnfenced  bool // a decision not to send is recorded by whoever made it
	zeroIsNew       bool // W of zero is taken for a new database
	othersFacts     bool // recovery takes facts of all shards for those of its own
	runnerIgnored   bool // a successor takes over open runs whose process lives
	blindUpsert     bool // an open run replaces that of another process
	appliedUnwaited bool // a pause is answered when it is stored
	databaseAlone   bool // H follows the clock of the database wherever it goes
	ringOff         bool // facts are not inserted again after a failover
	releaseFirst    bool // the shard is released before calls in flight have open runs
	ownerUnfenced   bool // an edit of the owner does not look at the fence
	claimEarly      bool // a shard is claimed before its horizon has passed
	clockAnswers    bool // a pause is answered when the clock of the database is past H, whatever the node saw
	runnerKept      bool // a node that has lost the shard keeps open runs that it does not carry out
	beforePause     bool // a version begins before the one that it follows
	noDeadline      bool // a node sends up to H, however old its last beat is
}

func (p *cluster) initial() clusterState {
	var s clusterState
	s.crashes, s.losses, s.faults, s.releases, s.steps = p.crashes, p.losses, p.faults, p.releases, p.steps
	s.db.clean = true
	if !p.job.create {
		s.db.edits = edits{1, [maxVersions]tick{1}}
	}
	for i := range s.nodes {
		s.lives++
		s.nodes[i].life = s.lives
	}
	s.before = s.db
	return s
}

// end of time: a shard whose owner has died with the last fire can still be claimed.
func (p *cluster) horizonOfTime() tick { return p.last + 2 }

// alter gives emit a changed copy of the state.
func (p *cluster) alter(s *clusterState, emit func(step, *clusterState), name string, number int,
	change func(*clusterState)) {
	p.copied = *s
	change(&p.copied)
	emit(step{name, int8(number)}, &p.copied)
}

// commit is alter by a transaction.
func (p *cluster) commit(s *clusterState, emit func(step, *clusterState), name string, number int,
	change func(*clusterState)) {
	p.alter(s, emit, name, number, func(n *clusterState) {
		was := n.db
		change(n)
		if n.db != was && p.losses > 0 {
			n.before = was
		}
	})
	if s.losses > 0 && p.lags { // the standby may also be as far behind as it was
		p.alter(s, emit, name, number, change)
	}
}

func (s *clusterState) databaseClock() tick { return s.now + s.offset }

func (p *cluster) nodeClock(s *clusterState, i int) tick { return s.now + p.skew[i] }

// plan returns version v of the job.
func (p *cluster) plan(v uint8) *version {
	if v == 0 {
		return &p.job.first
	}
	return &p.job.edits[v-1]
}

// named returns the version that has a fire at the instant.
func (p *cluster) named(e *edits, at tick) (v uint8, ok bool) {
	for v = e.versions; v > 0; v-- {
		if e.from[v-1] <= at {
			plan := p.plan(v - 1)
			return v - 1, !plan.stops && slices.Contains(plan.fires, at)
		}
	}
	return 0, false
}

// stoppedAt returns the instant before which fires are not sent any more, because the job is
// paused from there on.
func (p *cluster) stoppedAt(e *edits) tick {
	for v := e.versions; v > 0; v-- {
		if p.plan(v - 1).stops {
			return e.from[v-1]
		}
	}
	return 0
}

// holds reports whether the database takes a node for the owner.
func (p *cluster) holds(s *clusterState, i int) bool {
	n, db := &s.nodes[i], &s.db
	if n.mode == without || n.epoch != db.epoch || db.owner == 0 {
		return false
	}
	return p.epochOnly || n.token == db.token
}

// passes reports whether a beat of a node is accepted.
func (p *cluster) passes(s *clusterState, i int) bool {
	n, db := &s.nodes[i], &s.db
	if !p.holds(s, i) {
		return false
	}
	return p.noGuard || db.horizon >= n.horizon && db.watermark >= n.watermark && db.rev >= n.rev
}
