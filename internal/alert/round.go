package alert

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// roundEvery is how often each open alert is looked at: its job may have been paused or deleted, a condition may not
// hold any more, a silence may have begun or ended.
const roundEvery = time.Minute

// unreadWait is how long what a rule has found stays open while the rule cannot be read: a server of a newer build may
// go on meanwhile.
const unreadWait = time.Hour

// round looks at the members of all groups that are open, a part in each step.
type round struct {
	begun  time.Time
	groups []domain.GroupID // that are to be looked at, the current one first
	after  domain.JobID     // of the current one
	open   int              // members of it so far that are open
	whole  bool             // it was looked at in one step
	cover  covering
	unread map[string]time.Time // rules that cannot be read: since when
}

// begin starts a round if it is time. It reports whether one is under way.
func (o *round) begin(groups *openGroups, rules []domain.AlertRule, now time.Time) bool {
	if len(o.groups) > 0 {
		return true
	}
	if now.Sub(o.begun) < roundEvery {
		return false
	}
	o.begun = now
	o.noteUnread(rules, now)
	for id, g := range groups.all {
		if g.Counts.Jobs > 0 {
			o.groups = append(o.groups, id)
		}
	}
	slices.SortFunc(o.groups, func(a, b domain.GroupID) int { return bytes.Compare(a[:], b[:]) })
	o.after = domain.JobID{}
	return len(o.groups) > 0
}

// noteUnread notes which rules cannot be read.
func (o *round) noteUnread(rules []domain.AlertRule, now time.Time) {
	was := o.unread
	o.unread = make(map[string]time.Time)
	for i := range rules {
		if r := &rules[i]; r.Unread != "" {
			o.unread[r.ID] = now
			if since, known := was[r.ID]; known {
				o.unread[r.ID] = since
			}
		}
	}
}

// givesUp reports whether what a group was opened for is not looked for any more, since its rule cannot be read.
// Whether a job goes on failing is known without it.
func (o *round) givesUp(r *domain.AlertRule, g *domain.Group) bool {
	since, unread := o.unread[r.ID]
	return unread && o.begun.Sub(since) >= unreadWait && whenOf(g) != domain.WhenFailures
}

// goOn does a part of a round.
func (o *round) goOn(ctx context.Context, s *stepping, w *watch, b *subjects) error {
	for s.work = roundWork; !s.work.spent() && len(o.groups) > 0; {
		if o.after.IsZero() {
			o.open, o.whole, o.cover = 0, true, covering{acting: s.acting(s.now)}
		}
		if err := o.page(ctx, s, w, b); err != nil {
			return err
		}
	}
	o.whole = false // what is looked at later may have changed
	return nil
}

// page looks at some members of the current group: as many as a step may still look at.
func (o *round) page(ctx context.Context, s *stepping, w *watch, b *subjects) error {
	id := o.groups[0]
	g, known := s.groups.all[id]
	if r := s.settings.ruleOf(&g); known && r != nil {
		limit := int(s.work)
		if kind := r.When.Which(); judged(kind) || kind == domain.WhenNotRun {
			limit /= workJudge
		}
		limit = max(1, min(limit, membersAtOnce))
		members, err := s.notices.MembersOf(ctx, id, o.after, limit)
		if err != nil {
			return err
		}
		s.work.spend(2*workQuery + len(members))
		if o.givesUp(r, &g) {
			w = nil
		}
		if !r.When.OfJobs() {
			o.subjects(s, b, r, members)
		} else if err := o.members(ctx, s, w, r, members); err != nil {
			return err
		}
		if len(members) == limit {
			o.after = members[len(members)-1].JobID
			return nil
		}
		o.ended(s, id)
	}
	s.work.spend(workRow)
	o.groups, o.after = o.groups[1:], domain.JobID{}
	return nil
}

// members looks at some members of a group that has a rule. w is nil: what it has found is not looked for any more.
func (o *round) members(ctx context.Context, s *stepping, w *watch, r *domain.AlertRule,
	members []domain.Member) error {
	ids := make([]domain.JobID, len(members))
	for i := range members {
		ids[i] = members[i].JobID
	}
	active, err := s.jobs(ctx, ids)
	if err != nil {
		return err
	}
	late, err := o.late(ctx, s, r, active)
	if err != nil {
		return err
	}
	members = s.unchanged(members)
	for i := range members {
		m := &members[i]
		if !m.Open() {
			continue
		}
		o.open++
		key, job := memberKey{m.Rule, m.JobID}, active[m.JobID]
		s.read[key] = *m
		switch kind := r.When.Which(); {
		case job == nil:
			s.withdraw(m)
			continue
		case w == nil:
			s.over(r, job, notKnown)
		case kind == domain.WhenNotRun && late[m.JobID] == nil:
			s.over(r, job, "")
		case judged(kind):
			err = s.judge(ctx, r, job)
		case w.misses(key):
			s.over(r, job, "")
		}
		if err != nil {
			return err
		}
		o.cover.add(m.JobID, job)
	}
	return nil
}

// subjects looks at members of a group that are no jobs.
func (o *round) subjects(s *stepping, b *subjects, r *domain.AlertRule, members []domain.Member) {
	members = s.unchanged(members)
	for i := range members {
		m := &members[i]
		if !m.Open() {
			continue
		}
		o.open++
		s.read[memberKey{m.Rule, m.JobID}] = *m
		if !b.holds(r, m.JobID) {
			s.over(r, &domain.Version{JobID: m.JobID}, "")
		}
		o.cover.by, o.cover.told = nil, false
		o.cover.addSubject()
	}
}

// late returns those of some jobs that have still not run, if that is what the rule is about.
func (o *round) late(ctx context.Context, s *stepping, r *domain.AlertRule,
	active map[domain.JobID]*domain.Version) (map[domain.JobID]*late, error) {
	if r.When.Which() != domain.WhenNotRun {
		return nil, nil
	}
	jobs := make([]domain.Job, 0, len(active))
	for id, v := range active {
		jobs = append(jobs, domain.Job{ID: id, Current: *v})
	}
	return lateOf(ctx, s, r, jobs)
}

// ended notes what was found of a group: by what it is silenced, and how many of its alerts are open. In a database of
// a build before there may be two groups that have counted the same alerts, which are members of one of them.
func (o *round) ended(s *stepping, id domain.GroupID) {
	g := s.open(id)
	if quiet := o.cover.by; o.cover.told || quiet == nil {
		g.Quiet = nil
	} else {
		g.Quiet = quiet
	}
	for _, m := range s.changed {
		if m.Group == id {
			return // counted by this step
		}
	}
	if o.whole && o.open < g.Counts.Jobs {
		g.Counts.Jobs = o.open
		turn(g, s.now)
	}
}
