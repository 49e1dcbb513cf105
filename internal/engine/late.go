package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// addLate takes spans that nobody could send in time: it applies the misfire
// policy, records what that drops as one MISSED record per span, and queues the
// rest in the late lane.
func (rn *runner) addLate(spans []*run.Span) {
	now := rn.now()
	queue := spans[:0]
	for _, s := range spans {
		prev := s.Ver.Timing(s.Job).Prev
		cut := run.KeepFrom(s.Ver.Plan.Value().Misfire, s.Next, s.Last, now, prev)
		rn.drop(s, cut, domain.StatusMissed, "dropped by the misfire policy")
		switch {
		case s.Next == run.Never:
		case s.Ver.Plan.Value().Overlap == domain.OverlapAllow:
			queue = append(queue, s)
		default:
			rn.keepWaiting(s)
		}
	}
	rn.queueSpans(queue)
}

// keepWaiting gives a late span to a job that runs one execution at a time.
func (rn *runner) keepWaiting(s *run.Span) {
	j := s.Job
	j.Mu.Lock()
	if j.KeepWaiting(s) {
		s.Hold.Release()
		rn.trim(j.LastWaiting())
	}
	next := rn.nextWaiting(j)
	j.Mu.Unlock()
	rn.dispatch(next)
}

// drop records the fires of a span before the instant as one summary.
func (rn *runner) drop(s *run.Span, before int64, status domain.Status, reason string) {
	skipped, last := s.SkipTo(before)
	if skipped == nil {
		return
	}
	r := &run.Run{Job: s.Job, Ver: s.Ver, At: last, Hold: s.PassHold()}
	fact := r.Result(status, rn.now(), reason)
	fact.Missed = skipped
	rn.recorder.AddNow(record.Entry{Fact: fact, Run: r})
}

// trim gives up the oldest fires of a backlog that has grown beyond what its
// job wants to catch up on. Without this a host that answers nothing would hold W
// for misfire.maxAgeMs, and a crash would leave every one of those fires
// uncertain. Call with the lock that guards the span held.
func (rn *runner) trim(s *run.Span) bool {
	surplus := run.Surplus(s.Ver.Plan.Value().Misfire, s.Grown)
	if surplus == 0 {
		return false
	}
	cut := s.Next
	for range surplus {
		cut = s.Ver.NextAfter(s.Job, cut)
	}
	rn.drop(s, cut, domain.StatusMissed, run.SurplusReason)
	return true
}

// popSpan takes the next fire off a span, or returns nil when none of it is to
// be sent. The hold moves on to the next one. It may be called with the
// dispatcher's lock or Job.Mu held.
func (rn *runner) popSpan(s *run.Span) *run.Run {
	if reason := s.Job.StopReason(s.Next); reason != "" {
		rn.drop(s, s.Last+1, domain.StatusSkipped, reason)
		return nil
	}
	rn.drop(s, run.OldestSent(s.Ver.Plan.Value().Misfire, rn.now()), domain.StatusMissed, run.TooOldReason)
	if s.Next == run.Never {
		return nil
	}
	r := &run.Run{Job: s.Job, Ver: s.Ver, Lane: s.Lane}
	r.At = s.Pop()
	r.Hold = s.PassHold()
	return r
}

// fromSpan is popSpan for a span of a host's: the fire enters its job. Called
// with the dispatcher's lock held.
func (rn *runner) fromSpan(s *run.Span) *run.Run {
	r := rn.popSpan(s)
	if r != nil {
		r.Job.Mu.Lock()
		r.Job.Enter(r)
		r.Job.Mu.Unlock()
	}
	return r
}

// nextWaiting returns the fire that the overlap policy kept back, when the job
// is free. At a stop it stays: nothing of it was sent. Call with Job.Mu held.
func (rn *runner) nextWaiting(j *run.Job) []*run.Run {
	if rn.stopping.Load() {
		return nil
	}
	if j.Busy > 0 {
		return nil
	}
	defer j.FreeBacklog()
	a := j.ReadBacklog()
	if len(a.Resumed) > 0 {
		r := a.Resumed[0]
		a.Resumed = a.Resumed[1:]
		j.Enter(r)
		if r.RetryAt > rn.now() {
			r.SetState(run.StateAwaitRetry)
			r.Lane = run.LaneLive
			rn.retries.Add(r)
			return nil
		}
		return []*run.Run{r}
	}
	for len(a.Waiting) > 0 {
		s := a.Waiting[0]
		r := rn.popSpan(s)
		if s.Next == run.Never {
			a.Waiting = a.Waiting[1:]
		}
		if r != nil {
			j.Enter(r)
			return []*run.Run{r}
		}
	}
	return nil
}
