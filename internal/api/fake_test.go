package api

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// fake is an engine and a store in memory: what the handlers need of both, by
// the words of their contracts.
type fake struct {
	mu     sync.Mutex
	jobs   map[domain.JobID]domain.Job
	gone   map[domain.JobID]bool // deleted: versions are still known
	facts  []domain.Execution
	live   []domain.Execution
	alerts []domain.Alert
	totals [2]store.Totals // ever, the last hour
	health domain.Health
	now    int64
	fault  error       // answered by everything
	chunks []int       // sizes of the calls of Create
	access store.Store // keys and the audit trail: a real store's
}

func newFake() *fake {
	s, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		panic(err)
	}
	return &fake{
		access: s,
		jobs:   map[domain.JobID]domain.Job{}, gone: map[domain.JobID]bool{}, now: 1_767_225_600_000,
		health: domain.Health{Ready: true, Checks: []domain.Check{{Name: "store", OK: true},
			{Name: "timetable", OK: true}}},
	}
}

// Create implements Editor.
func (f *fake) Create(_ context.Context, docs []domain.SpecDoc) []edit.Created {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.chunks = append(f.chunks, len(docs))
	out := make([]edit.Created, len(docs))
	for i, doc := range docs {
		f.now++
		v := domain.Version{
			JobID: domain.NewJobID(f.now), Number: 1, CreatedAt: f.now, EffectiveFrom: f.now,
			EffectiveTo: domain.Forever,
			Active:      doc.IsActive, Spec: doc.Spec,
		}
		if out[i].Err = v.Validate(); out[i].Err == nil {
			out[i].Err = f.fault
		}
		if out[i].Err == nil {
			out[i].Version = v
			f.jobs[v.JobID] = domain.Job{ID: v.JobID, CreatedAt: f.now, UpdatedAt: f.now, Current: v}
		}
	}
	return out
}

func (f *fake) get(id domain.JobID) (domain.Job, error) {
	if f.fault != nil {
		return domain.Job{}, f.fault
	}
	j, ok := f.jobs[id]
	if !ok {
		return domain.Job{}, domain.NotFound("job", id)
	}
	return j, nil
}

// Update implements Editor.
func (f *fake) Update(_ context.Context, id domain.JobID, ifVersion int,
	change func(*domain.SpecDoc) error) (domain.Version, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.get(id)
	if err != nil {
		return domain.Version{}, err
	}
	if ifVersion != 0 && ifVersion != j.Current.Number {
		return domain.Version{}, domain.Conflict("the current version is %d", j.Current.Number)
	}
	doc := domain.SpecDoc{Spec: j.Current.Spec, IsActive: j.Current.Active}
	if err := change(&doc); err != nil {
		return domain.Version{}, err
	}
	f.now++
	next := j.Current
	next.Number++
	next.EffectiveFrom, next.Active, next.Spec = f.now, doc.IsActive, doc.Spec
	if err := next.Validate(); err != nil {
		return domain.Version{}, err
	}
	j.Current, j.UpdatedAt = next, f.now
	f.jobs[id] = j
	return next, nil
}

// Delete implements Editor.
func (f *fake) Delete(_ context.Context, id domain.JobID, ifVersion int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.get(id)
	if err != nil {
		return 0, err
	}
	if ifVersion != 0 && ifVersion != j.Current.Number {
		return 0, domain.Conflict("the current version is %d", j.Current.Number)
	}
	delete(f.jobs, id)
	f.gone[id] = true
	return f.now, nil
}

// Trigger implements Editor.
func (f *fake) Trigger(ctx context.Context, id domain.JobID, ifVersion int) (domain.Execution, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, err := f.get(id)
	if err != nil {
		return domain.Execution{}, err
	}
	if ifVersion != 0 && ifVersion != j.Current.Number {
		return domain.Execution{}, domain.Conflict("the current version is %d", j.Current.Number)
	}
	e := domain.Execution{
		FireKey: domain.FireKey{JobID: id, ScheduledAt: f.now, Nonce: domain.NewNonce()}, Version: 1,
		Status: domain.StatusPending,
	}
	f.live = append(f.live, e)
	entry, _ := store.ChangeOf(ctx)
	entry.JobID, entry.Version, entry.Execution = id, 1, e.ID()
	return e, f.access.Changes().Add(ctx, entry)
}

// SetActive implements Editor.
func (f *fake) SetActive(ctx context.Context, id domain.JobID, ifVersion int,
	active bool) (v domain.Version, changed bool, err error) {
	j, err := f.get(id)
	if err != nil || j.Current.Active == active && (ifVersion == 0 || ifVersion == j.Current.Number) {
		return j.Current, false, err
	}
	v, err = f.Update(ctx, id, ifVersion, func(d *domain.SpecDoc) error { d.IsActive = active; return nil })
	return v, true, err
}

// Live implements Observer.
func (f *fake) Live(id domain.ExecutionID) (domain.Execution, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.live {
		if e.ID() == id {
			return e, true
		}
	}
	return domain.Execution{}, false
}

// LiveByJob implements Observer.
func (f *fake) LiveByJob(id domain.JobID, limit int) []domain.Execution {
	f.mu.Lock()
	defer f.mu.Unlock()
	return take(f.live, limit, func(e domain.Execution) bool { return e.JobID == id })
}

// take returns the newest executions that match.
func take(all []domain.Execution, limit int, match func(domain.Execution) bool) []domain.Execution {
	var found []*domain.Execution // of tens of thousands, for a page of one
	for i := range all {
		if match(all[i]) {
			found = append(found, &all[i])
		}
	}
	slices.SortFunc(found, func(a, b *domain.Execution) int { return newestFirst(a.FireKey, b.FireKey) })
	var out []domain.Execution
	for _, e := range found[:min(limit, len(found))] {
		out = append(out, *e)
	}
	return out
}

// NextFire implements Observer.
func (f *fake) NextFire(id domain.JobID) (int64, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	j, ok := f.jobs[id]
	if !ok {
		return 0, false
	}
	t, err := j.Current.Timing()
	if err != nil {
		return 0, false
	}
	return t.Next(f.now)
}

// Health implements Observer.
func (f *fake) Health() domain.Health { return f.health }

// fakeStore is the fake as a store.
type fakeStore struct{ *fake }

func (s fakeStore) Jobs() store.Jobs       { return fakeJobs(s) }
func (s fakeStore) History() store.History { return fakeHistory(s) }
func (s fakeStore) Alerts() store.Alerts   { return fakeAlerts(s) }
func (s fakeStore) Ledger() store.Ledger   { return fakeLedger{} }
func (s fakeStore) Shards() store.Shards   { return fakeShards{} }
func (s fakeStore) Keys() store.Keys       { return s.access.Keys() }
func (s fakeStore) Changes() store.Changes { return s.access.Changes() }
func (s fakeStore) Close() error           { return nil }

type fakeJobs struct{ *fake }

func (s fakeJobs) Create(context.Context, []domain.Version) error {
	panic("the API creates by the engine")
}
func (s fakeJobs) Update(context.Context, domain.Version) error {
	panic("the API updates by the engine")
}
func (s fakeJobs) Delete(context.Context, domain.JobID, int, int64) error {
	panic("the API deletes by the engine")
}
func (s fakeJobs) Timeline(context.Context, int64, store.Parts, func(domain.Version) error) error {
	return nil // the audit reads it, and looks for nothing in a fake
}

func (s fakeJobs) Get(_ context.Context, id domain.JobID) (domain.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.get(id)
}

func (s fakeJobs) List(_ context.Context, q store.JobQuery) ([]domain.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return nil, s.fault
	}
	all := slices.SortedFunc(maps.Values(s.jobs), func(a, b domain.Job) int { return slices.Compare(a.ID[:], b.ID[:]) })
	var out []domain.Job
	for _, j := range all {
		v := j.Current
		if slices.Compare(j.ID[:], q.After[:]) > 0 && (q.Active == nil || *q.Active == v.Active) &&
			(q.Namespace == "" || q.Namespace == v.Spec.Namespace) &&
			(q.Tag == "" || slices.Contains(v.Spec.Tags, q.Tag)) &&
			strings.Contains(strings.ToLower(v.Spec.Name+" "+v.Spec.API+" "+j.ID.String()), strings.ToLower(q.Text)) {
			out = append(out, j)
		}
	}
	return out[:min(q.Limit, len(out))], nil
}

func (s fakeJobs) Versions(_ context.Context, id domain.JobID) ([]domain.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j, ok := s.jobs[id]; ok || s.gone[id] {
		return []domain.Version{j.Current}, s.fault
	}
	return nil, s.fault
}

func (s fakeJobs) Count(context.Context) (total, active int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		total++
		if j.Current.Active {
			active++
		}
	}
	return total, active, s.fault
}

type fakeHistory struct{ *fake }

func (s fakeHistory) page(p store.Page, match func(domain.Execution) bool) ([]domain.Execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return take(s.facts, p.Limit, func(e domain.Execution) bool {
		return match(e) && (p.Before == (domain.FireKey{}) || newestFirst(p.Before, e.FireKey) < 0)
	}), s.fault
}

func (s fakeHistory) Execution(_ context.Context, id domain.ExecutionID) (domain.Execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.facts {
		if e.ID() == id {
			return e, nil
		}
	}
	return domain.Execution{}, domain.NotFound("execution", id)
}

func (s fakeHistory) ByJob(_ context.Context, id domain.JobID, p store.Page) ([]domain.Execution, error) {
	return s.page(p, func(e domain.Execution) bool { return e.JobID == id })
}

func (s fakeHistory) Recent(_ context.Context, p store.Page) ([]domain.Execution, error) {
	return s.page(p, func(domain.Execution) bool { return true })
}

func (s fakeHistory) Failed(_ context.Context, id domain.JobID, p store.Page) ([]domain.Execution, error) {
	return s.page(p, func(e domain.Execution) bool { return e.Status.Alerts() && (id.IsZero() || id == e.JobID) })
}

func (s fakeHistory) Stream(_ context.Context, from, to int64, fn func([]domain.Execution) error) error {
	s.mu.Lock()
	facts := slices.DeleteFunc(slices.Clone(s.facts),
		func(e domain.Execution) bool { return e.ScheduledAt < from || e.ScheduledAt >= to })
	s.mu.Unlock()
	slices.SortFunc(facts, func(a, b domain.Execution) int { return newestFirst(b.FireKey, a.FireKey) })
	for i := range facts {
		if err := fn(facts[i : i+1]); err != nil {
			return err
		}
	}
	return s.fault
}

func (s fakeHistory) Totals(_ context.Context, since int64) (store.Totals, error) {
	if since == 0 {
		return s.totals[0], s.fault
	}
	return s.totals[1], s.fault
}

func (s fakeHistory) Expire(context.Context, int64) (int, error) { panic("the API expires nothing") }

func (s fakeHistory) Kept(context.Context) (int64, error) { return 0, s.fault }

type fakeAlerts struct{ *fake }

func (s fakeAlerts) AddLost(context.Context, []domain.Loss, int64) ([]domain.Loss, error) {
	panic("the API loses nothing")
}

func (s fakeAlerts) List(_ context.Context, p store.AlertPage) ([]domain.Alert, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*domain.Alert
	for i := range s.alerts {
		a := &s.alerts[i]
		if (!p.OpenOnly || a.Open()) && (p.BeforeAt == 0 || a.LastAt < p.BeforeAt ||
			a.LastAt == p.BeforeAt && p.BeforeLost && !a.Lost) {
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b *domain.Alert) int { return int(b.LastAt - a.LastAt) })
	var out []domain.Alert
	for _, a := range found[:min(p.Limit, len(found))] {
		out = append(out, *a)
	}
	return out, s.fault
}

// fakeShards is a shard whose watermark is at zero; the API only reads it.
type fakeShards struct{ store.Shards }

func (fakeShards) Peek(context.Context) ([]store.Shard, error) { return make([]store.Shard, 1), nil }

// fakeLedger has no open runs; the API writes no facts.
type fakeLedger struct{ store.Ledger }

func (fakeLedger) Asides(context.Context) ([]store.Aside, error)                          { return nil, nil }
func (fakeLedger) OpenRuns(context.Context, func(domain.OpenRun) error) error             { return nil }
func (fakeLedger) Facts(context.Context, int64, int64, func(store.FactRange) error) error { return nil }
func (fakeLedger) Ranges(context.Context, int64, func(store.FactRange) error) error       { return nil }

// ring returns the keys of a fake, and those that are given beside them.
func ring(t testing.TB, f *fake, fixed ...string) *access.Keyring {
	t.Helper()
	k, err := access.Open(t.Context(), access.Config{
		Store: f.access.Keys(), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Fixed: fixed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// viewOf returns a view of a store, and of what has not ended.
func viewOf(t testing.TB, s store.Store, live view.Live, checks ...func() domain.Check) *view.View {
	t.Helper()
	v, err := view.New(view.Config{Store: s, Live: live, Checks: checks})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// newestFirst is the order of lists of executions.
func newestFirst(a, b domain.FireKey) int {
	return cmp.Or(cmp.Compare(b.ScheduledAt, a.ScheduledAt), slices.Compare(b.JobID[:], a.JobID[:]),
		cmp.Compare(b.Nonce, a.Nonce))
}

// newAPI returns the API over a fake.
func newAPI(t testing.TB, f *fake, change ...func(*Config)) http.Handler {
	t.Helper()
	c := Config{
		Editor: f, Store: fakeStore{f}, Clock: clock.System{}, Metrics: telemetry.NewMetrics(),
		Keys: ring(t, f), Open: true, Log: slog.New(slog.DiscardHandler), Version: "1.2.3",
		StartedAt:          time.Now().Add(-90 * time.Second),
		ClientCertificates: []string{"acme", "bank"},
	}
	for _, fn := range change {
		fn(&c)
	}
	if c.View == nil {
		c.View = viewOf(t, c.Store, f)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
