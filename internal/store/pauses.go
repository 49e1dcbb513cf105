package store

import (
	"bytes"
	"cmp"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// PauseEnd is the end of the pause of a job.
type PauseEnd struct {
	Until   int64 // Unix milliseconds
	JobID   domain.JobID
	Version int // the number of the current version
}

// Compare orders ends by their instants and jobs.
func (p PauseEnd) Compare(q PauseEnd) int {
	return cmp.Or(cmp.Compare(p.Until, q.Until), bytes.Compare(p.JobID[:], q.JobID[:]))
}
