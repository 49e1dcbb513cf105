package transfer_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// answers is what a store says of everything that it keeps, by its own methods alone.
type answers struct {
	Versions   []domain.Version
	Jobs       []domain.Job
	Facts      []domain.Execution
	Runs       []domain.OpenRun
	Asides     []store.Aside
	Rules      []store.ZoneRules
	Keys       []domain.APIKey
	Sessions   []domain.EndedSession
	Changes    []domain.Change
	OfJob      [][]domain.Change
	ByJob      [][]domain.Execution
	Alerts     []domain.Alert
	Open       []domain.Alert
	Operations []domain.Operation
	Pending    [][]domain.JobID
	Settings   []domain.AlertSetting
	Totals     []store.Totals // since the begin of a day
	Minutes    []store.Totals // since a minute
	Uses       domain.IdempotencyUse
	Kept       int64
	Count      [2]int64
}

func ask(t *testing.T, db store.Store) (a answers) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	ok(db.Jobs().Timeline(ctx, store.ShardSet{}, 0, store.WholeVersions, func(v domain.Version) error {
		a.Versions = append(a.Versions, v)
		return nil
	}))
	page, err := db.Jobs().List(ctx, store.JobQuery{Limit: 10_000})
	ok(err)
	a.Jobs = page.Jobs
	ok(db.History().Stream(ctx, 0, domain.Forever, func(piece []domain.Execution) error {
		a.Facts = append(a.Facts, slices.Clone(piece)...)
		return nil
	}))
	ok(db.Ledger().OpenRuns(ctx, store.ShardSet{}, func(r domain.OpenRun) error {
		a.Runs = append(a.Runs, r)
		return nil
	}))
	a.Asides, err = db.Ledger().Asides(ctx)
	ok(err)
	a.Rules, err = db.Shards().ZoneRules(ctx)
	ok(err)
	a.Keys, err = db.Keys().List(ctx)
	ok(err)
	a.Sessions, err = db.Keys().EndedSessions(ctx)
	ok(err)
	a.Changes, err = db.Changes().List(ctx, store.ChangeQuery{To: domain.Forever, Limit: 10_000})
	ok(err)
	for _, j := range page.Jobs {
		of, err := db.Changes().List(ctx, store.ChangeQuery{To: domain.Forever, Limit: 100, JobID: j.ID})
		ok(err)
		facts, err := db.History().ByJob(ctx, j.ID, store.Page{Limit: 100})
		ok(err)
		a.OfJob, a.ByJob = append(a.OfJob, of), append(a.ByJob, facts)
	}
	a.Alerts, err = db.Alerts().List(ctx, store.AlertPage{Limit: 10_000})
	ok(err)
	a.Open, err = db.Alerts().List(ctx, store.AlertPage{Limit: 10_000, OpenOnly: true})
	ok(err)
	a.Operations, err = db.Operations().List(ctx, store.OperationQuery{Limit: 100})
	ok(err)
	for _, o := range a.Operations {
		pending, err := db.Operations().Pending(ctx, o.ID, 10_000)
		ok(err)
		a.Pending = append(a.Pending, pending)
	}
	for _, kind := range domain.AlertSettingKinds {
		settings, err := db.AlertSettings().AlertSettings(ctx, kind)
		ok(err)
		a.Settings = append(a.Settings, settings...)
	}
	totals := func(instants ...int64) (sums []store.Totals) {
		for _, since := range instants {
			sum, err := db.History().Totals(ctx, since)
			ok(err)
			sums = append(sums, sum)
		}
		return sums
	}
	a.Totals = totals(0, noon-36*hour, noon-12*hour, noon+12*hour)
	a.Minutes = totals(noon, noon+30*60_000)
	_, a.Uses, err = db.Idempotency().Find(ctx, domain.IdempotencyKey{1}, "env", 0)
	ok(err)
	a.Kept, err = db.History().Kept(ctx)
	ok(err)
	a.Count[0], a.Count[1], err = db.Jobs().Count(ctx)
	ok(err)
	return a
}

// texts compares texts as they are in every database: see the sums of the audit.
var texts = cmp.Transformer("text", printable)

func sameAnswers(t *testing.T, got, want answers) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), texts); diff != "" {
		t.Errorf("the copy answers otherwise (-want +got):\n%s", diff[:min(len(diff), 6_000)])
	}
}
