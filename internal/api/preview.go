package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/forecast"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

const (
	changePreviewMs   = 30 * 24 * 3_600_000 // how far ahead fires are compared
	changePreviewList = 20                  // how many fires of each kind are listed
	changePreviewNext = 10
)

// changePreviewRoutes tell what a change of a job would do.
type changePreviewRoutes struct{ *versionRoutes }

func (h changePreviewRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[changePreviewBody](), true, "")
	register(rt, huma.Operation{
		OperationID: "preview-job-change", Method: http.MethodPost, Path: "/jobs/{id}/preview", Tags: []string{"Jobs"},
		Summary: "See what a change of a job would do",
		Description: "The body is a change as PATCH takes it, or {\"version\": n} alone: what restoring that version " +
			"would do. What these would refuse is refused in the same words. The answer has what would hold, and " +
			"which fires of the next 30 days are gained and lost if it did from now on. Nothing is stored. For " +
			"editors.",
		RequestBody: reference.PatchBody("JobPatch"), MaxBodyBytes: h.maxBody,
	}, h.preview, kindInvalid, kindNotFound, kindConflict, kindUnavailable)
}

type changePreviewInput struct {
	request
	JobPath
	KeepSecrets boolParam `query:"keepSecrets" doc:"For admins: as of the change itself."`
}

type changePreviewOutput struct{ Body changePreviewBody }

type changePreviewBody struct {
	Version  int         `json:"version" doc:"The number of the job's current version, which the change was laid over." example:"2"`
	IsActive bool        `json:"isActive" doc:"Whether the job would fire."`
	Spec     domain.Spec `json:"spec" doc:"What the job would be, with every default filled in and ******** for the values of secret headers."`
	Changes  []string    `json:"changes" nullable:"false" doc:"The fields that would change, as in GET /jobs/{id}/versions. That a secret gets another value is told to admins alone." example:"[\"schedule\"]"`

	Description string       `json:"description" doc:"The schedule in words." example:"At 02:30:00 every day."`
	Next        []instant    `json:"next" nullable:"false" doc:"The next fires that there would be, ten at most."`
	Fires       changedFires `json:"fires" doc:"The fires of the next 30 days that the change would make or end."`
	Warnings    []string     `json:"warnings" nullable:"false" doc:"What is allowed but may not be meant, as in the answer to the change."`
	DSTShifts   []shiftState `json:"dstShifts" nullable:"false" doc:"The clock changes of the two years after that touch the schedule."`
}

type changedFires struct {
	From        int64     `json:"from" format:"unix-ms" doc:"Fires after this instant were compared, Unix milliseconds." example:"1767225600000"`
	To          int64     `json:"to" format:"unix-ms" doc:"Those before it, Unix milliseconds: 30 days later, or less with truncated." example:"1769817600000"`
	Truncated   bool      `json:"truncated" doc:"Whether there were too many fires to compare all of 30 days."`
	GainedCount int64     `json:"gainedCount" doc:"How many fires there would be that there are not now." example:"30"`
	LostCount   int64     `json:"lostCount" doc:"How many fires there would not be any more." example:"30"`
	Gained      []instant `json:"gained" nullable:"false" doc:"The first ones that are gained, 20 at most, in the zone that the job would have."`
	Lost        []instant `json:"lost" nullable:"false" doc:"The first ones that are lost, 20 at most, in the zone that the job has."`
}

func (h changePreviewRoutes) preview(ctx context.Context, in *changePreviewInput) (*changePreviewOutput, error) {
	now, next, place, err := h.changed(ctx, in.r, in.JobPath, in.KeepSecrets)
	if err != nil {
		return nil, err
	}
	next.EffectiveFrom = clock.NowMs(h.clock) + 1
	if err := next.Validate(); err != nil {
		return nil, place(err)
	}
	body, err := h.difference(ctx, now, next)
	if err != nil {
		return nil, err
	}
	return &changePreviewOutput{body}, nil
}

// changed reads a change of a job, and returns the version of now and the one that the change would make of it, which
// is not validated yet. place says where in the body an error of the latter is.
func (h changePreviewRoutes) changed(ctx context.Context, r *http.Request, path JobPath, keepSecrets boolParam) (
	now, next *domain.Version, place func(error) error, err error) {
	id, err := parseJobID("id", path.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	data, err := readBody(r)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := h.scope.inScope(ctx, id); err != nil {
		return nil, nil, nil, err
	}
	keep, err := keepSecrets.parse("keepSecrets")
	if err != nil {
		return nil, nil, nil, err
	}
	j, err := h.view.Job(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	alter, place, err := h.alteration(ctx, &j.Current, data, keep != nil && *keep)
	if err != nil {
		return nil, nil, nil, err
	}
	altered, _, err := edit.Altered(&j.Current, alter)
	if err != nil {
		return nil, nil, nil, place(err)
	}
	return &j.Current, &altered, place, nil
}

// alteration reads what is to be previewed: what it does to a job, and how its errors are told.
func (h changePreviewRoutes) alteration(ctx context.Context, now *domain.Version, data []byte, keep bool) (
	alter func(*domain.SpecDoc) error, place func(error) error, err error) {
	place = func(err error) error { return err }
	number, only, err := onlyVersion(data)
	if err != nil {
		return nil, nil, err
	}
	if only {
		old, err := h.version(ctx, now.JobID, number)
		if domain.ErrorCode(err) == domain.CodeNotFound { // the job is there: it is the number that is wrong
			err = domain.InvalidAs(domain.FieldRange, "version", "is not kept, or there was none", number)
		}
		if err != nil {
			return nil, nil, err
		}
		return h.moves.restoring(ctx, h.rules, old, keep), place, nil
	}
	c, err := wire.ReadPatch(data)
	if err != nil {
		return nil, nil, err
	}
	if _, err := h.checkState(&c, now); err != nil {
		return nil, nil, err
	}
	return h.moves.altering(ctx, h.rules, now.JobID, c.Lay, keep), c.Place, nil
}

// onlyVersion reports whether a document has a version and nothing else, and returns its number.
func onlyVersion(data []byte) (number int, only bool, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return 0, false, err
	}
	raw, has := members["version"]
	if !has || len(members) != 1 || strings.TrimSpace(string(raw)) == "null" {
		return 0, false, nil
	}
	n, fault := wire.DecodeInteger(raw)
	if fault == "" && (n < 1 || n > maxVersion) {
		fault = "must be the number of a version, from 1 on"
	}
	if fault != "" {
		return 0, false, domain.InvalidAs(domain.FieldRange, "version", fault, nil)
	}
	return int(n), true, nil
}

// difference compares a version with the one that would follow it.
func (h changePreviewRoutes) difference(ctx context.Context, was, is *domain.Version) (changePreviewBody, error) {
	b := changePreviewBody{
		Version: was.Number, IsActive: is.Active, Spec: is.Spec.Masked(),
		Next: []instant{}, Warnings: append([]string{}, h.rules.warnings(&is.Spec)...), DSTShifts: []shiftState{},
	}
	changed, err := wire.Changed(was, is, visitorOf(ctx).role.Covers(domain.RoleAdmin))
	if err != nil {
		return b, err
	}
	b.Changes = append([]string{}, changed...)
	sched, err := domain.ParseSchedule(is.Spec.Schedule, is.Spec.Timezone, is.Spec.DST)
	if err != nil {
		return b, err
	}
	from := is.EffectiveFrom - 1
	after, zone := is.TimingOf(sched), sched.Location()
	at := from
	for range changePreviewNext {
		next, fires := after.Next(at)
		if !fires {
			break
		}
		b.Next = append(b.Next, instantOf(next, at, zone))
		at = next
	}
	bind := domain.Bind(is.JobID, is.CreatedAt)
	b.Description = sched.Describe(bind)
	until := h.clock.Now().AddDate(shiftYears, 0, 0).Unix()
	for _, sh := range sched.Shifts(from/1000, until, bind) {
		b.DSTShifts = append(b.DSTShifts, shiftState{sh.At * 1000, sh.Date, sh.Kind, sh.Effect})
	}
	// A job that cannot be run has no fires to lose.
	before, oldZone := domain.Timing{}, zone
	if old, err := domain.ParseSchedule(was.Spec.Schedule, was.Spec.Timezone, was.Spec.DST); err == nil &&
		was.Unusable() == nil {
		before, oldZone = was.TimingOf(old), old.Location()
	}
	end := from + changePreviewMs
	d := forecast.Compare(before, after, from, end, changePreviewList)
	b.Fires = changedFires{
		From: from, To: d.Until, Truncated: d.Until < end, GainedCount: d.GainedCount, LostCount: d.LostCount,
		Gained: instantsOf(d.Gained, from, zone), Lost: instantsOf(d.Lost, from, oldZone),
	}
	return b, nil
}
