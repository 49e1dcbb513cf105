package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// versionRoutes show what a job was, and make it so again.
type versionRoutes struct {
	*jobRoutes
	jobs    store.Jobs
	changes store.Changes
}

func (h *versionRoutes) registerRestore(rt *router) {
	register(rt, huma.Operation{
		OperationID: "restore-job-version", Method: http.MethodPost, Path: "/jobs/{id}/versions/{version}/restore",
		Tags: []string{"Jobs"}, Responses: answersJob(rt, http.StatusOK),
		Summary: "Make a job what it was in a version",
		Description: "Each field, isActive and the secrets included, which no answer shows: so PUT cannot do it. It " +
			"makes a version, by the rules of PUT: what is refused there is refused here, and secrets are not sent " +
			"to another origin than the present one. A job that is so already is not changed. What was deleted " +
			"stays deleted.",
	}, h.restore, kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

type restoreInput struct {
	request
	JobPath
	VersionPath
	Precondition
	Preference
	KeepSecrets boolParam `query:"keepSecrets" doc:"For admins: the secrets of the version may be sent to its origin, although that is another one than the present."`
}

func (h *versionRoutes) restore(ctx context.Context, in *restoreInput) (*savedOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	number, err := in.VersionPath.parse()
	if err != nil {
		return nil, err
	}
	keep, err := in.KeepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	ifVersion, err := condition(ctx, h.view, in.r, id)
	if err != nil {
		return nil, err
	}
	old, err := h.version(ctx, id, number)
	if err != nil {
		return nil, err
	}
	v, err := h.editor.Update(h.trail.under(ctx, domain.ActionUpdate), id, ifVersion,
		h.moves.restoring(ctx, h.rules, old, keep != nil && *keep))
	if err != nil {
		return nil, staleIf(ifVersion, err)
	}
	return h.saved(in.r, &v, fmt.Sprintf("Job restored to version %d", number)), nil
}

// noVersion says that a version is not kept.
func noVersion(id domain.JobID, number int) string {
	return fmt.Sprintf("version %d of job %s is not kept, or there was none", number, id)
}

// restoring returns what makes a job what it was. Secrets that the caller has not set go to no
// other origin, as with every change.
func (m *secretMoves) restoring(ctx context.Context, rules *jobRules, old *domain.Version,
	keep bool) func(*domain.SpecDoc) error {
	return func(doc *domain.SpecDoc) error {
		if err := old.Unusable(); err != nil {
			return domain.Conflict("version %d cannot be run: %s", old.Number, domain.FaultText(err))
		}
		if keep && !visitorOf(ctx).role.Covers(domain.RoleAdmin) {
			return kindRole.problem("keepSecrets takes an admin.")
		}
		from := *doc
		err := rules.change(doc, func(doc *domain.SpecDoc) error {
			doc.Spec, doc.IsActive = old.Spec, old.Active
			doc.Pause = domain.Pause{Reason: old.Pause.Reason} // the end of then may be past
			return nil
		})
		if err != nil {
			return err
		}
		secrets := secretsOf(&old.Spec)
		// Whether a secret is the one of another version must not be seen: see forAdmins.
		doc.SecretsSent = len(secrets) > 0 && !visitorOf(ctx).role.Covers(domain.RoleAdmin)
		field := domain.SentElsewhere(&from.Spec, &old.Spec)
		if field == "" || keep {
			return nil
		}
		return m.checkKept(ctx, old.JobID, &move{from.API, old.Spec.API, field, &old.Spec, secrets})
	}
}

// secretsOf returns the fields of the secrets of a spec, as [wire.KeptSecrets] names them.
func secretsOf(s *domain.Spec) (fields []string) {
	for _, name := range s.SecretHeaders() {
		fields = append(fields, "headers."+name)
	}
	for i := range s.Signing.Secrets {
		fields = append(fields, fmt.Sprintf("signing.secrets[%d]", i))
	}
	return fields
}

// VersionPath is the number of a version in a path.
type VersionPath struct {
	Version versionParam `path:"version"`
}

// versionParam is the number of a version.
type versionParam string

// Schema implements huma.SchemaProvider.
func (versionParam) Schema(huma.Registry) *huma.Schema {
	lo, hi := 1.0, float64(maxVersion)
	return &huma.Schema{
		Type: "integer", Minimum: &lo, Maximum: &hi, Examples: []any{2}, Description: "The number of the version.",
	}
}

// parse returns the number.
func (p *VersionPath) parse() (int, error) {
	n, fault := wire.ParseInteger(strings.TrimSpace(string(p.Version)))
	if fault != "" || n < 1 || n > maxVersion {
		return 0, kindMalformed.fieldAs(domain.FieldRange, "version", "must be the number of a version, from 1 on",
			string(p.Version))
	}
	return int(n), nil
}

// maxVersion is more than any job has.
const maxVersion = 1<<31 - 1

// version returns a version of a job as it is kept.
func (h *versionRoutes) version(ctx context.Context, id domain.JobID, number int) (*domain.Version, error) {
	found, err := h.jobs.VersionsBefore(ctx, store.VersionQuery{JobID: id, Before: number + 1, Limit: 1})
	if err != nil {
		return nil, store.Coded(err)
	}
	if len(found) == 0 || found[0].Number != number {
		return nil, &domain.Error{Code: domain.CodeNotFound, Message: noVersion(id, number)}
	}
	return &found[0], nil
}
