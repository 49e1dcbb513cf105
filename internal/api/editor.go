package api

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
)

// Editor changes jobs: an *[edit.Editor]. Errors are *[domain.Error] where the caller can do
// something about them; the rest are faults.
type Editor interface {
	// Once lets requests with an Idempotency-Key be carried out once.
	Once() *edit.Once
	// Create makes one job of each document, active or paused. The result has
	// one entry per document, in order; a document that is refused does not
	// spoil the others.
	Create(ctx context.Context, docs []domain.SpecDoc) []edit.Created
	// NewImport begins to make many jobs, or to change those that have their keys, in chunks.
	NewImport(c edit.ImportConfig) *edit.Import
	// Put makes a job with a key, or changes the one that has it.
	Put(ctx context.Context, p *edit.Put) (domain.Version, edit.Outcome, error)
	// Update lays a change over the current version. With ifVersion not zero,
	// CodeConflict when the current number is another one. An error of change
	// ends it and is returned, wrapped or not.
	Update(ctx context.Context, id domain.JobID, ifVersion int, change func(*domain.SpecDoc) error) (
		domain.Version, error)
	// Delete ends the job. No fire at or after effectiveTo (Unix
	// milliseconds) is sent. ifVersion as in Update.
	Delete(ctx context.Context, id domain.JobID, ifVersion int) (effectiveTo int64, err error)
	// Trigger starts an execution now. It is durable when Trigger returns, and
	// its status is PENDING. ifVersion as in Update.
	Trigger(ctx context.Context, id domain.JobID, ifVersion int) (domain.Execution, error)
	// SetActive resumes or pauses a job, with what is said of the pause, and reports whether that changed it.
	SetActive(ctx context.Context, id domain.JobID, ifVersion int, active bool, pause *domain.Pause) (
		v domain.Version, changed bool, err error)
}
