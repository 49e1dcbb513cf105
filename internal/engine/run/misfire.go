package run

import "github.com/belfry-scheduler/belfry/internal/domain"

// KeepFrom applies the misfire policy to the fires of one version from first
// to last, which nobody could send in time. Those at or after the answer are
// sent late; those before it are MISSED. prev steps back through the fires.
func KeepFrom(m domain.Misfire, first, last, now int64, prev func(int64) (int64, bool)) int64 {
	oldest := OldestSent(m, now)
	switch m.Policy {
	case domain.MisfireSkip:
		return last + 1
	case domain.MisfireRunLatest:
		return max(last, oldest)
	case domain.MisfireRunAll:
	}
	kept := last
	for range m.MaxRuns - 1 {
		at, ok := prev(kept)
		if !ok || at < first || at < oldest {
			break
		}
		kept = at
	}
	return max(kept, oldest)
}

// Reasons of fires that the misfire policy gives up.
const (
	TooOldReason  = "older than misfire.maxAgeMs when it could be sent"
	SurplusReason = "more than misfire.maxRuns fires waited for their turn"
)

// OldestSent returns the scheduled instant of the oldest fire that is still sent at
// an instant. Both are Unix milliseconds.
func OldestSent(m domain.Misfire, now int64) int64 { return now - m.MaxAgeMs }

// Surplus returns how many fires of a backlog are given up, the oldest first: what
// there is beyond maxRuns, once that is an eighth of it, so that one record stands for
// many.
func Surplus(m domain.Misfire, waiting int) int {
	if waiting <= m.MaxRuns+m.MaxRuns/8 {
		return 0
	}
	return waiting - m.MaxRuns
}

// Crowded reports whether so many executions of a job have not ended that further
// fires are kept as a span: as many as it wants to catch up on.
func Crowded(m domain.Misfire, busy int) bool { return busy > m.MaxRuns }
