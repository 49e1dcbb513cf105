// Package store declares what Belfry needs from a database, and nothing about how the
// database does it.
//
// Each role is a small interface; [Store] has all of them. Two kinds of database are
// meant to satisfy the same contract: embedded SQLite, where one process owns every
// shard, and a shared PostgreSQL, where many nodes own some each. Package storetest
// has the contract as tests; what it does not test is not guaranteed.
//
// # Rules that every store keeps
//
//   - A method that returns nil has committed durably (synchronous=FULL or its
//     equal). One that returns an error may have committed or not: the caller
//     repeats the call or reads. Every write here can be repeated: a second
//     identical call changes nothing and reports success.
//   - Facts are insert-only. The natural key is [domain.FireKey]; the first
//     fact of a key stays, later ones change nothing: no row, no counter, no
//     alert.
//   - A fact, its counters and its alert are one atomic step.
//   - Pages are bounded by rows and by bytes. A page ends with the row whose [domain.Version.Size]
//     (or that of an execution or an entry) makes the sum reach MaxBytes. It has at least one
//     row if there is one. A store reads row by row, and holds no more than the page. Where a
//     method streams, its pieces are bounded in the same way.
//   - Instants are Unix milliseconds. "Store clock" is the database's own.
//   - Errors about the caller's data are *domain.Error with a code; all others
//     mean that the store did not do its work. A [*GoneError] among their
//     causes says that files of the database are not where they were.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	page.go access.go operations.go idempotency.go query.go fault.go lease.go fence.go shardset.go cluster.go effects.go
//	pauses.go notices.go alertsettings.go rotation.go store.go wholepage.go
package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Store is one database.
type Store interface {
	Jobs() Jobs
	History() History
	Ledger() Ledger
	Shards() Shards
	Observed
	Access
	Cluster
	// Close flushes and releases everything; no call is made afterwards.
	Close() error
}

// Observed has what is written with the facts, and what follows from it.
type Observed interface {
	Alerting
	Series() Series
}

// Alerting has what is known of alerts, and what people are told of them.
type Alerting interface {
	Alerts() Alerts
	Notices() Notices
	AlertSettings() AlertSettings
}

// Jobs stores jobs and their timelines. A closed version stays readable as long as the
// history of its time is kept, so that every fire can be computed again.
//
// If the context of Create, Update or Delete has a change (see [WithChange]), the entry
// of the trail is written in the same transaction. Repeating the call writes no second
// entry. The same holds for Create and the record of an Idempotency-Key (see
// [WithIdempotency]); CodeConflict: the key has another record, and nothing was made.
//
// No two jobs of a namespace that are not deleted have the same key ([domain.Spec.Key]).
// Create and Update refuse that with CodeConflict and a [TakenError].
type Jobs interface {
	// Create inserts version 1 of each job, all or none. A repeat with the
	// same id and the same content succeeds. A call of more than a few
	// thousand makes a beat wait for it: import in pieces. A [TakenError] names every job
	// whose key is taken, also by one before it in the call.
	Create(ctx context.Context, versions []domain.Version) error
	// Update closes version next.Number-1 at next.EffectiveFrom and inserts
	// next, in one step. CodeNotFound: no such job, or deleted. CodeConflict:
	// the current version is another one, or the key is taken.
	Update(ctx context.Context, next domain.Version) error
	// Delete closes the current version, which must be number, at the instant.
	// Errors as Update. Deleting a deleted job with the same number and
	// instant succeeds.
	Delete(ctx context.Context, id domain.JobID, number int, at int64) error
	// Get returns a job that is not deleted, or CodeNotFound. It was updated
	// when its current version took effect, or never but at its creation.
	Get(ctx context.Context, id domain.JobID) (domain.Job, error)
	// List returns a page of jobs in the order of their ids, or counts them. See [JobQuery].
	List(ctx context.Context, q JobQuery) (JobPage, error)
	// Count returns how many jobs there are and how many of them are active.
	Count(ctx context.Context) (total, active int64, err error)
	Timelines
}

// Timelines reads the versions of jobs, of deleted ones too.
type Timelines interface {
	// Versions returns every kept version of a job, oldest first; empty when nothing is known of it.
	// A job may have thousands: who needs no bodies asks for TimingOnly.
	Versions(ctx context.Context, id domain.JobID, parts Parts) ([]domain.Version, error)
	// VersionsBefore returns a page of the versions of a job, newest first. See [VersionQuery].
	VersionsBefore(ctx context.Context, q VersionQuery) ([]domain.Version, error)
	// Timeline streams every version of the jobs of shards whose time overlaps (since, forever),
	// the versions of one job together and in order. An error of fn ends it.
	Timeline(ctx context.Context, of ShardSet, since int64, parts Parts, fn func(domain.Version) error) error
	// Pauses returns the pauses of current versions that end by an instant, so many at most, in the order of
	// [PauseEnd.Compare] after another one.
	Pauses(ctx context.Context, until int64, after PauseEnd, limit int) ([]PauseEnd, error)
}

// Parts is how much of each version is wanted.
type Parts int

const (
	// WholeVersions have every field.
	WholeVersions Parts = iota
	// TimingOnly has the fields that decide when a version fires: JobID, Number,
	// the instants, Active and, of the spec, Namespace, Schedule, Timezone, Type, StartAt, EndAt,
	// JitterMs and DST. A store may leave out the others. Reading them costs a
	// fraction, because URLs and bodies are the largest part of a version.
	TimingOnly
)

// History answers what became of fires. It knows facts and open runs' facts
// only: what is queued or in flight is known to the engine.
type History interface {
	// Execution returns one fact, or CodeNotFound.
	Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error)
	// ByJob returns the facts of a job, newest scheduled first. A store may look
	// up scheduled fires by the job's timeline. Then it does not find a fact that no
	// stored version yields, nor one that comes after thousands of successive fires
	// without a record.
	ByJob(ctx context.Context, id domain.JobID, page Page) ([]domain.Execution, error)
	// List returns a page of the facts that a query selects, newest scheduled first. Those
	// of one job are found as by ByJob. See [ExecutionQuery].
	List(ctx context.Context, q ExecutionQuery) (ExecutionPage, error)
	// Last returns the newest fact of each job that has one, of jobs as List of Jobs returns
	// them, MaxIDs at most. The work is bounded: of a job whose latest fires (a hundred or more)
	// have no record, and of the last ones of many jobs, it may return none.
	Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error)
	// Stream calls fn with the facts scheduled in [from, to), oldest first, in
	// chunks. fn must not keep a chunk after it returns. A fact that is recorded
	// during the call is included if its place in the order has not been passed. If
	// Expire drops a part that was not read yet, the error is CodeUnavailable, so
	// that an incomplete answer never looks complete. An error of fn ends the call.
	Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error
	// Totals returns the counters of the executions that completed at or
	// after the instant, rounded down to the minute; with zero, of all executions
	// ever recorded. The counters are stored with the facts and never computed by a
	// scan. For history that Expire has dropped, the instant is rounded down to the
	// unit in which it was dropped (a day).
	Totals(ctx context.Context, since int64) (Totals, error)
	// Expire drops all history scheduled before the instant, in whole units
	// of the store (days); counters stay. It returns how many units went. A unit stays
	// while a recovery may read it, because it does not end before W of every shard, or
	// while an execution of it has an open run.
	Expire(ctx context.Context, before int64) (int, error)
	// Kept returns the instant before which the history is not whole: Expire has
	// dropped it, or a part of it cannot be read. Zero: all of it is there.
	Kept(ctx context.Context) (since int64, err error)
}

// Page selects the facts that come after Before in the order newest first:
// scheduled at, then job id, then nonce, all descending. A zero Before starts
// at the newest.
type Page struct {
	Before   domain.FireKey
	Limit    int
	MaxBytes int // zero: no bound
}

// Totals are counters of executions.
type Totals struct {
	ByStatus   map[domain.Status]int64 // fires, a MISSED summary counts each of them
	DurationMs int64                   // sum over SUCCESS and FAILED
	Timed      int64                   // how many executions DurationMs is of
}

// Batch is what the recorder of one process commits together.
type Batch struct {
	Facts []domain.Execution // final, and observed: a fact ends the open run of the same key, whoever runs it
	// Open are inserted, or replace what [Replaces] says. They are ignored where a fact
	// exists, or the open run of another runner.
	Open []domain.OpenRun

	// Decisions are final records of what was not observed. They are committed only while
	// the leases in Fences hold: otherwise Record does nothing and returns a [StaleError].
	// One about a fire with an open run that it may not end ([Decision.MayEnd]) is ignored.
	Decisions []Decision
	Fences    []Fence
	Runner    int64 // the process, as in [domain.OpenRun]

	// Idempotency has the records of triggers, which are committed with their open
	// runs. Where another record of a key is kept, that one stays.
	Idempotency []domain.IdempotencyRecord
}

// Unfenced returns an error if a decision is about a job of a shard, of so many, whose lease
// is not among the fences.
func (b *Batch) Unfenced(shards int) error {
	for i := range b.Decisions {
		d := &b.Decisions[i]
		number := d.JobID.Shard(shards)
		if !slices.ContainsFunc(b.Fences, func(f Fence) bool { return f.Number == number }) {
			return fmt.Errorf("record %v: a decision about shard %d has no lease", d.FireKey, number)
		}
	}
	return nil
}

// Ledger is what at-least-once depends on.
type Ledger interface {
	// Record commits a batch. Recording it again, as a whole or in parts, changes
	// nothing: see the package's rules. An open run is never deleted before its fact
	// is durable. After Record has returned nil, the store keeps no reference to the
	// batch, and the caller may reuse it.
	Record(ctx context.Context, b Batch) error
	// Facts streams the facts of shards that are scheduled in (after, until], in the order
	// of their keys. The fires that a summary covers are streamed as its range.
	Facts(ctx context.Context, of ShardSet, after, until int64, fn func(FactRange) error) error
	// Ranges streams the summaries alone that are scheduled after the instant,
	// in the order of their keys. A summary's key is its last fire: one that
	// comes after the end of a window may cover fires inside it.
	Ranges(ctx context.Context, of ShardSet, after int64, fn func(FactRange) error) error
	// OpenRuns streams every open run of shards. An open run whose fact exists is not
	// streamed: the fact won.
	OpenRuns(ctx context.Context, of ShardSet, fn func(domain.OpenRun) error) error
	// RunsOf returns the open runs that there are of so many keys, a thousand at most, in any
	// order. As by OpenRuns, those with facts are not returned.
	RunsOf(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error)
	// SetAside keeps that versions cannot be run. What is kept of a version
	// already stays as it is.
	SetAside(ctx context.Context, asides []Aside) error
	// Asides returns what SetAside has kept, in the order of jobs and versions.
	Asides(ctx context.Context) ([]Aside, error)
	// EndAside deletes versions that SetAside has kept: what became of their
	// fires is on record. One that is not known is no error.
	EndAside(ctx context.Context, asides []Aside) error
}

// Aside is a version that was current when it could not be run. W passes its
// fires: those after Since have no record until the version can be read again,
// or an edit has ended it.
type Aside struct {
	JobID   domain.JobID
	Version int
	Since   int64 // W when it was set aside, Unix milliseconds
	Certain int64 // fires after Since up to it may have been sent
}

// FactRange says that the fires of a job from From to Key.ScheduledAt, both
// inclusive, are on record. From equals Key.ScheduledAt except in a summary:
// a MISSED or SKIPPED record that covers several fires of one version.
type FactRange struct {
	Key       domain.FireKey
	From      int64
	Version   int
	Status    domain.Status
	StartedAt int64 // of the first attempt, Unix milliseconds; zero: never sent
	Count     int64 // fires that the record covers, 1 without a summary
}

// Shards keeps who fires which jobs, and how far. A job belongs to one shard (see
// [domain.JobID.Shard]); the number of shards is fixed when the database is made. Then each
// is free, and its H and W are the store's clock.
type Shards interface {
	// Count returns how many shards there are, at least one. They are numbered
	// from 0.
	Count() int
	// Claim takes the shards that are free or whose rows are as they were seen: see
	// [Shard.Grants]. Each gets epoch+1, a new token, and the node, a random number of the
	// process, as its owner. It answers what the last owners left, their horizons and
	// watermarks, in the order of the claims; a shard that is missing was not taken.
	Claim(ctx context.Context, node int64, claims []Claim) ([]Shard, error)
	// Beat moves H and W of each shard whose lease still holds, as [Shard.Renew] says, and
	// answers these shards in the order of the beats. One that is missing from the answer
	// has been claimed by somebody else, or was released, or its row is behind. With a
	// [BusyError] that holds for the shards that the error does not name.
	Beat(ctx context.Context, beats []Beat, ahead int64) ([]Shard, error)
	// Release ends leases in good order: every call of the owner has ended on
	// record or has an open run, so that the next Claim finds nothing uncertain. W
	// is moved as by Beat, H is not. CodeConflict: a lease did not hold, and none was ended.
	Release(ctx context.Context, beats []Beat, ahead int64) error
	// Peek answers how far the owners have come, in the order of the numbers, and
	// changes nothing.
	Peek(ctx context.Context) ([]Shard, error)
	// ResetWatermark sets W and H of every shard to the instant: fires up to it
	// that are not on record are given up. Only an operator asks for it.
	ResetWatermark(ctx context.Context, at int64) error
	// ZoneRules returns which rules of time zones held from when on, by zone and
	// instant.
	ZoneRules(ctx context.Context) ([]ZoneRules, error)
	// AddZoneRules keeps rules. Those of a zone and an instant that are kept
	// already stay as they are.
	AddZoneRules(ctx context.Context, rules []ZoneRules) error
}

// ZoneRules are those of one time zone, by which fires were computed from an
// instant on.
type ZoneRules struct {
	Zone    string
	From    int64  // Unix milliseconds; zero: the first that are known
	Release string // of the zone data
	Data    string // the compiled zone
}

// Alerts serves the runs of failures, which are written with the facts (see
// Ledger.Record), and the fires that an audit has found to be lost, one alert
// for each job.
type Alerts interface {
	// List returns alerts by their latest failure, newest first.
	List(ctx context.Context, page AlertPage) ([]domain.Alert, error)
	// MostFailures returns the jobs with open alerts of failures, those with the most failures in a row
	// first and those with as many by job, after one in that order (zero: from the first on), at most
	// so many. All of them are looked at. One that changes meanwhile may be missing, or be there twice.
	MostFailures(ctx context.Context, after JobFailures, limit int) ([]JobFailures, error)
	// AddLost keeps fires that have no record, and returns those that were not
	// known. After an error some of them may be kept.
	AddLost(ctx context.Context, losses []domain.Loss, foundAt int64) (added []domain.Loss, err error)
}

// JobFailures is how often a job has failed in a row, as its open alert has it.
type JobFailures struct {
	JobID domain.JobID
	Count int64
}

// Compare is the order of [Alerts.MostFailures].
func (f JobFailures) Compare(g JobFailures) int {
	return cmp.Or(cmp.Compare(g.Count, f.Count), bytes.Compare(f.JobID[:], g.JobID[:]))
}

// MostFailures keeps the first of jobs in their order that come after one.
type MostFailures struct {
	after JobFailures
	most  int
	found []JobFailures
	last  JobFailures // what comes after it is not kept; zero: all is
}

// NewMostFailures begins after a job; zero: from the first on.
func NewMostFailures(after JobFailures, most int) *MostFailures {
	return &MostFailures{after: after, most: most}
}

// Add looks at a job.
func (m *MostFailures) Add(f JobFailures) {
	if m.after != (JobFailures{}) && f.Compare(m.after) <= 0 || m.last != (JobFailures{}) && f.Compare(m.last) > 0 {
		return
	}
	if m.found = append(m.found, f); len(m.found) >= 2*m.most+MaxIDs {
		m.Found()
	}
}

// Found returns what was kept, in order.
func (m *MostFailures) Found() []JobFailures {
	slices.SortFunc(m.found, JobFailures.Compare)
	m.found = m.found[:min(len(m.found), max(0, m.most))]
	if len(m.found) > 0 && len(m.found) == m.most {
		m.last = m.found[m.most-1]
	}
	return m.found
}

// AlertPage selects alerts after the given one in the order (LastAt, JobID)
// descending, the lost fires of a job before its failures. Zero values start
// at the newest.
type AlertPage struct {
	BeforeAt   int64
	BeforeJob  domain.JobID
	BeforeLost bool // the given one is of lost fires
	Limit      int
	OpenOnly   bool
	LostOnly   bool         // only those of lost fires
	JobID      domain.JobID // of this job; zero: of all
	From       int64        // whose latest failure ended at or after it; zero: no bound

	FailuresOnly bool // none of lost fires
}

// Selects reports whether a page may have an alert, but for its place in the order.
func (p *AlertPage) Selects(a *domain.Alert) bool {
	return (a.Open() || !p.OpenOnly) && (a.Lost || !p.LostOnly) && !(a.Lost && p.FailuresOnly) &&
		(p.JobID.IsZero() || p.JobID == a.JobID) && a.LastAt >= p.From
}

// Series has what facts add up to over time. Ledger.Record counts each fact once, in the transaction
// that writes it, by the step of time in which its fire was scheduled.
type Series interface {
	// Points returns the points of the steps that begin in [from, to), in order; none of a step of
	// which there are no facts. Minutes and hours are dropped with the history of their day; days stay.
	Points(ctx context.Context, step domain.Step, from, to int64) ([]domain.Point, error)
}
