// Package bench measures Belfry from outside, so that anybody can repeat the
// figures that the documents quote.
//
//	bench ── starts ──► belfry receiver      a process of its own: its CPU time is not the server's
//	   │                    ▲ POST
//	   ├── starts ──► belfry serve           a process of its own, in a folder of its own
//	   ├── bare loop ───────┘                the client that does nothing but POST: the limit
//	   └── store/sqlite                      the history alone: in this process, without HTTP
//
// The history is the exception (ADR 15): a store with 100 million executions is
// made with the store's own Record, and asked directly.
//
// # What it must guarantee
//
//   - What counts is what the receiver saw: how many distinct executions, and
//     how long after their instant. The server is not asked how good it was.
//   - Only loopback is used, every process and folder is gone at the end, also
//     after an interruption, and each measurement has a bound in time.
//   - A throughput is held against the bare loop of the same run: a figure of
//     one machine says little, a ratio of one minute says something.
//   - A run in which a fire was missing, doubled or early is an error, never a
//     good figure; neither is a list that came back short or out of order.
//
// # How this is shown
//
// Tests run every measurement for a second or two at a small rate and hold the
// report against what must be true at any speed: so many executions, percentiles
// in order, no process left. The search for the throughput is tested by itself
// against machines whose limit is known.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	process.go receiverprocess.go bare.go world.go burst.go environment.go
//	recorded.go bench.go
//	throughput.go drift.go lone.go traffic.go create.go inflight.go recovery.go big.go
//	crowd.go historyfill.go historyquery.go historyexport.go historydrop.go history.go
//	table.go growth.go svg.go historytext.go tables.go report.go
package bench
