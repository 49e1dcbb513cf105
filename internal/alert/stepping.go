package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// stepping is one step of a teller: what follows from what it has read.
type stepping struct {
	stored   store.Store
	notices  store.Notices
	settings *Settings
	groups   *openGroups
	now      int64
	cautious bool // another step was refused: the id of a new group may be taken

	dirty   map[domain.GroupID]*domain.Group // that were changed
	made    map[groupKey]domain.GroupID      // that are new
	read    map[memberKey]domain.Member
	changed map[memberKey]domain.Member
	out     store.NoticeStep

	acts    map[int64][]domain.Acting // by instant
	judging judging
	work    budget // of the part that is under way
}

const membersAtOnce = store.MaxIDs

type memberKey struct {
	rule string
	job  domain.JobID
}

// member returns what is known of the alert of a job by a rule, or nil.
func (s *stepping) member(key memberKey) *domain.Member {
	m, ok := s.changed[key]
	if !ok {
		m, ok = s.read[key]
	}
	if !ok {
		return nil
	}
	return &m
}

// about reads the jobs of changes, those that are active, and what is known of their alerts.
func (s *stepping) about(ctx context.Context, changes []domain.AlertChange) (map[domain.JobID]*domain.Version, error) {
	named := make(map[domain.JobID]bool, len(changes))
	for i := range changes {
		named[changes[i].JobID] = true
	}
	ids := slices.Collect(maps.Keys(named))
	found, err := s.notices.Members(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, m := range found {
		s.read[memberKey{m.Rule, m.JobID}] = m
	}
	return s.jobs(ctx, ids)
}

func (s *stepping) withdraw(m *domain.Member) {
	if g := s.groupOf(m); g != nil && m.Open() {
		Withdraw(g, m, s.now)
		s.changed[memberKey{m.Rule, m.JobID}] = *m
	}
}

// apply applies the state of an alert to its group by a rule. meets: it is one that people are told of.
func (s *stepping) apply(ctx context.Context, r *domain.AlertRule, c *domain.AlertChange, job *domain.Version,
	meets bool) error {
	key := memberKey{r.ID, c.JobID}
	known := s.member(key)
	g, err := s.groupFor(ctx, r, c, job, known, meets)
	if g == nil || r.Unread != "" && whenOf(g) != domain.WhenFailures {
		return err
	}
	if known != nil && known.Group != g.ID {
		known = nil // of a group that is closed, or of another key
	}
	if next, changes := Fold(g, known, c, sampleOf(c, job)); changes {
		s.changed[key] = next
		setNextFire(g, job)
	}
	return nil
}

// groupOf returns the group of a member, if it is not closed.
func (s *stepping) groupOf(m *domain.Member) *domain.Group {
	if m == nil {
		return nil
	}
	return s.open(m.Group)
}

// open returns a group that is not closed to be changed, or nil.
func (s *stepping) open(id domain.GroupID) *domain.Group {
	if g := s.dirty[id]; g != nil {
		return g
	}
	g, ok := s.groups.all[id]
	if !ok {
		return nil
	}
	s.dirty[id] = &g
	return &g
}

// groupFor returns the group that an alert belongs to by a rule, a new one if need be, or nil: people are not told
// of the alert by the rule. What has ended more than a day ago is no news.
func (s *stepping) groupFor(ctx context.Context, r *domain.AlertRule, c *domain.AlertChange, job *domain.Version,
	known *domain.Member, meets bool) (*domain.Group, error) {
	if g := s.groupOf(known); g != nil {
		return g, nil
	}
	if !meets || !r.Applies(c.JobID, &job.Spec) || !c.Open() && c.RecoveredAt < s.now-dayMs {
		return nil, nil
	}
	key := groupKey{r.ID, r.GroupKey(c.JobID, &job.Spec)}
	if !r.When.OfJobs() {
		key.key = job.Spec.Name
	}
	if id, ok := s.made[key]; ok {
		return s.dirty[id], nil
	}
	if id, ok := s.groups.byKey[key]; ok {
		return s.open(id), nil
	}
	id, err := s.newID(ctx, key, c)
	if err != nil {
		return nil, err
	}
	g := &domain.Group{
		ID: id, State: domain.GroupWaiting, Rule: r.ID, By: r.By, Key: key.key, Limit: r.Limit, Level: r.Level,
		When: r.When.Kind, DueAt: s.now + r.Timing.WaitMs,
	}
	s.dirty[id], s.made[key] = g, id
	return g, nil
}

// newID returns the id of a group that an alert opens. The alert may open a second one, for example after its job was
// paused: not at the same instant, or the id is taken by a group that is closed.
func (s *stepping) newID(ctx context.Context, key groupKey, c *domain.AlertChange) (domain.GroupID, error) {
	for at := cmp.Or(c.RecoveredAt, c.LastAt); ; at++ {
		id := domain.NewGroupID(key.rule, key.key, c.Key(), at)
		if !s.cautious {
			return id, nil
		}
		taken, err := s.notices.Groups(ctx, store.GroupQuery{IDs: []domain.GroupID{id}, Limit: 1})
		if err != nil || len(taken) == 0 {
			return id, err
		}
	}
}

// sampleOf is what messages show of an alert.
func sampleOf(c *domain.AlertChange, job *domain.Version) domain.GroupSample {
	return domain.GroupSample{
		JobID: c.JobID, Name: job.Spec.Name, Namespace: job.Spec.Namespace, Target: HostLabel(job.Spec.API),
		Execution: c.Execution, HTTPStatus: c.HTTPStatus, Error: clip(c.Error), Count: c.Count, LastAt: c.LastAt,
	}
}

// setNextFire notes when a job is called again, if messages of the group show it.
func setNextFire(g *domain.Group, job *domain.Version) {
	for i := range g.Samples {
		s := &g.Samples[i]
		if s.JobID != job.JobID {
			continue
		}
		s.NextAt = 0
		if timing, err := job.Timing(); err == nil {
			if fire, found := timing.Next(s.LastAt); found {
				s.NextAt = fire
			}
		}
	}
}

// jobs returns the current versions of jobs that are not paused, without bodies. A pause that has ended is none.
func (s *stepping) jobs(ctx context.Context, ids []domain.JobID) (map[domain.JobID]*domain.Version, error) {
	found := make(map[domain.JobID]*domain.Version, len(ids))
	q := store.JobQuery{IDs: ids, Fires: true, Limit: len(ids), MaxBody: 1}
	for len(ids) > 0 {
		page, err := s.stored.Jobs().List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Jobs {
			if v := &page.Jobs[i].Current; v.ActiveFrom() <= s.now {
				found[v.JobID] = v
			}
		}
		if q.After = page.Next; q.After.IsZero() {
			break
		}
	}
	return found, nil
}
