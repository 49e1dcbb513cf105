package run

import "fmt"

// State is where a run is.
//
//	          ┌────────────── refused ─────────────┐
//	          ▼                                    │
//	Queued ──────► Calling ──────► AwaitRetry ─────┘
//	  │  ▲            │                 │
//	  │  └─ refused   └──► Ended        └──► Calling
//	  ├──► AwaitRetry, where a recovery finds a retry that is not due
//	  └──► Ended, where nothing is sent: skipped, missed, stopped
//
//	Elsewhere ──► Queued or AwaitRetry, once this process carries it out, or Ended
type State uint8

// The states of a run.
const (
	StateQueued     State = iota // due, waiting for a slot
	StateCalling                 // a request is in flight
	StateAwaitRetry              // waiting for its retry, or for a slot to make it
	StateEnded                   // its result waits for the commit
	StateElsewhere               // another process carries it out: see Elsewhere
)

// transitions has bit t of state s set where t may follow s.
var transitions = [...]uint8{
	StateQueued:     1<<StateQueued | 1<<StateCalling | 1<<StateAwaitRetry | 1<<StateEnded,
	StateCalling:    1<<StateAwaitRetry | 1<<StateEnded,
	StateAwaitRetry: 1<<StateQueued | 1<<StateCalling | 1<<StateAwaitRetry,
	StateEnded:      0,
	StateElsewhere:  1<<StateQueued | 1<<StateAwaitRetry | 1<<StateEnded,
}

// CheckTransitions makes a transition that the table does not have panic. Tests set
// it before anything runs.
var CheckTransitions bool

// SetState moves the run to a state. Call with Job.Mu held once the run has entered
// its job.
func (r *Run) SetState(to State) {
	if CheckTransitions && transitions[r.State]>>to&1 == 0 {
		panic(fmt.Sprintf("run: state %d cannot follow state %d", to, r.State))
	}
	r.State = to
}
