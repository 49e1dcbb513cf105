// Package check judges a run of Belfry from outside. It compares what a target
// received and what the database says with what the client asked for, by an
// independent calendar (package crontest), and puts every fire into a class:
//
//	the client's edits ──► calendar ──► the fires that must be
//	                                         │
//	receiver log ────────────────────────────┼──► ok · late · early · lost · wrong-version
//	                                         │    phantom · dup-explained · dup-unexplained
//	records in the database ─────────────────┘    fabricated · stuck · after-stop
//
// # What it must guarantee
//
// It reports every broken guarantee, and nothing else. A duplicate is excused only
// by an outage between its two requests or by an attempt that timed out; in a cluster
// by a takeover of its own shard between them, if the first may not have been on record
// or the second left a process that had stood still. Nothing excuses a duplicate of an
// ATMOST_ONCE job. A fire that was not sent is excused only by a record that gives the
// reason, and nothing that a request after an answered pause or deletion. The package
// shares no code with the engine or the store. Of package cron it uses the zones and
// the seed of a job, of package domain the types and the derivation of ids and
// jitter, which are part of the protocol.
//
// # How this is shown
//
// The tests start from a run without faults, add one fault at a time, and expect
// exactly its class.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	run.go doubles.go check.go
package check
