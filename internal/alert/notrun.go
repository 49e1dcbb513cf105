package alert

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// jobsAStep bounds the jobs that are looked at in a step, one page a second: some 40 ms. So a million are looked
	// at in 17 minutes.
	jobsAStep   = 1_000
	pageEvery   = time.Second
	patrolEvery = time.Minute
	// recoverFor is how long after a start nothing is said of jobs that have not run: what came due while no server
	// was there is sent first.
	recoverFor = 2 * time.Minute
)

// NotRun says of a job what was to run and has not: its first fire that has no execution, and is longer ago than the
// tolerance, and the latest such fire. ran is when the latest fire was scheduled that was sent; zero: none is known.
// Fires that came before the current version, before a job was resumed, or are not in its time are none.
//
//	───●────────────○────────────○──────────○───────►
//	  ran         first        latest         now
//	                               ◄─tolerance──►
func NotRun(v *domain.Version, ran, toleranceMs, now int64) (first, latest int64, found bool) {
	timing, err := v.Timing()
	if err != nil || !v.Fires() {
		return 0, 0, false
	}
	latest, found = timing.Prev(now - toleranceMs)
	if !found || latest <= ran {
		return 0, 0, false
	}
	first, found = timing.Next(ran)
	return first, latest, found
}

// sent reports whether an execution of a status has reached its target, as far as is known.
func sent(s domain.Status) bool {
	return s == domain.StatusSuccess || s == domain.StatusFailed || s == domain.StatusUnknown
}

// late is what was found of a job that has not run.
type late struct {
	ran           int64 // zero: it is not known when
	first, latest int64
	unsent        domain.Execution // that came after it and was not sent; zero: none
}

// lateOf returns those of some jobs that have not run, by a rule.
func lateOf(ctx context.Context, s *stepping, r *domain.AlertRule, jobs []domain.Job) (
	map[domain.JobID]*late, error) {
	found := make(map[domain.JobID]*late)
	var asked []domain.Job
	for i := range jobs {
		if _, _, due := NotRun(&jobs[i].Current, 0, r.When.ThresholdMs, s.now); due {
			asked = append(asked, jobs[i])
		}
	}
	if len(asked) == 0 {
		return found, nil
	}
	s.work.spend(workQuery + 2*len(asked))
	newest, err := s.stored.History().Last(ctx, asked)
	if err != nil {
		return nil, err
	}
	for i := range asked {
		v := &asked[i].Current
		l := late{}
		if e, known := newest[asked[i].ID]; known && sent(e.Status) {
			l.ran = e.ScheduledAt
		} else if known {
			l.unsent = e
		}
		var due bool
		if l.first, l.latest, due = NotRun(v, l.ran, r.When.ThresholdMs, s.now); due {
			found[v.JobID] = &l
		}
	}
	for i := range asked {
		v := &asked[i].Current
		l := found[v.JobID]
		if l == nil {
			continue
		}
		if l.ran == 0 {
			if err := lookBack(ctx, s, v.JobID, l); err != nil {
				return nil, err
			}
		}
		var due bool
		if l.first, l.latest, due = NotRun(v, l.ran, r.When.ThresholdMs, s.now); !due {
			delete(found, v.JobID)
		}
	}
	return found, dropRunning(ctx, s, found)
}

// lookBack finds when a job has run of which the newest execution was not sent, or is not known.
func lookBack(ctx context.Context, s *stepping, id domain.JobID, l *late) error {
	s.work.spend(workJudge)
	page, err := s.stored.History().List(ctx, store.ExecutionQuery{
		JobID: id, Limit: 1, From: s.now - judgedMs, MaxBytes: pageBytes, MaxWork: judgedWork,
		Statuses: []domain.Status{domain.StatusSuccess, domain.StatusFailed, domain.StatusUnknown},
	})
	if err == nil && len(page.Executions) > 0 {
		l.ran = page.Executions[0].ScheduledAt
	}
	return err
}

// dropRunning drops those jobs of which a call is under way, or is tried again: they have an open run.
func dropRunning(ctx context.Context, s *stepping, found map[domain.JobID]*late) error {
	var keys []domain.FireKey
	for id, l := range found {
		keys = append(keys, domain.FireKey{JobID: id, ScheduledAt: l.first})
		if l.latest != l.first {
			keys = append(keys, domain.FireKey{JobID: id, ScheduledAt: l.latest})
		}
	}
	for len(keys) > 0 {
		n := min(len(keys), store.MaxIDs)
		s.work.spend(workQuery + n)
		runs, err := s.stored.Ledger().RunsOf(ctx, keys[:n])
		if err != nil {
			return err
		}
		for i := range runs {
			if runs[i].InFlight || len(runs[i].Attempts) > 0 {
				delete(found, runs[i].JobID)
			}
		}
		keys = keys[n:]
	}
	return nil
}

// observed returns what people are told of it.
func (l *late) observed() *observed {
	o := &observed{count: 1, firstAt: l.first, lastAt: l.first, text: "has not run yet: it was due at " +
		instant(l.first)}
	if l.ran != 0 {
		o.text = "has not run since " + instant(l.ran) + ": it was due at " + instant(l.first)
	}
	if e := &l.unsent; e.Status != "" {
		o.execution = e.ID()
		o.text += ", and the fire of " + instant(e.ScheduledAt) + " is " + string(e.Status)
		if e.Error != "" {
			o.text += ": " + e.Error
		}
	}
	o.text = clip(o.text)
	return o
}

// patrol looks for jobs that have not run: at one page of the jobs of a rule in a second, and at all of them once a
// minute where that is enough for it. What it finds is the same at another node.
type patrol struct {
	since time.Time // when this process began to tell; zero: it has not
	begun time.Time // of the current look at all jobs
	paged time.Time // of the last page
	rules []string  // that are to be looked at, the current one first
	after domain.JobID
}

// goOn looks at one page, if it is time.
func (p *patrol) goOn(ctx context.Context, s *stepping, now time.Time) error {
	if p.since.IsZero() {
		p.since = now
	}
	if now.Sub(p.since) < recoverFor || now.Sub(p.paged) < pageEvery {
		return nil
	}
	if len(p.rules) == 0 {
		if now.Sub(p.begun) < patrolEvery {
			return nil
		}
		p.begun, p.after = now, domain.JobID{}
		for r := range s.settings.active() {
			if r.When.Which() == domain.WhenNotRun {
				p.rules = append(p.rules, r.ID)
			}
		}
	}
	if len(p.rules) == 0 {
		return nil
	}
	p.paged = now
	r := s.settings.rule(p.rules[0])
	if r == nil || r.When.Which() != domain.WhenNotRun {
		p.rules, p.after = p.rules[1:], domain.JobID{}
		return nil
	}
	next, err := p.page(ctx, s, r)
	if err != nil {
		return err
	}
	if p.after = next; next.IsZero() {
		p.rules = p.rules[1:]
	}
	return nil
}

// page looks at a page of the jobs of a rule. It returns where the next one begins; zero: there is none.
func (p *patrol) page(ctx context.Context, s *stepping, r *domain.AlertRule) (next domain.JobID, err error) {
	s.work = patrolWork
	host, err := domain.ParseHostFilter(r.Match.Host)
	if err != nil || r.Limit != "" && r.Match.Namespace != "" && r.Limit != r.Match.Namespace {
		return next, nil //nolint:nilerr // a rule whose host cannot be read is about no job
	}
	q := store.JobQuery{
		After: p.after, Limit: jobsAStep, MaxBody: 1, IDs: r.Match.Jobs, Fires: true, Namespace: r.Match.Namespace,
		Tag: r.Match.Tag, Host: host,
	}
	if q.Namespace == "" {
		q.Namespace = r.Limit
	}
	page, err := s.stored.Jobs().List(ctx, q)
	if err != nil {
		return next, err
	}
	found, err := lateOf(ctx, s, r, page.Jobs)
	if err != nil || len(found) == 0 {
		return page.Next, err
	}
	changes := make([]domain.AlertChange, 0, len(found))
	for id := range found {
		changes = append(changes, domain.AlertChange{Alert: domain.Alert{JobID: id}})
	}
	jobs, err := s.about(ctx, changes)
	if err != nil {
		return next, err
	}
	for id, l := range found {
		known := s.member(memberKey{r.ID, id})
		if known != nil && known.Open() && s.groupOf(known) != nil || jobs[id] == nil {
			continue
		}
		if err := s.found(ctx, r, jobs[id], l.observed()); err != nil {
			return next, err
		}
	}
	return page.Next, nil
}
