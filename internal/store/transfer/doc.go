// Package transfer copies everything that one database holds into another one, of the same kind or not:
// `belfry copy`.
//
//	source ── Tables.Read ─► pieces ── Tables.Write ─► target
//	       └─ shards: W, H, clean ── Spread ─► Finish ┘
//
// # What it must guarantee
//
// After a copy no fire is lost and none is sent twice beyond what a restart after kill -9 would:
// the target's W and H are those of the source, uncertain windows stay uncertain, and open runs
// are as they were. This rests on the order, since the process may be killed at any point:
//
//	1  the target, which is empty, is marked FILLING     no server starts on it
//	2  rows, then the shards
//	3  both databases are compared, row by row           a difference ends the copy here
//	4  the source is marked MOVED, if its shards are
//	   still as they were at 1                           no server starts on it any more
//	5  the target is freed                               a server may start on it
//
// In the other order, 5 before 4, two servers could fire the same jobs.
//
// Killed before 4, the source is as it was. Run again, the copy goes on where it was: the last
// row of a long table says how far it has come, and rows of the others that are there are not
// written again. If a server has run on the source meanwhile, its stamp ([StampOf]) is another
// one and the copy is refused.
//
// Secrets are sealed anew with the key of the target. Memory is bounded by a few pieces of each table.
//
// # How this is shown
//
// Tests fill databases with random content, copy them there and back, and compare what the
// stores answer. They end copies at each step and go on, and plant differences that the
// audit has to find.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	move.go shards.go tables.go pieces.go digest.go audit.go copy.go
package transfer
