package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// Limits of a preview.
const (
	defaultPreview = 5
	maxPreview     = 1000
	shiftYears     = 2
)

// scheduleRoutes say what a schedule means.
type scheduleRoutes struct {
	clock   clock.Clock
	maxBody int64
}

func (h *scheduleRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[previewRequest](), true, "")
	register(rt, huma.Operation{
		OperationID: "preview-schedule", Method: http.MethodPost, Path: "/schedules/preview",
		Tags:    []string{"Schedules"},
		Summary: "See what a schedule means",
		Description: "In words, as instants, and what clock changes do to it in the two years after. Stores nothing. " +
			"The same rules as a job's: what is refused here is refused there. next is shorter than count when the " +
			"schedule ends.",
		RequestBody: reference.JSONBody("PreviewRequest"), MaxBodyBytes: h.maxBody,
	}, h.preview, kindInvalid)
}

type previewInput struct{ request }

// previewRequest is the body of a preview.
type previewRequest struct {
	Schedule string            `json:"schedule" maxLength:"256" doc:"The expression, as in a job." example:"0 30 2 * * *"`
	Timezone string            `json:"timezone,omitempty" maxLength:"64" default:"UTC" doc:"The IANA zone in which it is read." example:"Europe/Berlin"`
	After    reference.Instant `json:"after,omitempty" doc:"Instants strictly after this one: Unix milliseconds or RFC 3339, from 2001 to 2199; 0 or absent: now. @every is counted from it."`
	Count    int               `json:"count,omitempty" minimum:"1" maximum:"1000" default:"5" doc:"How many instants."`
	DST      wire.DstSpec      `json:"dst,omitempty" doc:"What becomes of fixed times when clocks change, as in a job."`
	JobID    string            `json:"jobId,omitempty" format:"uuid" doc:"The job whose H is shown; absent: that of no job in particular." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
}

type previewOutput struct{ Body previewBody }

type previewBody struct {
	Description string       `json:"description" doc:"The schedule in words." example:"At 02:30:00 every day."`
	Next        []instant    `json:"next" nullable:"false" doc:"The instants, oldest first."`
	Warnings    []string     `json:"warnings" nullable:"false" doc:"What is allowed but may not be meant."`
	DSTShifts   []shiftState `json:"dstShifts" nullable:"false" doc:"The clock changes of the two years after that touch the schedule."`
}

type instant struct {
	At    int64  `json:"at" format:"unix-ms" doc:"Unix milliseconds." example:"1767231000000"`
	UTC   string `json:"utc" format:"date-time" doc:"The instant in UTC, RFC 3339." example:"2026-01-01T01:30:00Z"`
	Local string `json:"local" format:"date-time" doc:"The instant in the zone, RFC 3339." example:"2026-01-01T02:30:00+01:00"`

	ClockChange string `json:"clockChange,omitempty" enum:"gap,fold" doc:"The offset of the zone is another one than at the instant before, or than now for the first. gap: the clock has gone forward. fold: it has gone back. Absent: it is the same." example:"gap"`
}

type shiftState struct {
	At     int64  `json:"at" format:"unix-ms" doc:"The instant of the change, Unix milliseconds." example:"1774746000000"`
	Date   string `json:"date" format:"date" doc:"The local date." example:"2026-03-29"`
	Kind   string `json:"kind" enum:"gap,fold" doc:"gap: the clock skips times. fold: times come twice." example:"gap"`
	Effect string `json:"effect" doc:"What will happen." example:"02:30:00 does not exist: fires at 03:00:00"`
}

func (h *scheduleRoutes) preview(_ context.Context, in *previewInput) (*previewOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	p, err := h.parsePreview(data)
	if err != nil {
		return nil, err
	}
	out := previewBody{
		Description: p.schedule.Describe(p.binding),
		Next:        make([]instant, 0, p.count),
		Warnings:    append([]string{}, p.warnings()...),
		DSTShifts:   []shiftState{},
	}
	for at := p.after.Unix(); len(out.Next) < p.count; {
		next, ok := p.schedule.Next(at, p.binding)
		if !ok {
			break
		}
		out.Next = append(out.Next, instantOf(next*1000, at*1000, p.schedule.Location()))
		at = next
	}
	until := p.after.AddDate(shiftYears, 0, 0).Unix()
	for _, sh := range p.schedule.Shifts(p.after.Unix(), until, p.binding) {
		out.DSTShifts = append(out.DSTShifts, shiftState{sh.At * 1000, sh.Date, sh.Kind, sh.Effect})
	}
	return &previewOutput{out}, nil
}

// instantsOf shows instants, the first of which is compared with another one.
func instantsOf(all []int64, before int64, zone *time.Location) []instant {
	shown := make([]instant, len(all))
	for i, at := range all {
		shown[i] = instantOf(at, before, zone)
		before = at
	}
	return shown
}

// instantOf shows an instant beside the one before it, both in Unix milliseconds.
func instantOf(ms, before int64, zone *time.Location) instant {
	t := time.UnixMilli(ms)
	return instant{ms, t.UTC().Format(time.RFC3339), t.In(zone).Format(time.RFC3339),
		cron.ClockChange(time.UnixMilli(before), t, zone)}
}

// previewed is a preview request that was understood.
type previewed struct {
	schedule *cron.Schedule
	binding  cron.Binding
	after    time.Time
	count    int
	job      bool // H is that of a job
}

func (p *previewed) warnings() []string {
	if p.job {
		return p.schedule.Warnings()
	}
	return p.schedule.WarningsWithoutJob()
}

// parsePreview names every wrong field, as the spec of a job does.
func (h *scheduleRoutes) parsePreview(data []byte) (previewed, error) {
	var schedule string
	var job *string
	var after reference.Instant
	zone := "UTC"
	dst := domain.DefaultSpec().DST
	p := previewed{after: h.clock.Now(), count: defaultPreview}
	fields := map[string]any{
		"schedule": &schedule, "timezone": &zone, "after": &after, "count": &p.count, "dst": &dst, "jobId": &job,
	}
	var faults []domain.FieldError
	fault := func(err error) {
		if e, ok := errors.AsType[*domain.Error](err); ok {
			faults = append(faults, e.Fields...)
		}
	}
	fault(decodeFields(data, fields))
	if p.count < 1 || p.count > maxPreview {
		fault(domain.InvalidAs(domain.FieldRange, "count", fmt.Sprintf("must be from 1 to %d", maxPreview), p.count))
	}
	if after != 0 {
		p.after = time.UnixMilli(int64(after))
	}
	schedule, zone = strings.TrimSpace(schedule), strings.TrimSpace(zone)
	var id domain.JobID
	if p.job = job != nil; p.job {
		var err error
		if id, err = domain.ParseJobID(*job); err != nil {
			fault(domain.InvalidAs(domain.FieldFormat, "jobId", "must be a UUID of 36 characters", *job))
		}
	}
	if !slices.ContainsFunc(faults, func(f domain.FieldError) bool { return f.Field == "schedule" }) {
		fault(checkSchedule(schedule, zone, dst))
	}
	p.binding = cron.Binding{Seed: cron.SeedOf(id), Anchor: p.after.Unix()}
	if len(faults) > 0 {
		return p, &domain.Error{Code: domain.CodeInvalid, Fields: faults}
	}
	var err error
	p.schedule, err = domain.ParseSchedule(schedule, zone, dst)
	return p, err
}

// checkSchedule judges the schedule as that of a job whose other fields are
// right.
func checkSchedule(text, zone string, dst domain.DST) error {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.Timezone, spec.DST = text, zone, dst
	spec.API, spec.Type = "http://localhost/", domain.AtLeastOnce
	return spec.Validate()
}
