package domain

import (
	"bytes"
	"cmp"
)

// Status is the state of an execution.
type Status string

// The statuses. PENDING and RUNNING are temporary; every fire ends in exactly one of
// the others.
const (
	StatusPending Status = "PENDING" // due, waiting for a slot or for its next retry
	StatusRunning Status = "RUNNING" // a request is in flight
	StatusSuccess Status = "SUCCESS" // the target answered 2xx
	StatusFailed  Status = "FAILED"  // the last attempt failed, or the failure was final
	StatusSkipped Status = "SKIPPED" // deliberately not sent: overlap, or the job was paused or deleted first
	StatusMissed  Status = "MISSED"  // not sent: the misfire policy dropped it
	StatusUnknown Status = "UNKNOWN" // at most once: the outcome is unknown after a crash
)

// Final reports whether the status is final.
func (s Status) Final() bool { return s != StatusPending && s != StatusRunning }

// FireKey is the natural key of an execution. Nonce is zero for a scheduled
// fire and random for a manual trigger.
type FireKey struct {
	JobID       JobID
	ScheduledAt int64 // Unix milliseconds
	Nonce       int64
}

// Sooner is the order of fires to come: the soonest first, and those of one instant by job.
func (k FireKey) Sooner(other FireKey) int {
	return cmp.Or(cmp.Compare(k.ScheduledAt, other.ScheduledAt), bytes.Compare(k.JobID[:], other.JobID[:]))
}

// ID returns the id of the execution with this key.
func (k FireKey) ID() ExecutionID { return NewExecutionID(k.JobID, k.ScheduledAt, k.Nonce) }

// Attempt is one HTTP request of an execution.
type Attempt struct {
	Number      int    `json:"number"`              // counted from 1
	StartedAt   int64  `json:"startedAt,omitempty"` // Unix milliseconds; zero: unknown after a crash
	CompletedAt int64  `json:"completedAt"`
	HTTPStatus  int    `json:"httpStatus,omitempty"` // zero: no response
	Error       string `json:"error,omitempty"`
}

// Execution is the record of the outcome of a fire or of a manual trigger.
type Execution struct {
	FireKey
	Version     int // the job's version that it belongs to
	Status      Status
	StartedAt   int64 // of the first attempt, Unix milliseconds; zero: never sent
	CompletedAt int64 // Unix milliseconds; zero: not yet
	HTTPStatus  int   // of the last attempt; zero: no response
	Error       string
	RetryCount  int       // attempts after the first
	Attempts    []Attempt // complete when RetryCount > 0; otherwise nil, see AllAttempts
	Missed      *MissedRange

	// NextAttemptAt is when the next attempt is due, in Unix milliseconds, if the
	// execution waits for a retry; otherwise zero. Facts do not have it.
	NextAttemptAt int64
}

// MissedRange is what a MISSED record covers: Count fires of one job, the
// first at From and the last at the record's ScheduledAt (Unix milliseconds).
type MissedRange struct {
	From  int64
	Count int64
}

// Duration returns CompletedAt - StartedAt in milliseconds, or zero.
func (e *Execution) Duration() int64 {
	if e.StartedAt == 0 || e.CompletedAt == 0 {
		return 0
	}
	return max(0, e.CompletedAt-e.StartedAt)
}

// sizeOfExecution and sizeOfAttempt are about what they take beside their texts.
const (
	sizeOfExecution = 192
	sizeOfAttempt   = 64
)

// Size returns about how many bytes the execution takes in memory. Pages are bounded by it.
func (e *Execution) Size() int {
	n := sizeOfExecution + len(e.Error)
	for i := range e.Attempts {
		n += sizeOfAttempt + len(e.Attempts[i].Error)
	}
	return n
}

// Fires returns how many fires the record covers: one, or the count of a
// MISSED summary.
func (e *Execution) Fires() int64 {
	if e.Missed != nil {
		return e.Missed.Count
	}
	return 1
}

// AllAttempts returns every attempt. A record with a single attempt does not store it
// separately; AllAttempts constructs it from the fields of the record.
func (e *Execution) AllAttempts() []Attempt {
	if len(e.Attempts) > 0 || e.StartedAt == 0 {
		return e.Attempts
	}
	return []Attempt{{1, e.StartedAt, e.CompletedAt, e.HTTPStatus, e.Error}}
}

// OpenRun is the durable state of an execution that has not ended: one that waits for a
// retry, a manual trigger, a recovered fire whose first send is uncertain, or a call
// that has been running for a long time. All others need no row before they end.
type OpenRun struct {
	FireKey
	Version   int
	Attempts  []Attempt // those that ended
	NextAt    int64     // when the next attempt is due, Unix milliseconds
	Crashes   int       // crashes in a row while a request of it was in flight
	InFlight  bool      // a request may be in flight: after a crash it is uncertain
	CreatedAt int64     // Unix milliseconds

	// Runner is the process that carries it out, by its random number; zero: nobody does.
	// Another one may take it over once that process has ended, or after RunUntil.
	Runner    int64
	RunUntil  int64 // Unix milliseconds; zero: no limit is known
	TakenFrom int64 // the runner that it is taken over from, on its way to the store; it is not stored
}
