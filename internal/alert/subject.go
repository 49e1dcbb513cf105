package alert

import (
	"cmp"
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Some conditions are about no job but about a subject: a check of the server, a node, a channel. Each subject has the
// id of a job that there is not, so that groups and members are as for jobs. Each is a group of its own.

// endedAtMost bounds the faults that are kept while they cannot be stored.
const endedAtMost = 100

// subjectAtOnce is how many messages of a channel are read to know whether the last one has reached it.
const subjectAtOnce = 20

// trouble is a fault, and when it was there.
type trouble struct {
	Fault
	since, until int64 // until: zero, it is there
}

// subjects follow what is wrong with the servers and with channels.
type subjects struct {
	faults   map[string]*trouble // that are there
	ended    []*trouble          // of which nothing could be stored yet
	channels map[domain.JobID]*observed
	looked   time.Time // at the messages of channels
}

// observe notes what is wrong now. It is called also while the store cannot be asked.
func (b *subjects) observe(faults []Fault, now int64) {
	was := b.faults
	b.faults = make(map[string]*trouble)
	for _, f := range faults {
		t := was[f.Subject]
		if t == nil {
			t = &trouble{since: now}
		}
		t.Fault = f
		b.faults[f.Subject] = t
	}
	for name, t := range was {
		if b.faults[name] == nil && len(b.ended) < endedAtMost {
			t.until = now
			b.ended = append(b.ended, t)
		}
	}
}

// goOn applies what is wrong by each rule that is about it, and what is not any more.
func (b *subjects) goOn(ctx context.Context, s *stepping, now time.Time) error {
	var rules []*domain.AlertRule
	channels := false
	for r := range s.settings.active() {
		if !r.When.OfJobs() {
			rules = append(rules, r)
			channels = channels || r.When.Which() == domain.WhenUndeliverable
		}
	}
	if channels && now.Sub(b.looked) >= watchEvery {
		if err := b.look(ctx, s); err != nil {
			return err
		}
		b.looked = now
	}
	for _, r := range rules {
		if err := b.apply(ctx, s, r); err != nil {
			return err
		}
	}
	return nil
}

// look finds the channels whose last message could not be delivered.
func (b *subjects) look(ctx context.Context, s *stepping) error {
	b.channels = make(map[domain.JobID]*observed)
	for i := range s.settings.Channels {
		c := &s.settings.Channels[i]
		if c.Disabled {
			continue
		}
		latest, err := s.notices.Messages(ctx, store.MessageQuery{Channel: c.ID, Limit: subjectAtOnce})
		if err != nil {
			return err
		}
		if n := undelivered(latest, s.now); n != nil {
			b.channels[domain.SubjectID(channelSubject(c.ID))] = &observed{
				count: 1, firstAt: n.Delivery.EndedAt, lastAt: n.Delivery.EndedAt,
				text: clip("a message was not delivered: " + cmp.Or(n.Delivery.Error, "the reason is not known")),
			}
		}
	}
	return nil
}

// undelivered returns the message of a channel that ended last, if it could not be delivered within the last day.
func undelivered(latest []domain.Notification, now int64) (last *domain.Notification) {
	for i := range latest {
		n := &latest[i]
		if n.State != domain.NotificationDelivered && n.State != domain.NotificationUndeliverable {
			continue
		}
		if last == nil || n.Delivery.EndedAt > last.Delivery.EndedAt {
			last = n
		}
	}
	if last == nil || last.State == domain.NotificationDelivered || last.Delivery.EndedAt < now-dayMs {
		return nil
	}
	return last
}

// subjectOf is what a rule sees of a subject instead of a job.
func subjectOf(name string) *domain.Version {
	return &domain.Version{JobID: domain.SubjectID(name), Active: true, Spec: domain.Spec{Name: name}}
}

// apply applies what is wrong by a rule: of a fault that is over, too, if nobody could store it before.
func (b *subjects) apply(ctx context.Context, s *stepping, r *domain.AlertRule) error {
	if r.When.Which() == domain.WhenUndeliverable {
		for i := range s.settings.Channels {
			job := subjectOf(channelSubject(s.settings.Channels[i].ID))
			if o := b.channels[job.JobID]; o != nil {
				if err := foundOf(ctx, s, r, job, o); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for _, t := range b.faults {
		if err := b.applyFault(ctx, s, r, t); err != nil {
			return err
		}
	}
	for _, t := range b.ended {
		if err := b.applyFault(ctx, s, r, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *subjects) applyFault(ctx context.Context, s *stepping, r *domain.AlertRule, t *trouble) error {
	if cmp.Or(t.until, s.now)-t.since < r.When.ThresholdMs {
		return nil
	}
	job := subjectOf(t.Subject)
	err := foundOf(ctx, s, r, job, &observed{count: 1, firstAt: t.since, lastAt: t.since, text: clip(t.Text)})
	if err == nil && t.until != 0 && b.faults[t.Subject] == nil {
		s.over(r, job, "")
	}
	return err
}

// foundOf applies that a condition holds for a subject, unless that is known.
func foundOf(ctx context.Context, s *stepping, r *domain.AlertRule, job *domain.Version, o *observed) error {
	members, err := s.notices.Members(ctx, []domain.JobID{job.JobID})
	if err != nil {
		return err
	}
	for _, m := range members {
		if key := (memberKey{m.Rule, m.JobID}); s.member(key) == nil {
			s.read[key] = m
		}
	}
	known := s.member(memberKey{r.ID, job.JobID})
	if known != nil && known.Open() && s.groupOf(known) != nil {
		return nil
	}
	return s.found(ctx, r, job, o)
}

// holds reports whether a condition may still hold for a subject.
func (b *subjects) holds(r *domain.AlertRule, id domain.JobID) bool {
	if r.When.Which() == domain.WhenUndeliverable {
		return b.looked.IsZero() || b.channels[id] != nil
	}
	for name := range b.faults {
		if domain.SubjectID(name) == id {
			return true
		}
	}
	return false
}

// stored notes that what follows from the faults is kept.
func (b *subjects) stored() { b.ended = nil }
