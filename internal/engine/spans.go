package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// drop records the fires of a span before the instant as one summary.
func (rn *runner) drop(s *run.Span, before int64, status domain.Status, reason string) {
	fence := rn.shards.At(s.Job.Shard).Fence()
	if s.Job.Lost() {
		s.Discard()
		return
	}
	skipped, last := s.SkipTo(before)
	if skipped == nil {
		return
	}
	r := &run.Run{Job: s.Job, Ver: s.Ver, At: last, Hold: s.PassHold()}
	fact := r.Result(status, rn.now(), reason)
	fact.Missed = skipped
	rn.recorder.AddNow(record.Entry{Fact: fact, Run: r, Fence: fence})
}

// trim gives up the oldest fires of a backlog that has grown beyond what its
// job wants to catch up on. others are fires of the job that wait in later spans. Without this a host that answers
// nothing would hold W
// for misfire.maxAgeMs, and a crash would leave every one of those fires
// uncertain. Call with the lock that guards the span held.
func (rn *runner) trim(s *run.Span, others int) bool {
	if s.Job.Lost() {
		return false
	}
	surplus := run.Surplus(s.Ver.Plan.Value().Misfire, s.Grown+others)
	if surplus == 0 {
		return false
	}
	cut := s.Next
	for n := 0; n < surplus && cut <= s.Last; n++ {
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
	if s.Job.Lost() {
		s.Discard()
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
