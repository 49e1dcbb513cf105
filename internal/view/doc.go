// Package view answers what becomes of jobs: what is stored, joined with what has not
// ended.
//
// The store has a fact for each execution that has ended. What is queued, in flight or
// waits for its retry is known to whoever fires the job: the [Live] source. Neither of
// them alone has the whole.
//
// # What it guarantees
//
//   - An execution that was there when a call began is in its answer, once. One that ends
//     meanwhile is shown as the fact.
//   - Lists are in the order of [store.Page], newest scheduled first, and a page begins
//     where the page before has ended.
//   - The history of a deleted job is answered for as long as it is kept; CodeNotFound
//     means that nothing is known of the id.
//   - What is known of hosts comes from the [Hosts] source of this process: none of it is stored.
//   - In a cluster the [Others] are asked for what has not ended with them, and for their hosts,
//     all at once. Where one does not answer, that is noted: see [WithPartial]. The next fire of
//     a job of another node is computed from its version.
//   - An error of the store has a code: [store.Coded].
//
// A page holds as many executions that have not ended as it has places; of one job at
// most 25,000 of them are looked at.
//
// # How this is shown
//
// The tests move executions from the live source to the store between the looks of a
// call, and walk lists page by page over both.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	view.go jobs.go executions.go series.go jobsorts.go failing.go health.go hosts.go cluster.go
package view
