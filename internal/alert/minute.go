package alert

import (
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const (
	// hitsAMinute bounds the jobs that are kept of a rule and a minute, and hitsAtMost those of all rules and
	// minutes: 200 bytes each.
	hitsAMinute = 1_000
	hitsAtMost  = 200_000
)

// minute is what was found in one minute.
type minute struct {
	fires int64 // that the series had of it; -1: it was not read to its end
	hits  map[memberKey]*observed
	kept  map[string]int
	cut   map[string]bool // rules of which there is more than is kept
}

// is reports whether all of a minute was read as the series have it now. m may be nil.
func (m *minute) is(p *domain.Point) bool { return m != nil && m.fires == p.Fires() }

// readMinute reads what rules find in a minute, so many jobs at most. What was read before an error is right, too.
func readMinute(ctx context.Context, s *stepping, p *domain.Point, rules []*domain.AlertRule, room int) (
	*minute, error) {
	m := &minute{
		fires: -1, hits: make(map[memberKey]*observed), kept: make(map[string]int), cut: make(map[string]bool),
	}
	err := s.stored.History().Stream(ctx, p.At, p.At+minuteMs, func(part []domain.Execution) error {
		jobs, err := m.about(ctx, s, rules, part)
		if err != nil {
			return err
		}
		for i := range part {
			m.add(rules, &part[i], jobs, room)
		}
		return ctx.Err()
	})
	if err == nil {
		m.fires = p.Fires()
	}
	return m, err
}

// asksSpec reports whether it takes more than the id of a job to know whether a rule is about it.
func asksSpec(r *domain.AlertRule) bool {
	return r.Limit != "" || r.Match.Namespace != "" || r.Match.Tag != "" || r.Match.Host != ""
}

// selects reports whether a rule is about a job. jobs are those that were read, if it takes more than the id.
func selects(r *domain.AlertRule, id domain.JobID, jobs map[domain.JobID]*domain.Version) bool {
	if asksSpec(r) {
		job := jobs[id]
		return job != nil && r.Applies(id, &job.Spec)
	}
	return r.Match.Jobs == nil || slices.Contains(r.Match.Jobs, id)
}

// about reads the jobs of which a rule asks more than the id, before it is decided what is kept.
func (m *minute) about(ctx context.Context, s *stepping, rules []*domain.AlertRule, part []domain.Execution) (
	map[domain.JobID]*domain.Version, error) {
	asked := make(map[domain.JobID]bool)
	for _, r := range rules {
		if !asksSpec(r) || m.cut[r.ID] {
			continue
		}
		for i := range part {
			e := &part[i]
			if n, _ := Counts(&r.When, e); n != 0 && m.hits[memberKey{r.ID, e.JobID}] == nil {
				asked[e.JobID] = true
			}
		}
	}
	found := make(map[domain.JobID]*domain.Version)
	for ids := range slices.Chunk(slices.Collect(maps.Keys(asked)), membersAtOnce) {
		jobs, err := s.jobs(ctx, ids)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, jobs)
	}
	return found, nil
}

// add counts an execution for each rule that counts it and is about its job.
func (m *minute) add(rules []*domain.AlertRule, e *domain.Execution, jobs map[domain.JobID]*domain.Version, room int) {
	for _, r := range rules {
		n, _ := Counts(&r.When, e)
		if n == 0 {
			continue
		}
		key := memberKey{r.ID, e.JobID}
		o := m.hits[key]
		if o == nil {
			if m.cut[r.ID] || !selects(r, e.JobID, jobs) {
				continue
			}
			if m.kept[r.ID] == hitsAMinute || len(m.hits) >= room {
				m.cut[r.ID] = true
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
