package run

import (
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// Lane says which share of the send slots a fire may use.
type Lane = host.Lane

// The lanes.
const (
	LaneLive    = host.Live    // fires on time, retries, triggers
	LaneOverdue = host.Overdue // fires that waited in an overload, see package dispatch
	LaneLate    = host.Late    // recovered fires: at most a quarter of the slots
)

// Run is an execution that has not ended. It belongs to one goroutine at a
// time: to the stage, to a queue, to a worker, to the recorder.
type Run struct {
	Job   *Job
	Ver   *Version
	At    int64 // scheduled, Unix milliseconds
	Nonce int64
	Lane  Lane

	// Under Job.Mu once the fire has entered the job: the live views read them.
	State     State
	Entered   bool
	StartedAt int64 // first attempt, Unix milliseconds; zero: never sent
	Attempts  []domain.Attempt
	Marked    bool // its open run on record says that a request may be under way

	Crashes      int
	Hold         hold.Token // W waits until the first record of the run is durable. Recorder only, once queued
	OpenOnRecord bool       // an open run of it is on record. Recorder only
	Opening      bool       // an open run is on its way. Dispatcher lock
	RetryAt      int64      // of a live view only when the state is StateAwaitRetry
	// start of the attempt in flight, or of its wait in a queue, Unix milliseconds; dispatcher lock
	Since int64

	Links
}

// Links are the lists that a run is in, linked through the runs themselves.
type Links struct {
	QueueNext          *Run // of a host. Dispatcher lock
	CallNext, CallPrev *Run // calls in flight, oldest first, or calls that have ended. Dispatcher lock
	InEnded            bool // of the latter
	Quick              bool // of the former, and counts among those that are expected to end soon. Dispatcher lock
	BeganQuick         bool // it was one of those when it began. Dispatcher lock
	Brief              bool // the same of overdue ones, for longer. Dispatcher lock
	JobNext, jobPrev   *Run // executions of a job that have not ended. Job.Mu
}

// Key returns what the execution is known by.
func (r *Run) Key() domain.FireKey {
	return domain.FireKey{JobID: r.Job.ID, ScheduledAt: r.At, Nonce: r.Nonce}
}

// Scheduled reports whether the fire comes from the calendar, not from a
// manual trigger.
func (r *Run) Scheduled() bool { return r.Nonce == 0 }

// Result returns the record of an execution that ends without a further
// attempt. Call with Job.Mu held, or before the fire enters a job.
func (r *Run) Result(status domain.Status, completedAt int64, reason string) domain.Execution {
	e := domain.Execution{
		FireKey: r.Key(), Version: int(r.Ver.Number), Status: status,
		StartedAt: r.StartedAt, CompletedAt: completedAt, Error: reason,
	}
	if n := len(r.Attempts); n > 0 {
		e.HTTPStatus, e.RetryCount, e.Attempts = r.Attempts[n-1].HTTPStatus, n-1, r.Attempts
	}
	return e
}

// ResultOf returns the record of an execution that ends with an attempt. A
// single attempt is not written twice: the record has all of it.
func (r *Run) ResultOf(status domain.Status, last domain.Attempt) domain.Execution {
	e := domain.Execution{
		FireKey: r.Key(), Version: int(r.Ver.Number), Status: status,
		StartedAt: r.StartedAt, CompletedAt: last.CompletedAt,
		HTTPStatus: last.HTTPStatus, Error: last.Error, RetryCount: len(r.Attempts),
	}
	if len(r.Attempts) > 0 {
		e.Attempts = append(slices.Clip(r.Attempts), last)
	}
	return e
}

// Failures returns how many attempts have ended. Those that a crash hid are
// none: they do not use up the retries.
func (r *Run) Failures() int {
	n := 0
	for i := range r.Attempts {
		if r.Attempts[i].StartedAt != 0 {
			n++
		}
	}
	return n
}

// OpenRun returns the durable state of the fire. Until its RunUntil a call that begins at nextAt, or
// now if that is later, has ended and is on record.
func (r *Run) OpenRun(nextAt int64, inFlight bool, now int64) domain.OpenRun {
	return domain.OpenRun{
		FireKey: r.Key(), Version: int(r.Ver.Number), Attempts: r.Attempts,
		NextAt: nextAt, Crashes: r.Crashes, InFlight: inFlight, CreatedAt: now,
		RunUntil: max(nextAt, now) + (r.Ver.longestCall() + runSlack).Milliseconds(),
	}
}

// runSlack is how long after its deadline a call may be carried out still as far as other processes
// can know: its result has to be recorded, and their clocks differ, by 2.5 s at most.
const runSlack = 30 * time.Second

// Fresh reports whether the fire comes from the calendar and was never sent, as
// far as anybody knows.
func (r *Run) Fresh() bool {
	return r.Scheduled() && r.StartedAt == 0 && len(r.Attempts) == 0
}

// MayBeSpan reports whether the fire can be kept as a range: it comes from the
// calendar, nothing was sent, and no order among the job's fires is promised.
func (r *Run) MayBeSpan() bool {
	return r.Fresh() && !r.OpenOnRecord && r.Ver.Plan.Value().Overlap == "ALLOW"
}
