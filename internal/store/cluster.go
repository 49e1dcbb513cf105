package store

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Cluster has what only several processes on one database need of it.
type Cluster interface {
	Edits() Edits
	Nodes() Nodes
}

// Edits changes jobs by a process that does not own their shards. Each call locks the rows of
// their shards, raises the revisions by one, and chooses the instant from which on the change
// is valid: see [EffectiveWithout]. So an owner learns of it with its next beat, before it may
// send past that instant.
//
// The rules of [Jobs] for repeats, keys, entries of the trail and records of Idempotency-Keys
// hold. A repeat is known by all of the version but its instant, and answers the one that
// was chosen then. ahead is that of [Shards.Beat].
type Edits interface {
	// Create inserts version 1 of each job, all or none, and answers from when each is valid.
	Create(ctx context.Context, versions []domain.Version, ahead int64) ([]Effect, error)
	// Update closes version next.Number-1 and inserts next. next.EffectiveFrom is the
	// earliest instant that is wanted.
	Update(ctx context.Context, next domain.Version, ahead int64) (Effect, error)
	// Delete closes the current version, which must be number. A repeat of a
	// Delete with the same number succeeds.
	Delete(ctx context.Context, id domain.JobID, number int, ahead int64) (Effect, error)
	// Changed streams every kept version of the jobs of a shard that Edits has changed since
	// the revision, those of one job together and in order. Other jobs of the shard may be
	// among them. An error of fn ends it.
	Changed(ctx context.Context, number int, revision int64, fn func(domain.Version) error) error
	// Unclaimed streams the open runs of shards that no process carries out, as OpenRuns of
	// [Ledger]: their Runner is zero. Those of triggers wait for the owner of the job.
	Unclaimed(ctx context.Context, of ShardSet, fn func(domain.OpenRun) error) error
}

// Effect says from when a change is valid that was made without the owner.
type Effect struct {
	At       int64 // Unix milliseconds
	Number   int   // of the shard
	Revision int64 // of the shard with the change
	Lease          // whose owner learns of it, as far as there is one
}

// Overdue is how far clocks must have passed the horizon of a shard until its owner certainly sends
// nothing any more, in milliseconds: it stops a second after its horizon.
const Overdue = 4_000

// Ends reports whether nothing is sent any more that the change has ended: the owner follows
// it, or there is another one, which has read it, or none, or the owner has not beaten for so
// long that it has stopped. sh is the row of the shard, read after the change. now is the clock of this
// process, in Unix milliseconds: the owner goes by its own, and that of the store may have made a step.
func (e *Effect) Ends(sh *Shard, now int64) bool {
	return sh.Clean || sh.Lease != e.Lease || sh.Applied >= e.Revision || min(sh.Clock, now) > sh.Horizon+Overdue
}

// Nodes keeps which processes there are.
type Nodes interface {
	// Seen inserts or replaces the row of a node, with the store's clock as Node.Seen, and
	// answers all rows in the order of their tokens.
	Seen(ctx context.Context, node Node) ([]Node, error)
	// Remove deletes the row of a node. One that is not there is no error.
	Remove(ctx context.Context, token int64) error
	// Protocol returns the number of the protocol of the database: a process that does not speak it
	// must not take part. It is 1 at first, and never falls.
	Protocol(ctx context.Context) (int, error)
	// RaiseProtocol makes it a higher number, unless there is a row of a node that does not speak it.
	// That is no error, and nothing is changed then.
	RaiseProtocol(ctx context.Context, to int) error
}

// Node is one process of a cluster.
type Node struct {
	Token    int64 // random for each start
	Name     string
	Address  string // where other nodes reach it
	Build    string
	Role     string
	Draining bool   // it gives its shards away and claims none
	Protocol int    // the highest that it speaks, at least 1
	Settings string // hashes of those that must be the same everywhere; empty: it does not say
	Seen     int64  // by the store's clock, Unix milliseconds
}
