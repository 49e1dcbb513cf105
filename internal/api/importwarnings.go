package api

import (
	"encoding/json"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
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
	host               target.Host
}

// maxWarningKeys bounds the memory: 1,000 keys of at most 256 + 64 + 2,048 bytes
// are 2.4 MB. Beyond that it begins anew.
const maxWarningKeys = 1_000

// warnings is [server.warnings] as a JSON array; nil: none.
func (run *importRun) warnings(spec *domain.Spec) json.RawMessage {
	key := warningKey{spec.Schedule, spec.Timezone, spec.DST, target.Of(spec.API)}
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
