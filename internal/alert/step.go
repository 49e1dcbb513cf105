package alert

import (
	"cmp"
	"context"
	"reflect"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// fold applies changes of alerts to the groups of their jobs, the first failures first. Those that are too much for one
// step keep their marks.
func (s *stepping) fold(ctx context.Context, changes []domain.AlertChange) error {
	if len(changes) == 0 {
		return nil
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b domain.AlertChange) int { return cmp.Compare(a.FirstAt, b.FirstAt) })
	jobs, err := s.about(ctx, changes)
	if err != nil {
		return err
	}
	s.work = foldWork
	for i := range changes {
		if s.work.spent() {
			break
		}
		before := len(s.changed)
		if err := s.foldOne(ctx, &changes[i], jobs[changes[i].JobID]); err != nil {
			return err
		}
		s.work.spend(workRow + len(s.changed) - before)
		s.out.Seen = changes[:i+1]
	}
	return nil
}

// foldOne applies the change of a run of failures by each rule. A job that is paused or deleted is nil: its alert
// ends.
func (s *stepping) foldOne(ctx context.Context, c *domain.AlertChange, job *domain.Version) error {
	for r := range s.settings.active() {
		key := memberKey{r.ID, c.JobID}
		known := s.member(key)
		var err error
		switch kind := r.When.Which(); {
		case job == nil:
			s.withdraw(known)
		case kind == domain.WhenFailures:
			err = s.apply(ctx, r, c, job, r.Meets(&c.Alert))
		case judged(kind) && (known == nil || !known.Open()):
			err = s.judge(ctx, r, job)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decide says what becomes of the groups that have changed, or whose time has come: of as many as a step may decide on.
// What is known of the others is kept, too.
func (s *stepping) decide(ctx context.Context) error {
	s.work = decideWork
	ended := func(g *domain.Group) bool { return s.settings.ruleOf(g) == nil }
	for _, id := range s.groups.due(s.now, ended, s.dirty) {
		g := s.dirty[id]
		switch {
		case !s.work.spent():
			delete(s.groups.undecided, id)
			if g = s.open(id); g == nil {
				continue
			}
			made := len(s.out.Made)
			if err := s.decideOne(ctx, g); err != nil {
				return err
			}
			s.work.spend(workRow + len(s.out.Made) - made)
		case g != nil:
			s.keep(g, false)
		}
	}
	for _, m := range s.changed {
		s.out.Members = append(s.out.Members, m)
	}
	return nil
}

func (s *stepping) decideOne(ctx context.Context, g *domain.Group) error {
	r := s.settings.ruleOf(g)
	if r == nil { // nobody wants to know any more
		g.State, g.DueAt = domain.GroupClosed, 0
		s.keep(g, true)
		return nil
	}
	if r.Unread != "" && g.State == domain.GroupWaiting && g.Counts.Jobs > 0 {
		s.keep(g, false)
		return nil // nobody knows whom to tell, until it can be read again
	}
	d := Decide(g, r.Timing, s.now, false)
	if quieted := Decide(g, r.Timing, s.now, true); quieted != d {
		quiet, err := s.quiet(ctx, g)
		if err != nil {
			return err
		}
		if g.Quiet = quiet; quiet != nil {
			d = quieted.until(quiet.Until, g, s.now)
		}
	} else if g.Quiet != nil && g.Quiet.Until <= s.now {
		g.Quiet = nil
	}
	void := g.State != d.State && d.State == domain.GroupRecovered && d.Tell == "" && !d.Owed
	Apply(g, d, s.now)
	if d.Tell != "" {
		if err := s.tell(ctx, g, r, d.Tell); err != nil {
			return err
		}
	}
	s.keep(g, void)
	return nil
}

// keep stores a group that is not as it is stored already. void: what is pending of it is not so any more.
func (s *stepping) keep(g *domain.Group, void bool) {
	if is, ok := s.groups.all[g.ID]; !ok || !reflect.DeepEqual(is, *g) {
		s.out.Groups = append(s.out.Groups, *g)
	}
	if void {
		s.out.Silent = append(s.out.Silent, g.ID)
	}
}

// tell makes a message for each channel of a rule.
func (s *stepping) tell(ctx context.Context, g *domain.Group, r *domain.AlertRule, kind domain.NotificationType) error {
	ids := s.settings.channelsOf(r)
	if r.Unread != "" {
		var err error
		if ids, err = s.told(ctx, g); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if g.Key == channelSubject(id) && r.When.Which() == domain.WhenUndeliverable {
			continue // it would not be delivered either
		}
		s.out.Made = append(s.out.Made, domain.Notification{
			ID: domain.NewNotificationID(g.ID, g.Told.Seq, id, s.now), Channel: id, Group: g.ID,
			State: domain.NotificationPending, NextAt: s.now, Type: kind, Seq: g.Told.Seq, CreatedAt: s.now, About: *g,
		})
	}
	return nil
}

// told returns the ids of the channels that messages about a group were made for, where its rule does not say which
// they are.
func (s *stepping) told(ctx context.Context, g *domain.Group) (ids []string, err error) {
	s.work.spend(workQuery)
	made, err := s.notices.Messages(ctx, store.MessageQuery{Group: g.ID, Limit: toldAtOnce})
	for i := range made {
		id := made[i].Channel
		if c := s.settings.channel(id); c != nil {
			id = c.ID
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, err
}
