package api

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// warnings returns what is allowed in a job but is probably not intended: the warnings
// of a preview about the schedule, in the same words, and those of this server about the
// target. A target that the server would not call is a warning and no error: its name
// may resolve to another address tomorrow, and an import may run before the setting that
// allows its targets is made.
//
// Every answer about a job has its warnings from here.
func (s *server) warnings(spec *domain.Spec) []string {
	return slices.Concat(spec.ScheduleWarnings(), s.targetWarnings(spec.API))
}

func (s *server) targetWarnings(api string) []string {
	if s.CheckTarget == nil {
		return nil
	}
	if err := s.CheckTarget(api); err != nil {
		return []string{"api: this server will not call it: " + err.Error()}
	}
	return nil
}
