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
type warningMemory struct {
	rules *jobRules
	known map[warningKey]json.RawMessage
}

// warningKey is all that the warnings of a job depend on.
type warningKey struct {
	schedule, timezone string
	dst                domain.DST
	host               target.Host
}

// maxWarningKeys bounds the memory: 1,000 keys of at most 256 + 64 + 2,048 bytes
// are 2.4 MB. Beyond that it begins anew.
const maxWarningKeys = 1_000

// of is [jobRules.warnings] as a JSON array; nil: none.
func (w *warningMemory) of(spec *domain.Spec) json.RawMessage {
	key := warningKey{spec.Schedule, spec.Timezone, spec.DST, target.Of(spec.API)}
	if text, known := w.known[key]; known {
		return text
	}
	var text json.RawMessage
	if told := w.rules.warnings(spec); len(told) > 0 {
		text, _ = json.Marshal(told) // strings always encode
	}
	if w.known == nil || len(w.known) >= maxWarningKeys {
		w.known = make(map[warningKey]json.RawMessage)
	}
	w.known[key] = text
	return text
}
