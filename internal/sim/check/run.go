package check

import "github.com/belfry-scheduler/belfry/internal/domain"

// Run is everything that is known of a run. Instants are Unix milliseconds.
type Run struct {
	Jobs     []Job
	Sends    []Send   // in the order in which they were received
	Records  []Record // from the database
	Live     []Record // executions that have not ended
	Triggers []domain.ExecutionID
	Outages  []Outage // of the server

	// Of a cluster: how many shards its jobs are spread over, and the changes of their owners.
	Shards    int
	Takeovers []Takeover

	// Stops are the answered pauses and deletions. Frozen are the times at which a process stood
	// still: what was on its way out then arrives afterwards.
	Stops  []Stop
	Frozen []Outage

	// Explains reports whether something that befell the owners of a job, between one request and
	// a later one of the same execution, explains the second; nil: nothing does but Outages.
	Explains func(a, b Send) bool

	// TargetOutages are the times at which the target could not be reached: only
	// then may a fire have FAILED without a request. Nil: that is not judged.
	TargetOutages []Outage

	// The window that is judged: fires scheduled in [From, Until). All of them
	// must have ended.
	From, Until int64

	LateAfter int64 // a first request later than this is late
	Slack     int64 // between the clocks of server and target, and of a request on its way
}

// Job is a job as its client knows it.
type Job struct {
	ID        domain.JobID
	CreatedAt int64
	Versions  []Version // oldest first
}

// Version is one acknowledged edit.
type Version struct {
	Number   int
	From, To int64 // domain.Forever while it is current
	Active   bool
	Until    int64 // if it is not active: from when on it has fires all the same; zero: never
	Spec     domain.Spec
}

// Send is one request that the target received.
type Send struct {
	JobID       domain.JobID
	ExecutionID domain.ExecutionID
	ScheduledAt int64
	Attempt     int
	ReceivedAt  int64
	Took        int64 // until the target answered
	Status      int   // zero: it closed the connection without an answer
	Version     int   // that the request was made for; zero: not known
	Process     int   // that made it; zero: not known
	BegunAt     int64 // when that process began to make it, where that is known
}

// Record is an execution as the database or the API returns it.
type Record struct {
	JobID       domain.JobID
	ExecutionID domain.ExecutionID
	ScheduledAt int64
	Version     int
	Status      domain.Status
	HTTPStatus  int
	Manual      bool
	Reason      string // what the record says went wrong
	From        int64  // first fire that it covers; ScheduledAt when it covers one
}

// Outage is a time in which the server did not run, or was stopped hard.
type Outage struct{ From, To int64 }

// Takeover is a change of a shard's owner that the last one has not prepared: what it had sent and not
// put on record may be sent again.
type Takeover struct {
	Shard int
	Since int64 // what was received before had been put on record by then
	At    int64 // of the change
}

// Stop is a pause or a deletion of a job that was answered: nothing scheduled before From is sent any more.
type Stop struct {
	JobID    domain.JobID
	From     int64
	Answered int64
}

// Class is what a fire, a request or a record turns out to be.
type Class string

// The classes.
const (
	OK             Class = "ok"
	Late           Class = "late"            // sent, later than LateAfter
	Early          Class = "early"           // sent before its instant
	Lost           Class = "lost"            // no record, and nobody says why
	WrongVersion   Class = "wrong-version"   // sent or recorded for a version that was not valid
	Phantom        Class = "phantom"         // sent or recorded, and no fire of the calendar
	DupExplained   Class = "dup-explained"   // sent twice, around an outage or after a timeout
	DupUnexplained Class = "dup-unexplained" // sent twice
	Fabricated     Class = "fabricated"      // the record and the target disagree
	Stuck          Class = "stuck"           // has not ended
	AfterStop      Class = "after-stop"      // sent after the answer to a pause or a deletion
)

// Bad reports whether the class breaks a promise.
func (c Class) Bad() bool { return c != OK && c != Late && c != DupExplained }

// Finding is one thing that is not plainly ok.
type Finding struct {
	Class       Class
	JobID       domain.JobID
	ScheduledAt int64
	Detail      string
}

// Report is the judgement.
type Report struct {
	Expected int           // fires that the calendar names in the window
	Counts   map[Class]int // a fire may count in several classes; ok only alone
	Findings []Finding     // the bad ones, at most maxFindings
}

const maxFindings = 50

// Bad returns how many promises were broken.
func (r *Report) Bad() int {
	n := 0
	for c, count := range r.Counts {
		if c.Bad() {
			n += count
		}
	}
	return n
}

func (r *Report) add(class Class, job domain.JobID, at int64, detail string) {
	r.Counts[class]++
	if class.Bad() && len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, Finding{class, job, at, detail})
	}
}

func (r *Report) addAll(found []Finding) {
	for _, f := range found {
		r.add(f.Class, f.JobID, f.ScheduledAt, f.Detail)
	}
}
