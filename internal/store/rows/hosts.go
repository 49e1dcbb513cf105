package rows

import "github.com/belfry-scheduler/belfry/internal/domain"

// WorkVersion is what it costs to look up what a version calls.
const WorkVersion = 10

// VersionKey names a version of a job.
type VersionKey struct {
	JobID  domain.JobID
	Number int
}

// Targets remembers which versions call the hosts that a query is about.
type Targets struct {
	// TargetOf looks up which URL a version calls; nothing: it is not kept. Needed with a host.
	TargetOf func(VersionKey) (api string, err error)

	host  domain.HostFilter
	calls map[VersionKey]bool // nil: the query is not about hosts
}

func newTargets(host domain.HostFilter) (t Targets) {
	if host != (domain.HostFilter{}) {
		t.host, t.calls = host, make(map[VersionKey]bool)
	}
	return t
}

// Unknown reports whether the query is about hosts, and nothing has been learned of a version.
func (t *Targets) Unknown(k VersionKey) bool {
	if t.calls == nil {
		return false
	}
	_, known := t.calls[k]
	return !known
}

// Learn takes note of what a version calls; nothing: it is not kept.
func (t *Targets) Learn(k VersionKey, api string) { t.calls[k] = t.host.Matches(api) }

// selects reports whether a version calls a host that the query selects, and what that costs. It is
// looked up once.
func (t *Targets) selects(k VersionKey) (calls bool, work int, err error) {
	if t.Unknown(k) {
		api, err := t.TargetOf(k)
		if err != nil {
			return false, WorkVersion, err
		}
		t.Learn(k, api)
		work = WorkVersion
	}
	return t.calls == nil || t.calls[k], work, nil
}
