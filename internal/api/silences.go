package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"reflect"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// silenceRoutes say of which alerts people are not told for a while.
type silenceRoutes struct {
	*settingEdits
	view  *view.View
	scope *scope
	once  *edit.Once
}

const silencesAct = "What fails meanwhile and still fails at its end is told then; what has ended is not. That " +
	"something told before is over is told all the same. "

func (h silenceRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[silenceRequest](), true, "")
	body := reference.JSONBody("SilenceRequest")
	register(rt, huma.Operation{
		OperationID: "list-silences", Method: http.MethodGet, Path: "/alerts/silences", Tags: []string{"Alerts"},
		Summary: "List silences",
		Description: "A silence is a time in which people are not told of some alerts. " + silencesAct + "Those " +
			"that ended more than 30 days ago are deleted when another one is made; of more than 900, those that " +
			"ended more than an hour ago, too.",
	}, h.list, kindNotFound, kindUnavailable)
	registerOnce(rt, h.once, huma.Operation{
		OperationID: "create-silence", Method: http.MethodPost, Path: "/alerts/silences", Tags: []string{"Alerts"},
		Summary: "Make a silence", Description: silencesAct + "A key of one namespace silences its jobs alone.",
		RequestBody: body, MaxBodyBytes: h.maxBody, DefaultStatus: http.StatusCreated,
	}, h.create, h.createdBefore, kindInvalid, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-silence", Method: http.MethodGet, Path: "/alerts/silences/{id}", Tags: []string{"Alerts"},
		Summary: "Get a silence", Description: "Also one that has ended.",
	}, h.show, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "put-silence", Method: http.MethodPut, Path: "/alerts/silences/{id}", Tags: []string{"Alerts"},
		Summary:     "Make or replace a silence",
		Description: "As POST /alerts/silences, under an id that the caller chooses.",
		Responses:   answersSetting[silenceBody](rt),
		RequestBody: body, MaxBodyBytes: h.maxBody,
	}, h.put, kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-silence", Method: http.MethodDelete, Path: "/alerts/silences/{id}",
		Tags: []string{"Alerts"}, Summary: "Delete a silence", Description: "What still fails is told within a minute.",
	}, h.remove, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

// silenceRequest is the body of a request for a silence.
type silenceRequest struct {
	Match      *matcherBody      `json:"match,omitempty" doc:"Which jobs it is about; absent: every job."`
	Reason     string            `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for people." example:"new disks"`
	StartsAt   reference.Instant `json:"startsAt,omitempty" doc:"From when on: Unix milliseconds or RFC 3339; 0 or absent: now."`
	EndsAt     reference.Instant `json:"endsAt,omitempty" doc:"Until when: Unix milliseconds or RFC 3339. Or durationMs."`
	DurationMs int64             `json:"durationMs,omitempty" minimum:"1" maximum:"31622400000" doc:"How long, milliseconds. Or endsAt." example:"7200000"`
}

type silenceBody struct {
	ID        string      `json:"id" doc:"The silence's id." example:"s-mzxw6ytboi"`
	Namespace string      `json:"namespace,omitempty" doc:"The only namespace that it is about; absent: all." example:"billing"`
	Match     matcherBody `json:"match" doc:"Which jobs it is about; empty: every job."`
	Reason    string      `json:"reason" doc:"Why." example:"new disks"`
	By        operationBy `json:"by" doc:"Who has made it."`
	StartsAt  int64       `json:"startsAt" format:"unix-ms" doc:"From when on, Unix milliseconds." example:"1767225600000"`
	EndsAt    int64       `json:"endsAt" format:"unix-ms" doc:"Until when, Unix milliseconds." example:"1767232800000"`
	Active    bool        `json:"active" doc:"Whether it acts now." example:"true"`
	CreatedAt int64       `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	Error     string      `json:"error,omitempty" doc:"Why this server cannot read what is stored: it never acts, and the other fields are not its. Absent: it can." example:"SILENCE s-mzxw6ytboi cannot be read"`
}

func silenceBodyOf(s *domain.Silence, now int64) silenceBody {
	_, acts := s.At(now)
	return silenceBody{s.ID, s.Limit, matcherBodyOf(&s.Match), s.Reason, authorBody(s.By), s.From, s.To, acts,
		s.CreatedAt, s.Unread}
}

type quietsInput struct {
	Active boolParam `query:"active" doc:"true: only those that act now."`
	JobID  string    `query:"jobId" format:"uuid" doc:"Only those that are about this job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
}

type silencesOutput struct{ Body silencesBody }

type silencesBody struct {
	Silences []silenceBody `json:"silences" nullable:"false" doc:"The silences, by their ids."`
}

func (h silenceRoutes) list(ctx context.Context, in *quietsInput) (*silencesOutput, error) {
	passes, err := quietFilter(ctx, in, h.view, h.scope)
	if err != nil {
		return nil, err
	}
	all, err := silenceForm.list(ctx, h.stored)
	if err != nil {
		return nil, err
	}
	now := clock.NowMs(h.clock)
	out := &silencesOutput{silencesBody{Silences: []silenceBody{}}}
	for i := range all {
		if a, acts := all[i].At(now); passes(&a, acts) {
			out.Body.Silences = append(out.Body.Silences, silenceBodyOf(&all[i], now))
		}
	}
	return out, nil
}

// quietFilter returns which silences or windows a request asks for.
func quietFilter(ctx context.Context, in *quietsInput, v *view.View, sc *scope) (
	func(a *domain.Acting, acts bool) bool, error) {
	active, err := in.Active.parse("active")
	if err != nil {
		return nil, err
	}
	var job *view.Job
	if in.JobID != "" {
		id, err := domain.ParseJobID(in.JobID)
		if err != nil {
			return nil, asParameter("jobId", err)
		}
		if err := sc.inScope(ctx, id); err != nil {
			return nil, err
		}
		found, err := v.Job(ctx, id)
		if err != nil {
			return nil, err
		}
		job = &found
	}
	return func(a *domain.Acting, acts bool) bool {
		return (active == nil || *active == acts) && (job == nil || a.Covers(job.ID, &job.Current.Spec))
	}, nil
}

type silenceOutput struct {
	ETag     string `header:"ETag" doc:"For If-Match."`
	Status   int
	Location string `header:"Location" doc:"The path of the silence."`
	Body     silenceBody
}

func (h silenceRoutes) answer(ctx context.Context, status int, s *domain.Silence) *silenceOutput {
	return &silenceOutput{settingTag(s.Revision), status, link(ctx, "/alerts/silences/"+s.ID),
		silenceBodyOf(s, clock.NowMs(h.clock))}
}

func (h silenceRoutes) show(ctx context.Context, in *settingInput) (*silenceOutput, error) {
	s, _, err := silenceForm.get(ctx, h.stored, in.ID)
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, http.StatusOK, &s), nil
}

// How long silences are kept after their end: where there is room, for people; otherwise for groups that have ended
// meanwhile, which are decided on within minutes.
const (
	silencesKept      = 30 * 24 * 60 * 60_000
	silencesKeptAlone = 60 * 60_000
	// silencesFree is how much room is made for new ones.
	silencesFree = domain.MaxSilences / 10
)

type newSilenceInput struct{ request }

func (h silenceRoutes) create(ctx context.Context, in *newSilenceInput) (*silenceOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	record, comesAgain := store.IdempotencyOf(ctx)
	if !comesAgain {
		record.At = clock.NowMs(h.clock)
	}
	s, err := newSilence(ctx, data, record.At)
	if err != nil {
		return nil, err
	}
	if s.ID = domain.SilenceIDOf(randomBytes(10)); comesAgain {
		s.ID = record.SilenceID()
	}
	if err := h.deleteOld(ctx, s.CreatedAt); err != nil {
		return nil, err
	}
	stored, err := h.stored.PutAlertSetting(ctx, s.Encode(), h.trail.changeBy(ctx, ""))
	if err != nil {
		return nil, store.Coded(err)
	}
	s.Revision = stored.Revision
	return h.answer(ctx, http.StatusCreated, &s), nil
}

// newSilence returns the silence that a request makes at an instant.
func newSilence(ctx context.Context, data []byte, now int64) (domain.Silence, error) {
	s, err := readSilence(data, now)
	s.Limit, s.By, s.CreatedAt = visitorOf(ctx).namespace, visitorOf(ctx).author, now
	return s, err
}

// createdBefore answers a request that has made a silence before, as the first time. The answer has an ETag as long as
// the silence is as it was made, and does not act any more when it is gone.
func (h silenceRoutes) createdBefore(ctx context.Context, in *newSilenceInput, kept *domain.IdempotencyRecord) (
	*silenceOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	s, err := newSilence(ctx, data, kept.At)
	if err != nil {
		return nil, err
	}
	s.ID = kept.SilenceID()
	stored, err := h.stored.AlertSetting(ctx, domain.SettingSilence, s.ID)
	gone := domain.ErrorCode(err) == domain.CodeNotFound
	if err != nil && !gone {
		return nil, store.Coded(err)
	}
	is, _ := domain.DecodeSilence(&stored)
	s.Revision, s.By = is.Revision, is.By // who asks again may do it from another address
	out := h.answer(ctx, http.StatusCreated, &s)
	if gone || !reflect.DeepEqual(is, s) {
		out.ETag = ""
	}
	if gone {
		out.Body.By, out.Body.Active = authorBody(visitorOf(ctx).author), false
	}
	return out, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// deleteOld deletes silences that have ended: there may be so many only.
func (h silenceRoutes) deleteOld(ctx context.Context, now int64) error {
	found, err := h.stored.AlertSettings(ctx, domain.SettingSilence)
	if err != nil {
		return store.Coded(err)
	}
	var known []domain.Silence
	for i := range found {
		if s, unread := domain.DecodeSilence(&found[i]); unread == nil {
			known = append(known, s)
		}
	}
	for _, s := range oldSilences(known, len(found), now) {
		err := h.stored.DeleteAlertSetting(ctx, domain.SettingSilence, s.ID, s.Revision, h.trail.changeBy(ctx, ""))
		if err != nil && domain.ErrorCode(err) != domain.CodeConflict { // another one was faster
			return store.Coded(err)
		}
	}
	return nil
}

// oldSilences returns those that are deleted, the first that ended first: what ended more than 30 days ago, and so many
// of the others that have ended for an hour that there is room for new ones. number is of all that there are.
func oldSilences(known []domain.Silence, number int, now int64) (old []domain.Silence) {
	slices.SortStableFunc(known, func(a, b domain.Silence) int { return cmp.Compare(a.To, b.To) })
	for i := range known {
		full := number-len(old) > domain.MaxSilences-silencesFree
		if to := known[i].To; to < now-silencesKept || full && to < now-silencesKeptAlone {
			old = append(old, known[i])
		}
	}
	return old
}

// readSilence reads the body of a request for a silence.
func readSilence(data []byte, now int64) (s domain.Silence, err error) {
	var f bulkFaults
	object := f.members("", data, "match", "reason", "startsAt", "endsAt", "durationMs")
	s.Match = f.matcher(object["match"])
	s.Reason = f.text("reason", object["reason"], 500)
	if object["reason"] == nil {
		f.add(domain.FieldRequired, "reason", "is required: others read it", nil)
	}
	if s.From = f.instant("startsAt", object["startsAt"]); s.From == 0 {
		s.From = now
	}
	s.To = f.instant("endsAt", object["endsAt"])
	lasts := f.number("durationMs", object["durationMs"])
	switch {
	case object["endsAt"] != nil && object["durationMs"] != nil:
		f.add(domain.FieldContradiction, "durationMs", "must be absent beside endsAt", lasts)
		f.add(domain.FieldContradiction, "endsAt", "must be absent beside durationMs", s.To)
	case object["endsAt"] == nil && object["durationMs"] == nil:
		f.add(domain.FieldRequired, "endsAt", "is required, or durationMs: a silence ends by itself", nil)
	case object["durationMs"] != nil && (lasts < 1 || lasts > 366*24*60*60_000):
		f.add(domain.FieldRange, "durationMs", "must be from 1 to 31622400000", lasts)
	case object["durationMs"] != nil:
		s.To = s.From + lasts
	}
	return s, f.err(s.Validate())
}

func (h silenceRoutes) put(ctx context.Context, in *settingChangeInput) (*silenceOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	s, status, err := putSetting(ctx, h.settingEdits, &silenceForm, in.r, in.ID,
		func(is *domain.Silence, now int64) (domain.AlertSetting, error) {
			next, err := readSilence(data, now)
			if err != nil {
				return domain.AlertSetting{}, err
			}
			next.ID, next.Limit, next.By, next.CreatedAt = in.ID, visitorOf(ctx).namespace, visitorOf(ctx).author, now
			if is == nil {
				return next.Encode(), h.deleteOld(ctx, now)
			}
			if next.Revision = is.Revision; is.Unread == "" {
				next.Limit, next.By, next.CreatedAt = is.Limit, is.By, is.CreatedAt
			}
			return next.Encode(), nil
		})
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, status, &s), nil
}

func (h silenceRoutes) remove(ctx context.Context, in *settingChangeInput) (*deletedSettingOutput, error) {
	if err := deleteSetting(ctx, h.settingEdits, &silenceForm, in.r, in.ID); err != nil {
		return nil, err
	}
	return &deletedSettingOutput{deletedSettingBody{in.ID, "Silence deleted"}}, nil
}
