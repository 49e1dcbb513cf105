package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/audit"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// maxAudits is how many audits are answered at a time: each reads the record
// of its whole window.
const maxAudits = 1

// auditWindow is what is audited when from is absent.
const auditWindow = time.Hour

// auditRoute compares the record with the timeline.
type auditRoute struct {
	store     store.Store
	clock     clock.Clock
	retention time.Duration // older days are not audited; zero: all are
	underWay  chan struct{} // a place for each audit
}

func (h *auditRoute) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "audit", Method: http.MethodGet, Path: "/audit", Tags: []string{"Observability"},
		Summary: "Compare the record with the timeline",
		Description: "Computes the fires of every version in the window again and compares them with the record. " +
			"A fire without a record is lost; there must be none. What is above the watermark, and what retention " +
			"has dropped, is not judged: " +
			"from and to of the answer say what was. Manual triggers are left out. At most 31 days.",
	}, h.audit, kindBusy, kindUnavailable)
}

type auditInput struct {
	request

	From  instantParam `query:"from" doc:"The first instant. Absent: an hour before to."`
	To    instantParam `query:"to" doc:"The last instant. Absent: now."`
	JobID string       `query:"jobId" format:"uuid" doc:"Only fires of this job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
}

type auditOutput struct{ Body auditBody }

type auditBody struct {
	From       int64      `json:"from" format:"unix-ms" doc:"The first instant that was judged, Unix milliseconds." example:"1767225600000"`
	To         int64      `json:"to" format:"unix-ms" doc:"The last instant that was judged; before from: nothing was." example:"1767229200000"`
	Expected   int64      `json:"expected" doc:"Fires that the timeline names." example:"3600"`
	Succeeded  int64      `json:"succeeded" doc:"SUCCESS." example:"3598"`
	Failed     int64      `json:"failed" doc:"FAILED." example:"1"`
	Skipped    int64      `json:"skipped" doc:"SKIPPED." example:"0"`
	Missed     int64      `json:"missed" doc:"MISSED." example:"0"`
	Unknown    int64      `json:"unknown" doc:"UNKNOWN." example:"0"`
	Pending    int64      `json:"pending" doc:"Not ended; kept through a crash." example:"0"`
	Late       int64      `json:"late" doc:"Of those that were sent: more than a second after their instant." example:"2"`
	Unexpected int64      `json:"unexpected" doc:"Records of scheduled fires that no version names." example:"0"`
	LostCount  int64      `json:"lostCount" doc:"Fires without a record." example:"1"`
	Lost       []lostFire `json:"lost" nullable:"false" doc:"The fires without a record, at most 1,000 of them."`
}

type lostFire struct {
	JobID       string `json:"jobId" format:"uuid" doc:"The job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	ExecutionID string `json:"executionId" format:"uuid" doc:"The id that the execution would have." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	ScheduledAt int64  `json:"scheduledAt" format:"unix-ms" doc:"When it was due, Unix milliseconds." example:"1767225600000"`
	Version     int    `json:"version" doc:"The version of the job that names it." example:"1"`
}

// window parses the parameters.
func (in *auditInput) window(now int64) (w audit.Window, err error) {
	if w.To, err = in.To.parse("to", now); err != nil {
		return w, err
	}
	if w.From, err = in.From.parse("from", w.To-auditWindow.Milliseconds()); err != nil {
		return w, err
	}
	if in.JobID != "" {
		w.Job, err = parseJobID("jobId", in.JobID)
	}
	return w, err
}

func (h *auditRoute) audit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	w, err := in.window(clock.NowMs(h.clock))
	if err != nil {
		return nil, err
	}
	w.Retention = h.retention
	select {
	case h.underWay <- struct{}{}:
		defer func() { <-h.underWay }()
	default:
		return nil, kindBusy.problem("%d audit is under way.", maxAudits).
			throttled(atATime("audits", maxAudits), busyWait)
	}
	// A long window takes longer than answers may; a client that goes away ends
	// it by the context.
	_ = http.NewResponseController(in.w).SetWriteDeadline(time.Time{})
	r, err := audit.Run(ctx, h.store, h.clock, w)
	if e, ok := errors.AsType[*domain.Error](err); ok && e.Code == domain.CodeInvalid && len(e.Fields) > 0 {
		return nil, asParameter(e.Fields[0].Field, err)
	}
	if err != nil {
		return nil, store.Coded(err)
	}
	return &auditOutput{auditBodyOf(&r)}, nil
}

func auditBodyOf(r *audit.Report) auditBody {
	b := auditBody{
		From: r.From, To: r.To, Expected: r.Expected, Succeeded: r.Succeeded, Failed: r.Failed, Skipped: r.Skipped,
		Missed: r.Missed, Unknown: r.Unknown, Pending: r.Pending, Late: r.Late, Unexpected: r.Unexpected,
		LostCount: r.LostCount, Lost: make([]lostFire, 0, len(r.Lost)),
	}
	for _, l := range r.Lost {
		b.Lost = append(b.Lost, lostFire{l.JobID.String(), l.Execution().String(), l.ScheduledAt, l.Version})
	}
	return b
}
