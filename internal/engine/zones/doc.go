// Package zones keeps by which rules of time zones fires were computed.
//
// The rules come with the program or from the system, and change with its releases.
// A fire that was due before a change must be named by the old rules: the recovery
// and the audit compute it again. So the store keeps the rules of each zone that a
// job has, with the instant from which on they hold. See ADR 19.
//
// # What it guarantees
//
//   - Rules are stored before anything is fired by them.
//   - A node of a cluster fires by the rules on record alone, or not at all: [Unlike].
//   - Where a start finds other rules than those that are stored, the calendar has the
//     old ones up to that start and the new ones afterwards, and the jobs whose fires
//     move are logged: TestZoneRulesChange of the binary.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	rules.go change.go unlike.go
package zones
