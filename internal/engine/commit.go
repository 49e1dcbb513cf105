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
func (r *runner) committed(batch []record.Entry, took time.Duration) {
	r.metrics.CommitLatency.Observe(took.Seconds())
	r.metrics.CommitRows.Observe(float64(len(batch)))
	var released hold.Batch
	for i := range batch {
		en := &batch[i]
		if en.Ends() {
			r.count(&en.Fact)
		}
		if f := en.Run; f != nil {
			if f.Hold.Held() {
				released.Release(&f.Hold)
			}
			f.OpenOnRecord = en.Open != nil
			if en.Ends() {
				f.Job.Mu.Lock()
				f.Job.Leave(f)
				f.Job.Mu.Unlock()
			}
		}
		if en.Done != nil {
			en.Done()
		}
	}
	released.Flush()
}

// count feeds the metrics and the log with one record.
func (r *runner) count(x *domain.Execution) {
	r.metrics.Executed(string(x.Status), x.Fires())
	if x.StartedAt != 0 {
		drift := float64(x.StartedAt-x.ScheduledAt) / 1000
		r.metrics.Drift.Observe(max(0, drift))
		r.metrics.Duration.Observe(float64(x.Duration()) / 1000)
		if drift > due.LagLimit.Seconds() {
			r.metrics.LateFires.Inc()
		}
	}
	if x.Status.Alerts() {
		r.log.Warn("execution failed",
			slog.String(telemetry.KeyJobID, x.JobID.String()),
			slog.String(telemetry.KeyExecutionID, x.ID().String()),
			slog.Int64(telemetry.KeyScheduledAt, x.ScheduledAt),
			slog.String(telemetry.KeyStatus, string(x.Status)),
			slog.Int(telemetry.KeyHTTPStatus, x.HTTPStatus),
			slog.String(telemetry.KeyError, x.Error))
	}
}
