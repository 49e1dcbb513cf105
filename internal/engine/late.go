package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// addLate takes spans that nobody could send in time: it applies the misfire
// policy, records what that drops as one MISSED record per span, and queues the
// rest in the late lane.
func (r *runner) addLate(spans []*run.Span) {
	now := r.now()
	queue := spans[:0]
	for _, s := range spans {
		prev := s.Ver.Timing(s.Job).Prev
		cut := run.KeepFrom(s.Ver.Plan.Value().Misfire, s.Next, s.Last, now, prev)
		r.drop(s, cut, domain.StatusMissed, "dropped by the misfire policy")
		switch {
		case s.Next == run.Never:
		case s.Ver.Plan.Value().Overlap == domain.OverlapAllow:
			queue = append(queue, s)
		default:
			r.keepWaiting(s)
		}
	}
	r.queueSpans(queue)
}

// keepWaiting gives a late span to a job that runs one execution at a time.
func (r *runner) keepWaiting(s *run.Span) {
	j := s.Job
	j.Mu.Lock()
	if j.KeepWaiting(s) {
		s.Hold.Release()
		r.trim(j.LastWaiting())
	}
	next := r.nextWaiting(j)
	j.Mu.Unlock()
	r.dispatch(next)
}

// drop records the fires of a span before the instant as one summary.
func (r *runner) drop(s *run.Span, before int64, status domain.Status, reason string) {
	skipped, last := s.SkipTo(before)
	if skipped == nil {
		return
	}
	f := &run.Run{Job: s.Job, Ver: s.Ver, At: last, Hold: s.PassHold()}
	fact := f.Result(status, r.now(), reason)
	fact.Missed = skipped
	r.recorder.AddNow(record.Entry{Fact: fact, Run: f})
}

// trim gives up the oldest fires of a backlog that has grown beyond what its
// job wants to catch up on. Without this a host that answers nothing would hold W
// for misfire.maxAgeMs, and a crash would leave every one of those fires
// uncertain. Call with the lock that guards the span held.
func (r *runner) trim(s *run.Span) bool {
	surplus := run.Surplus(s.Ver.Plan.Value().Misfire, s.Grown)
	if surplus == 0 {
		return false
	}
	cut := s.Next
	for range surplus {
		cut = s.Ver.NextAfter(s.Job, cut)
	}
	r.drop(s, cut, domain.StatusMissed, run.SurplusReason)
	return true
}

// popSpan takes the next fire off a span, or returns nil when none of it is to
// be sent. The hold moves on to the next one. It may be called with the
// dispatcher's lock or Job.Mu held.
func (r *runner) popSpan(s *run.Span) *run.Run {
	if reason := s.Job.StopReason(s.Next); reason != "" {
		r.drop(s, s.Last+1, domain.StatusSkipped, reason)
		return nil
	}
	r.drop(s, run.OldestSent(s.Ver.Plan.Value().Misfire, r.now()), domain.StatusMissed, run.TooOldReason)
	if s.Next == run.Never {
		return nil
	}
	f := &run.Run{Job: s.Job, Ver: s.Ver, Lane: s.Lane}
	f.At = s.Pop()
	f.Hold = s.PassHold()
	return f
}

// fromSpan is popSpan for a span of a host's: the fire enters its job. Called
// with the dispatcher's lock held.
func (r *runner) fromSpan(s *run.Span) *run.Run {
	f := r.popSpan(s)
	if f != nil {
		f.Job.Mu.Lock()
		f.Job.Enter(f)
		f.Job.Mu.Unlock()
	}
	return f
}
