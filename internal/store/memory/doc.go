// Package memory is a store in memory that fulfils the whole contract of package
// store. It is for tests and simulations that run days of virtual time, because
// nothing in it waits for a real disk.
//
// # What it must guarantee
//
// A caller can rely on what the contract says, and on nothing else. A [Disk] outlives
// the stores that are opened on it, one at a time, as a file outlives a process:
//
//	Disk ── Open ── calls ── Close ── Open ── the same answers
//	          └── Close in the middle of everything is a crash: each call was
//	              done as a whole or not at all, and none is done afterwards
//
// [Disk.Join] opens one more beside those that are open, as each process of a cluster opens
// its database.
//
// Nothing is shared with the caller: what goes in and what comes out are
// copies.
//
// # How this is shown
//
// It passes storetest.Exercise, as the real stores do; its own tests show the
// rest of the list above.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	owners.go disk.go trail.go
//	alerts.go notices.go alertsettings.go aside.go shards.go jobs.go pauses.go nodes.go zonerules.go
//	access.go idempotency.go operations.go series.go ledger.go edits.go history.go
package memory
