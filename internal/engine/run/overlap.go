package run

import "github.com/belfry-scheduler/belfry/internal/domain"

// Admission is what the overlap policy makes of a fire that comes due.
type Admission uint8

// What may become of a fire that comes due.
const (
	AdmitSend Admission = iota
	AdmitSkip
	AdmitWait
	AdmitNot // it is no fire of the job any more
)

// DecideOverlap applies the overlap policy: busy is the number of executions
// of the job that have not ended, waiting whether fires of it wait already.
func DecideOverlap(policy domain.OverlapPolicy, busy int, waiting bool) Admission {
	switch {
	case policy == domain.OverlapSkip && busy > 0:
		return AdmitSkip
	case policy == domain.OverlapQueue && (busy > 0 || waiting):
		return AdmitWait
	}
	return AdmitSend
}
