package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// jobRoutes make, change, trigger and show jobs.
type jobRoutes struct {
	editor  Editor
	view    *view.View
	clock   clock.Clock
	rules   *jobRules
	scope   *scope
	trail   *trail
	maxBody int64
	moves   *secretMoves
}

func (h *jobRoutes) register(rt *router) {
	body := reference.JSONBody
	registerOnce(rt, h.editor.Once(), huma.Operation{
		OperationID: "create-job", Method: http.MethodPost, Path: "/jobs", Tags: []string{"Jobs"},
		Summary: "Register a job",
		Description: "The job is durable when the answer is sent. It never fires for instants before effectiveFrom. " +
			"A repeat makes another job, unless both have the same Idempotency-Key.",
		RequestBody: body("JobSpec"), MaxBodyBytes: h.maxBody, DefaultStatus: http.StatusCreated,
		Responses: answersJob(rt, http.StatusCreated),
	}, h.createJob, h.createdBefore, kindInvalid, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-job", Method: http.MethodGet, Path: "/jobs/{id}", Tags: []string{"Jobs"},
		Summary: "Read a job",
		Description: "The job with its current version. ETag begins with the version's number, and changes with the " +
			"next fire, too; with it in If-None-Match the answer is 304 while nothing has changed.",
		Responses: notModifiedAnswer(),
	}, h.getJob, kindNotFound, kindStale, kindUnavailable)
	h.registerChanges(rt)
}

// registerChanges adds the routes that change a job, and the one that runs it.
func (h *jobRoutes) registerChanges(rt *router) {
	body := reference.JSONBody
	register(rt, huma.Operation{
		OperationID: "update-job", Method: http.MethodPut, Path: "/jobs/{id}", Tags: []string{"Jobs"},
		Summary: "Change a job",
		Description: "Any subset of the fields, or the document of GET /jobs/{id} with what is to change: what can " +
			"only be read must be as it is, and version the current one. A field that is absent keeps its value, " +
			"null sets its default; retry, misfire, dst and signing are merged field by field; " +
			"headers, secretHeaders, tags, body and signing.secrets are replaced, and ******** in the place of a " +
			"secret keeps the one that is stored. " +
			"The change makes a new version: no fire of the old one at or after effectiveFrom is sent, none of the " +
			"new one before it. " +
			"With one wrong field nothing is changed. " + pastPauseEnds,
		RequestBody: body("JobChange"), MaxBodyBytes: h.maxBody, Responses: answersJob(rt, http.StatusOK),
	}, h.updateJob(wire.ReadChange, h.rules.ofKept()), kindInvalid, kindNotFound, kindConflict, kindStale,
		kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "patch-job", Method: http.MethodPatch, Path: "/jobs/{id}", Tags: []string{"Jobs"},
		Summary: "Change a job by a merge patch",
		Description: "RFC 7396: null removes or sets the default, objects are merged, all else is " +
			"replaced. It is PUT " +
			"but for headers and body, which are merged member by member, too. What the job has under spec " +
			"may be there " +
			"or at the top.",
		RequestBody: reference.PatchBody("JobPatch"), MaxBodyBytes: h.maxBody, Responses: answersJob(rt, http.StatusOK),
	}, h.updateJob(wire.ReadPatch, h.rules), kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-job", Method: http.MethodDelete, Path: "/jobs/{id}", Tags: []string{"Jobs"},
		Summary:     "Delete a job",
		Description: "No fire at or after effectiveTo is sent. The history stays readable for as long as it is kept.",
	}, h.deleteJob, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "pause-job", Method: http.MethodPost, Responses: answersJob(rt, http.StatusOK),
		Path: "/jobs/{id}/pause", Tags: []string{"Jobs"},
		Summary: "Pause a job",
		Description: "The same as PUT with isActive false, pausedReason and pausedUntil, which the body names " +
			"reason and until. From that instant on the job fires again by itself; a version of its own then says " +
			"that it is active, whose author in the trail is server. What is due while no server runs is sent late " +
			"or missed, by the misfire policy. Pausing a paused job again with a body replaces its reason and end. " +
			"Without one it stays paused until somebody resumes it: an end is taken away, and the reason stays.",
		RequestBody: pauseBody(rt), MaxBodyBytes: h.maxBody,
	}, h.setActive(false), kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "resume-job", Method: http.MethodPost, Responses: answersJob(rt, http.StatusOK),
		Path: "/jobs/{id}/resume", Tags: []string{"Jobs"},
		Summary: "Resume a job",
		Description: "The same as PUT with isActive true. Fires of the pause are not made up for. Resuming an active " +
			"job changes nothing and makes no version.",
	}, h.setActive(true), kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	registerOnce(rt, h.editor.Once(), huma.Operation{
		OperationID: "trigger-job", Method: http.MethodPost, Path: "/jobs/{id}/trigger", Tags: []string{"Jobs"},
		Summary: "Run a job now",
		Description: "Beside its schedule, paused or not. The execution is durable when the answer is sent; its " +
			"outcome is at GET /executions/{executionId}.",
		DefaultStatus: http.StatusAccepted,
	}, h.triggerJob, h.triggeredBefore, kindNotFound, kindStale, kindUnavailable)
}

// JobPath is the id of a job in a path. huma reads the fields of embedded types
// only when the type is exported.
type JobPath struct {
	ID string `path:"id" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
}

type createInput struct {
	request
	Preference
}

// Preference documents the header Prefer. It is read from the request: see preferredReturn.
type Preference struct {
	Prefer preferParam `header:"Prefer"`
}

func (h *jobRoutes) createJob(ctx context.Context, in *createInput) (*savedOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	doc := newDoc(ctx)
	if err := h.rules.change(&doc, func(doc *domain.SpecDoc) error { return wire.Merge(doc, data) }); err != nil {
		return nil, err
	}
	if err := mayCreate(ctx, &doc); err != nil {
		return nil, err
	}
	made := h.editor.Create(h.trail.under(ctx, domain.ActionCreate), []domain.SpecDoc{doc})
	if made[0].Err != nil {
		return nil, made[0].Err
	}
	return h.created(in.r, &made[0].Version), nil
}

// createdBefore answers a request that has made a job before.
func (h *jobRoutes) createdBefore(_ context.Context, in *createInput, kept *domain.IdempotencyRecord) (
	*savedOutput, error) {
	if kept.Version == nil {
		return nil, domain.NotFound("job", kept.JobID)
	}
	return h.created(in.r, kept.Version), nil
}

func (h *jobRoutes) created(r *http.Request, v *domain.Version, more ...string) *savedOutput {
	out := h.savedFirst(r, http.StatusCreated, *v, "Job created successfully", more...)
	out.Location = link(r.Context(), "/jobs/"+v.JobID.String())
	return out
}

type updateInput struct {
	request
	JobPath
	Precondition
	Preference
}

type changeInput struct {
	request
	JobPath
	Precondition
	Preference
	KeepSecrets boolParam `query:"keepSecrets" doc:"For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change."`
}

// updateJob returns the handler of PUT or PATCH, which read a change, by its rules.
func (h *jobRoutes) updateJob(read func([]byte) (wire.Change, error), rules *jobRules) func(context.Context,
	*changeInput) (*savedOutput, error) {
	return func(ctx context.Context, in *changeInput) (*savedOutput, error) {
		return h.change(ctx, in, read, rules)
	}
}

func (h *jobRoutes) change(ctx context.Context, in *changeInput, read func([]byte) (wire.Change, error),
	rules *jobRules) (*savedOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	number, err := condition(ctx, h.view, in.r, id)
	if err != nil {
		return nil, err
	}
	c, err := read(data)
	if err != nil {
		return nil, err
	}
	made, err := h.madeOf(ctx, id, &c)
	if err != nil {
		return nil, err
	}
	keep, err := in.KeepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, err
	}
	v, err := h.editor.Update(h.trail.under(ctx, domain.ActionUpdate), id, cmp.Or(number, made),
		h.moves.altering(ctx, rules, id, c.Lay, keep != nil && *keep))
	if err != nil {
		return nil, staleIf(number, c.Place(err))
	}
	return h.saved(in.r, &v, "Job updated", rules.pauseWarnings(c.PausedUntil())...), nil
}

// madeOf returns the number of the version that a whole document was made of,
// zero for a change that does not say.
func (h *jobRoutes) madeOf(ctx context.Context, id domain.JobID, c *wire.Change) (int, error) {
	if !c.NamesState() || madeBefore(ctx, id) {
		return 0, nil
	}
	j, err := h.view.Job(ctx, id)
	if err != nil {
		return 0, err
	}
	return h.checkState(c, &j.Current)
}

// checkState compares what a whole document says of the state of a job with its current
// version, and returns the number of the version that it was made of; zero: it does not say.
func (h *jobRoutes) checkState(c *wire.Change, current *domain.Version) (int, error) {
	if !c.NamesState() {
		return 0, nil
	}
	j := h.view.Of(current)
	now := wire.JobOf(&j.Job, j.NextFireAt)
	return c.Check(&now, h.clock.Now().UnixMilli())
}

// staleIf turns the conflict of a request that named its version into a 412, unless it is about a key
// (RFC 9110, 13.1.1).
func staleIf(number int, err error) error {
	if number != 0 && domain.ErrorCode(err) == domain.CodeConflict && store.TakenBy(err) == nil {
		p := kindStale.fieldAs(domain.FieldStale, "If-Match", "must name the job's current version", etag(number))
		p.cause = err
		return p
	}
	return err
}

// jobInput is a request about a job that has no body.
type jobInput struct {
	request
	JobPath
	Precondition
}

type deleteOutput struct{ Body deletedBody }

type deletedBody struct {
	JobID       string `json:"jobId" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Message     string `json:"message" doc:"What was done, for people." example:"Job deleted"`
	EffectiveTo int64  `json:"effectiveTo" format:"unix-ms" doc:"No fire at or after this instant is sent, Unix milliseconds." example:"1767225600000"`
}

func (h *jobRoutes) deleteJob(ctx context.Context, in *jobInput) (*deleteOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	number, err := condition(ctx, h.view, in.r, id)
	if err != nil {
		return nil, err
	}
	to, err := h.editor.Delete(h.trail.under(ctx, domain.ActionDelete), id, number)
	if err != nil {
		return nil, staleIf(number, err)
	}
	return &deleteOutput{deletedBody{id.String(), "Job deleted", to}}, nil
}

// setActive returns the handler of pause or resume.
func (h *jobRoutes) setActive(active bool) func(context.Context, *updateInput) (*savedOutput, error) {
	return func(ctx context.Context, in *updateInput) (*savedOutput, error) {
		id, err := parseJobID("id", in.ID)
		if err != nil {
			return nil, err
		}
		if err := h.scope.inScope(ctx, id); err != nil {
			return nil, err
		}
		pause, err := pauseOf(in.r, clock.NowMs(h.clock))
		if err != nil {
			return nil, err
		}
		number, err := condition(ctx, h.view, in.r, id)
		if err != nil {
			return nil, err
		}
		v, changed, err := h.editor.SetActive(h.trail.under(ctx, domain.ActionUpdate), id, number, active, pause)
		if err != nil {
			return nil, staleIf(number, err)
		}
		return h.saved(in.r, &v, activeMessage(active, changed)), nil
	}
}

// activeMessage says what a pause or resume has done.
func activeMessage(active, changed bool) string {
	switch {
	case active && changed:
		return "Job resumed"
	case active:
		return "Job was active already"
	case changed:
		return "Job paused"
	}
	return "Job was paused already"
}

type triggerOutput struct {
	Location string `header:"Location" doc:"The path of the execution."`
	Body     triggeredBody
}

type triggeredBody struct {
	ExecutionID string `json:"executionId" format:"uuid" doc:"The execution's id." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	JobID       string `json:"jobId" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Message     string `json:"message" doc:"What was done, for people." example:"Job triggered"`
}

func (h *jobRoutes) triggerJob(ctx context.Context, in *jobInput) (*triggerOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	number, err := condition(ctx, h.view, in.r, id)
	if err != nil {
		return nil, err
	}
	e, err := h.editor.Trigger(h.trail.under(ctx, domain.ActionTrigger), id, number)
	if err != nil {
		return nil, staleIf(number, err)
	}
	return triggered(ctx, id, e.ID()), nil
}

// triggeredBefore answers a request that has run a job before.
func (h *jobRoutes) triggeredBefore(ctx context.Context, _ *jobInput, kept *domain.IdempotencyRecord) (
	*triggerOutput, error) {
	return triggered(ctx, kept.JobID, kept.Execution), nil
}

func triggered(ctx context.Context, job domain.JobID, execution domain.ExecutionID) *triggerOutput {
	id := execution.String()
	return &triggerOutput{link(ctx, "/executions/"+id), triggeredBody{id, job.String(), "Job triggered"}}
}

// readInput is a request for the document of a job.
type readInput struct {
	request
	JobPath
	ReadCondition
}

type jobOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The number of the job's version, and a mark of nextFireAt and error: for If-Match and If-None-Match."`
	Body   wire.Job
}

func (h *jobRoutes) getJob(ctx context.Context, in *readInput) (*jobOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	j, err := h.view.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if !seesNamespace(ctx, j.Current.Spec.Namespace) {
		return nil, domain.NotFound("job", id)
	}
	fit(ctx, j.Current.Size())
	return readJob(in.r, &j)
}

// readJob answers a GET of a job, with 304 where the caller has its document already.
func readJob(r *http.Request, j *view.Job) (*jobOutput, error) {
	out := &jobOutput{http.StatusOK, "", wire.JobOf(&j.Job, j.NextFireAt)}
	out.ETag = tagOf(r.Context(), &out.Body)
	if err := checkRead(r, out.Body.Version); err != nil {
		return nil, err
	}
	known, err := notModified(r, &out.Body)
	if known {
		out.Status = http.StatusNotModified
	}
	return out, err
}
