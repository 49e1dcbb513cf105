package engine

import (
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/due"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// committed follows a batch that is durable. It runs on the recorder's
// goroutine, which alone decides when a fire stops holding W.
func (rn *runner) committed(batch []record.Entry, took time.Duration) {
	rn.metrics.CommitLatency.Observe(took.Seconds())
	rn.metrics.CommitRows.Observe(float64(len(batch)))
	var released hold.Batch
	for i := range batch {
		en := &batch[i]
		if en.Ends() && !en.Refused {
			rn.count(&en.Fact)
		}
		if r := en.Run; r != nil {
			if r.Hold.Held() {
				released.Release(&r.Hold)
			}
			r.OpenOnRecord = en.Open != nil && !en.Refused
			if en.Ends() {
				r.Job.Mu.Lock()
				r.Job.Leave(r)
				r.Job.Mu.Unlock()
			}
		}
		if en.Done != nil {
			en.Done()
		}
	}
	released.Flush()
}

// count feeds the metrics and the log with one record.
func (rn *runner) count(x *domain.Execution) {
	rn.metrics.Executed(string(x.Status), x.Fires())
	if x.StartedAt != 0 {
		drift := float64(x.StartedAt-x.ScheduledAt) / 1000
		rn.metrics.Drift.Observe(max(0, drift))
		rn.metrics.Recent.Fired(x.StartedAt - x.ScheduledAt)
		rn.metrics.Duration.Observe(float64(x.Duration()) / 1000)
		if drift > due.LagLimit.Seconds() {
			rn.metrics.LateFires.Inc()
		}
	}
	if x.Status.Alerts() {
		rn.log.Warn("execution failed",
			slog.String(telemetry.KeyJobID, x.JobID.String()),
			slog.String(telemetry.KeyExecutionID, x.ID().String()),
			slog.Int64(telemetry.KeyScheduledAt, x.ScheduledAt),
			slog.String(telemetry.KeyStatus, string(x.Status)),
			slog.Int(telemetry.KeyHTTPStatus, x.HTTPStatus),
			slog.String(telemetry.KeyError, x.Error))
	}
}
