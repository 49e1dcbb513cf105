package client

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// Execution is the record of the outcome of a fire or of a manual trigger. A field is nil
// if its value is not known yet, or never will be.
type Execution struct {
	ID          string  `json:"id"`
	JobID       string  `json:"jobId"`
	Status      string  `json:"status"`
	ScheduledAt int64   `json:"scheduledAt"`
	StartedAt   *int64  `json:"startedAt"`
	CompletedAt *int64  `json:"completedAt"`
	Duration    *int64  `json:"duration"`   // milliseconds
	HTTPStatus  *int    `json:"httpStatus"` // of the last attempt
	Error       *string `json:"error"`
	RetryCount  int     `json:"retryCount"`
	Version     int     `json:"version"` // of the job
	Manual      bool    `json:"manual"`  // triggered by hand

	NextAttemptAt *int64 `json:"nextAttemptAt"` // while it waits for a retry

	Missed   *MissedRange `json:"missed"`   // of a MISSED record that covers several fires
	Attempts []Attempt    `json:"attempts"` // only from [Executions.Get]
}

// MissedRange says which fires a MISSED record covers: Count of them, the
// first at From, the last at the record's ScheduledAt.
type MissedRange struct {
	From  int64 `json:"from"`
	Count int64 `json:"count"`
}

// Attempt is one HTTP request of an execution.
type Attempt struct {
	Number      int     `json:"number"` // counted from 1
	StartedAt   int64   `json:"startedAt"`
	CompletedAt *int64  `json:"completedAt"`
	HTTPStatus  *int    `json:"httpStatus"`
	Error       *string `json:"error"`
}

// Executions has the calls about executions.
type Executions struct{ server *connection }

// Get reads an execution with all its attempts.
func (e *Executions) Get(ctx context.Context, id string) (Execution, error) {
	var out Execution
	err := e.server.getJSON(ctx, &out, nil, "executions", id)
	return out, err
}

// TimeRange selects by scheduled instant: Unix milliseconds or RFC 3339. Empty
// ends are open.
type TimeRange struct{ From, To string }

func (t TimeRange) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"from": t.From, "to": t.To} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// ExecutionFilter selects executions. The zero value selects all.
type ExecutionFilter struct {
	JobID    string   // of this job; empty: of all jobs
	Job      JobKey   // of the job with this key; without a key: of all jobs
	Host     string   // that the version of the fire calls: a name, name:port, or a URL; not with Job
	Statuses []string // one of these: PENDING, RUNNING, SUCCESS, FAILED, SKIPPED, MISSED, UNKNOWN
	Manual   *bool    // triggered by hand, or by the schedule
	TimeRange
	PageSize int // executions per request, 1 to 1,000; zero: the server's default
}

// List ranges over executions, newest scheduled first, with those that have not ended.
func (e *Executions) List(ctx context.Context, f ExecutionFilter) iter.Seq2[Execution, error] {
	q := f.query()
	if len(f.Statuses) > 0 {
		q.Set("status", strings.Join(f.Statuses, ","))
	}
	if f.Manual != nil {
		q.Set("manual", strconv.FormatBool(*f.Manual))
	}
	if f.Job.Key != "" {
		maps.Copy(q, f.Job.query())
		return e.list(ctx, f.PageSize, q, f.Job.path("executions")...)
	}
	switch {
	case f.Host != "":
		q.Set("host", f.Host)
		if f.JobID != "" {
			q.Set("jobId", f.JobID)
		}
	case f.JobID != "":
		return e.list(ctx, f.PageSize, q, "jobs", f.JobID, "executions")
	}
	return e.list(ctx, f.PageSize, q, "executions")
}

// Running is an execution that has not ended.
type Running struct {
	Execution
	State     string `json:"state"`     // inFlight, queued or retrying
	ElapsedMs int64  `json:"elapsedMs"` // since StartedAt, or ScheduledAt while nothing was sent
	RetryAt   *int64 `json:"retryAt"`   // while it waits for its next attempt
}

// RunningFilter selects executions that have not ended. The zero value selects all.
type RunningFilter struct {
	JobID    string
	Host     string // that they call: a name, name:port, or a URL
	State    string // inFlight, queued or retrying
	PageSize int    // executions per request, 1 to 1,000; zero: the server's default
}

// Running ranges over the executions that have not ended, newest scheduled first.
func (e *Executions) Running(ctx context.Context, f RunningFilter) iter.Seq2[Running, error] {
	q := url.Values{}
	for name, value := range map[string]string{"jobId": f.JobID, "host": f.Host, "state": f.State} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return executionPages[Running](ctx, e, f.PageSize, q, "executions", "running")
}

// OfJob ranges over the executions of a job, newest scheduled first.
// The page size is 1 to 1,000; zero takes the server's default.
func (e *Executions) OfJob(ctx context.Context, jobID string, pageSize int) iter.Seq2[Execution, error] {
	return e.list(ctx, pageSize, nil, "jobs", jobID, "executions")
}

// Recent ranges over ended executions of all jobs, newest scheduled
// first.
func (e *Executions) Recent(ctx context.Context, pageSize int) iter.Seq2[Execution, error] {
	return e.list(ctx, pageSize, nil, "observability", "executions", "recent")
}

// Failed ranges over FAILED and UNKNOWN executions, newest scheduled
// first; of one job, unless jobID is empty.
func (e *Executions) Failed(ctx context.Context, jobID string, pageSize int) iter.Seq2[Execution, error] {
	q := url.Values{}
	if jobID != "" {
		q.Set("jobId", jobID)
	}
	return e.list(ctx, pageSize, q, "observability", "executions", "failed")
}

func (e *Executions) list(ctx context.Context, pageSize int, q url.Values,
	path ...string) iter.Seq2[Execution, error] {
	return executionPages[Execution](ctx, e, pageSize, q, path...)
}

// executionPages ranges over a list of executions, as T has them.
func executionPages[T any](ctx context.Context, e *Executions, pageSize int, q url.Values,
	path ...string) iter.Seq2[T, error] {
	return pages(ctx, pageSize, q, func(ctx context.Context, q url.Values) (page[T], error) {
		var out struct {
			Executions []T    `json:"executions"`
			NextCursor string `json:"nextCursor"`
		}
		err := e.server.getJSON(ctx, &out, q, path...)
		return page[T]{out.Executions, out.NextCursor}, err
	})
}
