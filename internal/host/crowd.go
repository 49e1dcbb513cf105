package host

import "time"

// Calls to hosts that answer at once only wait for a processor, here or at the target, if
// more of them are in flight than those can work on. Each further one costs memory, a
// goroutine, a connection and a longer wait for all others. So their number is bounded over
// all hosts. Two things must not happen: that calls which wait for something else use up
// the bound, and that calls do not count any more because everything is slow. Both are
// decided by how long such calls last of late, and not by a constant.
const (
	// crowdPerCore is how many of them there may be at a time, for each core. 32 calls that
	// end within 2 ms each are 16,000 a second, more than a core can make.
	crowdPerCore = 32
	// A call counts for countFactor times what such calls last of late, and within the
	// bounds. One that lasts longer waits for its own host.
	countFactor = 4
	countLeast  = 10 * time.Millisecond
	countMost   = time.Second
	// What such calls last is followed in steps of that part of it, up for one that lasts
	// longer and down for one that does not: half of them last longer than it says. A mean
	// would follow a few calls that time out.
	usualStep  = 32
	leastUsual = time.Millisecond / 2

	// probeEvery is how often it is tried whether fewer calls are quicker, while the bound
	// is reached: then as many as that part of it are made for a moment. If a processor is
	// what they wait for, here or at a target, nothing is lost by that.
	probeEvery = time.Second
	probePart  = 4
	// probeFor is for how long it waits for their ends: not so many may be due.
	probeFor = 600 * time.Millisecond
)

// Crowd is what is known of the calls that are expected to end soon, over all hosts.
// Instants are Unix milliseconds.
type Crowd struct {
	most    int
	usual   time.Duration // that such a call lasts of late, from its begin to its end
	full    bool          // calls wait for others to end, in this second
	wasFull bool          // and in the one before
	hosts   bool          // what they wait for is their hosts: fewer calls last as long
	probe   probePhase
	ends    int   // of calls that came to their targets, since the last probe: none is made where all hang
	probed  int64 // when the last probe began
	drained int64 // when so few were left
	many    meanTime
	few     meanTime
}

// probePhase is what a probe waits for.
type probePhase uint8

const (
	probeNone  probePhase = iota
	probeDrain            // few calls are left
	probeFew              // so many ended of those that began then
)

// meanTime is the mean of some times.
type meanTime struct {
	n   int
	sum time.Duration
}

func (m *meanTime) add(d time.Duration) { m.n, m.sum = m.n+1, m.sum+d }

func (m *meanTime) mean() time.Duration { return m.sum / time.Duration(max(1, m.n)) }

// NewCrowd returns that of a process that runs on so many cores.
func NewCrowd(cores int) Crowd { return Crowd{most: crowdPerCore * cores} }

// CountsFor returns for how long a call counts.
func (c *Crowd) CountsFor() time.Duration {
	return min(max(countLeast, countFactor*c.usual), countMost)
}

// Room reports whether one more may begin, where n of them count.
func (c *Crowd) Room(n int, now int64) bool {
	if c.probe != probeNone {
		c.stepProbe(n, now)
	}
	switch {
	case n < c.most && c.probe == probeNone, n < c.most/probePart:
		return true
	case n >= c.most:
		c.full = true
		if c.probe == probeNone && c.ends >= c.most && (now-c.probed >= probeEvery.Milliseconds() || now < c.probed) {
			c.probe, c.probed, c.many, c.few, c.ends = probeDrain, now, meanTime{}, meanTime{}, 0
		}
	}
	return false
}

// stepProbe ends what a probe waits for in vain.
func (c *Crowd) stepProbe(n int, now int64) {
	switch {
	case c.probe == probeDrain && n <= c.most/probePart && c.many.n == 0:
		c.probe = probeNone // none has ended: they hang
	case c.probe == probeDrain && n <= c.most/probePart:
		c.probe, c.drained = probeFew, now
	case c.probe == probeFew && (now-c.drained > probeFor.Milliseconds() || now < c.drained):
		c.probe = probeNone
	}
}

// Expired notes that one does not count any more although it has not ended. If it is one of
// few, nothing is learned in time.
func (c *Crowd) Expired() {
	if c.probe == probeFew {
		c.probe = probeNone
	}
}

// Ended notes that one ended that began at the instant and took so long at its target;
// zero or less: it did not come so far.
func (c *Crowd) Ended(began, now int64, took time.Duration) {
	c.usual = follow(c.usual, max(0, time.Duration(now-began)*time.Millisecond))
	if took > 0 {
		c.ends++
	}
	switch {
	case took <= 0:
	case c.probe == probeDrain:
		c.many.add(took)
	case c.probe == probeFew && began >= c.drained:
		if c.few.add(took); c.few.n >= c.most/probePart {
			c.probe = probeNone
			c.hosts = waitForHosts(c.many.mean(), c.few.mean())
		}
	}
}

// follow returns what calls usually last after one that lasted so long. One that lasted
// longer than any counts says nothing: a thousand calls of a host that is dead may time out
// at one instant.
func follow(usual, d time.Duration) time.Duration {
	switch {
	case d > countMost:
	case d > usual:
		usual += usual / usualStep
	case d < usual:
		usual -= usual / usualStep
	}
	return min(max(usual, leastUsual), countMost)
}

// waitForHosts reports whether calls wait for their hosts, if many at a time last so long
// and few at a time so long. Where a processor is what they wait for, a quarter of the
// calls wait for a quarter of the time. Below countLeast the bound lets more calls begin
// than a processor can make.
func waitForHosts(many, few time.Duration) bool { return few >= countLeast && 3*few >= 2*many }

// Crowded reports whether calls wait for a processor, here or at the targets, since there
// are so many of them.
func (c *Crowd) Crowded() bool { return (c.full || c.wasFull) && !c.hosts }

// EndSecond begins the next second.
func (c *Crowd) EndSecond() {
	if c.wasFull = c.full; !c.full {
		c.hosts = false
	}
	c.full = false
}
