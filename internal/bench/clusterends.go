package bench

import (
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// Cluster is what several servers on one database cost, and what happens when one of them ends.
type Cluster struct {
	Loads  []ClusterLoad `json:"loads,omitempty"`
	Ends   []ClusterEnd  `json:"ends,omitempty"`
	Outage *ClusterEnd   `json:"outage,omitempty"` // of the database
}

// ClusterLoad is a burst that so many servers share.
type ClusterLoad struct {
	Nodes int `json:"nodes"`
	Burst
}

// ClusterConfig says what is measured.
type ClusterConfig struct {
	Nodes   []int         // servers that share a burst, one burst for each number
	Rate    int           // jobs due each second of a burst
	Jobs    int           // jobs due each second while servers end
	Seconds int           // of a burst
	Kills   int           // of a server among three, and as many stops
	Down    time.Duration // of the database
}

// How a server ended, or what else did.
const (
	EndByKill     = "kill -9"
	EndByStop     = "SIGTERM"
	EndOfDatabase = "no database"
)

// ClusterEnd is what followed when a server ended, or the database. Times are in milliseconds from
// the end on, or from when the database was back.
type ClusterEnd struct {
	Kind       string `json:"kind"`
	Jobs       int    `json:"jobs"`       // of the server, due each second
	FirstMs    int64  `json:"firstMs"`    // until the first of them was sent by another server
	CaughtUpMs int64  `json:"caughtUpMs"` // until no fire was late any more
	LatestMs   int64  `json:"latestMs"`   // the latest fire was so late
	Doubled    int64  `json:"doubled"`    // requests of the same attempt as one before

	shards   []int
	at, back int64 // Unix milliseconds; back: of the database, or zero
}

// endsRun is a run in which servers end.
type endsRun struct {
	w     *world
	cfg   *ClusterConfig
	first int64 // instant
	last  int64
	ends  []ClusterEnd
}

// afterEnd is how long what follows from the end of a server is watched.
const afterEnd = 20 * time.Second

// ownedBy reports whether a job is in one of some shards.
func ownedBy(shards []int, id domain.JobID, of int) bool {
	number := id.Shard(of)
	for _, s := range shards {
		if s == number {
			return true
		}
	}
	return false
}

// lateFire is from how many milliseconds on a fire counts as late.
const lateFire = 500

// shardsOfDatabase is how many shards a PostgreSQL database has.
const shardsOfDatabase = 64

// sent is a fire that has arrived.
type sent struct {
	id      domain.ExecutionID
	attempt int
}

// judge reads the receiver's log. A fire that is missing is an error.
func (r *endsRun) judge(log string, out *Cluster) error {
	arrived := make(map[sent]int64)
	executions := make(map[domain.ExecutionID]bool)
	jobs := make(map[domain.JobID]bool)
	for e, err := range receiver.ReadLog(log) {
		if err != nil {
			return err
		}
		if e.ReceivedAt < e.ScheduledAt {
			return fmt.Errorf("a fire came %d ms early: that must not be", e.ScheduledAt-e.ReceivedAt)
		}
		if e.ScheduledAt < r.first || e.ScheduledAt > r.last {
			continue
		}
		jobs[e.JobID] = true
		executions[e.ExecutionID] = true
		key := sent{e.ExecutionID, e.Attempt}
		_, again := arrived[key]
		arrived[key] = e.ReceivedAt
		for i := range r.ends {
			r.ends[i].note(&e, again)
		}
	}
	want := int64(r.cfg.Jobs) * ((r.last-r.first)/1000 + 1)
	if len(jobs) != r.cfg.Jobs || int64(len(executions)) != want {
		return fmt.Errorf("%d of %d fires of %d jobs have arrived: that must not be", len(executions), want, len(jobs))
	}
	for i := range r.ends {
		end := &r.ends[i]
		if end.Jobs = r.cfg.Jobs; end.back == 0 {
			end.Jobs = 0
			for id := range jobs {
				if ownedBy(end.shards, id, shardsOfDatabase) {
					end.Jobs++
				}
			}
			out.Ends = append(out.Ends, *end)
		} else {
			out.Outage = end
		}
	}
	return nil
}

// note notes a request that may follow from the end.
func (c *ClusterEnd) note(e *receiver.Entry, again bool) {
	begin := max(c.at, c.back)
	watched := afterEnd.Milliseconds()
	if c.back > 0 {
		watched += c.back - c.at
	}
	if e.ReceivedAt < c.at || e.ReceivedAt > begin+watched {
		return
	}
	if again {
		c.Doubled++
	}
	if c.back == 0 && !ownedBy(c.shards, e.JobID, shardsOfDatabase) {
		return
	}
	late, after := e.ReceivedAt-e.ScheduledAt, e.ReceivedAt-begin
	c.LatestMs = max(c.LatestMs, late)
	if late >= lateFire {
		c.CaughtUpMs = max(c.CaughtUpMs, after)
	}
	// What the server itself had sent arrives at once.
	if after > 1_000 && (c.FirstMs == 0 || after < c.FirstMs) {
		c.FirstMs = after
	}
}
