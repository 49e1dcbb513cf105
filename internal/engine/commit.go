package engine

import (
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// committed follows a batch that is durable. It runs on the recorder's
// goroutine, which alone decides when a fire stops holding W.
func (e *Engine) committed(batch []entry, took time.Duration) {
	e.metrics.CommitLatency.Observe(took.Seconds())
	e.metrics.CommitRows.Observe(float64(len(batch)))
	settled := settlement{pending: e.pending}
	for i := range batch {
		en := &batch[i]
		if en.ends() {
			e.count(&en.fact)
		}
		if f := en.fire; f != nil {
			if f.counted {
				f.counted = false
				settled.add(f.holds)
			}
			f.open = en.open != nil
			if en.ends() {
				f.job.mu.Lock()
				f.job.unlink(f)
				f.job.mu.Unlock()
			}
		}
		if en.done != nil {
			en.done()
		}
	}
	settled.flush()
}

// count feeds the metrics and the log with one record.
func (e *Engine) count(x *domain.Execution) {
	e.metrics.Executed(string(x.Status), x.Fires())
	if x.StartedAt != 0 {
		drift := float64(x.StartedAt-x.ScheduledAt) / 1000
		e.metrics.Drift.Observe(max(0, drift))
		e.metrics.Duration.Observe(float64(x.Duration()) / 1000)
		if drift > lagLimit.Seconds() {
			e.metrics.LateFires.Inc()
		}
	}
	if x.Status.Alerts() {
		e.log.Warn("execution failed",
			slog.String(telemetry.KeyJobID, x.JobID.String()),
			slog.String(telemetry.KeyExecutionID, x.ID().String()),
			slog.Int64(telemetry.KeyScheduledAt, x.ScheduledAt),
			slog.String(telemetry.KeyStatus, string(x.Status)),
			slog.Int(telemetry.KeyHTTPStatus, x.HTTPStatus),
			slog.String(telemetry.KeyError, x.Error))
	}
}

// settlement takes counts off the pending seconds, those of one second at a
// time: a batch is mostly of one second.
type settlement struct {
	pending *pendingSeconds
	at      int64
	n       int
}

func (s *settlement) add(at int64) {
	if s.n > 0 && second(at) != second(s.at) {
		s.flush()
	}
	s.at = at
	s.n++
}

func (s *settlement) flush() {
	if s.n > 0 {
		s.pending.done(s.at, s.n)
	}
	s.n = 0
}
