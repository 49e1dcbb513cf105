package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
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

type listInput struct {
	JobFilter
	Sort   sortParam  `query:"sort"`
	Count  boolParam  `query:"count" doc:"true: how many jobs there are, in the place of the list. limit does not matter then. With nextCursor not all were counted: the counts of the pages are to be added."`
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

type listOutput struct{ Body jobsBody }

type jobsBody struct {
	Jobs       []wire.Job `json:"jobs" nullable:"false" doc:"The page."`
	Count      *int       `json:"count,omitempty" doc:"With count=true: how many jobs were counted. jobs is empty then." example:"42"`
	NextCursor string     `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

func (h *jobListRoutes) listJobs(ctx context.Context, in *listInput) (*listOutput, error) {
	q, err := in.query(ctx)
	if err != nil {
		return nil, err
	}
	if q.Descending, err = in.Sort.parse(); err != nil {
		return nil, err
	}
	count, err := in.Count.parse("count")
	if err != nil {
		return nil, err
	}
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorJobs, in.Cursor)
	if err != nil {
		return nil, err
	}
	if q.After, err = h.scope.spaces.openedJob(from); err != nil {
		return nil, err
	}
	q.Limit, q.CountOnly = limit, count != nil && *count
	q.MaxBytes, q.MaxBody = pageBytes, maxShownBody
	page, err := h.view.Jobs(ctx, q)
	if err != nil {
		return nil, err
	}
	fit(ctx, sizeOfJobs(page.Jobs))
	out := &listOutput{jobsBody{Jobs: make([]wire.Job, 0, len(page.Jobs))}}
	if q.CountOnly {
		out.Body.Count = &page.Count
	}
	for i := range page.Jobs {
		out.Body.Jobs = append(out.Body.Jobs, wire.JobOf(&page.Jobs[i].Job, page.Jobs[i].NextFireAt))
	}
	if !page.Next.IsZero() {
		out.Body.NextCursor = h.nextJob(ctx, &page)
	}
	return out, nil
}

// nextJob returns the cursor of the page after one. A page that has ended because of its work may
// end at a job of another namespace.
func (h *jobListRoutes) nextJob(ctx context.Context, page *view.JobPage) string {
	n := len(page.Jobs)
	if visitorOf(ctx).namespace == "" || n > 0 && page.Jobs[n-1].ID == page.Next {
		return wire.Cursor{List: wire.CursorJobs, Job: page.Next}.String()
	}
	return h.scope.spaces.sealedJob(page.Next)
}

func sizeOfJobs(found []view.Job) (bytes int) {
	for i := range found {
		bytes += found[i].Current.Size()
	}
	return bytes
}
