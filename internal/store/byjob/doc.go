// Package byjob finds the executions of one job in a database that has no index by job.
//
// Writing such an index would cost more than the calls that it records. Instead, the job's timeline
// yields the instants of its scheduled fires, and each is looked up by the primary key. Manual
// triggers and MISSED summaries cannot be computed from the timeline; they have a small index. Both
// kinds come newest first, a day at a time, and are merged:
//
//	calendar    12:05   12:04   12:03   ....   11:00
//	irregular       ↑ 12:04:31 (manual)   ↑ 12:02, covers 11:01 to 12:02
//	result      12:05, 12:04:31, 12:04, 12:03, 12:02 (MISSED, 62 fires), 11:00
//
// # What it must guarantee
//
// A [Walk] finds what a sorted list of the job's executions would give, but for what the contract of
// store.History leaves out: a fact that no stored version yields, and one that comes after MaxMisses
// successive fires without a record. Its work is bounded. A version that cannot be read is searched
// row by row, within the same bounds.
//
// The contract's test compares every store that uses this package with a sorted list
// (storetest, "ByJob and Failed answer as a sorted slice does").
//
// # Order of the files
//
// Each file uses only those before it:
//
//	fires.go walk.go
package byjob
