package api

import "github.com/belfry-scheduler/belfry/internal/domain"

// warnings returns what is allowed in a job but may not be meant. A target that
// the server would not call is no error: a name may lead elsewhere tomorrow,
// and an import may come before the setting that opens its targets.
func (s *server) warnings(spec *domain.Spec) []string {
	if s.CheckTarget == nil {
		return nil
	}
	if err := s.CheckTarget(spec.API); err != nil {
		return []string{"api: this server will not call it: " + err.Error()}
	}
	return nil
}
