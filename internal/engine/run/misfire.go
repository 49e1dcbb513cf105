package run

import "github.com/belfry-scheduler/belfry/internal/domain"

// KeepFrom applies the misfire policy to the fires of one version from first
// to last, which nobody could send in time. Those at or after the answer are
// sent late; those before it are MISSED. prev steps back through the fires.
func KeepFrom(m domain.Misfire, first, last, now int64, prev func(int64) (int64, bool)) int64 {
	oldest := now - m.MaxAgeMs
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
