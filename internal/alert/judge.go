package alert

import (
	"cmp"
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// executionsJudged bounds what is read of a job for a rate.
	executionsJudged = 500
	// judgedWork bounds what a store examines for that, as its lists count work: some 10 ms. It is enough for as many
	// executions, and for some that are not asked for between them.
	judgedWork = 10_000
	// judgedMs is how old an execution may be that counts for X of the last Y.
	judgedMs = 366 * dayMs
)

// judging has the executions that were read of a job, for all rules that ask for them.
type judging struct {
	job    domain.JobID
	latest []domain.Execution // for X of the last Y
	hour   []domain.Execution // for a rate
}

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
	found, err := s.executions(ctx, job.JobID, r.When.Which())
	if err != nil {
		return err
	}
	f := Judge(&r.When, found, s.now)
	if !f.Met {
		s.over(r, job, "")
		return nil
	}
	return s.found(ctx, r, job, &observed{
		count: f.Count, firstAt: f.First.CompletedAt, lastAt: f.Last.CompletedAt, execution: f.Last.ID(),
		httpStatus: f.Last.HTTPStatus, text: f.Text,
	})
}

// executions returns the latest executions of a job that a kind of conditions asks for, newest first. They are read
// once for all rules.
func (s *stepping) executions(ctx context.Context, id domain.JobID, kind domain.ConditionKind) (
	[]domain.Execution, error) {
	if s.judging.job != id {
		s.judging = judging{job: id}
	}
	into, q := &s.judging.latest, store.ExecutionQuery{
		JobID: id, Limit: domain.MaxConditionOf, From: s.now - judgedMs, MaxBytes: pageBytes, MaxWork: judgedWork,
		Statuses: []domain.Status{domain.StatusSuccess, domain.StatusFailed, domain.StatusUnknown},
	}
	if kind == domain.WhenSuccessRate {
		into, q.Limit, q.From = &s.judging.hour, executionsJudged, s.now-domain.MaxConditionMs
	}
	if *into != nil {
		return *into, nil
	}
	s.work.spend(workJudge)
	page, err := s.stored.History().List(ctx, q)
	if err == nil {
		*into = append([]domain.Execution{}, page.Executions...) // not nil: it was read
	}
	return *into, err
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

// notKnown is said of a job when nobody looks any more whether a condition holds for it.
const notKnown = "the rule cannot be read any more: whether it is over is not known"

// over applies that a condition does not hold for a job any more. why is what is said of the job then; empty: what was.
func (s *stepping) over(r *domain.AlertRule, job *domain.Version, why string) {
	known := s.member(memberKey{r.ID, job.JobID})
	g := s.groupOf(known)
	if g == nil || !known.Open() {
		return
	}
	c := domain.AlertChange{OpenedAt: known.OpenedAt, OpenedNonce: known.OpenedNonce, Alert: domain.Alert{
		JobID: job.JobID, FirstAt: cmp.Or(g.FirstAt, known.LastAt), LastAt: known.LastAt, Count: known.Count,
		RecoveredAt: s.now,
	}}
	sample := shownOf(g, &c, job)
	sample.Error = cmp.Or(why, sample.Error)
	next, changes := Fold(g, known, &c, sample)
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
