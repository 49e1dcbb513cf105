// Package peerview asks the other nodes of a cluster for what only they know: executions that
// have not ended, the hosts that they call, and how much they do.
//
//	view ──► Asker: one question to each node that fires jobs, all at once
//	            │ peer.Link, within a second
//	            ▼
//	         Answerer of each node: its engine's live executions
//
// # What it guarantees
//
//   - A question takes no longer than the link waits for an answer, a second, however many
//     nodes there are.
//   - A node that does not answer is counted: whoever asks can say that something may be missing.
//   - A page of a node is bounded as the query says.
//
// # How this is shown
//
// The tests ask nodes in one process, of which one is silent and one answers nonsense.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	answerer.go asker.go
package peerview
