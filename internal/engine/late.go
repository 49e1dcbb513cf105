package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// addLate takes spans that nobody could send in time: it applies the misfire
// policy, records what that drops as one MISSED record per span, and queues the
// rest in the late lane.
func (e *Engine) addLate(spans []*span) {
	now := e.now()
	queue := spans[:0]
	for _, s := range spans {
		prev := s.ver.timing(s.job).Prev
		cut := keepFrom(s.ver.plan.Value().misfire, s.next, s.last, now, prev)
		e.drop(s, cut, domain.StatusMissed, "dropped by the misfire policy")
		switch {
		case s.next == never:
		case s.ver.plan.Value().overlap == domain.OverlapAllow:
			queue = append(queue, s)
		default:
			e.keepWaiting(s)
		}
	}
	e.queueSpans(queue)
}

// keepWaiting gives a late span to a job that runs one execution at a time.
func (e *Engine) keepWaiting(s *span) {
	j := s.job
	j.mu.Lock()
	if j.wait(s) {
		e.pending.done(s.next, 1)
		e.trim(j.lastWaiting())
	}
	next := e.nextWaiting(j)
	j.mu.Unlock()
	e.dispatch(next)
}

// drop records the fires of a span before the instant as one summary.
func (e *Engine) drop(s *span, before int64, status domain.Status, reason string) {
	head := s.next
	left, last := s.skipTo(before)
	if left == nil {
		return
	}
	if s.next != never {
		e.pending.add(s.next, 1)
	}
	// The summary's fire carries the count of the span's old head.
	f := &fire{job: s.job, ver: s.ver, at: last, counted: true, holds: head}
	fact := f.result(status, e.now(), reason)
	fact.Missed = left
	e.recorder.addNow(entry{fact: fact, fire: f})
}

// trim gives up the oldest fires of a backlog that has grown beyond what its
// job wants to catch up on. Without this a host that answers nothing would hold W
// for misfire.maxAgeMs, and a crash would leave every one of those fires in
// doubt. It waits for an eighth more, so that one record tells of many. Called
// with the lock that guards the span held.
func (e *Engine) trim(s *span) bool {
	most := s.ver.plan.Value().misfire.MaxRuns
	if s.grown <= most+most/8 {
		return false
	}
	cut := s.next
	for range s.grown - most {
		cut = s.ver.nextAfter(s.job, cut)
	}
	e.drop(s, cut, domain.StatusMissed, "more than misfire.maxRuns fires waited for their turn")
	return true
}

// popSpan takes the next fire off a span, or returns nil when none of it is to
// be sent. The count that holds W moves with it. It may be called with
// dispatcher.mu or job.mu held.
func (e *Engine) popSpan(s *span) *fire {
	if reason := s.job.stopReason(s.next); reason != "" {
		e.drop(s, s.last+1, domain.StatusSkipped, reason)
		return nil
	}
	e.drop(s, e.now()-s.ver.plan.Value().misfire.MaxAgeMs, domain.StatusMissed,
		"older than misfire.maxAgeMs when it could be sent")
	if s.next == never {
		return nil
	}
	f := &fire{job: s.job, ver: s.ver, lane: s.lane, counted: true}
	f.at = s.pop()
	f.holds = f.at
	if s.next != never {
		e.pending.add(s.next, 1)
	}
	return f
}

// fromSpan is popSpan for a span of a host's: the fire enters its job. Called
// with dispatcher.mu held.
func (e *Engine) fromSpan(s *span) *fire {
	f := e.popSpan(s)
	if f != nil {
		f.job.mu.Lock()
		f.job.enter(f)
		f.job.mu.Unlock()
	}
	return f
}
