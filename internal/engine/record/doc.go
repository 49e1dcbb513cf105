// Package record puts results and open runs on record in groups.
//
// # What it guarantees
//
// What was given to a [Recorder] is committed in the order in which it came, or kept
// in memory and tried again, the same batch, until the store takes it: the store
// promises that a repeat changes nothing. A batch is followed up (OnCommit, Done)
// only after its commit. The number of results in memory is bounded: beyond it
// workers wait, which is the back-pressure of a store that does not commit.
//
// [Recorder.Stalled] says for how long nothing was recorded although something waits,
// whatever the reason; the beat stops the sending by it.
package record
