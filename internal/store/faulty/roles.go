package faulty

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var _ store.Store = (*Store)(nil)

// Jobs implements store.Store.
func (s *Store) Jobs() store.Jobs { return jobs{s, s.real.Jobs()} }

// History implements store.Store.
func (s *Store) History() store.History { return history{s, s.real.History()} }

// Ledger implements store.Store.
func (s *Store) Ledger() store.Ledger { return ledger{s, s.real.Ledger()} }

// Shards implements store.Store.
func (s *Store) Shards() store.Shards { return shards{s, s.real.Shards()} }

// Alerts implements store.Store.
func (s *Store) Alerts() store.Alerts { return alerts{s, s.real.Alerts()} }

// Notices implements store.Store.
func (s *Store) Notices() store.Notices { return notices{s, s.real.Notices()} }

// AlertSettings implements store.Store.
func (s *Store) AlertSettings() store.AlertSettings { return settings{s, s.real.AlertSettings()} }

// Series implements store.Store.
func (s *Store) Series() store.Series { return series{s, s.real.Series()} }

// Keys implements store.Store.
func (s *Store) Keys() store.Keys { return keys{s, s.real.Keys()} }

// Changes implements store.Store.
func (s *Store) Changes() store.Changes { return changes{s, s.real.Changes()} }

// Idempotency implements store.Store.
func (s *Store) Idempotency() store.Idempotency { return idempotency{s, s.real.Idempotency()} }

// Operations implements store.Store.
func (s *Store) Operations() store.Operations { return operations{s, s.real.Operations()} }

// Edits implements store.Store.
func (s *Store) Edits() store.Edits { return edits{s, s.real.Edits()} }

// Nodes implements store.Store.
func (s *Store) Nodes() store.Nodes { return nodes{s, s.real.Nodes()} }

// Close closes the store beneath. No rule applies to it.
func (s *Store) Close() error { return s.real.Close() }

type jobs struct {
	*Store
	real store.Jobs
}

func (j jobs) Create(ctx context.Context, versions []domain.Version) error {
	return j.call(ctx, "Jobs", "Create", func() error { return j.real.Create(ctx, versions) })
}

func (j jobs) Update(ctx context.Context, next domain.Version) error {
	return j.call(ctx, "Jobs", "Update", func() error { return j.real.Update(ctx, next) })
}

func (j jobs) Delete(ctx context.Context, id domain.JobID, number int, at int64) error {
	return j.call(ctx, "Jobs", "Delete", func() error { return j.real.Delete(ctx, id, number, at) })
}

func (j jobs) Get(ctx context.Context, id domain.JobID) (domain.Job, error) {
	return get(ctx, j.Store, "Jobs", "Get", func() (domain.Job, error) { return j.real.Get(ctx, id) })
}

func (j jobs) List(ctx context.Context, q store.JobQuery) (store.JobPage, error) {
	return get(ctx, j.Store, "Jobs", "List", func() (store.JobPage, error) { return j.real.List(ctx, q) })
}

func (j jobs) Versions(ctx context.Context, id domain.JobID, parts store.Parts) ([]domain.Version, error) {
	return get(ctx, j.Store, "Jobs", "Versions", func() ([]domain.Version, error) {
		return j.real.Versions(ctx, id, parts)
	})
}

func (j jobs) VersionsBefore(ctx context.Context, q store.VersionQuery) ([]domain.Version, error) {
	return get(ctx, j.Store, "Jobs", "VersionsBefore", func() ([]domain.Version, error) {
		return j.real.VersionsBefore(ctx, q)
	})
}

func (j jobs) Timeline(ctx context.Context, of store.ShardSet, since int64, parts store.Parts,
	fn func(domain.Version) error) error {
	return j.call(ctx, "Jobs", "Timeline", func() error { return j.real.Timeline(ctx, of, since, parts, fn) })
}

func (j jobs) Pauses(ctx context.Context, until int64, after store.PauseEnd, limit int) ([]store.PauseEnd, error) {
	return get(ctx, j.Store, "Jobs", "Pauses", func() ([]store.PauseEnd, error) {
		return j.real.Pauses(ctx, until, after, limit)
	})
}

func (j jobs) Count(ctx context.Context) (total, active int64, err error) {
	err = j.call(ctx, "Jobs", "Count", func() (err error) {
		total, active, err = j.real.Count(ctx)
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	return total, active, nil
}

type history struct {
	*Store
	real store.History
}

func (h history) Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error) {
	return get(ctx, h.Store, "History", "Execution",
		func() (domain.Execution, error) { return h.real.Execution(ctx, id) })
}

func (h history) ByJob(ctx context.Context, id domain.JobID, p store.Page) ([]domain.Execution, error) {
	return get(ctx, h.Store, "History", "ByJob", func() ([]domain.Execution, error) { return h.real.ByJob(ctx, id, p) })
}

func (h history) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	return get(ctx, h.Store, "History", "List", func() (store.ExecutionPage, error) { return h.real.List(ctx, q) })
}

func (h history) Last(ctx context.Context, jobs []domain.Job) (map[domain.JobID]domain.Execution, error) {
	return get(ctx, h.Store, "History", "Last", func() (map[domain.JobID]domain.Execution, error) {
		return h.real.Last(ctx, jobs)
	})
}

func (h history) Stream(ctx context.Context, from, to int64, fn func([]domain.Execution) error) error {
	return h.call(ctx, "History", "Stream", func() error { return h.real.Stream(ctx, from, to, fn) })
}

func (h history) Totals(ctx context.Context, since int64) (store.Totals, error) {
	return get(ctx, h.Store, "History", "Totals", func() (store.Totals, error) { return h.real.Totals(ctx, since) })
}

func (h history) Expire(ctx context.Context, before int64) (int, error) {
	return get(ctx, h.Store, "History", "Expire", func() (int, error) { return h.real.Expire(ctx, before) })
}

func (h history) Kept(ctx context.Context) (int64, error) {
	return get(ctx, h.Store, "History", "Kept", func() (int64, error) { return h.real.Kept(ctx) })
}

type ledger struct {
	*Store
	real store.Ledger
}

func (l ledger) Record(ctx context.Context, b store.Batch) error {
	return l.call(ctx, "Ledger", "Record", func() error { return l.real.Record(ctx, b) })
}

func (l ledger) Facts(ctx context.Context, of store.ShardSet, after, until int64,
	fn func(store.FactRange) error) error {
	return l.call(ctx, "Ledger", "Facts", func() error { return l.real.Facts(ctx, of, after, until, fn) })
}

func (l ledger) Ranges(ctx context.Context, of store.ShardSet, after int64, fn func(store.FactRange) error) error {
	return l.call(ctx, "Ledger", "Ranges", func() error { return l.real.Ranges(ctx, of, after, fn) })
}

func (l ledger) OpenRuns(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return l.call(ctx, "Ledger", "OpenRuns", func() error { return l.real.OpenRuns(ctx, of, fn) })
}

func (l ledger) RunsOf(ctx context.Context, keys []domain.FireKey) ([]domain.OpenRun, error) {
	return get(ctx, l.Store, "Ledger", "RunsOf", func() ([]domain.OpenRun, error) { return l.real.RunsOf(ctx, keys) })
}

func (l ledger) SetAside(ctx context.Context, asides []store.Aside) error {
	return l.call(ctx, "Ledger", "SetAside", func() error { return l.real.SetAside(ctx, asides) })
}

func (l ledger) Asides(ctx context.Context) ([]store.Aside, error) {
	return get(ctx, l.Store, "Ledger", "Asides", func() ([]store.Aside, error) { return l.real.Asides(ctx) })
}

func (l ledger) EndAside(ctx context.Context, asides []store.Aside) error {
	return l.call(ctx, "Ledger", "EndAside", func() error { return l.real.EndAside(ctx, asides) })
}

type shards struct {
	*Store
	real store.Shards
}

func (s shards) Count() int { return s.real.Count() }

func (s shards) Claim(ctx context.Context, node int64, claims []store.Claim) ([]store.Shard, error) {
	return get(ctx, s.Store, "Shards", "Claim", func() ([]store.Shard, error) {
		return s.real.Claim(ctx, node, claims)
	})
}

func (s shards) Beat(ctx context.Context, beats []store.Beat, ahead int64) ([]store.Shard, error) {
	return get(ctx, s.Store, "Shards", "Beat", func() ([]store.Shard, error) { return s.real.Beat(ctx, beats, ahead) })
}

func (s shards) Release(ctx context.Context, beats []store.Beat, ahead int64) error {
	return s.call(ctx, "Shards", "Release", func() error { return s.real.Release(ctx, beats, ahead) })
}

func (s shards) Peek(ctx context.Context) ([]store.Shard, error) {
	return get(ctx, s.Store, "Shards", "Peek", func() ([]store.Shard, error) { return s.real.Peek(ctx) })
}

func (s shards) ResetWatermark(ctx context.Context, at int64) error {
	return s.call(ctx, "Shards", "ResetWatermark", func() error { return s.real.ResetWatermark(ctx, at) })
}

func (s shards) ZoneRules(ctx context.Context) ([]store.ZoneRules, error) {
	return get(ctx, s.Store, "Shards", "ZoneRules", func() ([]store.ZoneRules, error) { return s.real.ZoneRules(ctx) })
}

func (s shards) AddZoneRules(ctx context.Context, rules []store.ZoneRules) error {
	return s.call(ctx, "Shards", "AddZoneRules", func() error { return s.real.AddZoneRules(ctx, rules) })
}

type alerts struct {
	*Store
	real store.Alerts
}

func (a alerts) List(ctx context.Context, p store.AlertPage) ([]domain.Alert, error) {
	return get(ctx, a.Store, "Alerts", "List", func() ([]domain.Alert, error) { return a.real.List(ctx, p) })
}

func (a alerts) MostFailures(ctx context.Context, after store.JobFailures, limit int) ([]store.JobFailures, error) {
	return get(ctx, a.Store, "Alerts", "MostFailures", func() ([]store.JobFailures, error) {
		return a.real.MostFailures(ctx, after, limit)
	})
}

func (a alerts) AddLost(ctx context.Context, losses []domain.Loss, foundAt int64) ([]domain.Loss, error) {
	return get(ctx, a.Store, "Alerts", "AddLost", func() ([]domain.Loss,
		error) {
		return a.real.AddLost(ctx, losses, foundAt)
	})
}

type notices struct {
	*Store
	real store.Notices
}

func (n notices) Changed(ctx context.Context, limit int) ([]domain.AlertChange, error) {
	return get(ctx, n.Store, "Notices", "Changed", func() ([]domain.AlertChange, error) {
		return n.real.Changed(ctx, limit)
	})
}

func (n notices) Members(ctx context.Context, jobs []domain.JobID) ([]domain.Member, error) {
	return get(ctx, n.Store, "Notices", "Members", func() ([]domain.Member, error) { return n.real.Members(ctx, jobs) })
}

func (n notices) MembersOf(ctx context.Context, group domain.GroupID, after domain.JobID, limit int) (
	[]domain.Member, error) {
	return get(ctx, n.Store, "Notices", "MembersOf", func() ([]domain.Member, error) {
		return n.real.MembersOf(ctx, group, after, limit)
	})
}

func (n notices) Groups(ctx context.Context, q store.GroupQuery) ([]domain.Group, error) {
	return get(ctx, n.Store, "Notices", "Groups", func() ([]domain.Group, error) { return n.real.Groups(ctx, q) })
}

func (n notices) Advance(ctx context.Context, s store.NoticeStep) error {
	return n.call(ctx, "Notices", "Advance", func() error { return n.real.Advance(ctx, s) })
}

func (n notices) Messages(ctx context.Context, q store.MessageQuery) ([]domain.Notification, error) {
	return get(ctx, n.Store, "Notices", "Messages", func() ([]domain.Notification, error) {
		return n.real.Messages(ctx, q)
	})
}

func (n notices) Mark(ctx context.Context, m domain.Notification) error {
	return n.call(ctx, "Notices", "Mark", func() error { return n.real.Mark(ctx, m) })
}

func (n notices) ExpireNotices(ctx context.Context, before int64) (int, error) {
	return get(ctx, n.Store, "Notices", "ExpireNotices", func() (int, error) {
		return n.real.ExpireNotices(ctx, before)
	})
}

type keys struct {
	*Store
	real store.Keys
}

func (k keys) Add(ctx context.Context, key domain.APIKey) error {
	return k.call(ctx, "Keys", "Add", func() error { return k.real.Add(ctx, key) })
}

func (k keys) Revoke(ctx context.Context, id string, at int64, keepLast bool) error {
	return k.call(ctx, "Keys", "Revoke", func() error { return k.real.Revoke(ctx, id, at, keepLast) })
}

func (k keys) List(ctx context.Context) ([]domain.APIKey, error) {
	return get(ctx, k.Store, "Keys", "List", func() ([]domain.APIKey, error) { return k.real.List(ctx) })
}

func (k keys) Used(ctx context.Context, at map[string]int64) error {
	return k.call(ctx, "Keys", "Used", func() error { return k.real.Used(ctx, at) })
}

func (k keys) EndSession(ctx context.Context, e domain.EndedSession, now int64) error {
	return k.call(ctx, "Keys", "EndSession", func() error { return k.real.EndSession(ctx, e, now) })
}

func (k keys) EndedSessions(ctx context.Context) ([]domain.EndedSession, error) {
	return get(ctx, k.Store, "Keys", "EndedSessions", func() ([]domain.EndedSession, error) {
		return k.real.EndedSessions(ctx)
	})
}

type changes struct {
	*Store
	real store.Changes
}

func (c changes) Add(ctx context.Context, e domain.Change) error {
	return c.call(ctx, "Changes", "Add", func() error { return c.real.Add(ctx, e) })
}

func (c changes) List(ctx context.Context, q store.ChangeQuery) ([]domain.Change, error) {
	return get(ctx, c.Store, "Changes", "List", func() ([]domain.Change, error) { return c.real.List(ctx, q) })
}

type idempotency struct {
	*Store
	real store.Idempotency
}

func (i idempotency) Find(ctx context.Context, key domain.IdempotencyKey, caller string, after int64) (
	found *domain.IdempotencyRecord, use domain.IdempotencyUse, err error) {
	err = i.call(ctx, "Idempotency", "Find", func() (err error) {
		found, use, err = i.real.Find(ctx, key, caller, after)
		return err
	})
	if err != nil {
		return nil, domain.IdempotencyUse{}, err
	}
	return found, use, nil
}

func (i idempotency) Put(ctx context.Context, record domain.IdempotencyRecord) error {
	return i.call(ctx, "Idempotency", "Put", func() error { return i.real.Put(ctx, record) })
}

func (i idempotency) Made(ctx context.Context, ids []domain.JobID) ([]bool, error) {
	return get(ctx, i.Store, "Idempotency", "Made", func() ([]bool, error) { return i.real.Made(ctx, ids) })
}

func (i idempotency) Expire(ctx context.Context, before int64) (int, error) {
	return get(ctx, i.Store, "Idempotency", "Expire", func() (int, error) { return i.real.Expire(ctx, before) })
}

type operations struct {
	*Store
	real store.Operations
}

func (p operations) Create(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return p.call(ctx, "Operations", "Create", func() error { return p.real.Create(ctx, o, pending) })
}

func (p operations) Get(ctx context.Context, id domain.OperationID) (domain.Operation, error) {
	return get(ctx, p.Store, "Operations", "Get", func() (domain.Operation, error) { return p.real.Get(ctx, id) })
}

func (p operations) List(ctx context.Context, q store.OperationQuery) ([]domain.Operation, error) {
	return get(ctx, p.Store, "Operations", "List", func() ([]domain.Operation, error) { return p.real.List(ctx, q) })
}

func (p operations) Match(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return p.call(ctx, "Operations", "Match", func() error { return p.real.Match(ctx, o, pending) })
}

func (p operations) Pending(ctx context.Context, id domain.OperationID, limit int) ([]domain.JobID, error) {
	return get(ctx, p.Store, "Operations", "Pending", func() ([]domain.JobID, error) {
		return p.real.Pending(ctx, id, limit)
	})
}

func (p operations) Mark(ctx context.Context, o domain.Operation, done []domain.JobID) error {
	return p.call(ctx, "Operations", "Mark", func() error { return p.real.Mark(ctx, o, done) })
}

func (p operations) Cancel(ctx context.Context, id domain.OperationID, c domain.Cancellation) error {
	return p.call(ctx, "Operations", "Cancel", func() error { return p.real.Cancel(ctx, id, c) })
}

func (p operations) Expire(ctx context.Context, before int64) (int, error) {
	return get(ctx, p.Store, "Operations", "Expire", func() (int, error) { return p.real.Expire(ctx, before) })
}

type series struct {
	*Store
	real store.Series
}

func (x series) Points(ctx context.Context, step domain.Step, from, to int64) ([]domain.Point, error) {
	return get(ctx, x.Store, "Series", "Points", func() ([]domain.Point, error) {
		return x.real.Points(ctx, step, from, to)
	})
}
