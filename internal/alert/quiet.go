package alert

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// membersAsked bounds how many alerts of a group are asked whether they are silenced: 20 reads of members and of jobs.
// People are told of a group with more.
const membersAsked = 20 * membersAtOnce

// acting returns the silences and the maintenance windows that act at an instant. They are computed once in a step.
func (s *stepping) acting(at int64) []domain.Acting {
	found, known := s.acts[at]
	if known {
		return found
	}
	s.work.spend(len(s.settings.Windows)) // each finds an instant of its schedule
	for i := range s.settings.Silences {
		if a, acts := s.settings.Silences[i].At(at); acts {
			found = append(found, a)
		}
	}
	for i := range s.settings.Windows {
		if a, acts := s.settings.Windows[i].At(at); acts {
			found = append(found, a)
		}
	}
	s.acts[at] = found
	return found
}

// covering collects by what the alerts of a group are silenced.
type covering struct {
	acting []domain.Acting
	by     *domain.Quiet // the one that ends first of those that are needed
	told   bool          // one alert is not silenced
}

// add asks for the alert of a job. Of those that cover it, that which ends last counts.
func (c *covering) add(id domain.JobID, job *domain.Version) {
	var best *domain.Quiet
	for i := range c.acting {
		a := &c.acting[i]
		if (best == nil || a.Until > best.Until) && (a.CoversAll() || a.Covers(id, &job.Spec)) {
			best = &a.Quiet
		}
	}
	switch {
	case best == nil:
		c.told = true
	case c.by == nil || best.Until < c.by.Until:
		c.by = best
	}
}

// addSubject asks for what is no job: only what is about everything covers it.
func (c *covering) addSubject() {
	for i := range c.acting {
		if a := &c.acting[i]; a.CoversAll() && (c.by == nil || a.Until > c.by.Until) {
			c.by = &a.Quiet
		}
	}
	c.told = c.by == nil
}

// quiet returns the silence or window by which all of a group that is open is silenced, or nil. Where nothing is open
// it is about all that the group was of, at the instant at which it ended.
func (s *stepping) quiet(ctx context.Context, g *domain.Group) (*domain.Quiet, error) {
	at := s.now
	if g.Counts.Jobs == 0 && g.RecoveredAt != 0 {
		at = min(at, g.RecoveredAt)
	}
	c := covering{acting: s.acting(at)}
	if len(c.acting) == 0 {
		return nil, nil
	}
	if !(&domain.Condition{Kind: g.When}).OfJobs() {
		c.addSubject()
		return c.by, nil
	}
	var own []domain.Member // of this step
	for _, m := range s.changed {
		if m.Group == g.ID {
			own = append(own, m)
		}
	}
	if err := s.cover(ctx, &c, g, own); err != nil || c.told {
		return nil, err
	}
	after, asked := domain.JobID{}, 0
	for g.Revision != 0 { // it is stored
		page, err := s.notices.MembersOf(ctx, g.ID, after, membersAtOnce)
		if err != nil {
			return nil, err
		}
		if len(page) > 0 {
			after = page[len(page)-1].JobID
		}
		s.work.spend(workQuery + len(page))
		last := len(page) < membersAtOnce
		page = s.unchanged(page)
		if err := s.cover(ctx, &c, g, page); err != nil || c.told {
			return nil, err
		}
		if asked += membersAtOnce; last {
			break
		}
		if asked >= membersAsked {
			return nil, nil
		}
	}
	return c.by, nil
}

// unchanged drops those members of a page that this step has changed.
func (s *stepping) unchanged(page []domain.Member) (rest []domain.Member) {
	for i := range page {
		if _, changed := s.changed[memberKey{page[i].Rule, page[i].JobID}]; !changed {
			rest = append(rest, page[i])
		}
	}
	return rest
}

// cover asks for members of a group: those that are open, if one is. Jobs that are paused or deleted are not asked.
func (s *stepping) cover(ctx context.Context, c *covering, g *domain.Group, members []domain.Member) error {
	var ids []domain.JobID
	for i := range members {
		if m := &members[i]; m.Open() || g.Counts.Jobs == 0 {
			ids = append(ids, m.JobID)
		}
	}
	for len(ids) > 0 && !c.told {
		n := min(len(ids), membersAtOnce)
		s.work.spend(workQuery + n)
		jobs, err := s.jobs(ctx, ids[:n])
		if err != nil {
			return err
		}
		for id, job := range jobs {
			c.add(id, job)
		}
		ids = ids[n:]
	}
	return nil
}
