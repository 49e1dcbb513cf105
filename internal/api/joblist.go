package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// jobListRoutes list jobs.
type jobListRoutes struct {
	view  *view.View
	scope *scope
}

func (h *jobListRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-jobs", Method: http.MethodGet, Path: "/jobs", Tags: []string{"Jobs"},
		Summary: "List jobs", Description: "In the order of their ids, which is that of their creation, to " +
			"the millisecond. A body of more than 4 KiB is left out: bodyCut is true, bodyBytes its length, and GET " +
			"/jobs/{id} has it. " + pageEnds,
	}, h.listJobs, kindUnavailable)
}

// sortParam is the order of a list of jobs.
type sortParam string

// Schema implements huma.SchemaProvider.
func (sortParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: []any{"id", "-id"}, Default: "id", Examples: []any{"-id"},
		Description: "id: in the order of their creation. -id: the newest first. There is no other order, since no " +
			"index has one.",
	}
}

func (p sortParam) parse() (descending bool, err error) {
	switch strings.TrimSpace(string(p)) {
	case "", "id":
		return false, nil
	case "-id":
		return true, nil
	}
	return false, kindMalformed.fieldAs(domain.FieldChoice, "sort", "must be id or -id, the order of creation: "+
		"jobs are in an index by that alone", string(p))
}

// What a page with the last execution of each job has at most: half of the work of a request is that
// of the list, which a store counts in jobs that it looks at, and half of it that of the executions.
const (
	maxLastLimit = 200
	maxLastWork  = 1_700
)

// includeParam says what else a list has of each job.
type includeParam string

// Schema implements huma.SchemaProvider.
func (includeParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Enum: []any{"lastExecution"}, Examples: []any{"lastExecution"},
		Description: fmt.Sprintf("lastExecution: the newest execution of each job that has ended. limit is %d at most "+
			"then.", maxLastLimit),
	}
}

func (p includeParam) parse() (lastExecution bool, err error) {
	switch strings.TrimSpace(string(p)) {
	case "":
		return false, nil
	case "lastExecution":
		return true, nil
	}
	return false, kindMalformed.fieldAs(domain.FieldChoice, "include", "must be lastExecution", string(p))
}

type listInput struct {
	JobFilter
	Include includeParam `query:"include"`
	Due     instantParam `query:"nextFireBefore" doc:"Only active jobs whose next fire is before this instant, in the order of sort. The next fires are in memory and not in an index, so pages may end early."`
	Sort    sortParam    `query:"sort"`
	Count   boolParam    `query:"count" doc:"true: how many jobs there are, in the place of the list. limit does not matter then. With nextCursor not all were counted: the counts of the pages are to be added."`
	Limit   limitParam   `query:"limit"`
	Cursor  string       `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

type listOutput struct{ Body jobsBody }

// ListedJob is a job in a list.
type ListedJob struct {
	wire.Job

	LastExecution *ExecutionBody `json:"lastExecution,omitempty" doc:"With include=lastExecution: the newest execution that has ended. Absent when none is on record, or none was found in bounded time."`
}

type jobsBody struct {
	Jobs       []ListedJob `json:"jobs" nullable:"false" doc:"The page."`
	Count      *int        `json:"count,omitempty" doc:"With count=true: how many jobs were counted. jobs is empty then." example:"42"`
	NextCursor string      `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

func (h *jobListRoutes) listJobs(ctx context.Context, in *listInput) (*listOutput, error) {
	q, last, err := h.query(ctx, in)
	if err != nil {
		return nil, err
	}
	due, err := in.Due.parse("nextFireBefore", noInstant)
	if err != nil {
		return nil, err
	}
	list := h.view.Jobs
	if due != noInstant {
		list = func(ctx context.Context, q store.JobQuery) (view.JobPage, error) {
			return h.view.JobsBefore(ctx, q, due)
		}
	}
	page, err := list(ctx, q)
	if err != nil {
		return nil, err
	}
	var executions map[domain.JobID]domain.Execution
	if last {
		if executions, err = h.view.Last(ctx, page.Jobs); err != nil {
			return nil, err
		}
	}
	fit(ctx, cutJobs(&page, executions))
	out := &listOutput{jobsBody{Jobs: make([]ListedJob, len(page.Jobs))}}
	if q.CountOnly {
		out.Body.Count = &page.Count
	}
	for i := range page.Jobs {
		j := &page.Jobs[i]
		out.Body.Jobs[i].Job = wire.JobOf(&j.Job, j.NextFireAt)
		if e, found := executions[j.ID]; found {
			body := executionOf(&e)
			out.Body.Jobs[i].LastExecution = &body
		}
	}
	if !page.Next.IsZero() {
		out.Body.NextCursor = h.scope.afterJobs(ctx, &page)
	}
	return out, nil
}

// noInstant is none that a parameter can be.
const noInstant = -1

// query returns what a request selects, and whether it wants the last executions.
func (h *jobListRoutes) query(ctx context.Context, in *listInput) (q store.JobQuery, last bool, err error) {
	if q, err = in.JobFilter.query(ctx); err != nil {
		return q, false, err
	}
	if last, err = in.Include.parse(); err != nil {
		return q, false, err
	}
	if q.Descending, err = in.Sort.parse(); err != nil {
		return q, false, err
	}
	count, err := in.Count.parse("count")
	if err != nil {
		return q, false, err
	}
	if q.Limit, err = in.Limit.parse(); err != nil {
		return q, false, err
	}
	q.CountOnly, q.MaxBytes, q.MaxBody = count != nil && *count, pageBytes, maxShownBody
	if last {
		q.Limit, q.MaxWork = min(q.Limit, maxLastLimit), maxLastWork
	}
	q.After, err = h.scope.afterCursor(in.Cursor)
	return q, last, err
}

// cutJobs ends a page where it has pageBytes with the executions, and returns its length.
func cutJobs(page *view.JobPage, executions map[domain.JobID]domain.Execution) (bytes int) {
	for i := range page.Jobs {
		j := &page.Jobs[i]
		bytes += j.Current.Size()
		if e, found := executions[j.ID]; found {
			bytes += e.Size()
		}
		if bytes >= pageBytes && i+1 < len(page.Jobs) {
			page.Jobs, page.Next = page.Jobs[:i+1], j.ID
			return bytes
		}
	}
	return bytes
}

// afterCursor returns the job that a cursor of jobs is at.
func (sc *scope) afterCursor(text string) (domain.JobID, error) {
	from, err := wire.ParseCursor(wire.CursorJobs, text)
	if err != nil {
		return domain.JobID{}, err
	}
	return sc.spaces.seals.openedJob(from)
}

// afterJobs returns the cursor of the page after one. A page that has ended because of its work may
// end at a job of another namespace.
func (sc *scope) afterJobs(ctx context.Context, page *view.JobPage) string {
	n := len(page.Jobs)
	if visitorOf(ctx).namespace == "" || n > 0 && page.Jobs[n-1].ID == page.Next {
		return wire.Cursor{List: wire.CursorJobs, Job: page.Next}.String()
	}
	return sc.spaces.seals.sealedJob(page.Next)
}
