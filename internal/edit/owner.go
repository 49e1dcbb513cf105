package edit

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Owner fires the jobs. Of each change it decides from when on it is valid: later than
// anything that it has sent, and than anything that is on record. From then on until it
// is told what became of the change it sends nothing of the job, and the watermark
// stays below. The change is committed under the fences that it returns.
//
// A [store.StaleError] says that it is not the owner of a job, or does not know yet what has
// become of it: nothing was begun. But for that a version can be run.
type Owner interface {
	// BeginCreate begins the creation of jobs. It sets EffectiveFrom of each version
	// and returns, for each, why it cannot be run, or nil. end is about those without
	// a fault.
	BeginCreate(ctx context.Context, versions []domain.Version) (faults []error, fences []store.Fence, end End)
	// BeginUpdate begins a change of a job. It sets EffectiveFrom of the version, to what it is or later. The
	// error says why it cannot be run; nothing was begun then.
	BeginUpdate(ctx context.Context, next *domain.Version) (fences []store.Fence, end End, err error)
	// BeginDelete begins the end of a job whose current version is number. It has no fires
	// from the instant on.
	BeginDelete(id domain.JobID, number int) (from int64, fences []store.Fence, end End, err error)
	// Trigger starts an execution now. It is durable when Trigger returns, and its
	// status is PENDING. With an error and an execution it is not on record yet, but
	// will be.
	//
	// With a nonce the execution has it and is scheduled at the instant, so that its id is known
	// before. CodeConflict: the job was paused or deleted since. Zero: now, with a new nonce.
	Trigger(ctx context.Context, id domain.JobID, at, nonce int64) (domain.Execution, error)
	// StoreFault returns why the store does not take records, as far as that is known.
	StoreFault() error
}

// End tells the owner whether the store has a change. It is called once, or never when
// the process ends before that is known. What it returns is still to be put on record
// and may be repeated; nil: nothing.
type End = func(stored bool) (rest func(context.Context) error)
