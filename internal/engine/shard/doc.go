// Package shard holds what there is one of for each shard: whether this node owns
// it, how far its fires may be sent, and how far they are on record.
//
// A database has a fixed number of shards, SQLite one, and a job belongs to one of
// them. A [Set] is all of them as one node has them, the [State] of each in an array
// that the hot path reads by the job's shard. There is one timetable, one dispatcher,
// one recorder and one beat for all shards of a node.
//
//	Foreign ── Claim ──► Claimed ── Activate ──► Active ── Leave, Lose ──► Leaving ── Left ──► Foreign
//	nothing is sent      a recovery reads        beats move                its jobs are
//	                     its record              H and W                   dropped
//
// # What it guarantees
//
//   - Nothing of a shard is sent later than its [State.SendUntil], which a beat moves:
//     at most the horizon of the store, and the time of a beat that the store took and
//     a grace. The same time is counted from the start of the beat, too, by clocks that nobody can
//     set and that go on while the machine is suspended ([State.Lapsed]): neither a step of the wall
//     clock nor a freeze reopens it. Of a shard that is not active nothing is sent.
//   - The watermark is moved by a beat alone, to what [Set.Propose] returned. An
//     edit begins after that, so no watermark passes it.
//   - Every active shard is in every beat. One that is missing from the store's answer
//     was lost: nothing of it is sent from then on.
//   - An H whose revision has edits that this node does not know is not used before they
//     are loaded. A shard of which they cannot be read is left before its H ends ([Stuck]): the
//     timetable stops at the least H.
//   - The hot path reads two atomics of the job's shard, and one clock: 0.1 to 0.3 us.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	state.go set.go
package shard
