package alert

import (
	"cmp"
	"context"
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
	dirty    map[domain.GroupID]*domain.Group // that were changed
	out      store.NoticeStep
}

const membersAtOnce = store.MaxIDs

// fold applies changes of alerts to the groups of their jobs, the first failures first.
func (s *stepping) fold(ctx context.Context, changes []domain.AlertChange) error {
	if len(changes) == 0 {
		return nil
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b domain.AlertChange) int { return cmp.Compare(a.FirstAt, b.FirstAt) })
	var ids []domain.JobID
	for i := range changes {
		if !slices.Contains(ids, changes[i].JobID) {
			ids = append(ids, changes[i].JobID)
		}
	}
	jobs, err := s.jobs(ctx, ids)
	if err != nil {
		return err
	}
	found, err := s.notices.Members(ctx, ids)
	if err != nil {
		return err
	}
	members := make(map[memberKey]domain.Member, len(found))
	for _, m := range found {
		members[memberKey{m.Rule, m.JobID}] = m
	}
	changed := make(map[memberKey]bool)
	for i := range changes {
		s.foldOne(&changes[i], jobs[changes[i].JobID], members, changed)
	}
	for key := range changed {
		s.out.Members = append(s.out.Members, members[key])
	}
	return nil
}

type memberKey struct {
	rule string
	job  domain.JobID
}

// foldOne applies the change of an alert by each rule. A job that is paused or deleted is nil: its alert ends.
func (s *stepping) foldOne(c *domain.AlertChange, job *domain.Version, members map[memberKey]domain.Member,
	changed map[memberKey]bool) {
	rules := s.settings.Rules
	for i := range rules {
		r := &rules[i]
		key := memberKey{r.ID, c.JobID}
		var known *domain.Member
		if m, ok := members[key]; ok {
			known = &m
		}
		if job == nil {
			if g := s.groupOf(known); g != nil {
				Withdraw(g, known, s.now)
				members[key], changed[key] = *known, true
			}
			continue
		}
		g := s.groupFor(r, c, job, known)
		if g == nil {
			continue
		}
		if known != nil && known.Group != g.ID {
			known = nil // of a group that is closed, or of another key
		}
		if next, changes := Fold(g, known, c, sampleOf(c, job)); changes {
			members[key], changed[key] = next, true
			setNextFire(g, job)
		}
	}
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
func (s *stepping) groupFor(r *domain.AlertRule, c *domain.AlertChange, job *domain.Version,
	known *domain.Member) *domain.Group {
	if g := s.groupOf(known); g != nil {
		return g
	}
	if !r.Applies(c.JobID, &job.Spec) || !r.Meets(&c.Alert) || !c.Open() && c.RecoveredAt < s.now-dayMs {
		return nil
	}
	key := r.GroupKey(c.JobID, &job.Spec)
	for _, g := range s.dirty {
		if g.Rule == r.ID && g.Key == key {
			return g
		}
	}
	if id, ok := s.groups.byKey[groupKey{r.ID, key}]; ok {
		return s.open(id)
	}
	// The alert of a job that was paused meanwhile may open a second group: not at the same instant.
	at := cmp.Or(c.RecoveredAt, c.LastAt)
	g := &domain.Group{
		ID: domain.NewGroupID(r.ID, key, c.Key(), at), State: domain.GroupWaiting, Rule: r.ID, By: r.By, Key: key,
		Limit: r.Limit, Level: r.Level, DueAt: s.now + r.Timing.WaitMs,
	}
	s.dirty[g.ID] = g
	return g
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

const maxSampleError = 200 // characters: its first words

func clip(text string) string {
	if runes := []rune(text); len(runes) > maxSampleError {
		return string(runes[:maxSampleError]) + "..."
	}
	return text
}

// jobs returns the current versions of jobs that are active, without bodies.
func (s *stepping) jobs(ctx context.Context, ids []domain.JobID) (map[domain.JobID]*domain.Version, error) {
	found := make(map[domain.JobID]*domain.Version, len(ids))
	active := true
	q := store.JobQuery{IDs: ids, Active: &active, Limit: len(ids), MaxBody: 1}
	for len(ids) > 0 {
		page, err := s.stored.Jobs().List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range page.Jobs {
			found[page.Jobs[i].ID] = &page.Jobs[i].Current
		}
		if q.After = page.Next; q.After.IsZero() {
			break
		}
	}
	return found, nil
}

// sweep ends the alerts of jobs that were paused or deleted.
func (s *stepping) sweep(ctx context.Context) error {
	for id, g := range s.groups.all {
		if g.Counts.Jobs == 0 {
			continue
		}
		if err := s.sweepGroup(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *stepping) sweepGroup(ctx context.Context, id domain.GroupID) error {
	for after := (domain.JobID{}); ; {
		members, err := s.notices.MembersOf(ctx, id, after, membersAtOnce)
		if err != nil || len(members) == 0 {
			return err
		}
		ids := make([]domain.JobID, len(members))
		for i := range members {
			ids[i] = members[i].JobID
		}
		active, err := s.jobs(ctx, ids)
		if err != nil {
			return err
		}
		for i := range members {
			m := &members[i]
			folded := slices.ContainsFunc(s.out.Members, func(f domain.Member) bool {
				return f.JobID == m.JobID && f.Rule == m.Rule
			})
			if active[m.JobID] == nil && m.Open() && !folded {
				Withdraw(s.open(id), m, s.now)
				s.out.Members = append(s.out.Members, *m)
			}
		}
		after = ids[len(ids)-1]
		if len(members) < membersAtOnce {
			return nil
		}
	}
}

// decide says what becomes of the groups that have changed, or whose time has come.
func (s *stepping) decide(ctx context.Context) error {
	for id, g := range s.groups.all {
		if g.DueAt != 0 && g.DueAt <= s.now || s.rule(g.Rule) == nil {
			s.open(id)
		}
	}
	for _, g := range s.dirty {
		r := s.rule(g.Rule)
		if r == nil { // nobody wants to know any more
			g.State, g.DueAt = domain.GroupClosed, 0
			s.keep(g, true)
			continue
		}
		silenced, err := s.silenced(ctx, g)
		if err != nil {
			return err
		}
		d := Decide(g, r.Timing, s.now, silenced)
		ended := g.State != d.State && d.State == domain.GroupRecovered && d.Tell == ""
		Apply(g, d, s.now)
		if d.Tell != "" {
			s.tell(g, r, d.Tell)
		}
		s.keep(g, ended)
	}
	return nil
}

func (s *stepping) keep(g *domain.Group, silent bool) {
	s.out.Groups = append(s.out.Groups, *g)
	if silent {
		s.out.Silent = append(s.out.Silent, g.ID)
	}
}

func (s *stepping) rule(id string) *domain.AlertRule {
	rules := s.settings.Rules
	for i := range rules {
		if rules[i].ID == id && !rules[i].Disabled {
			return &rules[i]
		}
	}
	return nil
}

// tell makes a message for each channel of a rule.
func (s *stepping) tell(g *domain.Group, r *domain.AlertRule, kind domain.NotificationType) {
	for _, c := range s.settings.channelsOf(r) {
		s.out.Made = append(s.out.Made, domain.Notification{
			ID: domain.NewNotificationID(g.ID, g.Told.Seq, c.ID, s.now), Channel: c.ID, Group: g.ID,
			State: domain.NotificationPending, NextAt: s.now, Type: kind, Seq: g.Told.Seq, CreatedAt: s.now, About: *g,
		})
	}
}

// silenced reports whether the alerts that a group shows are all silenced now.
func (s *stepping) silenced(ctx context.Context, g *domain.Group) (bool, error) {
	acts := slices.ContainsFunc(s.settings.Silences, func(x domain.Silence) bool { return x.During(s.now) })
	if !acts || len(g.Samples) == 0 {
		return false, nil
	}
	ids := make([]domain.JobID, len(g.Samples))
	for i := range g.Samples {
		ids[i] = g.Samples[i].JobID
	}
	jobs, err := s.jobs(ctx, ids)
	if err != nil {
		return false, err
	}
	for id, job := range jobs {
		silent := slices.ContainsFunc(s.settings.Silences, func(x domain.Silence) bool {
			return x.Silences(s.now, id, &job.Spec)
		})
		if !silent {
			return false, nil
		}
	}
	return len(jobs) > 0, nil
}
