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
			"the millisecond, unless sort says otherwise. A body of more than 4 KiB is left out: bodyCut is true, " +
			"bodyBytes its length, and GET /jobs/{id} has it. " + pageEnds,
	}, h.listJobs, kindUnavailable)
	documentLive(rt, "/jobs")
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
	Due     instantParam `query:"nextFireBefore" doc:"Only jobs whose next fire is before this instant, in the order of sort. The next fires are in memory and not in an index, so pages may end early."`
	Never   boolParam    `query:"neverRan" doc:"Only jobs of which no execution has ended (true), or only the others (false), as far as the record is kept. A job whose schedule had a fire an hour ago or earlier has run. The record is looked up for up to 200 jobs, so pages may end early."`
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
	now, err := in.now()
	if err != nil {
		return nil, err
	}
	page, err := h.page(ctx, in, q, now)
	if err != nil {
		return nil, err
	}
	var executions map[domain.JobID]domain.Execution
	if last {
		if executions, err = h.view.Last(ctx, page.Jobs); err != nil {
			return nil, err
		}
	}
	fit(ctx, page.cut(executions))
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
	out.Body.NextCursor = page.next()
	return out, nil
}

// now returns what the request selects by what changes by itself.
func (in *listInput) now() (now view.JobsNow, err error) {
	if now.DueBefore, err = in.Due.parse("nextFireBefore", 0); err != nil {
		return now, err
	}
	if strings.TrimSpace(string(in.Due)) != "" {
		now.DueBefore = max(now.DueBefore, 1) // zero is no bound, and nothing is before 1
	}
	now.NeverRan, err = in.Never.parse("neverRan")
	return now, err
}

// query returns what a request selects, and whether it wants the last executions.
func (h *jobListRoutes) query(ctx context.Context, in *listInput) (q store.JobQuery, last bool, err error) {
	if q, err = in.JobFilter.query(ctx); err != nil {
		return q, false, err
	}
	if last, err = in.Include.parse(); err != nil {
		return q, false, err
	}
	if q.Descending, _, err = in.Sort.parse(); err != nil {
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
	return q, last, nil
}

// page returns the page that a request asks for.
func (h *jobListRoutes) page(ctx context.Context, in *listInput, q store.JobQuery, now view.JobsNow) (p *jobsPage,
	err error) {
	_, order, err := in.Sort.parse()
	if err != nil {
		return nil, err
	}
	if order != "" && !q.CountOnly {
		return h.sorted(ctx, in, q, now, order)
	}
	if q.After, err = h.scope.afterCursor(in.Cursor); err != nil {
		return nil, err
	}
	p = &jobsPage{}
	if p.JobPage, err = h.view.JobsOf(ctx, q, now); err != nil {
		return nil, err
	}
	p.after = func(int) string { return h.scope.afterJobs(ctx, &p.JobPage) }
	if !p.Next.IsZero() {
		p.cursor = p.after(0)
	}
	return p, nil
}

// sorted returns a page in an order that is not that of ids.
func (h *jobListRoutes) sorted(ctx context.Context, in *listInput, q store.JobQuery, now view.JobsNow, word string) (
	*jobsPage, error) {
	of := jobOrders[word]
	from, err := wire.ParseCursor(of.list, in.Cursor)
	if err != nil {
		return nil, err
	}
	confined := visitorOf(ctx).namespace != ""
	if confined {
		if from, err = h.scope.spaces.seals.opened(from); err != nil {
			return nil, err
		}
	}
	found, err := h.view.Sorted(ctx, q, now, of.order,
		view.JobPlace{Key: from.At, Job: from.Job, Name: from.Name, Rest: from.Nonce == wire.RestNonce})
	if err != nil {
		return nil, err
	}
	text := func(at view.JobPlace) string {
		c := wire.Cursor{List: of.list, At: at.Key, Job: at.Job, Name: at.Name}
		if at.Rest {
			c.Nonce = wire.RestNonce
		}
		if confined {
			return h.scope.spaces.seals.sealed(c)
		}
		return c.String()
	}
	p := &jobsPage{JobPage: view.JobPage{Jobs: found.Jobs, Count: len(found.Jobs)}}
	p.after = func(i int) string { return text(found.Places[i]) }
	if found.Next != nil {
		p.cursor = text(*found.Next)
	}
	return p, nil
}
