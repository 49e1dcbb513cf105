package engine

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Sizes of the parts of a block: each is one allocation of 8 KiB.
const (
	blockJobs     = (8 << 10) / 80
	blockVersions = (8 << 10) / 64
	blockText     = 8 << 10
	maxBlockText  = 512 // a longer one is kept by itself
)

// blocks allocates what a start reads, many to an allocation: thirty million
// objects of ten million jobs become three hundred thousand, and what comes
// together lies side by side. With rows in that order, see jobIndex, the garbage
// collector marks ten million jobs in 0.5 s where it took 2.
//
// A block is there until nothing in it is used any more. At a start that is at
// most what there was; jobs that come later, one by one or by import, have no
// blocks, because a few that stay would hold many that have gone.
//
// The nil pointer allocates each by itself. It is not safe for concurrent use.
type blocks struct {
	jobs     []job
	versions []version
	text     strings.Builder
}

func (b *blocks) job() *job {
	if b == nil {
		return new(job)
	}
	if len(b.jobs) == 0 {
		b.jobs = make([]job, blockJobs)
	}
	j := &b.jobs[0]
	b.jobs = b.jobs[1:]
	return j
}

func (b *blocks) version() *version {
	if b == nil {
		return new(version)
	}
	if len(b.versions) == 0 {
		b.versions = make([]version, blockVersions)
	}
	v := &b.versions[0]
	b.versions = b.versions[1:]
	return v
}

// keep returns a copy of a text that is part of a longer one, of which nothing
// else is to be kept.
func (b *blocks) keep(text string) string {
	if b == nil || len(text) > maxBlockText {
		return strings.Clone(text)
	}
	if b.text.Cap()-b.text.Len() < len(text) {
		b.text = strings.Builder{}
		b.text.Grow(blockText)
	}
	at := b.text.Len()
	b.text.WriteString(text)
	return b.text.String()[at:]
}

// newJob returns a job without a version.
func (b *blocks) newJob(id domain.JobID, createdAt int64) *job {
	j := b.job()
	j.id, j.createdAt, j.next = id, createdAt, never
	return j
}
