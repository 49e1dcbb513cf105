package engine

import "github.com/belfry-scheduler/belfry/internal/domain"

// admission is what the overlap policy makes of a fire that comes due.
type admission uint8

const (
	admitSend admission = iota
	admitSkip
	admitWait
	admitNot // it is no fire of the job any more
)

// decideOverlap applies the overlap policy: busy is the number of executions
// of the job that have not ended, waiting whether fires of it wait already.
func decideOverlap(policy domain.OverlapPolicy, busy int, waiting bool) admission {
	switch {
	case policy == domain.OverlapSkip && busy > 0:
		return admitSkip
	case policy == domain.OverlapQueue && (busy > 0 || waiting):
		return admitWait
	}
	return admitSend
}
