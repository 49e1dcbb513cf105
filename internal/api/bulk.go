package api

import (
	"context"
	"net/http"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/bulk"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// Bulk carries out operations on many jobs: a *[bulk.Runner].
type Bulk interface {
	// Begin stores an operation and lets it be carried out.
	Begin(ctx context.Context, o domain.Operation, ids []domain.JobID) (domain.Operation, error)
	// Cancel asks for the end of one, and returns it as it is then.
	Cancel(ctx context.Context, id domain.OperationID, by domain.Author) (domain.Operation, error)
}

// bulkRoutes begin, show and cancel operations on many jobs.
type bulkRoutes struct {
	bulk       Bulk
	operations store.Operations
	view       *view.View
	once       *edit.Once
	trail      *trail
	scope      *scope
	maxBody    int64
}

func (h *bulkRoutes) register(rt *router) {
	registry := rt.huma.OpenAPI().Components.Schemas
	registry.Schema(reflect.TypeFor[bulkRequest](), true, "")
	boundBulk(registry.Map())
	answer := func(description string, t reflect.Type) *huma.Response {
		return &huma.Response{Description: description, Content: map[string]*huma.MediaType{
			"application/json": {Schema: registry.Schema(t, true, "")},
		}}
	}
	registerOnce(rt, h.once, huma.Operation{
		OperationID: "bulk-jobs", Method: http.MethodPost, Path: "/jobs/bulk", Tags: []string{"Jobs"},
		Summary: "Pause, resume, trigger, delete or tag many jobs",
		Description: "Begins an operation on the jobs that ids name or that query selects, and answers before it is " +
			"carried out: GET /operations/{id} tells how far it has come. The jobs are matched first, so that their " +
			"set is fixed, and then changed one by one, as by a request for each. It goes on after a restart of " +
			"the server, and does nothing twice. With dryRun nothing is changed: the answer is 200 with a count; " +
			"with nextCursor not all were counted, and the counts of the pages are to be added.",
		RequestBody: reference.JSONBody("BulkRequest"), MaxBodyBytes: h.maxBody, DefaultStatus: http.StatusAccepted,
		Responses: map[string]*huma.Response{
			"200": answer("With dryRun: which jobs there are.", reflect.TypeFor[dryRunBody]()),
			"202": answer("The operation has begun.", reflect.TypeFor[operationBody]()),
		},
	}, h.begin, h.begunBefore, kindInvalid, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "list-operations", Method: http.MethodGet, Path: "/operations", Tags: []string{"Jobs"},
		Summary: "List operations on many jobs",
		Description: "Newest first, for as long as history is kept. A key of a namespace sees those of keys of this " +
			"namespace. " + pageEnds + " For editors.",
	}, h.list, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-operation", Method: http.MethodGet, Path: "/operations/{id}", Tags: []string{"Jobs"},
		Summary: "Read an operation on many jobs", Description: "What it does and how far it has come. Which jobs it " +
			"has changed is at GET /audit/changes?operationId=. For editors.",
	}, h.get, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "cancel-operation", Method: http.MethodPost, Path: "/operations/{id}/cancel",
		Tags: []string{"Jobs"}, Summary: "Cancel an operation on many jobs",
		Description: "It ends after the jobs that are under way, some hundreds at most; what was done stays. One " +
			"that has ended is answered as it is.",
	}, h.cancel, kindNotFound, kindUnavailable)
}

type bulkInput struct{ request }

type bulkOutput struct {
	Status   int
	Location string `header:"Location" doc:"The path of the operation."`
	Body     any    // an operationBody, or a dryRunBody
}

// operationBody is an operation.
type operationBody struct {
	ID     string                `json:"id" format:"uuid" doc:"The operation's id." example:"0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80"`
	Action domain.BulkAction     `json:"action" enum:"PAUSE,RESUME,TRIGGER,DELETE,TAG" doc:"What is done with each job." example:"PAUSE"`
	State  domain.OperationState `json:"state" enum:"MATCHING,RUNNING,DONE,CANCELLED,FAILED" doc:"MATCHING: the jobs are being looked for. RUNNING: they are changed. DONE: each was dealt with. CANCELLED, FAILED: it has ended before; the rest is as it was." example:"RUNNING"`
	Named  *int                  `json:"named,omitempty" doc:"How many ids the request had." example:"3"`
	Query  *bulkQuery            `json:"query,omitempty" doc:"Or its query; empty: every job."`
	Tags   *bulkTags             `json:"tags,omitempty" doc:"Of TAG."`
	Pause  *operationPause       `json:"pause,omitempty" doc:"Of PAUSE; absent: nothing is said of it."`
	// Namespace is the only one of its author.
	Namespace string         `json:"namespace,omitempty" doc:"The only namespace that its author sees, whose jobs alone are matched; absent: all." example:"billing"`
	By        operationBy    `json:"by" doc:"Who began it."`
	Counts    countsBody     `json:"counts" doc:"What has become of the jobs so far."`
	Errors    []operationErr `json:"errors,omitempty" nullable:"false" doc:"Why the action failed: the first ten jobs."`
	Fault     string         `json:"fault,omitempty" doc:"Why the operation is FAILED." example:"more than 2000000 jobs match"`
	CreatedAt int64          `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	MatchedAt *int64         `json:"matchedAt" format:"unix-ms" doc:"When all jobs were matched, Unix milliseconds; null: not yet." example:"1767225600100"`
	EndedAt   *int64         `json:"endedAt" format:"unix-ms" doc:"When it has ended, Unix milliseconds; null: not yet." example:"1767225605000"`

	CancelRequestedAt *int64 `json:"cancelRequestedAt" format:"unix-ms" doc:"When it was to be cancelled, Unix milliseconds; null: it was not." example:"1767225603000"`
}

type operationPause struct {
	Reason string `json:"reason,omitempty" doc:"Why." example:"The target is being moved"`
	Until  int64  `json:"until,omitempty" format:"unix-ms" doc:"When the jobs are active again by themselves, Unix milliseconds; absent: once somebody resumes them." example:"1767232800000"`
}

type operationBy struct {
	Key  string `json:"key" doc:"The id of the API key, or env, loopback or anonymous, as in the trail of changes." example:"k7x2mq4a"`
	Name string `json:"name,omitempty" doc:"The name of the key." example:"CI of team billing"`
}

type countsBody struct {
	Matched   int64 `json:"matched" doc:"Jobs that the operation is about, as far as it has looked." example:"1200"`
	Pending   int64 `json:"pending" doc:"Of these: not dealt with yet." example:"688"`
	Done      int64 `json:"done" doc:"The action was carried out." example:"500"`
	Unchanged int64 `json:"unchanged" doc:"The job was like that already." example:"10"`
	Skipped   int64 `json:"skipped" doc:"The job was deleted by somebody else before its turn." example:"2"`
	Failed    int64 `json:"failed" doc:"The action was refused: see errors." example:"0"`
	NotFound  int64 `json:"notFound" doc:"Ids of the request that are of no job; not among matched." example:"0"`
}

type operationErr struct {
	JobID   string `json:"jobId" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Message string `json:"message" doc:"Why." example:"tags: must be at most 32"`
}

func operationBodyOf(o *domain.Operation) operationBody {
	n := &o.Counts
	b := operationBody{
		ID: o.ID.String(), Action: o.Action, State: o.State, Named: unlessZero(o.Named), Namespace: o.Namespace,
		By: operationBy{o.By.Key, o.By.Name}, Fault: o.Fault, CreatedAt: o.CreatedAt,
		Counts:    countsBody{n.Matched, n.Pending(), n.Done, n.Unchanged, n.Skipped, n.Failed, n.NotFound},
		MatchedAt: unlessZero(o.MatchedAt), EndedAt: unlessZero(o.EndedAt),
		CancelRequestedAt: unlessZero(o.Cancelled.At),
	}
	if o.Named == 0 {
		f := &o.Filter
		b.Query = &bulkQuery{f.Active, f.Failing, f.Namespace, f.Key, f.Name, f.Tag, f.Host, f.Text}
	}
	if p := o.PauseOf(); p != nil {
		b.Pause = &operationPause{p.Reason, p.Until}
	}
	if o.Action == domain.BulkTag {
		b.Tags = &bulkTags{o.Tags.Add, o.Tags.Remove}
	}
	for _, e := range o.Errors {
		b.Errors = append(b.Errors, operationErr{e.JobID.String(), e.Message})
	}
	return b
}

func (h *bulkRoutes) begin(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	order, err := readBulk(data)
	if err != nil {
		return nil, err
	}
	o := &order.operation
	if err := checkPause(&o.Pause, clock.NowMs(h.trail.clock), "pause."); err != nil {
		return nil, err
	}
	v := visitorOf(ctx)
	if v.namespace != "" && o.Filter.Namespace != "" && o.Filter.Namespace != v.namespace {
		return nil, kindRole.plain()
	}
	by := h.trail.changeBy(ctx, domain.ActionBulk)
	o.By, o.Role, o.Namespace, o.RequestID = by.By, v.role, v.namespace, by.RequestID
	if order.dryRun {
		return h.dryRun(ctx, &order)
	}
	began, err := h.bulk.Begin(ctx, *o, order.ids)
	if err != nil {
		return nil, err
	}
	return begun(ctx, &began), nil
}

func begun(ctx context.Context, o *domain.Operation) *bulkOutput {
	return &bulkOutput{http.StatusAccepted, link(ctx, "/operations/"+o.ID.String()), operationBodyOf(o)}
}

// begunBefore answers a request that has begun an operation before: with the operation as it is.
func (h *bulkRoutes) begunBefore(ctx context.Context, _ *bulkInput, kept *domain.IdempotencyRecord) (
	*bulkOutput, error) {
	o, err := h.operations.Get(ctx, kept.Operation)
	if err != nil {
		return nil, store.Coded(err)
	}
	return begun(ctx, &o), nil
}

// shownJobs is how many jobs a dry run shows.
const shownJobs = 20

type dryRunBody struct {
	Count      int        `json:"count" doc:"How many jobs were counted. With nextCursor not all were." example:"1200"`
	NotFound   int        `json:"notFound" doc:"Ids of the request that are of no job." example:"0"`
	Jobs       []shownJob `json:"jobs" nullable:"false" doc:"The first of them, 20 at most; none on further pages."`
	NextCursor string     `json:"nextCursor,omitempty" doc:"Send it as cursor to count on; absent: all were counted."`
}

type shownJob struct {
	ID        string `json:"id" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Name      string `json:"name,omitempty" doc:"Its name." example:"Sync invoices"`
	Namespace string `json:"namespace" doc:"Its namespace." example:"billing"`
	IsActive  bool   `json:"isActive" doc:"Whether it fires." example:"true"`
}

// dryRun counts the jobs that an operation would be about, as far as one request may, and shows
// the first of them.
func (h *bulkRoutes) dryRun(ctx context.Context, order *bulkOrder) (*bulkOutput, error) {
	q, err := bulk.QueryOf(&order.operation)
	if err != nil {
		return nil, err
	}
	if len(order.ids) > 0 {
		q.IDs = bulk.Distinct(order.ids)
	}
	if q.After, err = h.scope.afterCursor(order.cursor); err != nil {
		return nil, domain.InvalidAs(domain.FieldFormat, "cursor", "must be a nextCursor of a dry run, unchanged, and "+
			"of this start of the server", order.cursor)
	}
	out := dryRunBody{Jobs: []shownJob{}}
	if order.cursor == "" {
		q.Limit, q.MaxBytes, q.MaxBody = shownJobs, pageBytes, 1
		page, err := h.view.Jobs(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Jobs {
			v := &page.Jobs[i].Current
			out.Jobs = append(out.Jobs, shownJob{v.JobID.String(), v.Spec.Name, v.Spec.Namespace, v.Active})
		}
	}
	q.CountOnly = true
	page, err := h.view.Jobs(ctx, q)
	if err != nil {
		return nil, err
	}
	out.Count = page.Count
	switch {
	case !page.Next.IsZero():
		out.NextCursor = h.scope.afterJobs(ctx, &page)
	case q.IDs != nil && order.cursor == "":
		out.NotFound = len(q.IDs) - page.Count
	}
	return &bulkOutput{Status: http.StatusOK, Body: out}, nil
}

// OperationPath is the id of an operation in a path.
type OperationPath struct {
	ID string `path:"id" format:"uuid" doc:"The operation's id." example:"0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80"`
}

type operationOutput struct{ Body operationBody }

type operationInput struct {
	request
	OperationPath
}

// find returns the operation of a path, as far as the caller may see it.
func (h *bulkRoutes) find(ctx context.Context, text string) (domain.Operation, error) {
	id, err := domain.ParseOperationID(text)
	if err != nil {
		return domain.Operation{}, asParameter("id", err)
	}
	o, err := h.operations.Get(ctx, id)
	if err == nil && !seesNamespace(ctx, o.Namespace) {
		err = store.NoOperation(id)
	}
	return o, store.Coded(err)
}

func (h *bulkRoutes) get(ctx context.Context, in *operationInput) (*operationOutput, error) {
	o, err := h.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &operationOutput{operationBodyOf(&o)}, nil
}

func (h *bulkRoutes) cancel(ctx context.Context, in *operationInput) (*operationOutput, error) {
	o, err := h.find(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	o, err = h.bulk.Cancel(h.trail.under(ctx, domain.ActionCancel), o.ID, visitorOf(ctx).author)
	if err != nil {
		return nil, err
	}
	return &operationOutput{operationBodyOf(&o)}, nil
}

type operationsInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

type operationsOutput struct{ Body operationsBody }

type operationsBody struct {
	Operations []operationBody `json:"operations" nullable:"false" doc:"The page, newest first."`
	NextCursor string          `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

func (h *bulkRoutes) list(ctx context.Context, in *operationsInput) (*operationsOutput, error) {
	limit, err := in.Limit.parse()
	if err != nil {
		return nil, err
	}
	from, err := wire.ParseCursor(wire.CursorOperations, in.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := h.operations.List(ctx, store.OperationQuery{
		Before: domain.OperationID(from.Job), Namespace: visitorOf(ctx).namespace, Limit: limit + 1,
	})
	if err != nil {
		return nil, store.Coded(err)
	}
	out := &operationsOutput{operationsBody{Operations: []operationBody{}}}
	page := store.Meter{Rows: limit, Bytes: pageBytes}
	for i := range found {
		if page.Full() {
			last := domain.JobID(found[i-1].ID)
			out.Body.NextCursor = wire.Cursor{List: wire.CursorOperations, Job: last}.String()
			break
		}
		out.Body.Operations = append(out.Body.Operations, operationBodyOf(&found[i]))
		page.Add(found[i].Size())
	}
	fit(ctx, page.Filled())
	return out, nil
}
