package engine

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// lane says which share of the send slots a fire may use.
type lane uint8

const (
	laneLive lane = iota // fires on time, retries, triggers
	laneLate             // recovered fires: at most a quarter of the slots
)

// phase is where an execution is.
type phase uint8

const (
	phaseQueued  phase = iota // due, waiting for a slot
	phaseCalling              // a request is in flight
	phaseWaiting              // waiting for its retry
	phaseEnded                // its result waits for the commit
)

// fire is an execution that has not ended. It belongs to one goroutine at a
// time: to the stage, to a queue, to a worker, to the recorder.
type fire struct {
	job   *job
	ver   *version
	at    int64 // scheduled, Unix milliseconds
	nonce int64
	lane  lane

	// Under job.mu once the fire has entered the job: the live views read them.
	phase     phase
	entered   bool
	startedAt int64 // first attempt, Unix milliseconds; zero: never sent
	attempts  []domain.Attempt
	doubt     bool // its open run on record says that a request may be under way

	crashes int
	holds   int64 // the instant in whose second the fire is counted; usually at
	counted bool  // the pending seconds count it: W waits. Recorder only, once queued
	open    bool  // an open run of it is on record. Recorder only
	opening bool  // an open run is on its way. Dispatcher lock
	retryAt int64 // of a live view only when phase is phaseWaiting
	since   int64 // start of the attempt in flight, Unix milliseconds; dispatcher lock

	queueNext          *fire // host queue
	callNext, callPrev *fire // calls in flight, oldest first, or calls that have ended
	leaving            bool  // of the latter. Dispatcher lock
	jobNext, jobPrev   *fire
}

func (f *fire) key() domain.FireKey {
	return domain.FireKey{JobID: f.job.id, ScheduledAt: f.at, Nonce: f.nonce}
}

// scheduled reports whether the fire comes from the calendar, not from a
// manual trigger.
func (f *fire) scheduled() bool { return f.nonce == 0 }

// result returns the record of an execution that ends without a further
// attempt. Call with job.mu held, or before the fire enters a job.
func (f *fire) result(status domain.Status, completedAt int64, reason string) domain.Execution {
	e := domain.Execution{
		FireKey: f.key(), Version: int(f.ver.number), Status: status,
		StartedAt: f.startedAt, CompletedAt: completedAt, Error: reason,
	}
	if n := len(f.attempts); n > 0 {
		e.HTTPStatus, e.RetryCount, e.Attempts = f.attempts[n-1].HTTPStatus, n-1, f.attempts
	}
	return e
}

// resultOf returns the record of an execution that ends with an attempt. A
// single attempt is not written twice: the record has all of it.
func (f *fire) resultOf(status domain.Status, last domain.Attempt) domain.Execution {
	e := domain.Execution{
		FireKey: f.key(), Version: int(f.ver.number), Status: status,
		StartedAt: f.startedAt, CompletedAt: last.CompletedAt,
		HTTPStatus: last.HTTPStatus, Error: last.Error, RetryCount: len(f.attempts),
	}
	if len(f.attempts) > 0 {
		e.Attempts = append(slices.Clip(f.attempts), last)
	}
	return e
}

// failures returns how many attempts have ended. Those that a crash hid are
// none: they do not use up the retries.
func (f *fire) failures() int {
	n := 0
	for i := range f.attempts {
		if f.attempts[i].StartedAt != 0 {
			n++
		}
	}
	return n
}

// openRun returns the durable state of the fire.
func (f *fire) openRun(nextAt int64, inFlight bool, now int64) domain.OpenRun {
	return domain.OpenRun{
		FireKey: f.key(), Version: int(f.ver.number), Attempts: f.attempts,
		NextAt: nextAt, Crashes: f.crashes, InFlight: inFlight, CreatedAt: now,
	}
}

// second returns the second that an instant in Unix milliseconds is in.
func second(ms int64) int64 {
	if ms < 0 {
		ms -= 999
	}
	return ms / 1000
}
