package domain

import "github.com/belfry-scheduler/belfry/internal/target"

// SentElsewhere returns the field by which a change of a spec sends its calls, and with
// them its secrets, to somebody else, or "": api at another origin (scheme, host or port),
// or tlsSkipVerify, with which whoever is on the way can answer for the target.
func SentElsewhere(before, after *Spec) string {
	from, to := target.Of(before.API), target.Of(after.API)
	switch {
	case from != to, from == (target.Host{}) && before.API != after.API:
		return "api"
	case after.TLSSkipVerify && !before.TLSSkipVerify:
		return "tlsSkipVerify"
	}
	return ""
}
