package api

import (
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// warnings returns what is allowed in a job but may not be meant: what a preview
// says of its schedule, in the same words, and what this server says of its
// target. A target that the server would not call is no error: a name may lead
// elsewhere tomorrow, and an import may come before the setting that opens its
// targets.
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
