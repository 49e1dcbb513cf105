package run

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
)

// Span is a run of fires that are due and not sent: those of one version from
// next to last, both inclusive. It keeps all of them in the memory of
// one, because fires can be computed; a host that is dead for a day costs a
// span per job, not a fire per second.
type Span struct {
	Job  *Job
	Ver  *Version
	Next int64 // the first fire left, Unix milliseconds
	Last int64 // the last one
	Lane Lane
	Hold hold.Token // of the first fire left: it keeps W below all of them

	Grown int // fires that joined it one by one and are left; bounds a backlog, see runner.trim
	Slot  int // its place in a spanHeap
}

// Extend takes a further fire at the end of the span. It refuses one that is
// not the next fire of the same version: there would be a hole.
func (s *Span) Extend(ver *Version, at int64) bool {
	if s.Ver != ver || at <= s.Last || ver.NextAfter(s.Job, s.Last) != at {
		return false
	}
	s.Last = at
	s.Grown++
	return true
}

// Pop takes the first fire off the span. The span is empty when next is never.
func (s *Span) Pop() (at int64) {
	at = s.Next
	s.Grown = max(0, s.Grown-1)
	s.Next = s.Ver.NextAfter(s.Job, at)
	if s.Next > s.Last {
		s.Next = Never
	}
	return at
}

// SkipTo moves the span past every fire before the instant. It returns the
// range that was left out and its last fire, or nil.
func (s *Span) SkipTo(cutoff int64) (skipped *domain.MissedRange, last int64) {
	if s.Next >= cutoff {
		return nil, 0
	}
	skipped = &domain.MissedRange{From: s.Next}
	for s.Next < cutoff {
		last = s.Pop()
		skipped.Count++
	}
	return skipped, last
}

// SpanOf returns a span of the run's fire alone, which takes over its hold.
func SpanOf(r *Run) *Span {
	return &Span{Job: r.Job, Ver: r.Ver, Next: r.At, Last: r.At, Lane: r.Lane, Grown: 1, Hold: r.Hold.Pass()}
}

// Discard gives up what is left of a span whose job is lost: the next owner computes it again.
func (s *Span) Discard() {
	if s.Next == Never {
		return
	}
	s.Next = Never
	token := s.PassHold()
	token.Release()
}

// PassHold returns the hold of the fire that was taken off last. The span keeps W
// below the first fire that it has left, if there is one. Call it after each Pop
// and SkipTo.
func (s *Span) PassHold() hold.Token {
	if s.Next == Never {
		return s.Hold.Pass()
	}
	return s.Hold.Advance(s.Next)
}
