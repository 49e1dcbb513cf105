package api

import (
	"encoding/json"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// warningMemory keeps the warnings of jobs that were imported: most of an import
// have one of a few schedules and hosts, and the warnings of a schedule take as
// long as reading the job. The texts are those of the answer, so that jobs with
// the same warnings share one.
type warningMemory map[warningKey]json.RawMessage

// warningKey is all that the warnings of a job depend on.
type warningKey struct {
	schedule, timezone string
	dst                domain.DST
	origin             string
}

// maxWarningKeys bounds the memory: 1,000 keys of at most 256 + 64 + 2,048 bytes
// are 2.4 MB. Beyond that it begins anew.
const maxWarningKeys = 1_000

// warnings is [server.warnings] as a JSON array; nil: none.
func (run *importRun) warnings(spec *domain.Spec) json.RawMessage {
	key := warningKey{spec.Schedule, spec.Timezone, spec.DST, originOf(spec.API)}
	if text, known := run.warned[key]; known {
		return text
	}
	var text json.RawMessage
	if told := run.server.warnings(spec); len(told) > 0 {
		text, _ = json.Marshal(told) // strings always encode
	}
	if run.warned == nil || len(run.warned) >= maxWarningKeys {
		run.warned = warningMemory{}
	}
	run.warned[key] = text
	return text
}

// originOf returns the part of a URL before its path: the rules for targets ask
// about nothing else. A text without one is returned whole.
func originOf(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		return url[:len(scheme)+len("://")+end]
	}
	return url
}
