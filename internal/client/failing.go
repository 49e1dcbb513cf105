package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// Failures has the calls about what fails.
type Failures struct{ server *connection }

// FailingFilter selects what fails most.
type FailingFilter struct {
	By        string // job or host; empty: job
	TimeRange        // of the latest failures; empty: the last 24 hours
	Limit     int    // zero: the server's default
}

// FailingList is what fails most, the most failures first.
type FailingList struct {
	By       string    `json:"by"`
	From     int64     `json:"from"`
	To       int64     `json:"to"`
	Complete bool      `json:"complete"` // false: there are too many alerts to add all up
	Failing  []Failing `json:"failing"`
}

// Failing is what the failures of a job add up to, or those of the jobs that call a host.
type Failing struct {
	JobID       string  `json:"jobId"` // empty: by host
	Name        string  `json:"name"`
	Host        string  `json:"host"` // scheme, name and port
	Jobs        int     `json:"jobs"`
	Open        int     `json:"open"` // of those: that have not recovered
	Failures    int64   `json:"failures"`
	LastAt      int64   `json:"lastAt"`
	ExecutionID string  `json:"executionId"` // the latest that failed
	HTTPStatus  *int    `json:"httpStatus"`
	Error       *string `json:"error"`
}

// Most reads what fails most.
func (f *Failures) Most(ctx context.Context, filter FailingFilter) (FailingList, error) {
	q := filter.query()
	if filter.By != "" {
		q.Set("by", filter.By)
	}
	if filter.Limit > 0 {
		q.Set("limit", strconv.Itoa(filter.Limit))
	}
	var out FailingList
	err := f.server.getJSON(ctx, &out, q, "observability", "failing")
	return out, err
}

// Alert is a run of final failures of one job.
type Alert struct {
	JobID       string  `json:"jobId"`
	Kind        string  `json:"kind"`        // FAILURES, or LOST: fires that have no record
	ExecutionID string  `json:"executionId"` // the latest that failed, or is lost
	Open        bool    `json:"open"`
	Count       int64   `json:"count"`
	FirstAt     int64   `json:"firstAt"`
	LastAt      int64   `json:"lastAt"`
	RecoveredAt *int64  `json:"recoveredAt"`
	HTTPStatus  *int    `json:"httpStatus"`
	Error       *string `json:"error"`
}

// AlertFilter selects alerts. The zero value selects all.
type AlertFilter struct {
	JobID    string // of this job; empty: of all jobs
	OpenOnly bool   // of jobs that have not recovered
	PageSize int    // alerts per request, 1 to 1,000; zero: the server's default
}

// Alerts ranges over the alerts that the filter selects, newest failure first.
func (f *Failures) Alerts(ctx context.Context, filter AlertFilter) iter.Seq2[Alert, error] {
	q := url.Values{}
	if filter.JobID != "" {
		q.Set("jobId", filter.JobID)
	}
	if filter.OpenOnly {
		q.Set("open", "true")
	}
	return pages(ctx, filter.PageSize, q, func(ctx context.Context, q url.Values) (page[Alert], error) {
		var out struct {
			Alerts     []Alert `json:"alerts"`
			NextCursor string  `json:"nextCursor"`
		}
		err := f.server.getJSON(ctx, &out, q, "observability", "alerts")
		return page[Alert]{out.Alerts, out.NextCursor}, err
	})
}
