// Package check judges a run of Belfry from outside. It compares what a target
// received and what the database says with what the client asked for, by an
// independent calendar (package crontest), and puts every fire into a class:
//
//	the client's edits ──► calendar ──► the fires that must be
//	                                         │
//	receiver log ────────────────────────────┼──► ok · late · early · lost · wrong-version
//	                                         │    phantom · dup-explained · dup-unexplained
//	records in the database ─────────────────┘    fabricated · stuck
//
// # What it must guarantee
//
// It finds every fault of the promises, and nothing else: a duplicate is
// excused only by an outage between its two requests or by an attempt that had
// timed out, and a fire that was not sent only by a record that says why. It
// shares no code with the engine, the store or package cron; of package domain
// it uses the types and the derivation of ids, which is part of the protocol.
//
// # How this is shown
//
// The tests take a run without faults, plant each fault in it, and expect
// exactly that class.
package check
