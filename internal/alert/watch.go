package alert

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	watchEvery = 30 * time.Second
	// lookFor bounds a look, so that a slow store delays nothing else. What was not read then is read at the next one.
	lookFor = 6 * time.Second
	// lostForMs is how long people are told of lost fires after an audit has found them.
	lostForMs = dayMs
	// lostAtOnce and lostAtMost bound the jobs with lost fires that are read at a time, and at a look.
	lostAtOnce = store.MaxIDs
	lostAtMost = 10 * lostAtOnce
	// factsAtOnce bounds what a look reads of the record: some 0.5 s. The minute that is read then is read to its end.
	factsAtOnce = 200_000
	// appliedAtOnce bounds how many jobs a step applies what was found of.
	appliedAtOnce = 1_000
)

// watch finds what conditions look for that do not follow from the failures of a job: it reads the record anew, from
// the series, which say in which minutes there is something to find. So it is the same after a crash and at another
// node; what it keeps saves reading a minute twice.
type watch struct {
	looked  time.Time
	rules   []domain.AlertRule
	minutes map[int64]*minute
	seen    map[memberKey]*observed
	ready   map[string]bool // rules of which all was read
	queue   []memberKey     // of seen, to be applied
}

// watched reports whether a condition is looked for here.
func watched(kind domain.ConditionKind) bool {
	switch kind {
	case domain.WhenDuration, domain.WhenDrift, domain.WhenMissed, domain.WhenSkipped, domain.WhenLost:
		return true
	case domain.WhenFailures, domain.WhenFailedOf, domain.WhenSuccessRate, domain.WhenNotRun, domain.WhenServer,
		domain.WhenUndeliverable:
	}
	return false
}

// misses reports whether the condition of a rule is known not to hold for a job any more.
func (w *watch) misses(key memberKey) bool { return w.ready[key.rule] && w.seen[key] == nil }

// look reads what has changed, if it is time.
func (w *watch) look(ctx context.Context, s *stepping, now time.Time) error {
	var rules []domain.AlertRule
	for r := range s.settings.active() {
		if watched(r.When.Which()) {
			rules = append(rules, *r)
		}
	}
	if changed := !reflect.DeepEqual(rules, w.rules); !changed && now.Sub(w.looked) < watchEvery {
		return nil
	} else if changed {
		*w = watch{rules: rules}
	}
	w.looked = now
	w.seen, w.ready, w.queue = make(map[memberKey]*observed), make(map[string]bool), nil
	if len(rules) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	partly := make(map[string]bool)
	err := w.lost(within, s)
	if err == nil {
		err = w.scan(within, s, partly)
	}
	switch {
	case ctx.Err() != nil: // a store may call that unavailable, too
		return ctx.Err()
	case err != nil && within.Err() == nil:
		return err
	}
	w.sum(s.now, err == nil, partly)
	for key := range w.seen {
		w.queue = append(w.queue, key)
	}
	return nil
}

// lost finds the jobs of which an audit has found fires without a record.
func (w *watch) lost(ctx context.Context, s *stepping) error {
	var rules []*domain.AlertRule
	for i := range w.rules {
		if r := &w.rules[i]; r.When.Which() == domain.WhenLost {
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	page := store.AlertPage{LostOnly: true, From: s.now - lostForMs + 1, Limit: lostAtOnce}
	for n := 0; n < lostAtMost && len(w.seen) < hitsAtMost; n += lostAtOnce {
		found, err := s.stored.Alerts().List(ctx, page)
		if err != nil {
			return err
		}
		if err := w.lose(ctx, s, rules, found); err != nil {
			return err
		}
		if len(found) < lostAtOnce {
			for _, r := range rules {
				w.ready[r.ID] = true
			}
			return nil
		}
		last := &found[len(found)-1]
		page.BeforeAt, page.BeforeJob, page.BeforeLost = last.LastAt, last.JobID, last.Lost
	}
	return nil
}

// lose notes the lost fires of some jobs for each rule that is about them.
func (w *watch) lose(ctx context.Context, s *stepping, rules []*domain.AlertRule, found []domain.Alert) error {
	var jobs map[domain.JobID]*domain.Version
	if slices.ContainsFunc(rules, asksSpec) {
		ids := make([]domain.JobID, len(found))
		for i := range found {
			ids[i] = found[i].JobID
		}
		var err error
		if jobs, err = s.jobs(ctx, ids); err != nil {
			return err
		}
	}
	for i := range found {
		a := &found[i]
		o := &observed{count: a.Count, firstAt: a.FirstAt, lastAt: a.LastAt, execution: a.Execution, text: a.Error}
		for _, r := range rules {
			if selects(r, a.JobID, jobs) {
				w.seen[memberKey{r.ID, a.JobID}] = o
			}
		}
	}
	return nil
}

// scan reads the minutes in which a rule may find something and which have changed since they were read, the newest
// first. It notes the rules of which it has not read all.
func (w *watch) scan(ctx context.Context, s *stepping, partly map[string]bool) error {
	longest := w.longest()
	if longest == 0 {
		return nil
	}
	from := domain.StepMinute.Start(s.now - longest)
	points, err := s.stored.Series().Points(ctx, domain.StepMinute, from, s.now+minuteMs)
	if err != nil {
		return err
	}
	facts, room := int64(0), hitsAtMost
	kept := make(map[int64]*minute)
	defer func() { w.minutes = kept }()
	for i := len(points) - 1; i >= 0; i-- {
		p := &points[i]
		rules := w.suspects(p, s.now)
		if len(rules) == 0 {
			continue
		}
		m := w.minutes[p.At]
		if !m.is(p) && facts < factsAtOnce && room > 0 && ctx.Err() == nil && err == nil {
			facts += p.Fires()
			var read *minute
			if read, err = readMinute(ctx, s, p, rules, room); err == nil || m == nil {
				m = read
			}
			if ctx.Err() != nil || domain.ErrorCode(err) == domain.CodeUnavailable {
				err = nil // it is read at the next look
			}
		}
		if m != nil && len(m.hits) > room {
			m = nil // it is read again when there is room
		}
		for _, r := range rules {
			if !m.is(p) || m.cut[r.ID] {
				partly[r.ID] = true
			}
		}
		if m != nil {
			kept[p.At] = m
			room -= len(m.hits)
		}
	}
	return err
}

// longest returns the longest window of the rules that read executions; zero: there is none.
func (w *watch) longest() (ms int64) {
	for i := range w.rules {
		if r := &w.rules[i]; r.When.Which() != domain.WhenLost {
			ms = max(ms, r.When.Window())
		}
	}
	return ms
}

// suspects returns the rules that may find something in a minute.
func (w *watch) suspects(p *domain.Point, now int64) (rules []*domain.AlertRule) {
	for i := range w.rules {
		r := &w.rules[i]
		if mayHave(&r.When, p) && p.At >= domain.StepMinute.Start(now-r.When.Window()) {
			rules = append(rules, r)
		}
	}
	return rules
}

// sum adds up what was found in the windows of the rules, to the minute.
func (w *watch) sum(now int64, whole bool, partly map[string]bool) {
	from, least := make(map[string]int64), make(map[string]int64)
	for i := range w.rules {
		if r := &w.rules[i]; r.When.Which() != domain.WhenLost {
			w.ready[r.ID] = whole && !partly[r.ID]
			from[r.ID], least[r.ID] = domain.StepMinute.Start(now-r.When.Window()), int64(r.When.Least())
		}
	}
	sums := make(map[memberKey]*observed)
	for at, m := range w.minutes {
		for key, o := range m.hits {
			if at >= from[key.rule] {
				sums[key] = sums[key].with(o)
			}
		}
	}
	for key, o := range sums {
		if o.count >= least[key.rule] {
			w.seen[key] = o
		}
	}
}

// apply applies what was found to some jobs. It reports whether there are more.
func (w *watch) apply(ctx context.Context, s *stepping) (more bool, err error) {
	part := w.queue[:min(len(w.queue), appliedAtOnce)]
	if len(part) == 0 {
		return false, nil
	}
	changes := make([]domain.AlertChange, len(part))
	for i, key := range part {
		changes[i].JobID = key.job
	}
	jobs, err := s.about(ctx, changes)
	if err != nil {
		return false, err
	}
	for _, key := range part {
		r, job := s.settings.rule(key.rule), jobs[key.job]
		if r == nil || job == nil {
			continue
		}
		if err := s.found(ctx, r, job, w.seen[key]); err != nil {
			return false, err
		}
	}
	w.queue = w.queue[len(part):]
	return len(w.queue) > 0, nil
}
