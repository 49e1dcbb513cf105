package api

import (
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

func (h *versionRoutes) register(rt *router) {
	const described = "Newest first, those that are kept: a version that has ended is kept as long as the history " +
		"of its time. A body of more than 4 KiB is left out, as in GET /jobs. " + pageEnds
	register(rt, huma.Operation{
		OperationID: "list-job-versions", Method: http.MethodGet, Path: "/jobs/{id}/versions", Tags: []string{"Jobs"},
		Summary: "List the versions of a job",
		Description: "Of a deleted job, too; 404 when nothing is known of the id. " +
			described,
	}, h.versions, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "list-job-versions-by-key", Method: http.MethodGet, Path: "/jobs/by-key/{key}/versions",
		Tags: []string{"Jobs"}, Summary: "List the versions of the job of a key",
		Description: "As GET /jobs/{id}/versions, of the job that has the key now. " + described,
	}, h.keyedVersions, kindNotFound, kindUnavailable)
	h.registerRestore(rt)
}

// VersionPageInput selects a page of the versions of one job.
type VersionPageInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

func (in *VersionPageInput) parse() (limit int, from wire.Cursor, err error) {
	if limit, err = in.Limit.parse(); err != nil {
		return 0, from, err
	}
	from, err = wire.ParseCursor(wire.CursorVersions, in.Cursor)
	return limit, from, err
}

type versionsInput struct {
	JobPath
	VersionPageInput
}

type keyedVersionsInput struct {
	KeyPath
	VersionPageInput
}

type versionsOutput struct{ Body versionsBody }

type versionsBody struct {
	Versions   []versionBody `json:"versions" nullable:"false" doc:"The page, newest first."`
	NextCursor string        `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

type versionBody struct {
	Version       int         `json:"version" doc:"The number of the version, counted from 1." example:"2"`
	EffectiveFrom int64       `json:"effectiveFrom" format:"unix-ms" doc:"From when on it holds, Unix milliseconds." example:"1767225600000"`
	EffectiveTo   *int64      `json:"effectiveTo" format:"unix-ms" doc:"From when on it does not hold any more, Unix milliseconds; null: it is the current one." example:"1767225900000"`
	IsActive      bool        `json:"isActive" doc:"Whether the job fires."`
	PausedReason  string      `json:"pausedReason,omitempty" doc:"Why it is paused." example:"The target is being moved"`
	PausedUntil   int64       `json:"pausedUntil,omitempty" format:"unix-ms" doc:"When it was to be active again by itself, Unix milliseconds; absent: once somebody resumes it." example:"1767232800000"`
	Spec          domain.Spec `json:"spec" doc:"What the job is, with every default filled in and ******** for the values of secret headers."`
	BodyCut       bool        `json:"bodyCut,omitempty" doc:"Whether spec lacks the body, because it is longer than 4 KiB. Absent: spec is whole." example:"true"`
	BodyBytes     int         `json:"bodyBytes,omitempty" doc:"How many bytes a body has that was cut." example:"250000"`
	Error         string      `json:"error,omitempty" doc:"Why the stored version cannot be run; absent when it can." example:"timezone: Europe/Atlantis is not a known zone"`

	Changed *[]string  `json:"changed,omitempty" doc:"The fields in which it differs from the version before it, isActive, pausedReason, pausedUntil and those of spec, with a dot before a member: headers.X-Team. That a secret has another value is told to admins alone. Absent: there is none before it, or it is not kept." example:"[\"schedule\",\"retry.maxRetries\"]"`
	By      *versionBy `json:"by,omitempty" doc:"For admins: who made it, as the audit trail has it. Absent: not known."`
}

type versionBy struct {
	Key         string `json:"key" doc:"The id of the API key; env, loopback, anonymous or server as in GET /audit/changes." example:"k7x2mq4a"`
	Name        string `json:"name,omitempty" doc:"The name of the key." example:"CI of team billing"`
	Address     string `json:"address,omitempty" doc:"Where the request came from." example:"192.0.2.17"`
	RequestID   string `json:"requestId,omitempty" doc:"The X-Request-Id of the request that asked for it; absent: not known." example:"AFVPZZIXTYADYZMJ3K4IZNFBW2"`
	OperationID string `json:"operationId,omitempty" format:"uuid" doc:"The operation on many jobs that has made it." example:"0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80"`
}

func (h *versionRoutes) versions(ctx context.Context, in *versionsInput) (*versionsOutput, error) {
	id, err := parseJobID("id", in.ID)
	if err != nil {
		return nil, err
	}
	limit, from, err := in.VersionPageInput.parse()
	if err != nil {
		return nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, err
	}
	return h.page(ctx, id, limit, from)
}

func (h *versionRoutes) keyedVersions(ctx context.Context, in *keyedVersionsInput) (*versionsOutput, error) {
	at, err := in.KeyPath.parse(ctx)
	if err != nil {
		return nil, err
	}
	limit, from, err := in.VersionPageInput.parse()
	if err != nil {
		return nil, err
	}
	j, err := keyedRoutes{h.jobRoutes}.find(ctx, at)
	if err != nil {
		return nil, err
	}
	return h.page(ctx, j.ID, limit, from)
}

// page answers the versions of a job that the caller may see.
func (h *versionRoutes) page(ctx context.Context, id domain.JobID, limit int, from wire.Cursor) (*versionsOutput,
	error) {
	if from.Nonce != 0 && from.Job != id {
		return nil, kindMalformed.fieldAs(domain.FieldFormat, "cursor", "must be of this job", from.String())
	}
	// One more than the page, for what the last one of it has changed.
	q := store.VersionQuery{JobID: id, Before: int(from.Nonce), Limit: limit + 1, MaxBytes: pageBytes}
	found, err := h.jobs.VersionsBefore(ctx, q)
	if err != nil {
		return nil, store.Coded(err)
	}
	if len(found) == 0 && from.Nonce == 0 {
		return nil, domain.NotFound("job", id)
	}
	return h.answerVersions(ctx, id, found, limit, q.Filled(found))
}

func (h *versionRoutes) answerVersions(ctx context.Context, id domain.JobID, found []domain.Version, limit int,
	filled bool) (*versionsOutput, error) {
	page, bytes := found, 0
	if n := len(found) - 1; n >= limit || filled && n > 0 {
		page = found[:n]
	}
	admin := visitorOf(ctx).role.Covers(domain.RoleAdmin)
	var authors map[int]*versionBy
	if admin && len(page) > 0 {
		var err error
		if authors, err = h.authors(ctx, id, page); err != nil {
			return nil, err
		}
	}
	out := &versionsOutput{versionsBody{Versions: make([]versionBody, len(page))}}
	for i := range page {
		v := &page[i]
		b := versionBody{
			Version: v.Number, EffectiveFrom: v.EffectiveFrom, IsActive: v.Active, Spec: v.Spec.Masked(),
			PausedReason: v.Pause.Reason, PausedUntil: v.Pause.Until, By: authors[v.Number],
		}
		if v.EffectiveTo != domain.Forever {
			b.EffectiveTo = &v.EffectiveTo
		}
		if i+1 < len(found) {
			changed, err := wire.Changed(&found[i+1], v, admin)
			if err != nil {
				return nil, err
			}
			changed = append([]string{}, changed...) // not null
			b.Changed = &changed
		}
		if n := len(v.Spec.Body); n > maxShownBody {
			b.Spec.Body, b.BodyCut, b.BodyBytes = nil, true, n
		}
		if err := v.Unusable(); err != nil {
			b.Error = domain.FaultText(err)
		}
		bytes += v.Size() - b.BodyBytes
		out.Body.Versions[i] = b
	}
	if len(page) < len(found) {
		last := page[len(page)-1].Number
		out.Body.NextCursor = wire.Cursor{List: wire.CursorVersions, Job: id, Nonce: int64(last)}.String()
	}
	fit(ctx, bytes)
	return out, nil
}

// authors returns who made versions, the newest first, as far as a page of the trail has it: the triggers
// of a job are in its trail, too.
func (h *versionRoutes) authors(ctx context.Context, id domain.JobID, page []domain.Version) (map[int]*versionBy,
	error) {
	// An edit is effective soon after it was asked for.
	const soon = 60_000
	entries, err := h.changes.List(ctx, store.ChangeQuery{
		JobID: id, From: page[len(page)-1].EffectiveFrom - soon, To: page[0].EffectiveFrom,
		Limit: maxLimit, MaxBytes: authorBytes, MaxBody: 1,
	})
	if err != nil {
		return nil, store.Coded(err)
	}
	by := make(map[int]*versionBy, len(page))
	for i := range entries {
		e := &entries[i]
		switch e.Action {
		case domain.ActionCreate, domain.ActionUpdate, domain.ActionImport:
			b := &versionBy{Key: e.By.Key, Name: e.By.Name, Address: e.By.Address, RequestID: e.RequestID}
			if !e.Operation.IsZero() {
				b.OperationID = e.Operation.String()
			}
			by[e.Version] = b
		case domain.ActionDelete, domain.ActionTrigger, domain.ActionTest, domain.ActionBulk,
			domain.ActionCancel, domain.ActionExport,
			domain.ActionReveal, domain.ActionRefuse, domain.ActionKeyCreate, domain.ActionKeyRevoke,
			domain.ActionSignIn, domain.ActionSignOut, domain.ActionSettingCreate, domain.ActionSettingUpdate,
			domain.ActionSettingDelete, domain.ActionChannelTest, domain.ActionNodeDrain, domain.ActionNodeResume,
			domain.ActionAcknowledge, domain.ActionResend:
		}
	}
	return by, nil
}

// authorBytes is how much of the trail is read for the authors of a page, which is a part of pageCost.
const authorBytes = 1 << 20
