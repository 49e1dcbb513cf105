package engine

import (
	"github.com/belfry-scheduler/belfry/internal/domain"
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
