package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/forecast"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

const (
	maxForecasts   = 1 // are made at a time: each reads the jobs that it is about
	forecastWait   = 8 * time.Second
	forecastPiece  = 1_000  // jobs that are read at a time
	keptForecasts  = 16     // some 100 KiB each
	forecastAge    = 15_000 // ms for which one is answered again at least
	forecastFactor = 20     // and for so many times as long as it took: 5 % of a core at most
	pastForecast   = 60_000 // ms that from may be in the past: clocks differ
)

// forecastRoutes tell how many fires are due when.
type forecastRoutes struct {
	jobs     store.Jobs
	clock    clock.Clock
	pace     *clock.Pace // may be nil
	underWay chan struct{}
	debts    debts

	mu   sync.Mutex
	kept map[forecastKey]keptForecast
}

// forecastKey is what a forecast is about.
type forecastKey struct {
	step, from, to       int64 // from and to are zero unless a request says one of them
	namespace, tag, host string
}

type keptForecast struct {
	body  forecastBody
	until int64
}

func (h *forecastRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-forecast", Method: http.MethodGet, Path: "/forecast", Tags: []string{"Schedules"},
		Summary: "See how many fires are due when",
		Description: "Of the current versions of all jobs that are active or whose pause has an end, from that end " +
			"on, or of those that the filters select: the next hour " +
			"by second, the next day by minute, or the next week by hour. Retries and manual triggers are not " +
			"foreseen, and fires before the present second are not counted. It is computed from the jobs as they " +
			"are stored and answered again for some time: computedAt says when it was made. At a million jobs that " +
			"takes seconds; one is made at a time. A caller whose forecasts have taken more than half a minute gets " +
			"429 until ten times the rest has passed.",
	}, h.forecast, kindBusy, kindUnavailable)
}

// forecastStep is how long a step is.
type forecastStep string

// Schema implements huma.SchemaProvider.
func (forecastStep) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Enum: []any{"second", "minute", "hour"}, Default: "minute",
		Examples: []any{"hour"}, Description: "How long a step is."}
}

// parse returns the length of a step, and of the window unless a request says it, in ms.
func (p forecastStep) parse() (step, length int64, err error) {
	switch strings.TrimSpace(string(p)) {
	case "second":
		return 1_000, 3_600_000, nil
	case "", "minute":
		return 60_000, 24 * 3_600_000, nil
	case "hour":
		return 3_600_000, 7 * 24 * 3_600_000, nil
	}
	return 0, 0, kindMalformed.fieldAs(domain.FieldChoice, "step", "must be second, minute or hour", string(p))
}

type forecastInput struct {
	request

	Step forecastStep `query:"step"`
	From instantParam `query:"from" doc:"The first instant; the step that has it is the first one. Absent: now. Not in the past."`
	To   instantParam `query:"to" doc:"The end. Absent: an hour later with step=second, a day with minute, a week with hour. At most 4,000 steps."`

	Namespace string `query:"namespace" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"Only jobs of this namespace." example:"billing"`
	Tag       string `query:"tag" maxLength:"200" doc:"Only jobs with this tag, exactly." example:"billing"`
	Host      string `query:"host" maxLength:"300" doc:"Only jobs that call this host: a name, name:port, or a URL with scheme and name." example:"api.example.com"`
}

type forecastOutput struct{ Body forecastBody }

type forecastBody struct {
	From        int64           `json:"from" format:"unix-ms" doc:"The beginning of the first step, Unix milliseconds." example:"1767225600000"`
	To          int64           `json:"to" format:"unix-ms" doc:"The end of the last step, Unix milliseconds." example:"1767312000000"`
	Step        string          `json:"step" enum:"second,minute,hour" doc:"How long a step is." example:"minute"`
	ComputedAt  int64           `json:"computedAt" format:"unix-ms" doc:"When it was computed, Unix milliseconds." example:"1767225600000"`
	Jobs        int             `json:"jobs" doc:"How many jobs were counted: those that are active, or whose pause has an end." example:"1000000"`
	Total       int64           `json:"total" doc:"How many fires are due in all." example:"288"`
	Points      []forecastPoint `json:"points" nullable:"false" doc:"Each step, in order, also those without fires."`
	Peak        *forecastPeak   `json:"peak,omitempty" doc:"The first step with the most fires. Absent: there are none."`
	ByHost      []forecastShare `json:"byHost" nullable:"false" doc:"The hosts with the most fires, 20 at most."`
	ByTag       []forecastShare `json:"byTag" nullable:"false" doc:"The tags with the most fires, 20 at most. A job counts for each of its tags."`
	ByNamespace []forecastShare `json:"byNamespace" nullable:"false" doc:"The namespaces with the most fires, 20 at most."`
	Truncated   bool            `json:"truncated" doc:"Whether there were too many different calendars, or names, to count all: then these are too few."`
}

type forecastPoint struct {
	At    int64 `json:"at" format:"unix-ms" doc:"The beginning of the step, Unix milliseconds." example:"1767225600000"`
	Count int64 `json:"count" doc:"How many fires are due in it." example:"120"`
}

type forecastPeak struct {
	At    int64         `json:"at" format:"unix-ms" doc:"The beginning of the step, Unix milliseconds." example:"1767225600000"`
	Count int64         `json:"count" doc:"How many fires are due in it." example:"120"`
	Jobs  []forecastJob `json:"jobs" nullable:"false" doc:"Jobs that fire in it, ten at most: one of each group with the same calendar, the largest groups first."`
}

type forecastJob struct {
	JobID string `json:"jobId" format:"uuid" doc:"The job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Name  string `json:"name,omitempty" doc:"Its name." example:"Sync invoices"`
	Count int64  `json:"count" doc:"How often it fires in the step." example:"1"`
}

type forecastShare struct {
	Name  string `json:"name" doc:"The host, the tag or the namespace." example:"https://api.example.com:443"`
	Count int64  `json:"count" doc:"How many of the fires are due there." example:"120"`
}

func (h *forecastRoutes) forecast(ctx context.Context, in *forecastInput) (*forecastOutput, error) {
	q, err := (&JobFilter{Namespace: in.Namespace, Tag: in.Tag, Host: in.Host}).query(ctx)
	if err != nil {
		return nil, err
	}
	w, err := in.window(clock.NowMs(h.clock))
	if err != nil {
		return nil, err
	}
	key := forecastKey{step: w.Step, namespace: q.Namespace, tag: q.Tag, host: strings.TrimSpace(in.Host)}
	if strings.TrimSpace(string(in.From)) != "" || strings.TrimSpace(string(in.To)) != "" {
		key.from, key.to = w.From, w.To
	}
	if body, found := h.find(key); found {
		return &forecastOutput{body}, nil
	}
	caller := callerName(ctx)
	if wait := h.debts.wait(caller, clock.NowMs(h.clock)); wait > 0 {
		return nil, kindBusy.problem("Your forecasts have taken too long for now.").
			throttled(atATime("forecasts", maxForecasts), wait)
	}
	waiting, cancel := context.WithTimeout(ctx, forecastWait)
	defer cancel()
	select {
	case h.underWay <- struct{}{}:
		defer func() { <-h.underWay }()
	case <-waiting.Done():
		return nil, kindBusy.problem("%d forecast is under way.", maxForecasts).
			throttled(atATime("forecasts", maxForecasts), busyWait)
	}
	if body, found := h.find(key); found { // somebody else has asked for the same
		return &forecastOutput{body}, nil
	}
	// It may take longer than answers may; a client that goes away ends it by the context.
	_ = http.NewResponseController(in.w).SetWriteDeadline(time.Time{})
	begun := clock.NowMs(h.clock)
	load, err := h.count(ctx, &q, w, begun)
	now := clock.NowMs(h.clock)
	h.debts.add(caller, now-begun, now)
	if err != nil {
		return nil, store.Coded(err)
	}
	body := forecastOf(&load, begun)
	h.keep(key, body, begun)
	return &forecastOutput{body}, nil
}

// window parses the window: whole steps.
func (in *forecastInput) window(now int64) (w forecast.Window, err error) {
	step, length, err := in.Step.parse()
	if err != nil {
		return w, err
	}
	from, err := in.From.parse("from", now)
	if err != nil {
		return w, err
	}
	if from < now-pastForecast {
		return w, kindMalformed.fieldAs(domain.FieldRange, "from", "must not be in the past", string(in.From))
	}
	w = forecast.Window{From: from - from%step, Step: step}
	to, err := in.To.parse("to", w.From+length)
	if err != nil {
		return w, err
	}
	if err := checkRange(from, to, in.To); err != nil {
		return w, err
	}
	w.To = to + (step-to%step)%step
	if w.To == w.From || (w.To-w.From)/step > forecast.MaxPoints {
		return w, kindMalformed.fieldAs(domain.FieldRange, "to", "must be from one to 4,000 steps after from",
			string(in.To))
	}
	return w, nil
}

// count counts the fires of the jobs that a query selects, from the present second on.
func (h *forecastRoutes) count(ctx context.Context, q *store.JobQuery, w forecast.Window, now int64) (
	load forecast.Load, err error) {
	q.Fires, q.Limit, q.MaxBytes, q.MaxBody = true, forecastPiece, pageBytes, 1
	counter, rests := forecast.NewCounter(w, now-now%1_000), 0
	counter.Rest = func() bool {
		rests++
		h.pace.Step(rests)
		return ctx.Err() == nil
	}
	for n := 0; ; {
		page, err := h.jobs.List(ctx, *q)
		if err != nil {
			return load, err
		}
		for i := range page.Jobs {
			h.pace.Step(n)
			counter.Add(&page.Jobs[i].Current)
			n++
		}
		if page.Next.IsZero() {
			return counter.Load(), ctx.Err()
		}
		q.After = page.Next
	}
}

func forecastOf(l *forecast.Load, at int64) forecastBody {
	b := forecastBody{
		From: l.From, To: l.To, Step: map[int64]string{1_000: "second", 60_000: "minute", 3_600_000: "hour"}[l.Step],
		ComputedAt: at, Jobs: l.Jobs, Total: l.Total, Points: make([]forecastPoint, len(l.Points)),
		ByHost: sharesOf(l.ByHost), ByTag: sharesOf(l.ByTag), ByNamespace: sharesOf(l.ByNamespace),
		Truncated: l.Truncated,
	}
	for i, p := range l.Points {
		b.Points[i] = forecastPoint{p.At, p.Count}
	}
	if l.Peak.Count > 0 {
		b.Peak = &forecastPeak{At: l.Peak.At, Count: l.Peak.Count, Jobs: []forecastJob{}}
		for _, j := range l.PeakJobs {
			b.Peak.Jobs = append(b.Peak.Jobs, forecastJob{j.ID.String(), j.Name, j.Count})
		}
	}
	return b
}

func sharesOf(shares []forecast.Share) []forecastShare {
	out := make([]forecastShare, len(shares))
	for i, s := range shares {
		out[i] = forecastShare{s.Name, s.Count}
	}
	return out
}

// find returns a forecast that is young enough.
func (h *forecastRoutes) find(key forecastKey) (forecastBody, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, found := h.kept[key]
	return k.body, found && clock.NowMs(h.clock) < k.until
}

// keep keeps a forecast that was begun at an instant.
func (h *forecastRoutes) keep(key forecastKey, body forecastBody, begun int64) {
	now := clock.NowMs(h.clock)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kept == nil || len(h.kept) >= keptForecasts {
		h.kept = map[forecastKey]keptForecast{}
	}
	h.kept[key] = keptForecast{body, now + max(forecastAge, forecastFactor*(now-begun))}
}
