package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// The actions of a [Bulk].
const (
	Pause   = "PAUSE"
	Resume  = "RESUME"
	Trigger = "TRIGGER"
	Delete  = "DELETE"
	Tag     = "TAG"
)

// Bulk is an action on many jobs: on those with the ids, or on those that the filter selects.
type Bulk struct {
	Action string
	IDs    []string  // at most 1,000
	Filter JobFilter // without the fields of a list
	All    bool      // an empty filter is meant, which selects every job

	AddTags, RemoveTags []string // of Tag
	Because             Pausing  // of Pause
}

// Operation is an action on many jobs that a server carries out.
type Operation struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"`
	State     string          `json:"state"`     // MATCHING, RUNNING, DONE, CANCELLED or FAILED
	Named     int             `json:"named"`     // how many ids the request had
	Namespace string          `json:"namespace"` // the only one of its author; empty: all
	By        OperationAuthor `json:"by"`
	Counts    OperationCounts `json:"counts"`
	Errors    []JobError      `json:"errors"` // the first ten
	Fault     string          `json:"fault"`  // why it is FAILED
	CreatedAt int64           `json:"createdAt"`
	MatchedAt *int64          `json:"matchedAt"` // nil: jobs are still being looked for
	EndedAt   *int64          `json:"endedAt"`   // nil: not yet

	CancelRequestedAt *int64 `json:"cancelRequestedAt"` // nil: nobody wants it to end
}

// OperationAuthor is who has begun an operation.
type OperationAuthor struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// OperationCounts say what has become of the jobs of an operation.
type OperationCounts struct {
	Matched   int64 `json:"matched"`
	Pending   int64 `json:"pending"`
	Done      int64 `json:"done"`
	Unchanged int64 `json:"unchanged"` // were like that already
	Skipped   int64 `json:"skipped"`   // were deleted by somebody else
	Failed    int64 `json:"failed"`
	NotFound  int64 `json:"notFound"` // ids of no job; not among Matched
}

// JobError says why the action failed for a job.
type JobError struct {
	JobID   string `json:"jobId"`
	Message string `json:"message"`
}

// Ended reports whether the operation does not go on any more.
func (o *Operation) Ended() bool { return o.EndedAt != nil }

// DryRun is which jobs a [Bulk] is about.
type DryRun struct {
	Count    int        `json:"count"`
	NotFound int        `json:"notFound"`
	Jobs     []ShownJob `json:"jobs"` // the first ones
}

// ShownJob is a job of a dry run.
type ShownJob struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	IsActive  bool   `json:"isActive"`
}

// document returns the body of a request.
func (b *Bulk) document() map[string]any {
	doc := map[string]any{"action": b.Action}
	if len(b.IDs) > 0 {
		doc["ids"] = b.IDs
	} else {
		query := map[string]any{}
		for name, values := range b.Filter.query() {
			query[name] = values[0]
		}
		for name, value := range map[string]*bool{"isActive": b.Filter.Active, "failing": b.Filter.Failing} {
			if value != nil {
				query[name] = *value
			}
		}
		doc["query"] = query
	}
	if b.All {
		doc["all"] = true
	}
	if b.Action == Pause && b.Because != (Pausing{}) {
		doc["pause"] = b.Because
	}
	if b.Action == Tag {
		tags := map[string]any{}
		if len(b.AddTags) > 0 {
			tags["add"] = b.AddTags
		}
		if len(b.RemoveTags) > 0 {
			tags["remove"] = b.RemoveTags
		}
		doc["tags"] = tags
	}
	return doc
}

// Bulk begins an operation, which the server carries out after the answer: see
// [Operations.Wait]. With [WithIdempotencyKey] a call that is repeated begins one.
func (j *Jobs) Bulk(ctx context.Context, b Bulk) (Operation, error) {
	var out Operation
	err := j.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs", "bulk"}}, b.document(), &out)
	return out, err
}

// DryRun counts the jobs that an operation would be about, and changes nothing.
func (j *Jobs) DryRun(ctx context.Context, b Bulk) (whole DryRun, err error) {
	doc := b.document()
	doc["dryRun"] = true
	for cursor := ""; ; {
		var out struct {
			DryRun

			NextCursor string `json:"nextCursor"`
		}
		err := j.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs", "bulk"}}, doc, &out)
		if err != nil {
			return whole, err
		}
		whole.Count += out.Count
		whole.NotFound += out.NotFound
		whole.Jobs = append(whole.Jobs, out.Jobs...)
		switch out.NextCursor {
		case "":
			return whole, nil
		case cursor:
			return whole, errSameCursor
		}
		cursor = out.NextCursor
		doc["cursor"] = cursor
	}
}

// Operations has the calls about operations on many jobs.
type Operations struct{ server *connection }

// Get returns an operation.
func (o *Operations) Get(ctx context.Context, id string) (Operation, error) {
	var out Operation
	err := o.server.getJSON(ctx, &out, nil, "operations", id)
	return out, err
}

// List ranges over operations, newest first.
func (o *Operations) List(ctx context.Context, pageSize int) iter.Seq2[Operation, error] {
	return pages(ctx, pageSize, nil, func(ctx context.Context, q url.Values) (page[Operation], error) {
		var out struct {
			Operations []Operation `json:"operations"`
			NextCursor string      `json:"nextCursor"`
		}
		err := o.server.getJSON(ctx, &out, q, "operations")
		return page[Operation]{out.Operations, out.NextCursor}, err
	})
}

// Cancel asks for the end of an operation, and returns it as it is then.
func (o *Operations) Cancel(ctx context.Context, id string) (Operation, error) {
	var out Operation
	err := o.server.exchange(ctx, call{method: http.MethodPost, path: []string{"operations", id, "cancel"}}, nil, &out)
	return out, err
}

// Wait asks for an operation, at most each interval, until it has ended. It tells each answer
// to seen, which may be nil.
func (o *Operations) Wait(ctx context.Context, id string, interval time.Duration, seen func(*Operation)) (
	Operation, error) {
	for {
		is, err := o.Get(ctx, id)
		if err != nil {
			return is, err
		}
		if seen != nil {
			seen(&is)
		}
		if is.Ended() {
			return is, nil
		}
		t := time.NewTimer(interval)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return is, ctx.Err()
		}
	}
}
