package transfer

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// Version is a version of a job as it is stored, with what a table has beside it.
type Version struct {
	rows.Version
	To int64 // [domain.Forever]: it is the current one of a job that is not deleted

	// Of number 1: the entry of the trail about the import that has made the job; zero: none.
	ImportAt, ImportNonce int64
}

// Key is what versions are ordered by.
type Key struct {
	JobID  domain.JobID
	Number int
}

// Counter says how many executions completed in a minute and ended alike.
type Counter struct {
	Minute int64 // since 1970-01-01; of Whole that of the start of the day
	Status int   // the code: see [rows.Statuses]
	Whole  bool  // of a whole day, whose history was dropped
	Part   int32 // tells counters of the same apart, which are to be added up
	Sums
}

// Sums are those of a [Counter].
type Sums struct{ Fires, DurationMs, Timed int64 }

// Alert is an alert with what names it. Lost is not set: see [Loss].
type Alert struct {
	domain.Alert
	OpenedAt, OpenedNonce int64 // the failure that opened it
	Day                   int64 // of the fire that changed it last, since 1970-01-01
}

// Loss is a fire without a record, and when an audit found it.
type Loss struct {
	domain.Loss
	FoundAt int64
}

// Pending is a job that an operation has still to deal with.
type Pending struct {
	Operation domain.OperationID
	JobID     domain.JobID
}

// Table is one kind of rows of a database. Rows that are there already are not written again:
// they are those of the same copy.
type Table[T any] struct {
	Read  func(ctx context.Context, fn func(piece []T) error) error // all rows, in pieces
	Write func(ctx context.Context, piece []T) error
}

// Long is a table with many rows. They are read and written in the order of their keys, each
// piece in one step or, where pieces are of several files, in their order: the last row that is
// there says how far the copy has come.
type Long[T, K any] struct {
	After func(ctx context.Context, last *K, fn func(piece []T) error) error // all rows behind the last; nil: all
	Write func(ctx context.Context, piece []T) error
	Last  func(ctx context.Context) (*K, error) // nil: there are no rows
	Count func(ctx context.Context) (int64, error)
}

// Tables are the rows that the methods of [store.Store] cannot read and write as they are.
type Tables struct {
	Versions   Long[Version, Key]
	Facts      Long[domain.Execution, domain.FireKey]
	Counters   Table[Counter]
	Alerts     Table[Alert]
	Losses     Table[Loss]
	Runs       Table[domain.OpenRun]
	Keys       Table[domain.APIKey]
	Sessions   Table[domain.EndedSession]
	Changes    Table[domain.Change] // without what they name
	Records    Table[domain.IdempotencyRecord]
	Operations Table[domain.Operation]
	Pending    Table[Pending]
	Settings   Table[rows.Setting] // about alerts
}

// Control is what a copy does to a database beside its rows.
type Control interface {
	// Mark returns the mark of the database.
	Mark(ctx context.Context) (Mark, error)
	// Idle returns an error if another process may use the database. An owner whose lease was not
	// released is gone if its rows do not change for so long.
	Idle(ctx context.Context, gone time.Duration) error
	// Begin marks the target of a copy, if no process has claimed a shard.
	Begin(ctx context.Context, m Mark) error
	// Finish writes the shards and how far the history goes back, after all rows.
	Finish(ctx context.Context, shards []store.Shard, kept int64) error
	// Leave marks the source of a copy, if its shards still have the stamp of the mark.
	Leave(ctx context.Context, m Mark) error
	// Free removes the mark.
	Free(ctx context.Context) error
	Close() error
}

// Database is one that is open for a copy. No server runs on it.
type Database struct {
	Control
	Name  string // for people, without a password
	Store store.Store
	Box   *seal.Box // of its secrets
	Tables
}
