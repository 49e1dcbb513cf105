package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// seriesRoutes tell what executions add up to over time.
type seriesRoutes struct {
	view  *view.View
	scope *scope
	clock clock.Clock
}

func (h *seriesRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-series", Method: http.MethodGet, Path: "/observability/series",
		Tags:    []string{"Observability"},
		Summary: "Executions, drift and durations over time",
		Description: "Points by the minute, the hour or the day (UTC) in which fires were scheduled, oldest " +
			"first; of a step without any there is none. A point grows until what was due in it has " +
			"ended. Minutes and hours are kept as long as the history of their day, days permanently. " +
			"The points are stored with the record and never computed by a scan; those of one job are " +
			"computed from its latest 3,000 executions at most, and from then says how far they go " +
			"back. Percentiles are at least as long as the exact ones, by less than a quarter. A key " +
			"that is confined to a namespace has to name a job.",
	}, h.series, kindNotFound, kindUnavailable)
}

// maxPoints is how many points an answer has at most: a day of minutes, two months of hours, four years
// of days. With two histograms each they take 3 MiB.
const maxPoints = 1_500

// stepParam is a step of a series.
type stepParam string

// steps are the steps by their names, with how many of them are answered unless from is given.
var steps = []struct {
	name    string
	step    domain.Step
	without int64
}{{"minute", domain.StepMinute, 60}, {"hour", domain.StepHour, 24}, {"day", domain.StepDay, 30}}

// Schema implements huma.SchemaProvider.
func (stepParam) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Default: steps[0].name, Examples: []any{"hour"},
		Description: "How long the time of a point is."}
	for _, of := range steps {
		s.Enum = append(s.Enum, of.name)
	}
	return s
}

type seriesInput struct {
	From  instantParam `query:"from" doc:"The first instant; the point begins with its step. Absent: 60 minutes, 24 hours or 30 days before to."`
	To    instantParam `query:"to" doc:"The instant to end before, to the end of its step. Absent: now. At most 1,500 steps after from."`
	Step  stepParam    `query:"step"`
	JobID jobIDParam   `query:"jobId"`
}

// query reads the parameters. The window is widened to whole steps.
func (in *seriesInput) query(now int64) (q view.SeriesQuery, name string, err error) {
	i := 0
	if word := strings.TrimSpace(string(in.Step)); word != "" {
		for i < len(steps) && steps[i].name != word {
			i++
		}
		if i == len(steps) {
			return q, "", kindMalformed.fieldAs(domain.FieldChoice, "step", "must be minute, hour or day", word)
		}
	}
	q.Step, name = steps[i].step, steps[i].name
	if q.To, err = in.To.parse("to", now); err != nil {
		return q, name, err
	}
	ms := q.Step.Ms()
	if q.From, err = in.From.parse("from", max(0, q.To-steps[i].without*ms)); err != nil {
		return q, name, err
	}
	if err := checkRange(q.From, q.To, in.To); err != nil {
		return q, name, err
	}
	q.From = q.Step.Start(q.From)
	if q.To > q.Step.Start(q.To) {
		q.To = q.Step.Start(q.To) + ms
	}
	if n := (q.To - q.From) / ms; n > maxPoints {
		return q, name, kindMalformed.fieldAs(domain.FieldRange, "to", fmt.Sprintf(
			"must be at most %d steps after from, not %d: choose a longer step", maxPoints, n), string(in.To))
	}
	q.JobID, err = in.JobID.parse()
	return q, name, err
}

type seriesOutput struct{ Body seriesBody }

type seriesBody struct {
	Step   string      `json:"step" enum:"minute,hour,day" doc:"How long the time of a point is." example:"minute"`
	From   int64       `json:"from" format:"unix-ms" doc:"When the first step begins, Unix milliseconds. It is later than asked for where older points are not kept, or were too many to compute." example:"1767225600000"`
	To     int64       `json:"to" format:"unix-ms" doc:"When the last step ends, Unix milliseconds." example:"1767229200000"`
	Points []pointBody `json:"points" nullable:"false" doc:"Those of steps in which anything was due, oldest first."`
}

type pointBody struct {
	At         int64         `json:"at" format:"unix-ms" doc:"When the step begins, Unix milliseconds." example:"1767225600000"`
	Executions endedCounts   `json:"executions" doc:"Fires that were scheduled in the step and have ended. A summary counts each fire that it covers."`
	Retries    int64         `json:"retries" doc:"Attempts after the first." example:"3"`
	Drift      *distribution `json:"driftMs,omitempty" doc:"How late first attempts began, in milliseconds; absent: none did."`
	Duration   *distribution `json:"durationMs,omitempty" doc:"From the first attempt to the end of SUCCESS and FAILED, in milliseconds; absent: there was none."`
}

type endedCounts struct {
	Success int64 `json:"success" doc:"SUCCESS." example:"197"`
	Failed  int64 `json:"failed" doc:"FAILED." example:"3"`
	Skipped int64 `json:"skipped" doc:"SKIPPED." example:"0"`
	Missed  int64 `json:"missed" doc:"MISSED." example:"0"`
	Unknown int64 `json:"unknown" doc:"UNKNOWN." example:"0"`
}

type distribution struct {
	P50 int64 `json:"p50" doc:"Half of them were at most as long." example:"2"`
	P90 int64 `json:"p90" doc:"Nine of ten were at most as long." example:"4"`
	P99 int64 `json:"p99" doc:"99 of 100 were at most as long." example:"11"`
	Max int64 `json:"max" doc:"The longest, exactly." example:"34"`
}

func distributionOf(h domain.Histogram, longest int64) *distribution {
	if h.Count() == 0 {
		return nil
	}
	return &distribution{h.Quantile(0.5, longest), h.Quantile(0.9, longest), h.Quantile(0.99, longest), longest}
}

func (h *seriesRoutes) series(ctx context.Context, in *seriesInput) (*seriesOutput, error) {
	q, name, err := in.query(clock.NowMs(h.clock))
	if err != nil {
		return nil, err
	}
	if q.JobID.IsZero() && visitorOf(ctx).namespace != "" {
		return nil, kindRole.plain()
	}
	if !q.JobID.IsZero() {
		if err := h.scope.inScope(ctx, q.JobID); err != nil {
			return nil, err
		}
	}
	points, from, err := h.view.Series(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &seriesOutput{seriesBody{Step: name, From: from, To: q.To, Points: make([]pointBody, len(points))}}
	for i := range points {
		p := &points[i]
		ended := endedCounts{p.Success, p.Failed, p.Skipped, p.Missed, p.Unknown}
		out.Body.Points[i] = pointBody{p.At, ended, p.Retries,
			distributionOf(p.Drift, p.DriftMax), distributionOf(p.Duration, p.DurationMax)}
	}
	return out, nil
}
