package view

import "github.com/belfry-scheduler/belfry/internal/domain"

// Health returns every check, and whether all is well.
func (v *View) Health() domain.Health {
	h := v.live.Health()
	for _, check := range v.checks {
		h.Checks = append(h.Checks, check())
	}
	for _, c := range h.Checks {
		h.Ready = h.Ready && c.OK
	}
	return h
}
