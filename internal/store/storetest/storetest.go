// Package storetest is the contract of package store as tests.
//
// A store that passes [Exercise] can serve the engine; what is not tested here is not
// guaranteed. Each subtest is named after the sentence of the contract that it shows.
// The package depends on no particular store and uses the interface only:
//
//	Exercise ── for each sentence ── an empty database ── open ── calls ── close ── open ── same answers
//
// The history is also compared with a model: a plain slice of everything that
// was recorded, sorted, over random timelines (see model.go).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	fixture.go
//	alerts.go notices.go jobs.go jobkey.go lists.go listnames.go ledger.go model.go shards.go
//	access.go alertsettings.go idempotency.go operations.go history.go executions.go bytes.go durability.go
//	expire.go nodes.go owners.go
//	series.go
//	storetest.go together.go
package storetest

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// Database makes an empty database for a test and returns a function that
// opens it. A test calls it again after it has closed the store, to see what
// stayed. Every store is closed at the end of the test at the latest.
type Database func(t *testing.T) (open func() store.Store)

// Exercise runs the whole contract.
func Exercise(t *testing.T, db Database) {
	t.Helper()
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Jobs", jobCases},
		{"Keys of jobs", jobKeyCases},
		{"Lists", listCases},
		{"Lists by name", listNameCases},
		{"Ledger", ledgerCases},
		{"History", historyCases},
		{"Executions", executionCases},
		{"Series", seriesCases},
		{"Alerts", alertCases},
		{"Notices", noticeCases},
		{"Alert settings", settingCases},
		{"Shards", shardCases},
		{"Owners", ownerCases},
		{"Expire", expireCases},
		{"Keys", keyCases},
		{"Changes", changeCases},
		{"Bytes", byteCases},
		{"Idempotency", idempotencyCases},
		{"Operations", operationCases},
		{"Durability", durabilityCases},
		{"Model", modelCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					open := db(t)
					c.run(t, &fixture{open: open, Store: open()})
				})
			}
		})
	}
}
