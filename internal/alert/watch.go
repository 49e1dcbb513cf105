package alert

import (
	"context"
	"reflect"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	watchEvery = 30 * time.Second
	// lostForMs is how long people are told of lost fires after an audit has found them.
	lostForMs  = dayMs
	lostAtOnce = 1_000
	// factsAtOnce bounds what a look reads of the record: some 0.5 s. The minute that is read then is read to its end.
	factsAtOnce = 200_000
	// hitsAMinute bounds the jobs that are kept of a rule and a minute: 200 bytes each.
	hitsAMinute = 1_000
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

// minute is what was found in one minute.
type minute struct {
	fires int64 // that the series had of it
	hits  map[memberKey]*observed
	kept  map[string]int
}

// watched reports whether a condition is looked for here.
func watched(kind domain.ConditionKind) bool { return kind != domain.WhenFailures && !judged(kind) }

// misses reports whether the condition of a rule is known not to hold for a job any more.
func (w *watch) misses(key memberKey) bool { return w.ready[key.rule] && w.seen[key] == nil }

// look reads what has changed, if it is time.
func (w *watch) look(ctx context.Context, s *stepping, now time.Time) error {
	var rules []domain.AlertRule
	for _, r := range s.settings.Rules {
		if watched(r.When.Which()) && !r.Disabled {
			rules = append(rules, r)
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
	if err := w.lost(ctx, s); err != nil {
		return err
	}
	whole, err := w.scan(ctx, s)
	if err != nil {
		return err
	}
	w.sum(s.now, whole)
	for key := range w.seen {
		w.queue = append(w.queue, key)
	}
	return nil
}

// lost finds the jobs of which an audit has found fires without a record.
func (w *watch) lost(ctx context.Context, s *stepping) error {
	var found []domain.Alert
	for i := range w.rules {
		r := &w.rules[i]
		if r.When.Which() != domain.WhenLost {
			continue
		}
		if found == nil {
			var err error
			page := store.AlertPage{LostOnly: true, Limit: lostAtOnce}
			if found, err = s.stored.Alerts().List(ctx, page); err != nil {
				return err
			}
		}
		w.ready[r.ID] = true
		for i := range found {
			if a := &found[i]; a.LastAt > s.now-lostForMs {
				w.seen[memberKey{r.ID, a.JobID}] = &observed{count: a.Count, firstAt: a.FirstAt, lastAt: a.LastAt,
					execution: a.Execution, text: a.Error}
			}
		}
	}
	return nil
}

// scan reads the minutes in which a rule may find something and which have changed since they were read, the newest
// first. It reports whether it has read all of them.
func (w *watch) scan(ctx context.Context, s *stepping) (whole bool, err error) {
	longest := int64(0)
	for i := range w.rules {
		if r := &w.rules[i]; r.When.Which() != domain.WhenLost {
			longest = max(longest, r.When.Window())
		}
	}
	if longest == 0 {
		return true, nil
	}
	from := domain.StepMinute.Start(s.now - longest)
	points, err := s.stored.Series().Points(ctx, domain.StepMinute, from, s.now+minuteMs)
	if err != nil {
		return false, err
	}
	kept := make(map[int64]*minute)
	facts := int64(0)
	whole = true
	for i := len(points) - 1; i >= 0; i-- {
		p := &points[i]
		rules := w.suspects(p)
		if len(rules) == 0 {
			continue
		}
		kept[p.At] = w.minutes[p.At]
		if is := kept[p.At]; is != nil && is.fires == p.Fires() {
			continue
		}
		if facts >= factsAtOnce {
			whole = false
			continue
		}
		facts += p.Fires()
		m := &minute{fires: p.Fires(), hits: make(map[memberKey]*observed), kept: make(map[string]int)}
		err := s.stored.History().Stream(ctx, p.At, p.At+minuteMs, func(part []domain.Execution) error {
			for i := range part {
				m.add(rules, &part[i])
			}
			return ctx.Err()
		})
		switch {
		case err == nil:
			kept[p.At] = m
		case ctx.Err() != nil: // a store may call that unavailable, too
			return false, ctx.Err()
		case domain.ErrorCode(err) != domain.CodeUnavailable:
			return false, err
		default: // it is read at the next look
			whole = false
		}
	}
	w.minutes = kept
	return whole, nil
}

// suspects returns the rules that may find something in a minute.
func (w *watch) suspects(p *domain.Point) (rules []*domain.AlertRule) {
	for i := range w.rules {
		if r := &w.rules[i]; mayHave(&r.When, p) {
			rules = append(rules, r)
		}
	}
	return rules
}

// add counts an execution for each rule that counts it.
func (m *minute) add(rules []*domain.AlertRule, e *domain.Execution) {
	for _, r := range rules {
		n, _ := Counts(&r.When, e)
		if n == 0 {
			continue
		}
		key := memberKey{r.ID, e.JobID}
		o := m.hits[key]
		if o == nil {
			if m.kept[r.ID] == hitsAMinute {
				continue
			}
			m.kept[r.ID]++
			o = &observed{firstAt: endOf(e)}
			m.hits[key] = o
		}
		o.count += n
		o.firstAt = min(o.firstAt, endOf(e))
		if at := endOf(e); at >= o.lastAt {
			o.lastAt, o.execution, o.httpStatus = at, e.ID(), e.HTTPStatus
			o.text = clip(findingText(&r.When, n, n, e))
		}
	}
}

// endOf is when an execution ended. What was never sent ended when it was due.
func endOf(e *domain.Execution) int64 { return max(e.CompletedAt, e.ScheduledAt) }

// sum adds up what was found in the windows of the rules, to the minute.
func (w *watch) sum(now int64, whole bool) {
	for i := range w.rules {
		r := &w.rules[i]
		if r.When.Which() == domain.WhenLost {
			continue
		}
		w.ready[r.ID] = whole
		from := domain.StepMinute.Start(now - r.When.Window())
		sums := make(map[memberKey]*observed)
		for at, m := range w.minutes {
			if m == nil || at < from {
				continue
			}
			for key, o := range m.hits {
				if key.rule == r.ID {
					sums[key] = sums[key].with(o)
				}
			}
		}
		for key, o := range sums {
			if o.count >= int64(r.When.Least()) {
				w.seen[key] = o
			}
		}
	}
}

// with adds what was found in another minute.
func (o *observed) with(other *observed) *observed {
	if o == nil {
		one := *other
		return &one
	}
	o.count += other.count
	o.firstAt = min(o.firstAt, other.firstAt)
	if other.lastAt >= o.lastAt {
		o.lastAt, o.execution, o.httpStatus, o.text = other.lastAt, other.execution, other.httpStatus, other.text
	}
	return o
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
		r, job := s.rule(key.rule), jobs[key.job]
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
