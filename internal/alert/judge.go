package alert

import (
	"cmp"
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// executionsJudged bounds what is read of a job for a rate: some 5 ms.
const executionsJudged = 500

// judged reports whether a condition is decided by the executions of a job. It is asked when the job has failed, which
// the mark of its alert says, and each minute while it holds.
func judged(kind domain.ConditionKind) bool {
	return kind == domain.WhenFailedOf || kind == domain.WhenSuccessRate
}

// judge asks whether the condition of a rule holds for a job, and applies the answer.
func (s *stepping) judge(ctx context.Context, r *domain.AlertRule, job *domain.Version) error {
	if !r.Applies(job.JobID, &job.Spec) && s.member(memberKey{r.ID, job.JobID}) == nil {
		return nil
	}
	q := store.ExecutionQuery{
		JobID: job.JobID, Limit: r.When.Of, MaxBytes: pageBytes,
		Statuses: []domain.Status{domain.StatusSuccess, domain.StatusFailed, domain.StatusUnknown},
	}
	if r.When.Which() == domain.WhenSuccessRate {
		q.Limit, q.From = executionsJudged, s.now-r.When.Window()
	}
	page, err := s.stored.History().List(ctx, q)
	if err != nil {
		return err
	}
	f := Judge(&r.When, page.Executions, s.now)
	if !f.Met {
		s.over(r, job)
		return nil
	}
	return s.found(ctx, r, job, &observed{
		count: f.Count, firstAt: f.First.CompletedAt, lastAt: f.Last.CompletedAt, execution: f.Last.ID(),
		httpStatus: f.Last.HTTPStatus, text: f.Text,
	})
}

// pageBytes bounds what is in memory of the executions of a job.
const pageBytes = 1 << 20

// observed is what was found of a job by a condition that holds.
type observed struct {
	count           int64
	firstAt, lastAt int64
	execution       domain.ExecutionID
	httpStatus      int
	text            string
}

// found applies that a condition holds for a job. Its alert is named by the instant at which that was found first.
func (s *stepping) found(ctx context.Context, r *domain.AlertRule, job *domain.Version, o *observed) error {
	c := domain.AlertChange{OpenedAt: s.now, Alert: domain.Alert{
		JobID: job.JobID, FirstAt: o.firstAt, LastAt: o.lastAt, Count: o.count, Execution: o.execution,
		HTTPStatus: o.httpStatus, Error: o.text,
	}}
	if known := s.member(memberKey{r.ID, job.JobID}); known != nil && known.Open() {
		c.OpenedAt, c.OpenedNonce = known.OpenedAt, known.OpenedNonce
	}
	return s.apply(ctx, r, &c, job, true)
}

// over applies that a condition does not hold for a job any more.
func (s *stepping) over(r *domain.AlertRule, job *domain.Version) {
	known := s.member(memberKey{r.ID, job.JobID})
	g := s.groupOf(known)
	if g == nil || !known.Open() {
		return
	}
	c := domain.AlertChange{OpenedAt: known.OpenedAt, OpenedNonce: known.OpenedNonce, Alert: domain.Alert{
		JobID: job.JobID, FirstAt: cmp.Or(g.FirstAt, known.LastAt), LastAt: known.LastAt, Count: known.Count,
		RecoveredAt: s.now,
	}}
	next, changes := Fold(g, known, &c, shownOf(g, &c, job))
	if changes {
		s.changed[memberKey{r.ID, job.JobID}] = next
	}
}

// shownOf returns what messages show of an alert so far, or what is known of its job.
func shownOf(g *domain.Group, c *domain.AlertChange, job *domain.Version) domain.GroupSample {
	for i := range g.Samples {
		if g.Samples[i].JobID == c.JobID {
			return g.Samples[i]
		}
	}
	return sampleOf(c, job)
}
