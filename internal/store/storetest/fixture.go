package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

type testCase struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// fixture is a store under test.
type fixture struct {
	store.Store
	open func() store.Store
}

// reopen closes the store and opens its data again.
func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	f.Store = f.open()
}

const (
	second = int64(1_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// noon is 2026-03-10T12:00:00Z, where the tests begin.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC).UnixMilli()

// midnight is the end of the day that noon is in.
var midnight = noon + 12*hour

// jobID returns a fixed id; they sort by n.
func jobID(n int) domain.JobID {
	id := domain.JobID{0: 0x01, 6: 0x70, 8: 0x80}
	id[4], id[5] = byte(n>>8), byte(n) // a millisecond each: a store may index them by that
	id[14], id[15] = byte(n>>8), byte(n)
	return id
}

// version returns version 1 of job n: every minute from noon on.
func version(n int) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	return domain.Version{
		JobID: jobID(n), Number: 1, EffectiveFrom: noon, EffectiveTo: domain.Forever,
		CreatedAt: noon - 5, Active: true, Spec: spec,
	}
}

// everyField returns a version that sets every field of a spec.
func everyField(n int) domain.Version {
	v := version(n)
	v.Spec = domain.Spec{
		Schedule: "*/5 9-17 * * MON-FRI", API: "https://example.com/hook?x=1", Type: domain.AtMostOnce,
		Name: `Größe "1"; DROP TABLE job`, Tags: []string{"billing", "nightly"}, Namespace: "team-7",
		Key:      fmt.Sprintf("gr:%d.a_b-c", n),
		Timezone: "Europe/Berlin",
		Method:   "PUT", Headers: map[string]string{"X-B": "2", "X-C": "3", "Authorization": "Bearer 1"},
		SecretNames: []string{"x-c"},
		Body:        json.RawMessage(`{"a": [1, 2.50, "ü"]}`), TimeoutMs: 1_234,
		Retry:   domain.Retry{MaxRetries: 0, DelayMs: 5, Backoff: domain.BackoffExponential, MaxDelayMs: 7},
		Overlap: domain.OverlapQueue,
		Misfire: domain.Misfire{Policy: domain.MisfireRunLatest, MaxAgeMs: 60_000, MaxRuns: 3},
		StartAt: noon + hour, EndAt: noon + 90*day, JitterMs: 250,
		DST: domain.DST{Gap: "SKIP", Fold: "BOTH"}, TLSSkipVerify: true, ClientCertificate: "bank",
		Signing: domain.Signing{Secrets: []webhook.Secret{
			"whsec_" + webhook.Secret(strings.Repeat("AbC+", 8)), "whsec_" + webhook.Secret(strings.Repeat("dE/9", 16)),
		}},
	}
	return v
}

// edit returns the next version of v, in effect at the instant.
func edit(v domain.Version, at int64, change func(*domain.Version)) domain.Version {
	v.Number++
	v.EffectiveFrom = at
	if change != nil {
		change(&v)
	}
	return v
}

// closed returns v as the store keeps it once it has ended.
func closed(v domain.Version, at int64) domain.Version {
	v.EffectiveTo = at
	return v
}

// success returns a fact of job n: sent 3 ms late, answered 200 after 20 ms.
func success(n int, at int64) domain.Execution {
	return domain.Execution{
		FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
		StartedAt: at + 3, CompletedAt: at + 23, HTTPStatus: 200,
	}
}

// failure returns a fact of job n that failed after two retries.
func failure(n int, at int64) domain.Execution {
	e := success(n, at)
	e.Status, e.HTTPStatus, e.Error, e.RetryCount = domain.StatusFailed, 500, "500: broken", 2
	e.CompletedAt = at + 43
	e.Attempts = []domain.Attempt{
		{Number: 1, StartedAt: at + 3, CompletedAt: at + 13, Error: "connection refused"},
		{Number: 2, StartedAt: at + 20, CompletedAt: at + 23, HTTPStatus: 503, Error: "busy"},
		{Number: 3, StartedAt: at + 40, CompletedAt: at + 43, HTTPStatus: 500, Error: "500: broken"},
	}
	return e
}

// trigger returns a fact of a manual execution.
func trigger(n int, at, nonce int64) domain.Execution {
	e := success(n, at)
	e.Nonce = nonce
	return e
}

// missed returns a summary of count fires of job n, the last at the instant.
func missed(n int, from, at, count int64) domain.Execution {
	return domain.Execution{
		FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 1, Status: domain.StatusMissed,
		CompletedAt: at + hour, Error: "older than maxAgeMs", Missed: &domain.MissedRange{From: from, Count: count},
	}
}

// openRun returns the open run of a fire that waits for its second attempt.
func openRun(n int, at int64) domain.OpenRun {
	return domain.OpenRun{
		FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: at}, Version: 2,
		Attempts: []domain.Attempt{{Number: 1, StartedAt: at + 1, CompletedAt: at + 9, HTTPStatus: 503, Error: "busy"}},
		NextAt:   at + second, Crashes: 1, InFlight: true, CreatedAt: at + 10,
	}
}

func (f *fixture) create(t *testing.T, versions ...domain.Version) {
	t.Helper()
	ok(t, f.Jobs().Create(t.Context(), versions))
}

func (f *fixture) update(t *testing.T, v domain.Version) {
	t.Helper()
	ok(t, f.Jobs().Update(t.Context(), v))
}

func (f *fixture) record(t *testing.T, facts ...domain.Execution) {
	t.Helper()
	ok(t, f.Ledger().Record(t.Context(), store.Batch{Facts: facts}))
}

func (f *fixture) begin(t *testing.T, runs ...domain.OpenRun) {
	t.Helper()
	ok(t, f.Ledger().Record(t.Context(), store.Batch{Open: runs}))
}

func (f *fixture) runs(t *testing.T) (found []domain.OpenRun) {
	t.Helper()
	ok(t, f.Ledger().OpenRuns(t.Context(), store.ShardSet{}, func(r domain.OpenRun) error {
		found = append(found, r)
		return nil
	}))
	return found
}

func (f *fixture) totals(t *testing.T, since int64) store.Totals {
	t.Helper()
	return must(f.History().Totals(t.Context(), since))(t)
}

func (f *fixture) alerts(t *testing.T) []domain.Alert {
	t.Helper()
	return must(f.Store.Alerts().List(t.Context(), store.AlertPage{Limit: 1_000}))(t)
}

// wantedShards is a set of shards, with the jobs that it has.
type wantedShards struct {
	set  store.ShardSet
	jobs map[domain.JobID]bool
}

// setsOfShards returns sets of shards, by name, each with those of so many jobs that it has.
func setsOfShards(f *fixture, jobs int) map[string]wantedShards {
	shards := f.Shards().Count()
	sets := map[string]wantedShards{"every": {set: store.ShardSet{}}, "none": {set: store.OnlyShards()}}
	var evens []int
	for n := range shards {
		sets[fmt.Sprint(n)] = wantedShards{set: store.OnlyShards(n)}
		if n%2 == 0 {
			evens = append(evens, n)
		}
	}
	sets["even"] = wantedShards{set: store.OnlyShards(evens...)}
	for name, w := range sets {
		w.jobs = make(map[domain.JobID]bool)
		for n := range jobs {
			if w.set.Has(jobID(n).Shard(shards)) {
				w.jobs[jobID(n)] = true
			}
		}
		sets[name] = w
	}
	return sets
}

// must returns the value of a call that has to succeed.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code domain.Code) {
	t.Helper()
	if err == nil || domain.ErrorCode(err) != code {
		t.Fatalf("error %v, want one with code %s", err, code)
	}
}

// equal compares what a store gave with what it should have given. An empty
// slice equals a nil one.
func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if reflect.DeepEqual(want, got) { // finding that out takes cmp ten times as long
		return
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("wrong answer (-want +got):\n%s", diff)
	}
}

// newestFirst sorts facts as the history lists them.
func newestFirst(facts []domain.Execution) []domain.Execution {
	facts = slices.Clone(facts)
	slices.SortFunc(facts, func(a, b domain.Execution) int { return compareKeys(b.FireKey, a.FireKey) })
	return facts
}

func compareKeys(a, b domain.FireKey) int {
	if a.ScheduledAt != b.ScheduledAt {
		return int(max(-1, min(1, a.ScheduledAt-b.ScheduledAt)))
	}
	if c := slices.Compare(a.JobID[:], b.JobID[:]); c != 0 {
		return c
	}
	return int(max(-1, min(1, a.Nonce-b.Nonce)))
}

func (f *fixture) expire(t *testing.T, before int64, want int) {
	t.Helper()
	if gone := must(f.History().Expire(t.Context(), before))(t); gone != want {
		t.Fatalf("%d days expired, want %d", gone, want)
	}
}

// parallel runs fn n times at once and returns the errors.
func parallel(n int, fn func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = fn(i) })
	}
	group.Wait()
	return errors.Join(errs...)
}
