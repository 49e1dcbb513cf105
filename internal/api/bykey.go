package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// keyedRoutes are routes to jobs by the key that their client has chosen.
type keyedRoutes struct{ *jobRoutes }

func (h keyedRoutes) register(rt *router) {
	made := answersJob(rt, http.StatusOK)
	maps.Copy(made, answersJob(rt, http.StatusCreated))
	register(rt, huma.Operation{
		OperationID: "put-job-by-key", Method: http.MethodPut, Path: "/jobs/by-key/{key}", Tags: []string{"Jobs"},
		Summary: "Make or change the job of a key",
		Description: "Where no job of the namespace has the key, it is made, with 201; otherwise it is " +
			"changed, as by PUT " +
			"/jobs/{id}: a field that is absent keeps its value. So the same request can be sent again, " +
			"and of many at " +
			"once one makes the job. With If-None-Match: * a job is made and none is changed, with If-Match the " +
			"other way round. " + pastPauseEnds,
		RequestBody: reference.JSONBody("JobChange"), MaxBodyBytes: h.maxBody, Responses: made,
	}, h.putKeyed, kindInvalid, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-job-by-key", Method: http.MethodGet, Path: "/jobs/by-key/{key}", Tags: []string{"Jobs"},
		Summary: "Read the job of a key", Description: "As GET /jobs/{id}.",
		Responses: map[string]*huma.Response{"304": {Description: "Nothing has changed."}},
	}, h.getKeyed, kindNotFound, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-job-by-key", Method: http.MethodDelete, Path: "/jobs/by-key/{key}", Tags: []string{"Jobs"},
		Summary: "Delete the job of a key", Description: "As DELETE /jobs/{id}. Another job can have the key then.",
	}, h.deleteKeyed, kindNotFound, kindConflict, kindStale, kindUnavailable)
	registerOnce(rt, h.editor.Once(), huma.Operation{
		OperationID: "trigger-job-by-key", Method: http.MethodPost, Path: "/jobs/by-key/{key}/trigger",
		Tags: []string{"Jobs"}, Summary: "Run the job of a key now", Description: "As POST /jobs/{id}/trigger.",
		DefaultStatus: http.StatusAccepted,
	}, h.triggerKeyed, func(ctx context.Context, _ *keyedInput, kept *domain.IdempotencyRecord) (
		*triggerOutput, error) {
		return triggered(ctx, kept.JobID, kept.Execution), nil
	}, kindNotFound, kindStale, kindUnavailable)
}

// KeyPath is the key of a job in a path, and its namespace.
type KeyPath struct {
	Key       string `path:"key" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" doc:"The job's key." example:"invoices-nightly"`
	Namespace string `query:"namespace" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"The namespace of the job. Absent: that of the API key, if it is confined to one, otherwise default." example:"billing"`
}

// jobKey is the key of a job in its namespace.
type jobKey struct{ namespace, key string }

// parse returns which job a path is about.
func (p *KeyPath) parse(ctx context.Context) (jobKey, error) {
	at := jobKey{strings.TrimSpace(p.Namespace), strings.TrimSpace(p.Key)}
	if !domain.ValidJobKey(at.key) {
		return at, kindMalformed.fieldAs(domain.FieldFormat, "key", domain.JobKeyRule, p.Key)
	}
	if at.namespace != "" && !domain.ValidNamespace(at.namespace) {
		return at, kindMalformed.fieldAs(domain.FieldFormat, "namespace",
			"must be 1 to 63 small letters, digits and hyphens", p.Namespace)
	}
	at.namespace = cmp.Or(at.namespace, newDoc(ctx).Namespace)
	if !seesNamespace(ctx, at.namespace) {
		return at, kindRole.plain()
	}
	return at, nil
}

func (at jobKey) notFound() error {
	return &domain.Error{Code: domain.CodeNotFound,
		Message: "no job of namespace " + at.namespace + " has the key " + at.key}
}

// laying returns what lays a change over a job that has the key, and keeps that.
func (at jobKey) laying(lay func(*domain.SpecDoc) error) func(*domain.SpecDoc) error {
	return func(doc *domain.SpecDoc) error {
		if err := lay(doc); err != nil {
			return err
		}
		if doc.Key != at.key {
			return domain.InvalidAs(domain.FieldContradiction, "key", "must be absent, or the key of the path, "+at.key+
				": PUT /jobs/{id} gives a job another one", doc.Key)
		}
		if doc.Namespace != at.namespace {
			return domain.InvalidAs(domain.FieldContradiction, "namespace",
				"must be absent, or the namespace that the URL "+
					"is about, "+at.namespace+": another one belongs into the query, as in ?namespace=billing",
				doc.Namespace)
		}
		return nil
	}
}

// find returns the job of a key.
func (h keyedRoutes) find(ctx context.Context, at jobKey) (view.Job, error) {
	found, err := h.view.Jobs(ctx, store.JobQuery{Namespace: at.namespace, Key: at.key, Limit: 1})
	if err != nil {
		return view.Job{}, err
	}
	if len(found.Jobs) == 0 {
		return view.Job{}, at.notFound()
	}
	return found.Jobs[0], nil
}

// keyedInput is a request about the job of a key that has no body.
type keyedInput struct {
	request
	KeyPath
	Precondition
}

type keyedReadInput struct {
	request
	KeyPath
	ReadCondition
}

func (h keyedRoutes) getKeyed(ctx context.Context, in *keyedReadInput) (*jobOutput, error) {
	at, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	j, err := h.find(ctx, at)
	if err != nil {
		return nil, err
	}
	fit(ctx, j.Current.Size())
	return readJob(in.r, &j)
}

// keyedTries is how often a job is looked for that changes between the look and what is to be
// done with it.
const keyedTries = 16

// withKeyed calls do with the job of a key, which is at the version that the request wants.
// If the job has changed in between it looks for it again.
func (h keyedRoutes) withKeyed(ctx context.Context, in *keyedInput, do func(id domain.JobID, version int) error) error {
	at, err := in.parse(ctx)
	if err != nil {
		return err
	}
	wants, err := conditionOf(in.r)
	if err != nil {
		return err
	}
	for range keyedTries {
		id, asked := askedAbout(ctx)
		if asked && madeBefore(ctx, id) { // the key may be of another job by now
			return do(id, 0)
		}
		j, err := h.find(ctx, at)
		if domain.ErrorCode(err) == domain.CodeNotFound && asked && madeBefore(ctx, id) {
			continue // since the look
		}
		if err == nil {
			if err = wants.check(j.Current.Number); err != nil && madeBefore(ctx, j.ID) {
				err = nil
			}
		}
		if err != nil {
			return err
		}
		err = do(j.ID, j.Current.Number)
		if code := domain.ErrorCode(err); code != domain.CodeConflict && code != domain.CodeNotFound {
			return err
		}
	}
	return domain.Unavailable(nil, "the job of this key changes all the time")
}

func (h keyedRoutes) deleteKeyed(ctx context.Context, in *keyedInput) (out *deleteOutput, err error) {
	err = h.withKeyed(ctx, in, func(id domain.JobID, version int) error {
		to, err := h.editor.Delete(h.trail.under(ctx, domain.ActionDelete), id, version)
		out = &deleteOutput{deletedBody{id.String(), "Job deleted", to}}
		return err
	})
	return out, err
}

func (h keyedRoutes) triggerKeyed(ctx context.Context, in *keyedInput) (out *triggerOutput, err error) {
	err = h.withKeyed(ctx, in, func(id domain.JobID, version int) error {
		x, err := h.editor.Trigger(h.trail.under(ctx, domain.ActionTrigger), id, version)
		out = triggered(ctx, id, x.ID())
		return err
	})
	return out, err
}

type keyedChangeInput struct {
	request
	KeyPath
	Precondition
	Preference
	KeepSecrets boolParam `query:"keepSecrets" doc:"For admins: the job's secrets may be sent to another origin, although they are not sent anew with the change."`
}

func (h keyedRoutes) putKeyed(ctx context.Context, in *keyedChangeInput) (*savedOutput, error) {
	at, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	wants, err := conditionOf(in.r)
	if err != nil {
		return nil, err
	}
	c, err := wire.ReadChange(data)
	if err != nil {
		return nil, err
	}
	keep, err := in.KeepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, err
	}
	lay, rules := at.laying(c.Lay), h.rules.ofKept()
	ended := rules.pauseWarnings(c.PausedUntil())
	v, outcome, err := h.editor.Put(h.trail.under(ctx, domain.ActionUpdate), &edit.Put{
		Namespace: at.namespace, Key: at.key,
		New: func() (domain.SpecDoc, error) {
			if err := wants.checkAbsent(); err != nil {
				return domain.SpecDoc{}, err
			}
			return h.newKeyed(ctx, rules, at, &c, lay)
		},
		Change: func(now *domain.Version) (int, func(*domain.SpecDoc) error, error) {
			if madeBefore(ctx, now.JobID) {
				return 0, func(*domain.SpecDoc) error { return nil }, nil
			}
			if err := wants.check(now.Number); err != nil {
				return 0, nil, err
			}
			made, err := h.checkState(&c, now)
			if wants.any() {
				made = now.Number
			}
			return made, forAdmins(ctx, h.moves.altering(ctx, rules, now.JobID, lay, keep != nil && *keep)), err
		},
	})
	switch {
	case err != nil:
		return nil, c.Place(err)
	case outcome == edit.Made:
		return h.created(in.r, &v, ended...), nil
	case outcome == edit.Unchanged:
		return h.saved(in.r, &v, "Job was so already", ended...), nil
	}
	return h.saved(in.r, &v, "Job updated", ended...), nil
}

// newKeyed returns the document of a new job with a key.
func (h keyedRoutes) newKeyed(ctx context.Context, rules *jobRules, at jobKey, c *wire.Change,
	lay func(*domain.SpecDoc) error) (domain.SpecDoc, error) {
	doc := newDoc(ctx)
	doc.Namespace, doc.Key = at.namespace, at.key
	if c.NamesState() { // of a job that was there
		return doc, &domain.Error{Code: domain.CodeConflict, Message: at.notFound().Error() +
			" any more: leave out what can only be read, such as id and version, to make one"}
	}
	err := rules.change(&doc, lay)
	return doc, err
}
